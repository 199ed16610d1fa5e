"""What answers to edits tell: table by table, and against everything that was recorded of a real wiki."""

import gzip
import itertools
import json
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import pytest
from shared_truth import SHARED, needs_shared

from rules.fence import EVERYTHING, NOTHING, Floor, State, Told, announced, is_met, named_revisions, unknown
from rules.routes.recognise import recognise
from rules.routes.route import EntityWrite, Request, Site, Surface
from wikibase.ids import EntityId

SITE = Site()
Q1, Q2, L1 = EntityId("Q1"), EntityId("Q2"), EntityId("L1")
JSON = {"content-type": "application/json"}


def api(module: str, *entities: EntityId, **more: Any) -> EntityWrite:
    return EntityWrite(surface=Surface.ACTION_API, module=module, entities=entities, **more)


def told(write: EntityWrite | None, body: object, status: int = 200, **headers: str) -> Told:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return named_revisions(write, status, JSON | headers, raw, SITE)


R7 = Told(revisions=((Q1, 7),))
CASES: dict[str, tuple[EntityWrite | None, object, Told]] = {
    "whole entity": (api("wbeditentity", Q1), {"entity": {"id": "Q1", "lastrevid": 7}, "success": 1}, R7),
    "created": (api("wbeditentity"), {"entity": {"id": "Q1", "lastrevid": 7}}, R7),
    "nothing changed": (api("wbsetlabel", Q1), {"entity": {"id": "Q1", "lastrevid": 7, "nochange": ""}}, R7),
    "by site and title": (
        api("wbsetlabel", by_title=(("enwiki", "A"),)), {"entity": {"id": "Q1", "lastrevid": 7}}, R7,
    ),
    "statement": (api("wbcreateclaim", Q1), {"pageinfo": {"lastrevid": 7}, "success": 1}, R7),
    "a form's lexeme": (
        api("wbladdform", EntityId("L1-F2")), {"lastrevid": 7, "form": {}}, Told(revisions=((L1, 7),)),
    ),
    "only a warning": (api("wbsetclaim", Q1), {"warnings": {}}, Told(unknown=(Q1,))),
    "merge": (
        api("wbmergeitems", Q1, Q2),
        {"from": {"id": "Q1", "lastrevid": 150}, "to": {"id": "Q2", "lastrevid": 151}, "redirected": 1},
        Told(revisions=((Q2, 151),), unknown=(Q1,)),
    ),
    "merge that failed half way": (
        api("wbmergeitems", Q1, Q2), {"error": {"code": "failed-modify"}}, Told(unknown=(Q1, Q2)),
    ),
    "redirect": (api("wbcreateredirect", Q1, Q2), {"success": 1, "redirect": "Q2"}, Told(unknown=(Q1, Q2))),
    "refused": (api("wbsetlabel", Q1), {"error": {"code": "editconflict"}}, NOTHING),
    "refused in the other shape": (api("wbsetlabel", Q1), {"errors": [{"code": "badtoken"}]}, NOTHING),
    "internal error": (
        api("wbsetclaim", Q1), {"error": {"code": "internal_api_error_TypeError"}}, Told(unknown=(Q1,)),
    ),
    "undo by page id": (api("edit"), {"edit": {"title": "Item:Q1", "newrevid": 7, "result": "Success"}}, R7),
    "undo without effect": (api("edit"), {"edit": {"title": "Item:Q1", "nochange": ""}}, NOTHING),
    "a page that is no entity's": (api("edit"), {"edit": {"title": "User:A", "newrevid": 7}}, NOTHING),
    "rollback": (api("rollback", Q1), {"rollback": {"revid": 7, "old_revid": 6, "last_revid": 5}}, R7),
    "delete": (api("delete", Q1), {"delete": {"title": "Item:Q1", "logid": 60}}, Told(unknown=(Q1,))),
    "undelete": (api("undelete", Q1), {"undelete": {"title": "Item:Q1", "revisions": 2}}, Told(unknown=(Q1,))),
    "import": (api("import"), {"import": [{"title": "Item:Q1"}]}, Told(unknown=(EVERYTHING,))),
    "tags": (api("tag"), {"tag": []}, NOTHING),
    "another format": (api("wbsetlabel", Q1), b"<api success='1'/>", Told(unknown=(Q1,))),
    "jsonp": (api("wbsetlabel", Q1), b'/**/f({"entity":{"id":"Q1","lastrevid":7}})', R7),
    "what nobody could read": (None, {"entity": {"id": "Q1", "lastrevid": 7}}, R7),
    "what nobody could read, nor its answer": (None, b"<html>", Told(unknown=(EVERYTHING,))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_module_tells_its_revision_where_it_hides_it(name: str) -> None:
    write, body, expected = CASES[name]
    assert told(write, body) == expected


def test_an_error_in_the_header_is_enough() -> None:
    assert told(api("wbsetlabel", Q1), b"<api/>", **{"mediawiki-api-error": "badtoken"}) == NOTHING


REST = EntityWrite(surface=Surface.REST, module="rest_post_statements", entities=(Q1,))
MADE = EntityWrite(surface=Surface.REST, module="rest_post_item")


@pytest.mark.parametrize(
    ("write", "status", "etag", "expected"),
    [
        (REST, 201, '"7"', R7),
        (REST, 200, "", Told(unknown=(Q1,))),
        (REST, 404, "", NOTHING),
        (REST, 412, '"7"', NOTHING),
        (REST, 500, "", Told(unknown=(Q1,))),
        (MADE, 201, '"7"', R7),
        (MADE, 500, "", NOTHING),
    ],
)
def test_rest_tells_it_in_the_etag_or_not_at_all(write: EntityWrite, status: int, etag: str, expected: Told) -> None:
    assert told(write, {"id": "Q1"}, status, **({"etag": etag} if etag else {})) == expected


def test_forms_tell_nothing() -> None:
    form = EntityWrite(surface=Surface.SPECIAL, module="special_setlabel", entities=(Q1,))
    assert told(form, b"", 302) == Told(unknown=(Q1,))
    assert told(form, b"", 403) == NOTHING
    assert told(EntityWrite(surface=Surface.PAGE, module="rollback"), b"", 200) == Told(unknown=(EVERYTHING,))
    assert told(EntityWrite(surface=Surface.SPECIAL, module="special_newitem"), b"", 302) == NOTHING


def test_an_answer_that_could_not_be_read_leaves_what_was_edited_to_the_wiki() -> None:
    assert named_revisions(api("wbsetlabel", Q1), 200, JSON, None, SITE) == Told(unknown=(Q1,))
    assert unknown(None) == Told(unknown=(EVERYTHING,))
    assert announced(api("wbladdform", EntityId("L1-F2"))) == (L1,)


@pytest.mark.parametrize(("state", "has", "passed"), list(itertools.product(State, (False, True), (4, 5))))
def test_what_a_floor_waits_for(state: State, has: bool, passed: int) -> None:
    floor = Floor(entity_id=Q1, write_id="w", seq=1, state=state, number=5, worker="a")
    expected = {State.OPEN: False, State.DONE: True, State.REVISION: has, State.PASS: passed >= 5}[state]
    assert is_met(floor, passed=passed, has=has) is expected


def steps() -> list[dict[str, Any]]:
    with gzip.open(SHARED / "recordings" / "edits" / "given.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def write_of(request: dict[str, Any]) -> EntityWrite | None:
    form = request.get("form") or {}
    query = request.get("query") or {}
    route = recognise(
        Request(
            method=request["method"],
            target=request["path"] + ("?" + urlencode(query) if query else ""),
            content_type="application/x-www-form-urlencoded",
            accept=None,
            body=urlencode(form).encode(),
        ),
        SITE,
    )
    return route if isinstance(route, EntityWrite) else None


@needs_shared
def test_every_recorded_edit_raises_a_floor_at_least_as_high_as_what_it_made() -> None:
    """3,310 recorded steps: whatever an edit changed is named exactly, or left to the wiki; never missed."""
    before: dict[str, Any] = {}
    seen: Counter[str] = Counter()
    story = None
    for step in steps():
        if step["story"] != story:
            before, story = {}, step["story"]
        after = step["after"]
        changed = {
            entity: state.get("lastrevid")
            for entity, state in after.items()
            if (state.get("lastrevid"), state.get("deleted")) != before.get(entity)
        }
        existed = set(before)
        before |= {entity: (state.get("lastrevid"), state.get("deleted")) for entity, state in after.items()}
        write = write_of(step["request"])
        assert write is not None, step["request"]
        response = step["response"]
        headers = {name.lower(): value for name, value in response["headers"].items()}
        body = response.get("body")
        found = named_revisions(write, response["status"], headers, body.encode() if body else None, SITE)
        exact = dict(found.revisions)
        for entity, revision in changed.items():
            if EntityId(entity) in found.unknown or EVERYTHING in found.unknown:
                seen["left to the wiki"] += 1
            elif entity in exact:
                assert exact[EntityId(entity)] == revision, step["request"]
                seen["exact"] += 1
            else:
                assert entity not in existed, (entity, step["request"], found)
                seen["new, so unknown to the store"] += 1
    assert seen["exact"] > 1500
    assert seen["left to the wiki"] < seen["exact"] / 4
