"""Recognition against what two real wikis answered: the route of a request must agree with its answer.

Independent of the golden tables, so that no recorded request has its route by accident.
"""

import gzip
import json
import re
from collections import Counter
from typing import Any
from urllib.parse import unquote, urlencode

from shared_truth import SHARED, needs_shared

from rules.routes.api_writes import PAGE_WRITES, WIKIBASE_WRITES
from rules.routes.recognise import recognise
from rules.routes.route import EntityRead, EntityWrite, NeedsBody, NotOurs, Request, Route, Site

SITE = Site()


def route_of(request: Request) -> Route:
    route = recognise(request, SITE)
    assert not isinstance(route, NeedsBody)
    return route


def recorded() -> list[tuple[str, Request, dict[str, Any]]]:
    """Give the original requests (tokens and all) with their answers."""
    found = []
    for path in sorted((SHARED / "recordings" / "api").glob("*.json")):
        exchange = json.loads(path.read_text())
        asked = exchange["request"]
        headers = {name.lower(): value for name, value in asked["headers"].items()}
        body = urlencode(asked["form"]).encode() if asked["form"] else asked.get("body", "").encode()
        query = f"?{urlencode(asked['query'])}" if asked["query"] else ""
        request = Request(
            method=asked["method"],
            target=asked["path"] + query,
            content_type=headers.get("content-type"),
            accept=headers.get("accept"),
            body=body,
        )
        found.append((path.stem, request, {**exchange["response"], "action": action_of(asked)}))
    return found


def action_of(asked: dict[str, Any]) -> str | None:
    return {**asked["query"], **asked["form"]}.get("action") if asked["path"].endswith("/api.php") else None


def recorded_reads() -> list[tuple[dict[str, Any], Request]]:
    with gzip.open(SHARED / "datasets" / "wiki-a" / "reads.jsonl.gz", "rt", encoding="utf-8") as lines:
        exchanges = [json.loads(line) for line in lines]
    found = []
    for exchange in exchanges:
        asked = exchange["request"]
        headers = {name.lower(): value for name, value in asked["headers"]}
        body = None if asked["body"] is None else asked["body"].encode()
        request = Request(
            method=asked["method"],
            target=asked["target"],
            content_type=headers.get("content-type"),
            accept=headers.get("accept"),
            body=body,
        )
        found.append((exchange, request))
    return found


def json_of(answer: dict[str, Any]) -> Any:
    try:
        return json.loads(answer.get("body") or "null")
    except json.JSONDecodeError:
        return None


def entities_in(document: Any) -> list[str] | None:
    """Return the keys of `entities`, without the made-up ones of titles that were not found."""
    if not isinstance(document, dict) or not isinstance(document.get("entities"), dict):
        return None
    return [key for key in document["entities"] if not key.startswith("-")]


@needs_shared
def test_the_tables_tell_of_the_original_requests(describe: Any, read_table: Any):
    table = {case["name"]: case["route"] for case in read_table("recordings.jsonl")}
    assert {name: describe(recognise(request, SITE)) for name, request, _ in recorded()} == table
    table = {case["name"]: case["route"] for case in read_table("reads.jsonl")}
    assert {
        f"{exchange['n']} {exchange['kind']}": describe(recognise(request, SITE))
        for exchange, request in recorded_reads()
    } == table


@needs_shared
def test_every_write_module_recorded_is_a_write_of_that_module():
    writes = 0
    for name, request, answer in recorded():
        route, action = route_of(request), answer["action"]
        if action in WIKIBASE_WRITES:
            assert isinstance(route, EntityWrite), name
            assert route.module == action, name
            writes += 1
        elif isinstance(route, EntityWrite) and action is not None:
            assert action in PAGE_WRITES, name
    assert writes == 169


@needs_shared
def test_every_recorded_write_names_the_entity_that_the_answer_names():
    """Independent of the request: what the module says it changed."""
    compared = 0
    for name, request, answer in recorded():
        route, document = route_of(request), json_of(answer)
        if not isinstance(route, EntityWrite) or not isinstance(document, dict):
            continue
        told: set[str] = set()
        entity = document.get("entity")
        if isinstance(entity, dict) and "id" in entity and route.entities:
            told = {entity["id"]}
        elif isinstance(document.get("claim"), dict):
            told = {document["claim"]["id"].partition("$")[0].upper()}
        elif document.get("redirected") is not None:
            told = {document["from"]["id"], document["to"]["id"]}
        elif isinstance(document.get("edit"), dict):
            told = {document["edit"]["title"].partition(":")[2]} if route.entities else set()
        if told:
            assert set(route.entities) == told, name
            compared += 1
    assert compared > 50


@needs_shared
def test_every_recorded_answer_with_entities_was_a_read_of_exactly_those():
    compared = 0
    for name, request, answer in recorded():
        found = entities_in(json_of(answer))
        if answer["status"] != 200 or not found:
            continue
        route = route_of(request)
        if "action=purge" in request.target:
            assert route == NotOurs("purge"), name
            continue
        assert_reads(name, route, found)
        compared += 1
    assert compared > 80


@needs_shared
def test_every_read_of_wiki_a_with_entities_was_a_read_of_exactly_those():
    compared = 0
    for exchange, request in recorded_reads():
        answer = exchange["response"]
        found = entities_in(json_of(answer))
        if answer["status"] == 200 and found is not None:
            assert_reads(exchange["n"], route_of(request), found)
            compared += 1
    assert compared > 500


REDIRECTED = {"Q37": "Q10", "Q18": "Q35", "Q32": "Q33", "Q39": "Q41", "Q40": "Q41"}
"""EntityData answers with the target under the target's id."""


def assert_reads(name: Any, route: Route, found: list[str]) -> None:
    assert isinstance(route, EntityRead), name
    if route.surface == "entitydata":
        assert len(found) == 1, name
        assert found[0] in {route.entities[0], REDIRECTED.get(route.entities[0])}, name
    elif route.by_title:
        assert found[: len(route.entities)] == list(route.entities), name
    else:
        assert set(found) == {*route.entities, *route.others}, name
        if not route.others:
            # Entries come in the order asked for, but missing ones first.
            assert Counter(found) == Counter(route.entities), name


@needs_shared
def test_a_single_revision_asked_of_entitydata_is_the_one_answered():
    compared = 0
    for exchange, request in recorded_reads():
        route, document = route_of(request), json_of(exchange["response"])
        if isinstance(route, EntityRead) and route.surface == "entitydata" and route.revision and document:
            (record,) = document["entities"].values()
            assert record["lastrevid"] == route.revision, exchange["n"]
            compared += 1
    assert compared >= 19


@needs_shared
def test_pinned_revisions_and_titles_of_prop_revisions_are_those_answered():
    pinned = titled = 0
    for exchange, request in recorded_reads():
        route, document = route_of(request), json_of(exchange["response"])
        if not isinstance(route, EntityRead) or route.surface != "revisions" or not document:
            continue
        pages = document.get("query", {}).get("pages", [])
        pages = list(pages.values()) if isinstance(pages, dict) else pages
        if route.revision is not None and pages:
            assert [revision["revid"] for page in pages for revision in page["revisions"]] == [route.revision]
            pinned += 1
        elif route.entities:
            assert {page["title"].partition(":")[2] for page in pages} == set(route.entities)
            titled += 1
    assert pinned >= 15
    assert titled >= 10


@needs_shared
def test_content_of_entities_is_never_answered_to_what_is_not_ours():
    """The other way round: whatever was answered with an entity's statements had been recognised."""
    for exchange, request in recorded_reads():
        route, answer = route_of(request), exchange["response"]
        content_type = dict(map(tuple, answer["headers"])).get("Content-Type", "")
        if isinstance(route, NotOurs) and content_type.startswith("application/json"):
            assert '"mainsnak"' not in (answer.get("body") or ""), exchange["n"]


KINDS: dict[str, set[str]] = {
    # What a kind may be; several where the kind holds several (READS.md).
    "entity-path": {"concept_uri"},
    "entitypage": {"redirect_entity_page"},
    "entitydata.accept": {"entitydata", "redirect_negotiated", "rdf"},
    "entitydata.conditional": {"entitydata", "redirect_negotiated", "rdf"},
    "entitydata.flavor": {"entitydata", "rdf"},
    "entitydata.head": {"entitydata", "redirect_negotiated", "rdf", "help", "malformed_id"},
    "entitydata.id-form": {"malformed_id", "help", "format_unknown", "serialized_php", "redirect_name"},
    "entitydata.json": {"entitydata"},
    "entitydata.lower-case": {"redirect_canonical", "redirect_negotiated"},
    "entitydata.no-suffix": {"redirect_negotiated"},
    "entitydata.path-info": {"entitydata", "redirect_negotiated", "redirect_name"},
    "entitydata.path-title": {
        "entitydata", "redirect_negotiated", "redirect_name", "redirect_canonical", "help", "rdf", "special_other",
        "page_html",
    },
    "entitydata.path-wiki": {"entitydata", "redirect_name", "special_other", "page_html"},
    "entitydata.query": {"entitydata", "rdf", "redirect_negotiated"},
    "entitydata.rdf": {"rdf"},
    "entitydata.revision": {"entitydata", "redirect_negotiated"},
    "entitydata.revision-form": {"entitydata", "redirect_canonical"},
    "entitydata.suffix": {"redirect_canonical", "html", "format_unknown"},
    "rest.item": {"rest", "malformed_id"},
    "rest.other": {"rest", "malformed_id", "rest_no_route"},
    "rest.statement": {"rest", "malformed_id"},
    "rest.statements": {"rest", "malformed_id"},
    "wbgetclaims.claim": {"wbgetclaims", "malformed_id"},
    "wbgetclaims.entity": {"wbgetclaims", "malformed_id"},
    "wbgetclaims.param-error": {"wbgetclaims", "malformed_id"},
    "wbgetentities.ids-count": {"wbgetentities", "too_many_values"},
    "wbgetentities.post-query": {"wbgetentities", "wbgetclaims", "action_not_entity"},
    "wbgetentities.query-form": {"wbgetentities", "action_not_entity", "redirect_api_path"},
}  # fmt: skip
SURFACES = {
    "entitydata": {"entitydata", "redirect_negotiated"},
    "query-revisions": {"revisions", "revision_metadata"},
    "rest": {"rest"},
    "wbgetclaims": {"wbgetclaims"},
    "wbgetentities": {"wbgetentities"},
}


@needs_shared
def test_every_kind_of_read_is_what_its_name_says():
    for exchange, request in recorded_reads():
        kind, route = exchange["kind"], route_of(request)
        assert not isinstance(route, EntityWrite), exchange["n"]
        told = route.reason if isinstance(route, NotOurs) else route.surface.value
        assert told in (KINDS.get(kind) or SURFACES[kind.partition(".")[0]]), exchange["n"]
        if kind.startswith("query-revisions"):
            assert (told == "revisions") == ("content" in asked_props(request)), exchange["n"]


def asked_props(request: Request) -> list[str]:
    """Return the words that follow `rvprop`, however it was sent: enough to see whether content is asked for."""
    sent = unquote(f"{request.target} {(request.body or b'').decode()}")
    return re.findall(r"\w+", re.split("[&-]", sent.partition("rvprop")[2])[0])


STATUSES = {
    "help": {200}, "rdf": {200, 301, 304, 400, 404}, "html": {301, 303}, "serialized_php": {200},
    "format_unknown": {415}, "redirect_negotiated": {303, 406}, "redirect_canonical": {301}, "redirect_name": {301},
    "redirect_entity_page": {301, 400}, "redirect_api_path": {301}, "rest_no_route": {404}, "purge": {200},
    "special_other": {404}, "page_html": {200, 404, 415}, "concept_uri": {303, 404}, "malformed_id": {200, 301, 400},
}  # fmt: skip
"""Which statuses the reasons of what is not ours came with, on both wikis: none by accident."""


@needs_shared
def test_reasons_agree_with_the_statuses_answered():
    exchanges = [(name, request, answer["status"]) for name, request, answer in recorded()]
    exchanges += [(exchange["n"], request, exchange["response"]["status"]) for exchange, request in recorded_reads()]
    seen = set()
    for name, request, status in exchanges:
        route = route_of(request)
        if isinstance(route, NotOurs) and route.reason in STATUSES:
            assert status in STATUSES[route.reason], name
            seen.add(route.reason)
        elif isinstance(route, EntityRead):
            assert status not in {301, 303, 406, 415}, name
    assert seen == set(STATUSES)
