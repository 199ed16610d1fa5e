"""Statements follow the columns that a wiki has."""

from dataclasses import asdict

import pytest

from backends.wiki.db_columns import _REQUIRED, Columns
from backends.wiki.db_statements import Statements, blobs, statements, with_ids

NEWEST = {table: set(columns) for table, columns in _REQUIRED.items()}
NEWEST["revision"] |= {"rev_comment_id", "rev_actor", "rev_len"}


def made(extra: dict[str, set[str]] | None = None, *, indexed: set[str] | None = None, prefix: str = "") -> Statements:
    tables = {table: frozenset(columns | (extra or {}).get(table, set())) for table, columns in NEWEST.items()}
    tables |= {table: frozenset(columns) for table, columns in (extra or {}).items() if table not in NEWEST}
    return statements(Columns(prefix=prefix, of_table=tables, indexed=frozenset(indexed or ())))


def test_nothing_is_left_to_fill_in_but_the_ids() -> None:
    for name, statement in asdict(made(prefix="mw_")).items():
        left = (statement or "").replace("{ids}", "")
        assert "{" not in left, name
        assert "}" not in left, name


def test_every_table_has_the_prefix() -> None:
    for statement in filter(
        None, asdict(made({"recentchanges": {"rc_bot"}}, indexed={"rc_this_oldid"}, prefix="mw_")).values()
    ):
        for word in statement.replace("(", " ").split("FROM ")[1:] + statement.split("JOIN ")[1:]:
            assert word.startswith("mw_")


def test_comment_and_actor_come_from_where_this_version_keeps_them() -> None:
    plain = made().revisions_of_page
    assert "c.comment_id = r.rev_comment_id" in plain
    assert "a.actor_id = r.rev_actor" in plain
    both = made({"revision_comment_temp": set(), "revision_actor_temp": set()}).revisions_of_page
    assert "COALESCE(NULLIF(r.rev_comment_id, 0), tc.revcomment_comment_id)" in both
    assert "COALESCE(NULLIF(r.rev_actor, 0), ta.revactor_actor)" in both


def test_columns_that_are_gone_are_not_asked_for() -> None:
    assert "rev_sha1" not in made().revisions_of_page
    assert "rev_sha1" in made({"revision": {"rev_sha1"}}).revisions_of_page
    assert "content_sha1" in made({"content": {"content_sha1"}}).slots
    assert made().cur_texts is None
    assert made({"cur": {"cur_id", "cur_text"}}).cur_texts is not None


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"rc_bot", "rc_source", "rc_type"}, "rc_source IN ('mw.edit', 'mw.new')"),
        ({"rc_bot", "rc_type"}, "rc_type IN (0, 1)"),
        ({"rc_bot"}, "IN ({ids})"),
    ],
)
def test_the_bot_flag_is_that_of_the_edit_not_of_a_log_entry(columns: set[str], said: str) -> None:
    bots = made({"recentchanges": columns}, indexed={"rc_this_oldid"}).bots
    assert bots is not None
    assert bots.strip().endswith(said)


def test_recentchanges_is_never_read_as_a_whole() -> None:
    assert made({"recentchanges": {"rc_bot"}}).bots is None


def test_ids_become_parameters() -> None:
    assert with_ids("x IN ({ids})", 3) == "x IN (%s, %s, %s)"
    assert "FROM `es`.`blobs`" in blobs("es", "blobs")
