from pathlib import Path

import pytest

from backends.sql.migrations import migrations


def test_steps_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for name in ("0002_b", "0001_a", "0010_c"):
        (tmp_path / "x" / f"{name}.sql").write_text(f"CREATE TABLE {name[5:]} (i INT);\n")
    steps = migrations("x", "sqlite", tmp_path)
    assert [(step.number, step.name) for step in steps] == [(1, "a"), (2, "b"), (10, "c")]
    assert steps[0].statements == ("CREATE TABLE a (i INT)",)


def test_a_dialect_can_replace_a_step(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "0001_a.sql").write_text("CREATE TABLE common (i INT);")
    (tmp_path / "x" / "0001_a.mysql.sql").write_text("CREATE TABLE own (i INT);")
    assert migrations("x", "mysql", tmp_path)[0].statements == ("CREATE TABLE own (i INT)",)
    assert migrations("x", "sqlite", tmp_path)[0].statements == ("CREATE TABLE common (i INT)",)


def test_two_steps_with_one_number_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "0001_a.sql").write_text("")
    (tmp_path / "x" / "0001_b.sql").write_text("")
    with pytest.raises(ValueError, match="step 1"):
        migrations("x", "sqlite", tmp_path)


def test_a_file_with_another_name_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "first.sql").write_text("")
    with pytest.raises(ValueError, match=r"first\.sql"):
        migrations("x", "sqlite", tmp_path)


@pytest.mark.parametrize("schema", ["nothing", "../index", ""])
def test_a_schema_that_is_not_there_is_an_error(schema: str) -> None:
    with pytest.raises(ValueError, match="no schema"):
        migrations(schema, "sqlite")
