"""The sampler's queue: bounded, fair to the rare surfaces, and honest about what it let go."""

import asyncio
import time
from collections import Counter
from pathlib import Path

from fakes.worker import MemorySpool

from backends.ledger.spool import SpoolReader, SpoolWriter
from proxy.sampler import Sampler
from proxy.tap import Budget, Observation
from proxy.wire.head import read_request_head, read_response_head
from rules.routes.route import Site

FLOOD = b"/w/api.php?action=wbgetentities&ids=Q1&format=json"
RARE = b"/wiki/Special:EntityData/Q2.json"
ANSWER = read_response_head(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2", b"GET")


def seen(target: bytes, budget: Budget) -> Observation:
    head = read_request_head(b"GET " + target + b" HTTP/1.1\r\nhost: wiki")
    one = Observation(head, time.time(), "shadow_reads", budget, 1000, 1000)
    one.response_body(b"{}")
    one.response = ANSWER
    return one


def sampler(spool: object, **fields: object) -> tuple[Sampler, Counter[str]]:
    events: Counter[str] = Counter()
    plain = {"queue_max": 20, "flush_s": 0.001, "events": events, "version": "1.2.3"}
    return Sampler(spool, Site(), "w1", **{**plain, **fields}), events  # type: ignore[arg-type]


async def flushed(one: Sampler) -> None:
    stop = asyncio.Event()
    stop.set()
    await one.run(stop)


async def test_a_flood_does_not_push_out_the_rare() -> None:
    budget, spool = Budget(1 << 20), MemorySpool()
    one, events = sampler(spool)
    for step in range(500):
        one.offer(seen(RARE if step % 50 == 49 else FLOOD, budget))
    assert one.waiting == 20
    await flushed(one)
    assert Counter(sample.surface for sample in spool.samples) == {"wbgetentities": 10, "entitydata": 10}
    assert spool.shed == {"queue_full:wbgetentities": 480}
    assert events["shed_queue_full"] == 480
    assert budget.held == 0  # what was let go gave its memory back


async def test_a_flood_alone_has_the_whole_queue() -> None:
    budget, spool = Budget(1 << 20), MemorySpool()
    one, _ = sampler(spool)
    for _ in range(100):
        one.offer(seen(FLOOD, budget))
    await flushed(one)
    assert len(spool.samples) == 20


async def test_samples_say_who_observed_them_and_come_in_order() -> None:
    budget, spool = Budget(1 << 20), MemorySpool()
    one, _ = sampler(spool)
    for target in (FLOOD, RARE, FLOOD):
        one.offer(seen(target, budget))
    await flushed(one)
    assert [sample.surface for sample in spool.samples] == ["wbgetentities", "entitydata", "wbgetentities"]
    assert {sample.proxy_version for sample in spool.samples} == {"1.2.3"}


async def test_a_spool_that_fills_up_keeps_the_rare_and_is_told_of_the_rest(tmp_path: Path) -> None:
    budget = Budget(1 << 20)
    spool = SpoolWriter(tmp_path, "w1", bytes_max=1 << 20, samples_max=50)
    one, events = sampler(spool, queue_max=1000)
    for step in range(300):
        one.offer(seen(RARE if step % 100 == 99 else FLOOD, budget))
    await flushed(one)
    reader = SpoolReader(tmp_path)
    kept = Counter(sample.surface for sample in reader.take(1000))
    assert kept["entitydata"] == 3
    assert kept["wbgetentities"] <= 41
    assert reader.shed == {"spool_full:wbgetentities": 297 - kept["wbgetentities"]}
    assert events["written"] == sum(kept.values())
    assert events["shed_spool_full"] == 297 - kept["wbgetentities"]


async def test_offering_to_a_full_queue_costs_the_hot_path_next_to_nothing() -> None:
    budget = Budget(1 << 30)
    one, _ = sampler(MemorySpool(), queue_max=256)
    offers = [seen(RARE if step % 7 == 6 else FLOOD, budget) for step in range(5000)]
    began = time.perf_counter()
    for offer in offers:
        one.offer(offer)
    each_us = (time.perf_counter() - began) / len(offers) * 1e6
    assert each_us < 100  # about 3 on an idle machine
    assert one.waiting == 256
