"""Damage to the store behind everybody's back, for the demonstration, which the verifier must name.

Three kinds: bytes of a snapshot that no longer are what its name promises; a head that points back to an older
revision; and a forgery, content changed together with its digest, name and index row, which only a comparison finds.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import orjson
import zstandard

from backends.snapshots.envelope import SnapshotKey
from cutover.demo.back_door import BackDoor
from wikibase.canonical import canonical_bytes, canonical_entity
from wikibase.ids import EntityId


@dataclass(frozen=True, slots=True)
class Damage:
    """One damaged thing. `named_by`: the finding's kind, or "mismatch" for a verdict."""

    what: str
    entity_id: str
    revision: int
    named_by: str


async def damage_content(door: BackDoor, entity_id: str) -> Damage:
    """Change the text inside the head's snapshot file, leaving its name as it is."""
    rev_id, path, plain = await _head_snapshot(door, entity_id)
    changed = plain.replace(b'"value":"', b'"value":"~', 1)
    assert changed != plain
    _overwrite(path, changed)
    return Damage("the content of a snapshot was changed on disk", entity_id, rev_id, "snapshot_corrupt")


async def damage_head(door: BackDoor, entity_id: str) -> Damage:
    """Set a head back to the revision before."""
    rows = await door.run(
        "SELECT rev_id, position, made_at FROM revisions WHERE entity_id = ? ORDER BY position DESC LIMIT 2", entity_id
    )
    await door.run(
        "UPDATE heads SET rev_id = ?, position = ?, made_at = ?, generation = generation + 1 WHERE entity_id = ?",
        *rows[1],
        entity_id,
    )
    return Damage(f"the head was set back to revision {rows[1][0]}", entity_id, rows[0][0], "head_behind")


async def forge_content(door: BackDoor, entity_id: str) -> Damage:
    """Replace the head's snapshot by one whose content differs and whose digest, name and index row agree with it."""
    rev_id, path, plain = await _head_snapshot(door, entity_id)
    envelope = orjson.loads(plain)
    terms = envelope["content"]["labels"]
    language = min(terms)
    terms[language]["value"] += " (forged)"
    content = canonical_bytes(canonical_entity(envelope["content"]))
    envelope["digest"] = hashlib.sha256(content).hexdigest()
    key = SnapshotKey(EntityId(entity_id), rev_id, envelope["digest"])
    _overwrite(path.with_name(str(key).rpartition("/")[2]), orjson.dumps(envelope, option=orjson.OPT_SORT_KEYS))
    await door.run("UPDATE revisions SET digest = ? WHERE entity_id = ? AND rev_id = ?", key.digest, entity_id, rev_id)
    return Damage(f"label {language} was forged, digest and index with it", entity_id, rev_id, "mismatch")


async def _head_snapshot(door: BackDoor, entity_id: str) -> tuple[int, Path, bytes]:
    ((rev_id, digest),) = await door.run(
        "SELECT h.rev_id, r.digest FROM heads h JOIN revisions r ON r.entity_id = h.entity_id"
        " AND r.rev_id = h.rev_id WHERE h.entity_id = ?",
        entity_id,
    )
    name = str(SnapshotKey(EntityId(entity_id), rev_id, digest)).rpartition("/")[2]
    (path,) = door.snapshots.rglob(name)
    return rev_id, path, zstandard.ZstdDecompressor().decompress(path.read_bytes(), max_output_size=1 << 28)


def _overwrite(path: Path, plain: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(zstandard.ZstdCompressor().compress(plain))
