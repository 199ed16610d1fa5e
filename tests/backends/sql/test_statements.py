import sqlite3

import pytest

from backends.sql.migrations import migrations
from backends.sql.statements import Statement, book, choose, parameters, parse, split_script

TEXT = """-- A file of statements.

-- name: one
-- what it is for
SELECT ':not_a_parameter', a FROM t  -- behind it: :neither
WHERE a = :a AND b IN (:list);

-- name: put [sqlite]
INSERT INTO t (a) VALUES (:a) ON CONFLICT (a) DO NOTHING

-- name: put [mysql]
INSERT INTO t (a) VALUES (:a) ON DUPLICATE KEY UPDATE a = VALUES(a)
"""


def test_blocks_are_read_with_name_dialect_and_text() -> None:
    blocks = parse(TEXT, "x.sql")
    assert [(name, dialect) for name, dialect, _ in blocks] == [("one", None), ("put", "sqlite"), ("put", "mysql")]
    assert blocks[0][2] == "SELECT ':not_a_parameter', a FROM t WHERE a = :a AND b IN (:list)"


def test_parameters_inside_quotes_are_text() -> None:
    assert parameters(parse(TEXT, "x.sql")[0][2]) == {"a", "list"}


def test_each_dialect_has_its_own_spelling() -> None:
    blocks = parse(TEXT, "x.sql")
    assert "ON CONFLICT" in {one.name: one.text for one in choose(blocks, "sqlite")}["put"]
    assert "ON DUPLICATE" in {one.name: one.text for one in choose(blocks, "mysql")}["put"]


def test_a_dialect_wins_over_the_common_spelling() -> None:
    blocks = parse("-- name: x\nSELECT 1\n-- name: x [mysql]\nSELECT 2\n", "x.sql")
    assert [one.text for one in choose(blocks, "sqlite")] == ["SELECT 1"]
    assert [one.text for one in choose(blocks, "mysql")] == ["SELECT 2"]


def test_a_name_given_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="'x' is written twice"):
        choose(parse("-- name: x\nSELECT 1\n-- name: x\nSELECT 2\n", "x.sql"), "sqlite")


def test_text_before_the_first_name_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"y\.sql"):
        parse("SELECT 1\n", "y.sql")


def test_a_list_is_spread_and_other_parameters_stay() -> None:
    statement = Statement("x", "SELECT 1 WHERE a = :a AND b IN (:list)", frozenset({"a", "list"}))
    text, flat = statement.spread({"a": 1, "list": ["p", "q"]})
    assert text == "SELECT 1 WHERE a = :a AND b IN (:list_0, :list_1)"
    assert flat == {"a": 1, "list_0": "p", "list_1": "q"}


@pytest.mark.parametrize("values", [[], list(range(1001))])
def test_a_list_that_is_empty_or_too_long_is_an_error(values: list[int]) -> None:
    statement = Statement("x", "SELECT 1 WHERE b IN (:list)", frozenset({"list"}))
    with pytest.raises(ValueError, match="list"):
        statement.spread({"list": values})


def test_a_script_is_split_at_semicolons_at_the_end_of_a_line() -> None:
    assert split_script("-- why\nCREATE TABLE a (b INT);\n\nINSERT INTO a\nVALUES (';');\n") == [
        "CREATE TABLE a (b INT)",
        "INSERT INTO a\nVALUES (';')",
    ]


def test_both_dialects_have_every_statement() -> None:
    assert book("sqlite").names() == book("mysql").names()


def test_no_statement_uses_what_vitess_or_mysql_refuse() -> None:
    for name in book("mysql").names():
        text = book("mysql")[name].text.upper()
        for word in ("RETURNING", "REPLACE INTO", "INSERT IGNORE", "INSERT OR", "ON CONFLICT", "AUTO_INCREMENT"):
            assert word not in text, name


@pytest.fixture
def tables() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for schema in ("index", "ledger"):
        for step in migrations(schema, "sqlite"):
            for statement in step.statements:
                connection.execute(statement)
    return connection


def test_every_statement_is_understood_by_sqlite(tables: sqlite3.Connection) -> None:
    for name in book("sqlite").names():
        statement = book("sqlite")[name]
        values = dict.fromkeys(statement.params)
        tables.execute(f"EXPLAIN {statement.text}", values)
    tables.close()


def test_every_query_of_the_index_finds_its_rows_by_key(tables: sqlite3.Connection) -> None:
    own = {"revision", "revision_position", "revisions_of_ids", "history", "revision_count", "head", "heads_of_ids"}
    own |= {"heads", "head_update", "revision_update", "outbox", "outbox_delete", "revision_entity", "page"}
    own |= {"redirects_to"}
    for name in sorted(own):
        statement = book("sqlite")[name]
        plan = tables.execute(f"EXPLAIN QUERY PLAN {statement.text}", dict.fromkeys(statement.params))
        steps = [row[3] for row in plan]
        assert not any(step.startswith("SCAN") for step in steps), (name, steps)
        assert not any("TEMP B-TREE" in step for step in steps), (name, steps)
    tables.close()
