"""Why a stored text cannot be had: a closed list of reasons, as a value and as an error.

A reason is a fact about what the wiki holds, and final: reading again gives the same. That a server is down or slow
is no reason, and never comes in this shape.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """What stands between an address and its text (wikibase.md 4.3). The words appear in reports."""

    NO_SLOT = "slotsmissing"  # the revision has no row in slots
    NO_CONTENT_ROW = "content-row-missing"  # slots names a content row that is not there
    BAD_ADDRESS = "bad-address"  # the address or the URL in an external row says nothing
    MARKED_BAD = "marked-bad"  # `bad:`, put there by an operator's script
    NO_TEXT_ROW = "text-row-missing"
    ERROR_FLAG = "error-flag"
    UNKNOWN_STORE = "unknown-store"  # an external store of another kind than DB://
    UNKNOWN_CLUSTER = "unknown-cluster"
    NO_BLOB = "blob-missing"  # no such row on the cluster
    NOT_DEFLATE = "not-deflate"
    NOT_PHP = "not-php-serialized"
    NOT_HISTORY_BLOB = "not-a-history-blob"
    NO_ITEM = "item-missing"  # the history blob is well, but does not hold this text
    BAD_DIFF = "bad-diff"
    STUB_OF_STUB = "stub-of-stub"
    TOO_LARGE = "too-large"  # more bytes than the reader was allowed to make of it


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A text that cannot be had. `detail`: which row, cluster, class or offset, short."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


class UnreadableTextError(ValueError):
    """Raised inside the decoders; `unreadable` is the value that the caller gets."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.unreadable = Unreadable(reason, detail[:_DETAIL_MAX])
        super().__init__(str(self.unreadable))


_DETAIL_MAX = 200
