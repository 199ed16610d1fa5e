"""How small snapshots become, and what it costs: zstd and gzip, with and without a dictionary trained on entities.

    .venv/bin/python bench/compression.py FOLDER... [--rounds 5] [--train-share 0.5] [--json]

FOLDER holds entities or revisions as JSON files; each is put into an envelope as the store writes it, then packed and
unpacked by every way, alone, as snapshots are. A dictionary is trained on one part of the files (chosen by the SHA-256
of their names), and everything is measured on the other part alone. Shown for each size of body: bytes before by
bytes after (over all bodies together), and µs of CPU to pack and to unpack one.
"""

import argparse
import gzip
import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import zstandard

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backends.snapshots.envelope import LEVEL, decode, encode  # noqa: E402 - the checkout first
from wikibase.ids import parse_entity_id  # noqa: E402
from wikibase.revision import Revision, State  # noqa: E402

DICTIONARY_BYTES = 112_640
SIZES = (("up to 4 KB", 0, 4096), ("4 to 64 KB", 4096, 65536), ("above 64 KB", 65536, 1 << 40))

Pack = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to pack and unpack a body."""

    name: str
    pack: Pack
    unpack: Pack


@dataclass(frozen=True, slots=True)
class Result:
    """What a way came to on bodies of a size."""

    way: str
    size: str
    bodies: int
    ratio: float
    pack_us: float
    unpack_us: float


def envelopes(folders: Sequence[str]) -> dict[str, bytes]:
    """Every entity below the folders as the plain bytes of its envelope, by the name of its file."""
    found: dict[str, bytes] = {}
    for path in sorted(path for folder in folders for path in Path(folder).rglob("*.json")):
        plain = orjson.loads(path.read_bytes())
        entities = plain.get("entities", {"": plain}).values() if isinstance(plain, dict) else ()
        for entity in entities:
            entity_id = parse_entity_id(str(entity.get("id") or entity.get("entity") or ""))
            if entity_id is None:
                continue
            revision = Revision(
                entity_id=entity_id,
                rev_id=len(found) + 1,
                parent_id=len(found),
                position=len(found),
                timestamp="2026-11-22T15:24:12Z",
                state=State.VISIBLE,
                content=entity,
                page_id=len(found) + 7,
                user="Alice",
                comment="/* wbsetlabel-set:1|en */",
            )
            packed = encode(revision)
            assert decode(packed.body, packed.key).content == revision.content
            found[path.name] = zstandard.ZstdDecompressor().decompress(packed.body)
    return found


def zstd_way(name: str, level: int, dictionary: zstandard.ZstdCompressionDict | None = None) -> Way:
    packer = zstandard.ZstdCompressor(level=level, dict_data=dictionary, write_checksum=True, write_content_size=True)
    unpacker = zstandard.ZstdDecompressor(dict_data=dictionary)
    return Way(name, packer.compress, unpacker.decompress)


def gzip_way(level: int) -> Way:
    return Way(f"gzip {level}", lambda body: gzip.compress(body, level), gzip.decompress)


def ways(train: Sequence[bytes]) -> list[Way]:
    """All of them; the dictionary ones only where there is enough to learn from."""
    dictionary = zstandard.train_dictionary(DICTIONARY_BYTES, list(train))
    return [
        *(zstd_way(f"zstd {level}", level) for level in (3, LEVEL, 12, 19)),
        *(gzip_way(level) for level in (6, 9)),
        *(zstd_way(f"zstd {level}, dictionary", level, dictionary) for level in (3, LEVEL)),
    ]


def is_trained_on(name: str, share: float) -> bool:
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) < share * 2**32


def cpu_us(work: Pack, bodies: Sequence[bytes], rounds: int) -> float:
    began = time.process_time()
    for _ in range(rounds):
        for body in bodies:
            work(body)
    return (time.process_time() - began) / rounds / len(bodies) * 1e6


def measured(bodies: dict[str, bytes], share: float, rounds: int) -> list[Result]:
    train = [body for name, body in bodies.items() if is_trained_on(name, share)]
    tested = [body for name, body in bodies.items() if not is_trained_on(name, share)]
    found = []
    for way in ways(train):
        for size, least, most in SIZES:
            some = [body for body in tested if least < len(body) <= most]
            if not some:
                continue
            packed = [way.pack(body) for body in some]
            assert [way.unpack(body) for body in packed] == some
            ratio = sum(map(len, some)) / sum(map(len, packed))
            pack_us, unpack_us = cpu_us(way.pack, some, rounds), cpu_us(way.unpack, packed, rounds)
            found.append(Result(way.name, size, len(some), round(ratio, 2), round(pack_us, 1), round(unpack_us, 1)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="How small snapshots become.")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--train-share", type=float, default=0.5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measured(envelopes(options.folders), options.train_share, options.rounds)
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
        return 0
    print(f"{'way':24}{'size':14}{'bodies':>8}{'ratio':>8}{'pack us':>10}{'unpack us':>11}")
    for one in found:
        print(f"{one.way:24}{one.size:14}{one.bodies:8}{one.ratio:8.2f}{one.pack_us:10.1f}{one.unpack_us:11.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
