"""What every database promises. A backend's test file derives from `DatabaseSuite`."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from backends.errors import ConflictError, RefusedError
from backends.sql.base import Database, Step
from backends.sql.statements import UnknownStatementError


def head(entity_id: str = "Q1", **other: Any) -> dict[str, Any]:
    row = {
        "entity_id": entity_id,
        "generation": 1,
        "rev_id": 7,
        "position": 0,
        "made_at": "2026-11-22T15:24:12Z",
        "state": "visible",
        "redirect_target": None,
        "page_id": None,
    }
    return row | other


def set_head(generation: int, expected: int, entity_id: str = "Q1") -> Step:
    """A compare-and-set, as the store's."""

    def check(changed: int) -> None:
        if changed != 1:
            raise ConflictError(f"{entity_id} is not of generation {expected}")

    return Step("head_update", {**head(entity_id, generation=generation), "expected": expected}, check)


class DatabaseSuite:
    """Needs fixtures: `database`, opened and migrated (schema "index"); `open_again`, which opens it once more."""

    async def test_a_row_comes_back_with_its_types(self, database: Database) -> None:
        row = head("Q42", rev_id=2**40 + 3, page_id=5)
        assert await database.execute("head_insert", **row) == 1
        assert [dict(found) for found in await database.rows("head", entity_id="Q42")] == [row]

    async def test_ids_are_told_apart_by_case_and_by_every_character(self, database: Database) -> None:
        for entity_id in ("L1", "L1-F1", "L10"):
            await database.execute("head_insert", **head(entity_id))
        assert len(await database.rows("head", entity_id="L1")) == 1
        assert await database.rows("head", entity_id="l1") == []

    async def test_a_list_parameter_is_spread(self, database: Database) -> None:
        for entity_id in ("Q1", "Q2", "Q3"):
            await database.execute("head_insert", **head(entity_id))
        rows = await database.rows("heads_of_ids", entity_ids=["Q1", "Q3", "Q9"])
        assert sorted(row["entity_id"] for row in rows) == ["Q1", "Q3"]

    async def test_a_page_of_keys_goes_on_after_the_last(self, database: Database) -> None:
        await database.execute_many("head_insert", [head(f"Q{number}") for number in range(1, 8)])
        first = await database.rows("heads", after="", size=5)
        second = await database.rows("heads", after=first[-1]["entity_id"], size=5)
        assert [row["entity_id"] for row in (*first, *second)] == [f"Q{number}" for number in range(1, 8)]

    async def test_an_update_counts_the_rows_it_changed(self, database: Database) -> None:
        await database.execute("head_insert", **head())
        assert await database.execute("head_update", **head(generation=2), expected=1) == 1
        assert await database.execute("head_update", **head(generation=3), expected=1) == 0

    async def test_the_same_key_twice_is_a_conflict(self, database: Database) -> None:
        await database.execute("head_insert", **head())
        with pytest.raises(ConflictError):
            await database.execute("head_insert", **head())

    async def test_many_are_written_together_or_not_at_all(self, database: Database) -> None:
        with pytest.raises(ConflictError):
            await database.execute_many("head_insert", [head("Q1"), head("Q2"), head("Q1")])
        assert await database.rows("heads", after="", size=5) == []
        assert await database.execute_many("head_insert", [head("Q1"), head("Q2")]) == 2
        assert await database.execute_many("head_insert", []) == 0

    async def test_a_transaction_sees_its_own_writes_and_others_see_them_after_it(self, database: Database) -> None:
        async with database.transaction("Q1") as inside:
            await inside.execute("head_insert", **head())
            assert len(await inside.rows("head", entity_id="Q1")) == 1
            assert await database.rows("head", entity_id="Q1") == []
        assert len(await database.rows("head", entity_id="Q1")) == 1

    async def test_an_exception_undoes_the_transaction(self, database: Database) -> None:
        async def fail() -> None:
            async with database.transaction("Q1") as inside:
                await inside.execute("head_insert", **head())
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert await database.rows("head", entity_id="Q1") == []
        assert await database.execute("head_insert", **head()) == 1

    async def test_a_cancelled_transaction_is_undone_and_the_next_one_works(self, database: Database) -> None:
        began = asyncio.Event()

        async def hang() -> None:
            async with database.transaction("Q1") as inside:
                await inside.execute("head_insert", **head())
                began.set()
                await asyncio.Event().wait()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(hang())
            await began.wait()
            task.cancel()
        assert await database.rows("head", entity_id="Q1") == []
        assert await database.execute("head_insert", **head()) == 1

    async def test_writers_at_once_each_win_one_generation(
        self, database: Database, open_again: Callable[[], Awaitable[Database]]
    ) -> None:
        other = await open_again()
        await database.execute("head_insert", **head(generation=0))

        async def advance(side: Database) -> int:
            won = 0
            for _ in range(2000):
                with suppress(ConflictError):  # lost to another writer; one that waits for its turn never is
                    async with side.transaction("Q1") as inside:
                        seen = (await inside.rows("head", entity_id="Q1"))[0]["generation"]
                        gained = await inside.execute("head_update", **head(generation=seen + 1), expected=seen)
                    won += gained
                if won == 20:
                    break
            return won

        won = await asyncio.gather(*(advance(side) for side in (database, other, database, other)))
        assert sum(won) == (await database.rows("head", entity_id="Q1"))[0]["generation"] == 80

    async def test_steps_together_see_one_another_and_are_committed_together(self, database: Database) -> None:
        seen: list[Any] = []
        look = Step("head", {"entity_id": "Q1"}, lambda rows: seen.append(rows[0]["generation"]), is_query=True)
        steps = [Step("head_insert", head()), look, set_head(2, 1), look]
        await database.together("Q1", steps)
        assert seen == [1, 2]
        assert (await database.rows("head", entity_id="Q1"))[0]["generation"] == 2

    @pytest.mark.parametrize("late", [False, True])
    async def test_steps_together_leave_nothing_when_one_fails_a_check_or_the_caller(
        self, database: Database, late: bool
    ) -> None:
        def refuse() -> None:
            raise RefusedError("on second thoughts")

        steps = [Step("head_insert", head("Q2")), set_head(2, 1, "Q2"), *([] if late else [set_head(2, 1, "Q2")])]
        with pytest.raises(RefusedError if late else ConflictError):
            await database.together("Q2", steps, before_commit=refuse)
        with pytest.raises(ConflictError):
            await database.together("Q2", [Step("head_insert", head("Q2")), Step("head_insert", head("Q2"))])
        assert await database.rows("heads", after="", size=5) == []
        await database.together("Q2", [Step("head_insert", head("Q2"))])
        assert len(await database.rows("head", entity_id="Q2")) == 1

    async def test_of_many_at_once_each_fails_or_succeeds_by_itself(self, database: Database) -> None:
        await database.execute_many("head_insert", [head(f"Q{number}") for number in range(1, 31)])

        ids = [f"Q{number}" for number in range(1, 31)]
        writes = (database.together(one, [set_head(2, int(one[1:]) % 3, one)]) for one in ids)
        done = await asyncio.gather(*writes, return_exceptions=True)
        lost = [one.partition(" ")[0] for one in map(str, done) if one != "None"]
        assert lost == [one for one in ids if int(one[1:]) % 3 != 1]
        rows = await database.rows("heads", after="", size=50)
        assert sorted(int(row["entity_id"][1:]) for row in rows if row["generation"] == 2) == list(range(1, 31, 3))

    async def test_text_that_looks_like_statements_stays_text(self, database: Database) -> None:
        made_at = "%s'; DROP x;--\\"
        await database.together("Q1", [Step("head_insert", head(made_at=made_at)), set_head(2, 1)])
        assert (await database.rows("head", entity_id="Q1"))[0]["made_at"] == head()["made_at"]
        await database.together(
            "Q2", [Step("head_insert", head("Q2", made_at=made_at)), Step("head_insert", head("Q3"))]
        )
        assert (await database.rows("head", entity_id="Q2"))[0]["made_at"] == made_at

    async def test_a_version_that_stays_says_that_nothing_was_committed_by_anybody(
        self, database: Database, open_again: Callable[[], Awaitable[Database]]
    ) -> None:
        if (before := database.version()) is None:
            return  # it tells by asking only
        assert await database.rows("head", entity_id="Q1") == []
        assert database.version() == before
        seen = {before}
        other = await open_again()
        for number, side in enumerate((database, other, database, other)):
            await side.execute("head_insert", **head(f"Q{number}"))
            now = database.version()
            assert now is not None
            assert now not in seen
            seen.add(now)

    async def test_migrating_again_and_by_two_at_once_changes_nothing(
        self, database: Database, open_again: Callable[[], Awaitable[Database]]
    ) -> None:
        await database.execute("head_insert", **head())
        other = await open_again()
        await asyncio.gather(database.migrate(), other.migrate(), database.migrate())
        assert len(await other.rows("head", entity_id="Q1")) == 1

    async def test_unknown_statements_and_wrong_parameters_are_named(self, database: Database) -> None:
        with pytest.raises(UnknownStatementError, match="no_such"):
            await database.rows("no_such")
        with pytest.raises(TypeError, match="entity_id"):
            await database.rows("head", entity="Q1")

    async def test_closing_twice_is_harmless(self, database: Database) -> None:
        await database.close()
        await database.close()
