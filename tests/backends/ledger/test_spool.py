"""The spool: what goes in comes out once, bounded, and survives a reader that dies."""

import os
import struct
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backends.ledger.spool import SpoolReader, SpoolWriter, Written, decode, encode
from rules.sample import Sample


def sample(number: int, body: bytes = b"{}", form: bytes | None = None, surface: str = "") -> Sample:
    return Sample(
        sample_id=f"s{number}",
        phase="shadow_reads",
        worker="w",
        started_at=1.0,
        duration_s=0.5,
        method="GET",
        target="/w/api.php?action=wbgetentities&ids=Q1",
        form=form,
        request_headers=(("accept", "*/*"),),
        status=200,
        response_headers=(("content-type", "application/json"),),
        body=body,
        surface=surface,
    )


def writer(path: Path, *, bytes_max: int = 1 << 20, samples_max: int = 100, name: str = "w1") -> SpoolWriter:
    return SpoolWriter(path, name, bytes_max=bytes_max, samples_max=samples_max)


@given(st.binary(max_size=200), st.one_of(st.none(), st.binary(max_size=50)), st.integers(0, 5))
def test_a_segment_gives_back_what_it_was_made_of(body: bytes, form: bytes | None, count: int) -> None:
    samples = [sample(number, body, form) for number in range(count)]
    assert decode(encode(samples, {"queue_full": 3})) == (samples, {"queue_full": 3})


def test_samples_come_out_in_order_and_their_files_go_when_all_are_done(tmp_path: Path) -> None:
    spool = writer(tmp_path)
    assert spool.write([sample(1), sample(2)], {"queue_full": 2}).kept == 2
    assert spool.write([sample(3)], {}).told
    reader = SpoolReader(tmp_path)
    assert [one.sample_id for one in reader.take(2)] == ["s1", "s2"]
    assert [one.sample_id for one in reader.take(9)] == ["s3"]
    assert reader.take(9) == []
    assert dict(reader.shed) == {"queue_full": 2}
    reader.done(["s1", "s3"])
    assert reader.waiting() == 2
    reader.done(["s2"])
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_died_leaves_everything_for_the_next(tmp_path: Path) -> None:
    writer(tmp_path).write([sample(1), sample(2)], {})
    SpoolReader(tmp_path).take(1)
    assert [one.sample_id for one in SpoolReader(tmp_path).take(9)] == ["s1", "s2"]


def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    spool = writer(tmp_path, samples_max=2)
    assert spool.write([sample(1), sample(2)], {}) == Written(2, {}, told=True)
    assert spool.write([sample(3, surface="rest")], {}) == Written(0, {"spool_full:rest": 1}, told=False)
    assert not writer(tmp_path, bytes_max=10, name="w2").write([sample(4)], {}).told
    assert SpoolReader(tmp_path).waiting() == 2


def test_two_workers_write_side_by_side(tmp_path: Path) -> None:
    writer(tmp_path, name="w1").write([sample(1)], {})
    writer(tmp_path, name="w2").write([sample(2)], {})
    assert {one.sample_id for one in SpoolReader(tmp_path).take(9)} == {"s1", "s2"}


def test_a_torn_segment_is_counted_and_let_go(tmp_path: Path) -> None:
    writer(tmp_path).write([sample(1)], {})
    (segment,) = tmp_path.iterdir()
    segment.write_bytes(segment.read_bytes()[:-9])
    reader = SpoolReader(tmp_path)
    assert reader.take(9) == []
    assert dict(reader.shed) == {"segment_unreadable": 1}
    assert list(tmp_path.iterdir()) == []


def test_a_segment_being_written_is_not_seen(tmp_path: Path) -> None:
    (tmp_path / "00000000000000000001-w-000000001-1.seg.tmp").write_bytes(b"half")
    reader = SpoolReader(tmp_path)
    assert (reader.take(9), reader.waiting()) == ([], 0)


def test_counts_of_what_was_shed_travel_without_samples(tmp_path: Path) -> None:
    writer(tmp_path).write([], {"body_too_large": 1})
    reader = SpoolReader(tmp_path)
    assert reader.take(1) == []
    assert dict(reader.shed) == {"body_too_large": 1}
    assert list(tmp_path.iterdir()) == []


def fill(spool: SpoolWriter, surface: str, rounds: int) -> int:
    """Write so many single samples of a surface; return how many found room."""
    return sum(spool.write([sample(number, b"x" * 50, surface=surface)], {}).kept for number in range(rounds))


def test_a_flood_of_one_surface_leaves_room_for_the_others(tmp_path: Path) -> None:
    spool = writer(tmp_path, samples_max=100)
    assert fill(spool, "wbgetentities", 300) == 80  # four times what it leaves free
    assert fill(spool, "rest", 5) == 5
    assert fill(spool, "wbgetentities", 50) == 0
    assert fill(spool, "entitydata", 100) == 12  # and a second flood gets its share of the rest
    assert fill(spool, "revisions", 3) >= 2
    reader = SpoolReader(tmp_path)
    surfaces = Counter(one.surface for one in reader.take(1000))
    assert surfaces["rest"] == 5
    assert sum(surfaces.values()) <= 100
    assert reader.shed["spool_full:wbgetentities"] == 0  # nothing was told of segments that were not written


def test_a_flood_of_bytes_leaves_room_for_the_others(tmp_path: Path) -> None:
    spool = writer(tmp_path, bytes_max=100_000, samples_max=10_000)
    big = [os.urandom(5000) for _ in range(40)]
    kept = sum(spool.write([sample(n, body, surface="entitydata")], {}).kept for n, body in enumerate(big))
    assert 10 <= kept <= 17
    assert fill(spool, "rest", 5) == 5
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100_000


def test_within_one_batch_the_rare_ones_are_kept_and_the_rest_is_told(tmp_path: Path) -> None:
    spool = writer(tmp_path, samples_max=20)
    batch = [sample(n, surface="wbgetentities") for n in range(50)]
    batch += [sample(n + 50, surface="rest") for n in range(2)]
    written = spool.write(batch, {"queue_full:rest": 1})
    assert written == Written(18, {"spool_full:wbgetentities": 34}, told=True)
    reader = SpoolReader(tmp_path)
    assert Counter(one.surface for one in reader.take(99)) == {"wbgetentities": 16, "rest": 2}
    assert dict(reader.shed) == {"queue_full:rest": 1, "spool_full:wbgetentities": 34}


def test_what_the_verifier_took_away_makes_room_again(tmp_path: Path) -> None:
    spool = writer(tmp_path, samples_max=10)
    assert fill(spool, "rest", 20) == 8
    reader = SpoolReader(tmp_path)
    reader.done([one.sample_id for one in reader.take(99)])
    assert fill(spool, "rest", 20) == 8


def test_a_segment_of_a_proxy_before_this_version_is_read(tmp_path: Path) -> None:
    raw = encode([sample(1)], {})
    before = raw.replace(b',"surface":"","proxy_version":""', b"")
    assert len(before) < len(raw)
    text_size = struct.unpack_from("<I", before, 8 + struct.unpack_from("<I", before)[0])[0]
    at = 8 + struct.unpack_from("<I", before)[0]
    before = before[:at] + struct.pack("<I", text_size - (len(raw) - len(before))) + before[at + 4 :]
    assert decode(before)[0] == [sample(1)]
