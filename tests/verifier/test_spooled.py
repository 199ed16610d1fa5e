"""Samples from a real spool."""

from pathlib import Path

from fakes.samples import sample

from backends.ledger.spool import SpoolReader, SpoolWriter
from verifier.spooled import SpooledSamples


async def test_samples_go_through_the_spool_with_what_was_shed(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w1", bytes_max=1_000_000, samples_max=100)
    assert writer.write([sample("/a", {"x": 1}, sample_id=f"s{n}") for n in range(3)], {"queue_full": 4}).told
    source = SpooledSamples(SpoolReader(tmp_path))
    taken = await source.take(2)
    assert [one.sample_id for one in taken] == ["s0", "s1"]
    assert await source.waiting() == 3
    assert await source.shed() == {"queue_full": 4}
    assert await source.shed() == {}
    rest = await source.take(9)
    await source.done([*taken, *rest])
    assert await source.waiting() == 0
    assert taken[0] == sample("/a", {"x": 1}, sample_id="s0")
