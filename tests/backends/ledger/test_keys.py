import pytest
from suites.stored import Q1, request

from backends.errors import ConflictError
from backends.ledger.keys import FORGET_EVERY, KEEP_MS, FirstResult, KeyReusedError, WriteKey, first_result, remember
from backends.sql.base import Database

SHA = "0" * 64


@pytest.mark.parametrize(("key", "asked"), [("", SHA), ("a b", SHA), ("x" * 65, SHA), ("é", SHA), ("k", "abc")])
def test_what_is_no_key_is_refused(key: str, asked: str) -> None:
    with pytest.raises(ValueError, match="write key"):
        WriteKey(key, asked)


async def test_a_key_is_committed_once_and_tells_its_result(index_database: Database) -> None:
    assert await first_result(index_database, Q1, request("k")) is None
    await remember(index_database, Q1, request("k"), FirstResult(3, 2**40 + 7), now_ms=5)
    assert await first_result(index_database, Q1, request("k")) == FirstResult(3, 2**40 + 7)
    with pytest.raises(ConflictError):
        await remember(index_database, Q1, request("k"), FirstResult(4, 8), now_ms=6)
    with pytest.raises(KeyReusedError, match="Q1"):
        await first_result(index_database, Q1, request("k", "other"))


async def test_keys_are_kept_for_their_time_and_then_go(index_database: Database) -> None:
    await remember(index_database, Q1, request("old"), FirstResult(1, 1), now_ms=1000)
    await remember(index_database, Q1, request("young"), FirstResult(2, 2), now_ms=2000)
    await remember(index_database, Q1, request("now"), FirstResult(FORGET_EVERY, 3), now_ms=KEEP_MS + 1500)
    found = [await first_result(index_database, Q1, request(key)) for key in ("old", "young", "now")]
    assert [one is not None for one in found] == [False, True, True]
