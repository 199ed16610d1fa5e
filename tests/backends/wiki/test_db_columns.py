"""What a wiki's database has is found out, and what it lacks is named."""

import pytest

from backends.errors import RefusedError
from backends.wiki.db_columns import _REQUIRED, checked_database, checked_prefix, read_columns

ALL = [(table, column) for table, columns in _REQUIRED.items() for column in columns]


def test_tables_are_known_without_their_prefix() -> None:
    columns = read_columns("mw_", [(f"mw_{table}", column) for table, column in ALL] + [("other", "x")], ["REV_ID"])
    assert columns.has("page")
    assert columns.has("page", "page_latest")
    assert not columns.has("page", "page_lang")
    assert not columns.has("other")
    assert columns.indexed == {"rev_id"}


def test_column_names_in_any_case_are_the_same() -> None:
    assert read_columns("", [(table, column.upper()) for table, column in ALL], []).has("page", "page_id")


def test_what_is_missing_is_named_table_or_column() -> None:
    some = [(table, column) for table, column in ALL if table != "text" and column != "rev_page"]
    with pytest.raises(RefusedError, match=r"user: revision\.rev_page, text$"):
        read_columns("", some, [])


@pytest.mark.parametrize("prefix", ["a-b", "a b", "a`", "a.b", "ä", "%s"])
def test_a_prefix_that_could_be_sql_is_refused(prefix: str) -> None:
    with pytest.raises(RefusedError, match="prefix"):
        checked_prefix(prefix)


@pytest.mark.parametrize("name", ["", "a b", "a`", "a.b", "ä", "a;b"])
def test_a_database_name_that_could_be_sql_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="database name"):
        checked_database(name)


def test_ordinary_names_are_kept() -> None:
    assert checked_prefix("") == ""
    assert checked_prefix("mw_1") == "mw_1"
    assert checked_database("wikidatawiki-es_2") == "wikidatawiki-es_2"
