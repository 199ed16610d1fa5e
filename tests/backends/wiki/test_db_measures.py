"""How much there is, up to where the logs reach, and how far the replica is behind."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fakes.wiki_copies import NAMESPACE_MODELS, wiki_copy

from backends.errors import RefusedError
from backends.wiki.database import WikiDatabase
from backends.wiki.db_measures import Measures, Weight

pytestmark = pytest.mark.services


@pytest.fixture
async def database() -> AsyncIterator[WikiDatabase]:
    copy = wiki_copy()
    opened = await WikiDatabase.open(
        copy.reader, copy.database, clusters=copy.clusters, namespace_models=NAMESPACE_MODELS
    )
    yield opened
    await opened.close()


async def test_the_logs_reach_up_to_their_highest_ids(database: WikiDatabase) -> None:
    assert await database.measures.max_log_id() == 147
    assert await database.measures.max_page_id() > 100
    assert len(await database.measures.now()) == 20


async def test_the_weight_is_that_of_entities_only(database: WikiDatabase) -> None:
    whole = await database.measures.weight(1, 10**6, [120, 122])
    assert (whole.pages, whole.revisions) == (82, 1299)
    parts = [await database.measures.weight(low, low + 30, [120, 122]) for low in range(1, 211, 30)]
    assert sum(parts, Weight(0, 0, 0)) == whole
    assert whole.text_bytes > 40_000_000


async def test_a_server_that_copies_none_is_not_behind(database: WikiDatabase) -> None:
    # The reader may not ask at all: that is no reason to stop either.
    assert await database.measures.lag_s() == 0.0
    assert await database.measures.lag_s() == 0.0


class Answering:
    """A server that answers questions of replication as it was told to."""

    def __init__(self, answers: Mapping[str, Sequence[Mapping[str, Any]] | Exception]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Answering"]:
        yield self

    async def named_rows(self, statement: str) -> Sequence[Mapping[str, Any]]:
        self.asked.append(statement)
        answer = self.answers[statement]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def rows(self, statement: str) -> Sequence[Sequence[Any]]:
        self.asked.append(statement)
        return [(17,)]


@pytest.mark.parametrize(
    ("new", "known", "lag"),
    [
        ([{"Seconds_Behind_Source": 12}], [], 12.0),
        (RefusedError("syntax"), [{"Seconds_Behind_Master": 7}, {"Seconds_Behind_Master": 9}], 9.0),
        (RefusedError("syntax"), [{"Seconds_Behind_Master": None}], 0.0),
        (RefusedError("syntax"), RefusedError("denied"), 0.0),
        ([], [], 0.0),
    ],
)
async def test_the_lag_is_what_the_server_says_in_its_own_words(new: Any, known: Any, lag: float) -> None:
    server = Answering({"SHOW REPLICA STATUS": new, "SHOW SLAVE STATUS": known})
    measures = Measures(server, None)  # type: ignore[arg-type]
    assert [await measures.lag_s(), await measures.lag_s()] == [lag, lag]
    assert server.asked.count("SHOW REPLICA STATUS") == (1 if isinstance(new, Exception) else 2)


async def test_a_heartbeat_is_believed_before_the_server(database: WikiDatabase) -> None:
    server = Answering({})
    measures = Measures(server, None)  # type: ignore[arg-type]
    measures.heartbeat = "heartbeat.heartbeat"
    assert await measures.lag_s() == 17.0
    assert "`heartbeat`.`heartbeat`" in server.asked[0]
    measures.heartbeat = "a`b"
    with pytest.raises(RefusedError):
        await measures.lag_s()
