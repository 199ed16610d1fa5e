"""More ids than one statement may name are asked for in several, and nothing is asked for none."""

from collections.abc import Sequence
from typing import Any, cast

from fakes.db_sessions import ScriptedSession

from backends.wiki.db_columns import _REQUIRED, Columns
from backends.wiki.db_connection import Session
from backends.wiki.db_reading import BATCH_MAX, Reading, groups
from backends.wiki.db_statements import statements

ASKED = statements(Columns(prefix="", of_table={**_REQUIRED, "revision": _REQUIRED["revision"]}, indexed=frozenset()))


def reading(session: ScriptedSession) -> Reading:
    return Reading(cast("Session", session), ASKED, {120: "wikibase-item"}, withheld=False)


def test_groups_are_full_but_for_the_last() -> None:
    assert [len(group) for group in groups(range(2 * BATCH_MAX + 1))] == [BATCH_MAX, BATCH_MAX, 1]
    assert list(groups([])) == []


async def test_each_group_of_ids_is_one_statement_after_the_parameters_before() -> None:
    session = ScriptedSession(lambda _, params: [params[:2]])
    rows = await reading(session).for_ids("x = %s AND y IN ({ids})", list(range(BATCH_MAX + 2)), b"before")
    assert rows == [(b"before", 0), (b"before", BATCH_MAX)]
    assert [statement.count("%s") for statement, _ in session.asked] == [BATCH_MAX + 1, 3]


async def test_rows_of_pages_that_say_their_model_need_no_slots() -> None:
    session = ScriptedSession(lambda *_: [])
    rows: Sequence[Sequence[Any]] = [(5, 120, b"Q1", 9, 0, b"wikibase-item"), (6, 120, b"Sandbox", 10, 0, b"wikitext")]
    assert [page.entity_id for page in await reading(session).pages(rows)] == ["Q1"]
    assert session.asked == []


async def test_a_page_without_a_model_has_its_heads_or_its_namespaces() -> None:
    slots = [(9, b"main", 9, 1, 5, b"", b"wikitext", b"tt:1")]
    session = ScriptedSession(lambda *_: slots)
    rows: Sequence[Sequence[Any]] = [
        (5, 120, b"Q1", 9, 0, None),
        (6, 120, b"Q2", 10, 0, None),
        (7, 1, b"Q3", 11, 0, None),
    ]
    assert [page.entity_id for page in await reading(session).pages(rows)] == ["Q2"]
    assert [params for _, params in session.asked] == [(9, 10, 11)]


async def test_no_rows_ask_nothing() -> None:
    session = ScriptedSession(lambda *_: [])
    assert await reading(session).revisions([], archived=False) == ()
    assert session.asked == []
