"""Keys of writes: what makes repeating a write harmless (invariant 5).

A key is chosen by whoever asks for the write, and stands for one request. It is written in the transaction of the
write itself, so that the same key can be committed only once; asked again, it tells what came of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backends.errors import RefusedError
from backends.sql.base import Statements, Step, carry_out
from wikibase.ids import EntityId

KEEP_MS = 7 * 24 * 3600 * 1000
"""Milliseconds for which keys are kept at least; older ones of an entity go when it is written again."""

FORGET_EVERY = 16
"""One write in so many (by generation) looks for keys of its entity that are too old."""

_KEY = re.compile(r"[\x21-\x7e]{1,64}")
_REQUEST = re.compile(r"[0-9a-f]{64}")


class KeyReusedError(RefusedError):
    """The key belongs to another write already."""


@dataclass(frozen=True, slots=True)
class WriteKey:
    """`key`: 1 to 64 printable ASCII characters. `request`: SHA-256, in hex, of what was asked for."""

    key: str
    request: str

    def __post_init__(self) -> None:
        """Raise ValueError for what is no key."""
        if not _KEY.fullmatch(self.key) or not _REQUEST.fullmatch(self.request):
            raise ValueError(f"a write key has 1 to 64 printable characters and a SHA-256: {self!r}"[:300])

    def same(self, request: str, where: str) -> None:
        """Raise KeyReusedError when the key was given to another request."""
        if request != self.request:
            raise KeyReusedError(f"{where}: the key {self.key!r} was given to another write")


@dataclass(frozen=True, slots=True)
class FirstResult:
    """What came of the write that carried the key first."""

    generation: int
    rev_id: int


async def first_result(statements: Statements, entity_id: EntityId, key: WriteKey) -> FirstResult | None:
    """Return what came of a key on an entity, None when it was never committed. Raises KeyReusedError."""
    rows = await statements.rows("write_key", entity_id=entity_id, write_key=key.key)
    if not rows:
        return None
    key.same(rows[0]["request"], entity_id)
    return FirstResult(int(rows[0]["generation"]), int(rows[0]["rev_id"]))


def memory(entity_id: EntityId, key: WriteKey, result: FirstResult, now_ms: int) -> Sequence[Step]:
    """Return the steps that write a key with its result, in the transaction of the write itself."""
    own = {"entity_id": entity_id, "write_key": key.key, "request": key.request, "made_at_ms": now_ms}
    insert = Step("write_key_insert", {**own, "generation": result.generation, "rev_id": result.rev_id})
    if result.generation % FORGET_EVERY:
        return [insert]
    return [Step("write_keys_forget", {"entity_id": entity_id, "before_ms": now_ms - KEEP_MS}), insert]


async def remember(inside: Statements, entity_id: EntityId, key: WriteKey, result: FirstResult, now_ms: int) -> None:
    """Write a key with its result, inside the transaction of the write. Raises ConflictError: it is there already."""
    await carry_out(inside, memory(entity_id, key, result, now_ms))
