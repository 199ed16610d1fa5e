"""The spool: samples on their way from proxies to the verifier, in files that one writes and the other deletes.

A segment is one zstd frame of records, written beside its name and renamed, so that a reader never sees half of
one. Bounded in samples and bytes; what does not fit is refused, surface by surface so that the rare ones stay
(`rules.shedding`), and counted as shed. A segment goes when all its samples are done, so a verifier that dies judges
them again.
"""

import os
import struct
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson
import zstandard

from rules.sample import Sample, shed_key
from rules.shedding import has_room

_LENGTHS = struct.Struct("<II")
_SUFFIX = ".seg"
SEGMENT_BYTES_MAX = 1 << 30


FULL = "spool_full"


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a write: samples kept, those refused by `shed_key`, and whether a segment was written at all.

    With a segment, what was refused is told in it already.
    """

    kept: int
    refused: Mapping[str, int]
    told: bool


@dataclass(slots=True)
class _Held:
    """What samples of one surface take up."""

    samples: int = 0
    size_bytes: int = 0


@dataclass(slots=True)
class _Fill:
    """How full the spool is: by everybody, and by this worker's own segments, surface by surface."""

    samples: int
    size_bytes: int
    own: dict[str, _Held] = field(default_factory=dict)


class SpoolWriter:
    """One worker's end. Blocking: call it in a thread."""

    def __init__(self, path: Path, worker: str, *, bytes_max: int, samples_max: int) -> None:
        self._path = path
        self._worker = worker
        self._bytes_max = bytes_max
        self._samples_max = samples_max
        self._number = 0
        self._segments: dict[str, dict[str, _Held]] = {}  # own segments that are still there
        self._packing = 1.0  # bytes on disk for each byte of a sample, as the last segment was packed

    def write(self, samples: Sequence[Sample], shed: Mapping[str, int]) -> Written:
        """Write one segment with the samples that find room, and with what was shed. Raises OSError."""
        self._path.mkdir(parents=True, exist_ok=True)
        fill = self._fill()
        chosen = self._chosen(samples, fill)
        refused = Counter(shed_key(FULL, sample.surface) for sample in samples)
        refused.subtract(shed_key(FULL, sample.surface) for sample in chosen)
        refused = +refused
        if samples and not chosen:
            return Written(0, refused, told=False)
        raw = encode(chosen, Counter(shed) + refused)
        body = zstandard.ZstdCompressor(level=1).compress(raw)
        if fill.size_bytes + len(body) > self._bytes_max:
            return Written(0, Counter(shed_key(FULL, sample.surface) for sample in samples), told=False)
        self._packing = len(body) / len(raw)
        self._number += 1
        name = f"{time.time_ns():020d}-{self._worker}-{self._number:09d}-{len(chosen)}{_SUFFIX}"
        written = self._path / f"{name}.tmp"
        written.write_bytes(body)
        written.rename(self._path / name)
        self._segments[name] = _held(chosen, self._packing)
        return Written(len(chosen), refused, told=True)

    def _fill(self) -> _Fill:
        """Look how full the spool is; segments that are gone are forgotten."""
        size_bytes, samples, names = _waiting(self._path)
        self._segments = {name: held for name, held in self._segments.items() if name in names}
        fill = _Fill(samples, size_bytes)
        for held in self._segments.values():
            for surface, one in held.items():
                own = fill.own.setdefault(surface, _Held())
                own.samples += one.samples
                own.size_bytes += one.size_bytes
        return fill

    def _chosen(self, samples: Sequence[Sample], fill: _Fill) -> list[Sample]:
        """Return the samples that find room, in their order: each surface up to its share of what is free."""
        total_samples, total_bytes, chosen = fill.samples, fill.size_bytes, []
        for sample in samples:
            own = fill.own.setdefault(sample.surface, _Held())
            size = _packed_size(sample, self._packing)
            if not has_room(own.samples, total_samples, self._samples_max):
                continue
            if not has_room(own.size_bytes, total_bytes, self._bytes_max, size):
                continue
            own.samples += 1
            own.size_bytes += size
            total_samples += 1
            total_bytes += size
            chosen.append(sample)
        return chosen


class SpoolReader:
    """The verifier's end. Blocking: call it in a thread. One reader at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: dict[str, tuple[Path, set[str]]] = {}  # segment -> samples not done yet
        self._segment_of: dict[str, str] = {}
        self._left: list[Sample] = []
        self.shed: Counter[str] = Counter()  # read so far; the taker empties it
        self.unreadable = 0
        path.mkdir(parents=True, exist_ok=True)

    def take(self, limit: int) -> list[Sample]:
        """Return up to `limit` samples, the oldest first; none twice, unless the process ends before `done`."""
        while len(self._left) < limit:
            segment = next((one for one in _segments(self._path) if one.name not in self._open), None)
            if segment is None:
                break
            self._read(segment)
        taken, self._left = self._left[:limit], self._left[limit:]
        return taken

    def done(self, sample_ids: Sequence[str]) -> None:
        """Delete every segment whose samples are all done."""
        for sample_id in sample_ids:
            name = self._segment_of.pop(sample_id, "")
            if name not in self._open:
                continue
            path, left = self._open[name]
            left.discard(sample_id)
            if not left:
                path.unlink(missing_ok=True)
                del self._open[name]

    def waiting(self) -> int:
        """Return how many samples are in the spool, those taken but not done included."""
        return _waiting(self._path)[1]

    def _read(self, segment: Path) -> None:
        try:
            raw = zstandard.ZstdDecompressor().decompress(segment.read_bytes(), max_output_size=SEGMENT_BYTES_MAX)
            samples, shed = decode(raw)
        except (OSError, zstandard.ZstdError, ValueError, TypeError, KeyError, struct.error):
            # Torn by a power cut, or not ours: count it and let it go, samples are no record of anything.
            self.unreadable += 1
            self.shed["segment_unreadable"] += 1
            segment.unlink(missing_ok=True)
            return
        self.shed.update(shed)
        if not samples:
            segment.unlink(missing_ok=True)
            return
        self._open[segment.name] = (segment, {one.sample_id for one in samples})
        self._segment_of.update((one.sample_id, segment.name) for one in samples)
        self._left += samples


def encode(samples: Sequence[Sample], shed: Mapping[str, int]) -> bytes:
    """Return the bytes of a segment: a header, then for each sample its fields and its body."""
    header = orjson.dumps({"shed": dict(shed), "samples": len(samples)})
    parts = [_LENGTHS.pack(len(header), 0), header]
    for sample in samples:
        fields = asdict(sample)
        body = fields.pop("body")
        fields["form"] = None if sample.form is None else sample.form.decode("latin-1")
        text = orjson.dumps(fields)
        parts += [_LENGTHS.pack(len(text), len(body)), text, body]
    return b"".join(parts)


def decode(raw: bytes) -> tuple[list[Sample], dict[str, int]]:
    """Return (samples, shed counts) of a segment. Raises ValueError, TypeError, KeyError, struct.error."""
    size, _ = _LENGTHS.unpack_from(raw, 0)
    at = _LENGTHS.size + size
    shed = orjson.loads(raw[_LENGTHS.size : at])["shed"]
    samples = []
    while at < len(raw):
        text_size, body_size = _LENGTHS.unpack_from(raw, at)
        at += _LENGTHS.size
        fields = orjson.loads(raw[at : at + text_size])
        at += text_size
        body = raw[at : at + body_size]
        if len(body) != body_size:
            raise ValueError("the segment is cut short")
        at += body_size
        fields["form"] = None if fields["form"] is None else fields["form"].encode("latin-1")
        for name in ("request_headers", "response_headers"):
            fields[name] = tuple((key, value) for key, value in fields[name])
        samples.append(Sample(body=body, **fields))
    return samples, shed


def _segments(path: Path) -> list[Path]:
    return sorted(Path(entry.path) for entry in os.scandir(path) if entry.name.endswith(_SUFFIX))


def _held(samples: Sequence[Sample], packing: float) -> dict[str, _Held]:
    held: dict[str, _Held] = {}
    for sample in samples:
        own = held.setdefault(sample.surface, _Held())
        own.samples += 1
        own.size_bytes += _packed_size(sample, packing)
    return held


def _packed_size(sample: Sample, packing: float) -> int:
    """Return about how many bytes on disk a sample takes."""
    return int((len(sample.body) + len(sample.form or b"") + len(sample.target)) * packing) + 1


def _waiting(path: Path) -> tuple[int, int, frozenset[str]]:
    """Return the bytes, the samples and the names of all segments."""
    total_bytes, samples, names = 0, 0, set[str]()
    for entry in os.scandir(path):
        if entry.name.endswith(_SUFFIX):
            try:
                total_bytes += entry.stat().st_size
            except FileNotFoundError:  # the reader was done with it meanwhile
                continue
            samples += int(entry.name.removesuffix(_SUFFIX).rpartition("-")[2])
            names.add(entry.name)
    return total_bytes, samples, frozenset(names)
