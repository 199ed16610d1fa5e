"""Rule files: a good one becomes rules; a wrong one is refused with file, line, field and what was expected."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes.rule_files import good, label, text_of

from backends.config_file import ConfigError
from backends.rule_files import FILE_BYTES_MAX, load_rules, parse_rules, read_rules

TODAY = date(2026, 6, 1)


def test_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text_of(good(where={"entity_types": ["item", "property"]})), "utf-8")
    found = read_rules(path, TODAY)
    (rule,) = found.rules
    assert rule.name == "label_case"
    assert rule.path == ("labels", "*", "value")
    assert str(rule.action) == "lower"
    assert rule.expires == date(2027, 1, 31)
    assert rule.entity_types == {"item", "property"}
    assert rule.surfaces == frozenset()
    assert rule.owner == "Ann Operator"
    assert found.lines == {"label_case": 2}
    assert len(found.version) == 12
    assert parse_rules("rules: []", "x").version == "none"


def test_a_day_may_be_written_bare() -> None:
    text = text_of(good()).replace("'2027-01-31'", "2027-01-31")
    assert parse_rules(text, "x").rules[0].expires == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("changes", "line", "message"),
    [
        ({"name": "language_fallback"}, 2, "rules[0].name: expected letters"),
        ({"name": "a b"}, 2, "expected letters"),
        ({"path": "labels..value"}, 3, "label_case.path: expected at most"),
        ({"path": "**.*"}, 3, "names no key"),
        ({"path": "redirect"}, 3, "no rule may touch redirect"),
        ({"path": ".".join("a" * 40)}, 3, "expected at most 32 keys"),
        ({"action": "drop"}, 4, "label_case.action: expected one of ignore, lower"),
        ({"action": "round:99"}, 4, "expected round:N with N from 0 to 15, got 'round:99'"),
        ({"reason": ""}, 5, "label_case.reason: expected a text"),
        ({"owner": 5}, 6, "expected a text of 1 to 1000 characters, got 5"),
        ({"expires": "soon"}, 7, "expected a day such as 2027-01-31"),
        ({"expires": "2027-02-30"}, 7, "expected a day"),
        ({"expires": None}, 2, "rules[0]: expires is missing"),
        ({"owner": None}, 2, "owner is missing"),
        ({"examples": None}, 2, "examples is missing"),
        ({"ownr": "x"}, None, "no such field; did you mean 'owner'?"),
        ({"where": {"surfaces": ["telnet"]}}, None, "label_case.where.surfaces: expected one of wbgetentities"),
        ({"where": {"entity_types": "item"}}, None, "label_case.where.entity_types: expected a list"),
        ({"examples": {"equal": [label("A"), label("a")]}}, 9, "label_case.examples: different is missing"),
        ({"examples": {**good()["examples"], "equal": [label("A")]}}, None, "expected two entities"),
        ({"examples": {**good()["examples"], "equal": [{"labels": {}}, 5]}}, None, "an entity with type and id"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(changes: dict[str, Any], line: int | None, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_rules(text_of(good(**changes)), "my.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("my.yaml:" if line is None else f"my.yaml:{line}: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "my.yaml: is empty"),
        ("rules: [", "my.yaml:1: is not YAML"),
        ("rules: 5", "my.yaml:1: rules: expected a list"),
        ("- 1", "my.yaml:1: expected the fields rules"),
        ("rules: []\nrules: []", "my.yaml:2: rules: is given twice"),
        ("rules: [5]", "my.yaml:1: rules[0]: expected the fields name, path"),
        (text_of(good(), good()), "is there already, in line 2"),
        (text_of(good(path="labels.**.value")).replace("labels.**.value", "!!python/object:x.y z"), "cannot be read"),
        ("[" * 3000, "is not YAML"),
        (yaml.safe_dump({"rules": [good(name=f"r{n}") for n in range(101)]}), "rules: expected at most 100, got 101"),
        (text_of(good()).replace("value: One", "value: 2020-01-01"), "an entity with type and id"),
    ],
)
def test_a_file_of_another_kind_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_rules(text, "my.yaml")
    assert message in str(caught.value)


def test_a_rule_whose_time_is_over_keeps_everything_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text_of(good(name="first"), good(expires="2026-05-31")), "utf-8")
    with pytest.raises(ConfigError, match=r"rules.yaml:\d+: label_case: expired on 2026-05-31: remove.* Ann Operator"):
        read_rules(path, TODAY)
    assert len(read_rules(path, date(2026, 5, 31)).rules) == 2
    assert len(load_rules(path).rules) == 2


def test_a_rule_that_hides_too_much_keeps_everything_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text_of(good(path="labels.*", action="ignore")), "utf-8")
    with pytest.raises(ConfigError, match="label_case: the example `different` becomes equal"):
        read_rules(path, TODAY)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_rules(tmp_path / "none.yaml")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"rules: [] # \xe4")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load_rules(latin)
    long = tmp_path / "long.yaml"
    long.write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(ConfigError, match="is larger than"):
        load_rules(long)


def test_the_example_of_the_documentation_is_a_good_file(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "normalisation-rules.md").read_text("utf-8")
    path = tmp_path / "example.yaml"
    path.write_text(page.partition("```yaml\n")[2].partition("```")[0], "utf-8")
    assert [rule.name for rule in read_rules(path, TODAY).rules] == ["coordinates_rounded"]
