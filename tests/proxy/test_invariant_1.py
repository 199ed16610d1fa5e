"""Invariant 1: in legacy and shadow the client gets the wiki's own answer, whatever becomes of the store.

Every recorded request is sent twice, to a server that answers as recorded and through the proxy in front of it.
Status, reason, end-to-end headers (in order, as written) and body must be equal: in each phase in which the wiki
answers, with the store in each state. `PROXIES` says how a proxy in that situation is started.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from pathlib import Path

import pytest
from fakes.rawhttp import Answer, RawRequest, exchange
from fakes.replay import KEY_HEADER, Recording, ReplayServer, load_api_recordings, load_wiki_a_reads
from fakes.served import serve
from shared_truth import SHARED, needs_shared

PHASES = ("prepare", "shadow_reads")
REQUESTS_AT_ONCE = 8

# (phase, store state, the wiki's URL) -> the proxy's URL, while the block runs.
ProxyIn = Callable[[str, str, str], AbstractContextManager[str]]


@contextmanager
def _locked(store: Path, held_s: float, free_s: float) -> Iterator[None]:
    """Lock the store's databases against everybody, again and again, while the block runs."""
    over = threading.Event()

    def hold(path: Path) -> None:
        while not over.is_set():
            with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as database:
                database.execute("BEGIN EXCLUSIVE")
                over.wait(held_s)
            over.wait(free_s)

    threads = [threading.Thread(target=hold, args=(store / f"{name}.sqlite",)) for name in ("index", "ledger")]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def store_up(_data: Path) -> Iterator[None]:
    """Leave the store alone."""
    yield


@contextmanager
def store_slow(data: Path) -> Iterator[None]:
    """Let the store answer only now and then."""
    data.mkdir(parents=True, exist_ok=True)
    with _locked(data, 0.2, 0.02):
        yield


@contextmanager
def store_hanging(data: Path) -> Iterator[None]:
    """Never let the store answer."""
    data.mkdir(parents=True, exist_ok=True)
    with _locked(data, 600.0, 0.0):
        yield


@contextmanager
def store_down(data: Path) -> Iterator[None]:
    """Put something else where the store's directory should be: nothing can be opened or written there."""
    data.write_text("not a directory")
    yield


STATES: dict[str, Callable[[Path], AbstractContextManager[None]]] = {
    "up": store_up,
    "slow": store_slow,
    "hanging": store_hanging,
    "down": store_down,
}


@contextmanager
def proxy_with(phase: str, store_state: str, wiki_url: str, folder: Path) -> Iterator[str]:
    """`cutover serve` in a phase, its store in a state; gives the proxy's URL."""
    config = folder / "config.yaml"
    config.write_text(f"phase: {phase}\nproxy: {{drain_timeout_s: 2}}\nverifier: {{recheck_tries_max: 1}}\n")
    store = folder / "store"
    with (
        STATES[store_state](store),
        serve(wiki_url, folder / "run", arguments=("--config", str(config)), store=store) as served,
    ):
        yield served.proxy_url


@cache
def recorded_requests() -> Sequence[Recording]:
    recordings = load_api_recordings(SHARED / "recordings" / "api")
    return recordings + load_wiki_a_reads(SHARED / "datasets" / "wiki-a" / "reads.jsonl.gz")


def raw_request(recording: Recording) -> RawRequest:
    headers = [(key, value) for key, value in recording.request_headers if key.lower() != "connection"]
    headers.append((KEY_HEADER, recording.key))
    return RawRequest(recording.method, recording.target, tuple(headers), recording.request_body)


async def answers_of(url: str, recordings: Sequence[Recording]) -> dict[str, Answer]:
    """Each recording's request sent to `url`, a few at a time. Keyed by recording."""
    waiting = deque(recordings)
    answers: dict[str, Answer] = {}

    async def work() -> None:
        while waiting:
            recording = waiting.popleft()
            answers[recording.key] = await exchange(url, raw_request(recording))

    await asyncio.gather(*(work() for _ in range(REQUESTS_AT_ONCE)))
    return answers


def what_the_client_sees(answer: Answer) -> tuple[object, ...]:
    return (answer.status, answer.reason, answer.end_to_end(), answer.body, answer.trailers)


@pytest.fixture
async def replay() -> AsyncIterator[ReplayServer]:
    async with ReplayServer(recorded_requests()) as server:
        yield server


@pytest.fixture
def proxy_in(tmp_path: Path) -> ProxyIn:
    return lambda phase, store_state, wiki_url: proxy_with(phase, store_state, wiki_url, tmp_path)


@needs_shared
async def test_a_direct_answer_is_the_recorded_one(replay: ReplayServer) -> None:
    answers = await answers_of(replay.url, recorded_requests())

    assert len(answers) == len(recorded_requests()) == 449 + 1237
    for recording in recorded_requests():
        answer = answers[recording.key]
        bodiless = recording.method == "HEAD" or recording.status == 304
        seen = (answer.status, answer.reason, answer.headers, answer.body)
        assert seen == (recording.status, recording.reason, recording.headers, b"" if bodiless else recording.body)


@needs_shared
@pytest.mark.parametrize("store_state", list(STATES))
@pytest.mark.parametrize("phase", PHASES)
async def test_an_answer_through_the_proxy_is_the_direct_answer(
    replay: ReplayServer, proxy_in: ProxyIn, phase: str, store_state: str
) -> None:
    direct = await answers_of(replay.url, recorded_requests())
    replay.seen.clear()
    with proxy_in(phase, store_state, replay.url) as proxy_url:
        through = await answers_of(proxy_url, recorded_requests())

    different = [
        (key, what_the_client_sees(direct[key]), what_the_client_sees(through[key]))
        for key in direct
        if what_the_client_sees(through[key]) != what_the_client_sees(direct[key])
    ]
    assert different[:3] == []
    # The wiki was asked once for each, with the client's own request: no answer came from elsewhere.
    asked = [(key, r.method, r.target, r.body) for r in replay.seen for key in r.values(KEY_HEADER)]
    sent = [(r.key, r.method, r.target, r.request_body) for r in recorded_requests()]
    assert sorted(asked) == sorted(sent)
