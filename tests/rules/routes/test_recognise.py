"""Recognition against golden cases, and its promises for any input."""

import timeit
from collections import Counter
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.routes.api_writes import WIKIBASE_WRITES
from rules.routes.reasons import Reason
from rules.routes.recognise import recognise
from rules.routes.route import EntityRead, EntityWrite, NeedsBody, NotOurs, Request, Route, Site

SITE = Site()
WIDE_SITE = Site(entity_namespaces={"item": 0, "property": 120, "lexeme": 146, "mediainfo": 6})
RECORDINGS = 449
READS = 1237
URLENCODED = "application/x-www-form-urlencoded"


def route_of(request: Request) -> Route:
    route = recognise(request, SITE)
    assert not isinstance(route, NeedsBody)
    return route


# Golden cases -------------------------------------------------------------------------------------------------------


def test_each_case_has_its_route(case: dict[str, Any], sites: dict[str, Site], describe: Any, make_request: Any):
    route = recognise(make_request(case["request"]), sites[case.get("site", "stock")])
    assert describe(route) == {"entities": [], **case["route"]} if "read" in case["route"] else case["route"]


@pytest.mark.parametrize(("table", "lines"), [("recordings.jsonl", RECORDINGS), ("reads.jsonl", READS)])
def test_each_recorded_request_has_its_route(table: str, lines: int, describe: Any, make_request: Any, read_table: Any):
    cases = read_table(table)
    assert len(cases) == lines
    wrong = {
        case["name"]: (told, case["route"])
        for case in cases
        if (told := describe(recognise(make_request(case["request"]), SITE))) != case["route"]
    }
    assert wrong == {}


def test_each_case_name_is_used_once(read_table: Any):
    names = Counter(case["name"] for table in ("recordings.jsonl", "reads.jsonl") for case in read_table(table))
    assert names.most_common(1)[0][1] == 1


# Promises for any input ---------------------------------------------------------------------------------------------

words = st.sampled_from(
    ["action", "ids", "title", "id", "titles", "prop", "revisions", "rvprop", "content", "wbgetentities", "Item:Q5",
     "wbsetlabel", "Q1|P2", "\x1fQ1\x1fQ2", "ids[]", "a.b[", "query", "Special:EntityData/Q1.json", "+", "%zz", "%00",
     "revision", "9" * 5000, "1e999999", "L1-F1", "&#x51;5", "\ud800", "é", "submit", "data", "{" * 2000]
)  # fmt: skip
texts = st.one_of(words, st.text(max_size=30))
pairs = st.lists(st.tuples(texts, texts), max_size=8)
paths = st.one_of(
    st.sampled_from(
        ["/w/api.php", "/w/index.php", "/w/rest.php/wikibase/v1/entities/items/", "/wiki/Special:", "/wiki/", "/", "",
         "*", "/w/index.php/", "/entity/", "http://h", "/../..", "//", "/%", "/w/rest.php/wikibase/v1/statements/"]
    ),
    st.text(max_size=40),
)  # fmt: skip
methods = st.one_of(st.sampled_from(["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]), st.text(max_size=5))
content_types = st.one_of(
    st.none(),
    st.sampled_from([URLENCODED, "multipart/form-data; boundary=b", "multipart/form-data", "application/json"]),
    st.text(max_size=40),
)
bodies = st.one_of(
    st.none(),
    st.binary(max_size=200),
    pairs.map(lambda given: "&".join(f"{name}={value}" for name, value in given).encode("utf-8", "replace")),
    st.lists(st.sampled_from([b"--b", b"\r\n", b"--", b'Content-Disposition: form-data; name="action"', b"x"])).map(
        b"".join
    ),
)


def any_target(path: str, tail: str, given: list[tuple[str, str]], *, quoted: bool) -> str:
    query = urlencode(given, errors="replace") if quoted else "&".join(f"{name}={value}" for name, value in given)
    return f"{path}{tail}?{query}"


targets = st.one_of(st.text(), st.builds(any_target, paths, texts, pairs, quoted=st.booleans()))


@given(method=methods, target=targets, content_type=content_types, body=bodies, wide=st.booleans())
@example("GET", "/w/api.php?%", None, None, False)
@example("POST", "/wiki/Special:EntityData/Q1.json?revision=1e400", URLENCODED, b"", False)
def test_any_request_gets_an_answer(method: str, target: str, content_type: str | None, body: bytes | None, wide: bool):
    request = Request(method=method, target=target, content_type=content_type, body=body)
    route = recognise(request, WIDE_SITE if wide else SITE)
    if isinstance(route, NeedsBody):
        assert method == "POST"
        assert body is None
    elif isinstance(route, NotOurs):
        assert route.reason in set(Reason)
    else:
        assert len(set(route.entities)) == len(route.entities)


ids = st.lists(st.from_regex(r"[QP][1-9][0-9]{0,6}", fullmatch=True), min_size=1, max_size=5, unique=True)
values = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=20)
reads = st.fixed_dictionaries(
    {"action": st.just("wbgetentities"), "ids": ids.map("|".join), "format": st.just("json")},
    optional={
        "props": values, "languages": values, "languagefallback": values, "sitefilter": values, "redirects": values,
        "formatversion": values, "requestid": values, "sites": values, "titles": values,
    },
)  # fmt: skip


@given(parameters=reads, data=st.data())
def test_the_order_of_parameters_does_not_matter(parameters: dict[str, str], data: st.DataObject):
    shuffled = data.draw(st.permutations(list(parameters.items())))
    straight = Request(method="GET", target=f"/w/api.php?{urlencode(parameters)}")
    assert route_of(straight) == route_of(replace(straight, target=f"/w/api.php?{urlencode(shuffled)}"))


@given(parameters=reads, data=st.data())
def test_it_does_not_matter_how_parameters_travel(parameters: dict[str, str], data: st.DataObject):
    in_query = data.draw(st.sets(st.sampled_from(sorted(parameters))))
    query = urlencode({name: value for name, value in parameters.items() if name in in_query})
    form = {name: value for name, value in parameters.items() if name not in in_query}
    expected = route_of(Request(method="GET", target=f"/w/api.php?{urlencode(parameters)}"))
    urlencoded = Request(
        method="POST", target=f"/w/api.php?{query}", content_type=URLENCODED, body=urlencode(form).encode()
    )
    assert route_of(urlencoded) == expected
    parts = "".join(
        f'--b0und\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in form.items()
    )
    multipart = replace(
        urlencoded, content_type="multipart/form-data; boundary=b0und", body=f"{parts}--b0und--\r\n".encode()
    )
    assert route_of(multipart) == expected


@given(asked=reads, body=reads)
def test_the_body_wins_over_the_query(asked: dict[str, str], body: dict[str, str]):
    merged = {**asked, **body}
    post = Request(
        method="POST",
        target=f"/w/api.php?{urlencode(asked)}",
        content_type=URLENCODED,
        body=urlencode(body).encode(),
    )
    assert route_of(post) == route_of(Request(method="GET", target=f"/w/api.php?{urlencode(merged)}"))


@given(query=reads, write=st.sampled_from(sorted(WIKIBASE_WRITES)))
def test_a_write_in_the_body_is_never_taken_for_the_read_in_the_query(query: dict[str, str], write: str):
    post = Request(
        method="POST",
        target=f"/w/api.php?{urlencode(query)}",
        content_type=URLENCODED,
        body=urlencode({"action": write}).encode(),
    )
    assert isinstance(recognise(replace(post, body=None), SITE), NeedsBody)
    route = route_of(post)
    assert isinstance(route, EntityWrite)
    assert route.module == write


@given(asked=ids)
def test_every_id_asked_for_is_in_the_route(asked: list[str]):
    route = route_of(Request(method="GET", target=f"/w/api.php?action=wbgetentities&ids={quote('|'.join(asked))}"))
    assert isinstance(route, EntityRead)
    assert list(route.entities) == asked


@pytest.mark.parametrize("count", [1001, 50_000])
def test_more_parameters_than_php_takes_are_undecidable(count: int):
    query = "&".join(f"a{number}=1" for number in range(count))
    assert route_of(Request(method="GET", target=f"/w/api.php?action=wbgetentities&ids=Q1&{query}")) == NotOurs(
        "undecidable_parameters"
    )
    body = query.encode()
    post = Request(method="POST", target="/w/api.php?action=wbgetentities", content_type=URLENCODED, body=body)
    assert route_of(post) == NotOurs("undecidable_parameters")


@pytest.mark.parametrize("field", ["ids", "titles", "sites", "languages", "props"])
def test_a_huge_multi_value_ends_soon(field: str):
    body = f"action=wbgetentities&format=json&{field}=".encode() + b"Q1|" * 1_000_000
    post = Request(method="POST", target="/w/api.php", content_type=URLENCODED, body=body)
    assert timeit.timeit(lambda: route_of(post), number=1) < 2


def test_a_site_can_be_changed_by_replace():
    other = replace(SITE, script_paths=("/x",), article_path="/a/$1/b")
    request = Request(method="GET", target="/a/Special:EntityData/Q1.json/b")
    assert isinstance(recognise(request, other), EntityRead)
    assert isinstance(recognise(replace(request, target="/x/api.php?action=wbgetentities&ids=Q1"), other), EntityRead)
    assert recognise(replace(request, target="/w/api.php?action=wbgetentities&ids=Q1"), other) == NotOurs(
        "other_script"
    )
