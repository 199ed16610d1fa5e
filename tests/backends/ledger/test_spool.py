"""The spool: what goes in comes out once, bounded, and survives a reader that dies."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backends.ledger.spool import SpoolReader, SpoolWriter, decode, encode
from rules.sample import Sample


def sample(number: int, body: bytes = b"{}", form: bytes | None = None) -> Sample:
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
    )


def writer(path: Path, *, bytes_max: int = 1 << 20, samples_max: int = 100, name: str = "w1") -> SpoolWriter:
    return SpoolWriter(path, name, bytes_max=bytes_max, samples_max=samples_max)


@given(st.binary(max_size=200), st.one_of(st.none(), st.binary(max_size=50)), st.integers(0, 5))
def test_a_segment_gives_back_what_it_was_made_of(body: bytes, form: bytes | None, count: int) -> None:
    samples = [sample(number, body, form) for number in range(count)]
    assert decode(encode(samples, {"queue_full": 3})) == (samples, {"queue_full": 3})


def test_samples_come_out_in_order_and_their_files_go_when_all_are_done(tmp_path: Path) -> None:
    spool = writer(tmp_path)
    assert spool.write([sample(1), sample(2)], {"queue_full": 2})
    assert spool.write([sample(3)], {})
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
    assert spool.write([sample(1), sample(2)], {})
    assert not spool.write([sample(3)], {})
    assert not writer(tmp_path, bytes_max=10, name="w2").write([sample(4)], {})
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
