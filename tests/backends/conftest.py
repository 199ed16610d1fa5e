"""Empty pairs of backends for whoever runs the contract of the store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from suites.pairs import MADE, PAIRS, Pair, Side, made_pair, opened, opened_pair

from backends.sql.base import Database
from backends.store import Store


@pytest.fixture(params=PAIRS)
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    async with made_pair(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def store(pair: Pair) -> AsyncIterator[Store]:
    async with opened_pair(pair) as one:
        yield one


@pytest.fixture(
    params=[pytest.param("sqlite"), *(pytest.param(one, marks=pytest.mark.services) for one in ("mariadb", "vitess"))]
)
async def index_side(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Side]:
    """An empty database for an index, on each kind of database."""
    async with MADE[request.param](tmp_path) as side:
        yield side


@pytest.fixture
async def index_database(index_side: Side) -> AsyncIterator[Database]:
    database = await opened(index_side)
    await database.migrate()
    yield database
    await database.close()
