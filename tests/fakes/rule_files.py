"""Rules as an operator writes them, for tests: one that is good, to be bent."""

from typing import Any

import yaml


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "item", "id": "Q1", **fields}


def label(text: str, language: str = "en") -> dict[str, Any]:
    return item(labels={language: {"language": language, "value": text}})


def good(**changes: Any) -> dict[str, Any]:
    """Return a rule as YAML holds it; a change of None takes a field away."""
    rule = {
        "name": "label_case",
        "path": "labels.*.value",
        "action": "lower",
        "reason": "the importer of 2019 lower-cased",
        "owner": "Ann Operator",
        "expires": "2027-01-31",
        "examples": {"equal": [label("One"), label("one")], "different": [label("one"), label("two")]},
        **changes,
    }
    return {key: value for key, value in rule.items() if value is not None}


def text_of(*rules: dict[str, Any]) -> str:
    return yaml.safe_dump({"rules": list(rules)}, sort_keys=False, allow_unicode=True)
