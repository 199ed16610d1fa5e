"""Reads the golden cases of tests/cases/routes and writes routes down as the cases do.

A case is `name`, `request` (method, target, content_type, and one of form, body, multipart), `route`, and optionally
`site` (a name in sites.yaml). A new case in any *.yaml there, or line in a *.jsonl, is a new test: no code.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from rules.routes.route import EntityRead, EntityWrite, NeedsBody, NotOurs, Request, Route, Site

CASES = Path(__file__).resolve().parents[2] / "cases" / "routes"
BOUNDARY = "----a-boundary"
KINDS = {EntityRead: "read", EntityWrite: "write"}


def describe(route: Route | NeedsBody) -> dict[str, Any]:
    """Write a route as plain JSON: its kind, and the fields that differ from their defaults."""
    if isinstance(route, NotOurs):
        return {"not_ours": route.reason}
    if isinstance(route, NeedsBody):
        return {"needs_body": True}
    told: dict[str, Any] = {KINDS[type(route)]: route.surface.value}
    for field in dataclasses.fields(route):
        value = getattr(route, field.name)
        if field.name == "projection":
            told |= {name: _plain(part) for name, part in _unusual(value)}
        elif field.name != "surface" and value != field.default:
            told[field.name] = _plain(value)
    return told


def _unusual(value: Any) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(value):
        if getattr(value, field.name) != field.default:
            yield field.name, getattr(value, field.name)


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return json.loads(json.dumps(value))


def make_request(given: dict[str, Any]) -> Request:
    body, content_type = given.get("body"), given.get("content_type")
    if "form" in given:
        body = urlencode(given["form"])
        content_type = content_type or "application/x-www-form-urlencoded"
    if "multipart" in given:
        parts = "".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in given["multipart"].items()
        )
        body = f"{parts}--{BOUNDARY}--\r\n"
        content_type = f"multipart/form-data; boundary={BOUNDARY}"
    return Request(
        method=given.get("method", "GET"),
        target=given["target"],
        content_type=content_type,
        body=body.encode() if isinstance(body, str) else body,
    )


def _read_cases() -> list[dict[str, Any]]:
    cases = []
    for path in sorted(CASES.glob("*.yaml")):
        if path.name != "sites.yaml":
            cases += [{**case, "name": f"{path.stem}: {case['name']}"} for case in yaml.safe_load(path.read_text())]
    return cases


def read_table(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CASES / name).read_text().splitlines()]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        cases = _read_cases()
        metafunc.parametrize("case", cases, ids=[case["name"] for case in cases])


@pytest.fixture(scope="session")
def sites() -> dict[str, Site]:
    tuples = {"script_paths", "special_names", "entitydata_names"}
    return {
        name: Site(**{key: tuple(value) if key in tuples else value for key, value in fields.items()})
        for name, fields in yaml.safe_load((CASES / "sites.yaml").read_text()).items()
    }


@pytest.fixture(name="describe", scope="session")
def describe_fixture() -> Callable[[Route | NeedsBody], dict[str, Any]]:
    return describe


@pytest.fixture(name="make_request", scope="session")
def make_request_fixture() -> Callable[[dict[str, Any]], Request]:
    return make_request


@pytest.fixture(name="read_table", scope="session")
def read_table_fixture() -> Callable[[str], list[dict[str, Any]]]:
    return read_table
