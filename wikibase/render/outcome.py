"""What becomes of a read: an answer as bytes, or a decline, which sends the request on to the wiki."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from wikibase.ids import EntityId

Headers: TypeAlias = tuple[tuple[str, str], ...]


class Decline(StrEnum):
    """Why a read is not answered from the store. The words are metric labels: add, never rename."""

    SURFACE = "surface"  # prop=revisions and whatever else is not rendered
    METHOD = "method"
    FORMAT = "format"  # xml, php, none, the HTML formats; a formatversion that is none
    PARAMETER = "parameter"  # one that is not known here, or whose effect is the wiki's alone
    VALUE = "value"  # of a known parameter, with an effect that is not rendered
    UNCLEAN_TEXT = "unclean_text"  # text that MediaWiki normalises with a warning
    IDENTITY = "identity"  # depends on who asks: more values than anonymous ones may give, credentials
    LANGUAGE = "language"  # an error or warning in another language than English
    HEADER = "header"  # a request header whose effect is not rendered
    ENTITY_TYPE = "entity_type"  # lexemes, forms, senses, mediainfo
    FOREIGN_ID = "foreign_id"  # with the prefix of a repository
    NOT_IN_STORE = "not_in_store"  # nothing is known of the entity or revision
    UNREADABLE = "unreadable"  # the text is missing, hidden or broken
    REDIRECT_CHAIN = "redirect_chain"
    VALUE_UNDECODED = "value_undecoded"  # a data value with a sentence of error that is not known
    SCRIPT_CONVERSION = "script_conversion"  # a text that the wiki would convert, as zh-hk from zh-hans
    SITE_UNKNOWN = "site_unknown"  # the address of a site's pages is not known
    SITE_LINKS = "site_links"  # by title: there is no lookup, or only the site could tell
    TOO_LARGE = "too_large"  # beyond what the Action API puts into one answer
    REST_VERSION = "rest_version"
    ERROR = "error"  # an error whose wording is not certain


@dataclass(frozen=True, slots=True)
class Declined:
    """The wiki is to answer. `detail`: which parameter, header or value; never a value that may be personal."""

    reason: Decline
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer without framing: no Date, Content-Length, Connection, X-Request-Id. `body` is empty for HEAD.

    `revisions` are those that it was made of, redirects too; for the fence.
    """

    status: int
    headers: Headers
    body: bytes
    revisions: tuple[tuple[EntityId, int], ...] = ()


class DeclinedError(Exception):
    """Raised inside the rendering; `declined` is what the caller gets."""

    def __init__(self, reason: Decline, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.declined = Declined(reason, detail)
