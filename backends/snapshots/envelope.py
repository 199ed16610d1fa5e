"""The envelope of a snapshot: one revision as bytes that describe themselves, and the key they lie under.

Pure. The bytes are canonical JSON, zstd-compressed with the frame's own checksum. The key holds entity, zero-padded
revision and digest, so that the index can be rebuilt from the keys and bodies alone. The digest is the SHA-256 of
the canonical content; a revision whose content is not to be had (hidden, missing) has the content `null` and the
digest of those four bytes. What decodes here has been checked: a frame, a key or a digest that does not fit is
CorruptError.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import zstandard

from backends.errors import CorruptError
from wikibase.canonical import FORM, canonical_bytes, digest
from wikibase.ids import EntityId, parse_entity_id
from wikibase.revision import Revision, State

SCHEMA = 1
"""The version of the envelope's own shape."""

LEVEL = 6
"""zstd's level: beyond it entities hardly shrink, while the time doubles."""

PLAIN_MAX_BYTES = 256 * 1024 * 1024
"""No envelope unpacks to more than this: a frame that promises more is refused before memory is asked for."""

NO_CONTENT_DIGEST = digest(canonical_bytes(None))
"""The digest of revisions whose content is not to be had."""

_KEY = re.compile(r"(?P<entity>[A-Z]\d+)/(?P<revision>\d{16})-(?P<digest>[0-9a-f]{64})\.zst")
_FIELDS = tuple(field.name for field in dataclasses.fields(Revision) if field.name != "content")


@dataclass(frozen=True, slots=True)
class SnapshotKey:
    """What a key says."""

    entity_id: EntityId
    rev_id: int
    digest: str

    def __str__(self) -> str:
        return f"{self.entity_id}/{self.rev_id:016}-{self.digest}.zst"


@dataclass(frozen=True, slots=True)
class Packed:
    """An encoded revision: key and body for the snapshots, digest for the index."""

    key: str
    body: bytes
    digest: str


def parse_key(key: str) -> SnapshotKey | None:
    """Return what a key says, or None when it is no snapshot's key."""
    found = _KEY.fullmatch(key)
    entity_id = parse_entity_id(found["entity"]) if found else None
    return SnapshotKey(entity_id, int(found["revision"]), found["digest"]) if found and entity_id else None


def content_digest(content: Mapping[str, Any] | None) -> str:
    """Return the digest of canonical content, or of `null`."""
    return NO_CONTENT_DIGEST if content is None else digest(canonical_bytes(content))


def metadata(revision: Revision) -> dict[str, Any]:
    """Return everything of a revision but its content, as plain JSON values."""
    plain = {name: getattr(revision, name) for name in _FIELDS}
    return plain | {"state": str(revision.state), "tags": list(revision.tags), "hidden": sorted(revision.hidden)}


def with_metadata(content: Mapping[str, Any] | None, plain: Mapping[str, Any]) -> Revision:
    """Return the revision of plain metadata and content. Raises ValueError, KeyError, TypeError for what is none."""
    values = {name: plain[name] for name in _FIELDS if name in plain}
    return Revision(
        **{
            **values,
            "entity_id": EntityId(values["entity_id"]),
            "state": State(values["state"]),
            "tags": tuple(values.get("tags", ())),
            "hidden": frozenset(values.get("hidden", ())),
            "content": content,
        }
    )


def encode(revision: Revision) -> Packed:
    """Return key and bytes of a revision. Equal revisions give equal bytes.

    Raises ValueError when the entity has no page of its own (forms, senses) or the id is out of range.
    """
    content = canonical_bytes(revision.content)
    content_sha256 = digest(content)
    key = str(SnapshotKey(revision.entity_id, revision.rev_id, content_sha256))
    if parse_key(key) is None:
        raise ValueError(f"a snapshot cannot be named {key!r}: entity {revision.entity_id!r}, {revision.rev_id}")
    plain = canonical_bytes(
        {
            "schema": SCHEMA,
            "form": FORM,
            "digest": content_sha256,
            "revision": metadata(revision),
            "content": orjson.Fragment(content),
        }
    )
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=True)
    return Packed(key, compressor.compress(plain), content_sha256)


def decode(body: bytes, key: str) -> Revision:
    """Return the revision that the bytes under a key hold, its digest verified.

    Raises CorruptError, which names entity, revision, and both digests where they differ.
    """
    named = parse_key(key)
    if named is None:
        raise CorruptError(f"{key!r} is not the key of a snapshot")
    where = f"snapshot of {named.entity_id} revision {named.rev_id}"
    envelope = _unpack(body, where)
    content = envelope.get("content")
    found = content_digest(content)
    if not found == named.digest == envelope.get("digest"):
        raise CorruptError(
            f"{where}: the content has the digest {found}, the key says {named.digest},"
            f" the envelope says {envelope.get('digest')}"
        )
    try:
        revision = with_metadata(content, envelope["revision"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptError(f"{where}: the envelope is incomplete: {error!r}") from error
    if (revision.entity_id, revision.rev_id) != (named.entity_id, named.rev_id):
        raise CorruptError(f"{where}: the envelope is of {revision.entity_id} revision {revision.rev_id}")
    return revision


def _unpack(body: bytes, where: str) -> dict[str, Any]:
    try:
        size = zstandard.frame_content_size(body)
        if not 0 <= size <= PLAIN_MAX_BYTES:
            raise CorruptError(f"{where}: the frame promises {size} bytes")
        envelope = orjson.loads(zstandard.ZstdDecompressor().decompress(body, max_output_size=PLAIN_MAX_BYTES))
    except (zstandard.ZstdError, orjson.JSONDecodeError) as error:
        raise CorruptError(f"{where}: {error}") from error
    if not isinstance(envelope, dict) or envelope.get("schema") != SCHEMA:
        raise CorruptError(f"{where}: not an envelope of schema {SCHEMA}")
    return envelope
