"""The REST API v0: shapes, conditions, what is not there (recorded reads 964-1074)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId
from wikibase.render.entity import known
from wikibase.render.facts import RenderingFacts
from wikibase.render.found import Found
from wikibase.render.outcome import Answer, DeclinedError
from wikibase.render.rest_v0 import RestCall, early_answer, item_answer, read_call, used_properties
from wikibase.revision import Revision, State

FACTS = RenderingFacts(server="http://x")
KNOWN = known({"P1": "string"}, FACTS)
Q5 = EntityId("Q5")
GUID = "Q5$9F08FFF5-4465-46E0-B25A-7F848BBA1C0E"
STATEMENT = {
    "mainsnak": {"snaktype": "value", "property": "P1", "datavalue": {"type": "string", "value": "a/b"}},
    "type": "statement",
    "id": GUID,
    "rank": "normal",
}
CONTENT = canonical_entity(
    {
        "type": "item",
        "id": "Q5",
        "labels": {"en": {"language": "en", "value": "é"}},
        "aliases": {"en": [{"language": "en", "value": "x"}]},
        "claims": {"P1": [STATEMENT]},
    }
)
FOUND = Found(
    Revision(
        entity_id=Q5,
        rev_id=786,
        parent_id=0,
        position=0,
        timestamp="2018-09-25T06:07:11Z",
        state=State.VISIBLE,
        content=CONTENT,
    ),
    5,
)
REDIRECT = Found(replace(FOUND.revision, state=State.REDIRECT, content=None, redirect_target=EntityId("Q6")), 5)
TARGET = Found(
    replace(FOUND.revision, entity_id=EntityId("Q6"), content=canonical_entity({"type": "item", "id": "Q6"})), 6
)


def call(*part: str, fields: str | None = None, query: str = "", sent_id: str = "Q5", **headers: str) -> RestCall:
    return read_call(
        Q5,
        part,
        {name.replace("_", "-"): value for name, value in headers.items()},
        sent_id=sent_id,
        query=query,
        fields=fields,
        by_item=True,
    )


def answer(asked: RestCall, found: Found | None = FOUND, **other: Any) -> Answer:
    return early_answer(asked) or item_answer(asked, found, other.pop("known", KNOWN), FACTS, **other)


def test_an_item_has_texts_by_language_and_whole_statements() -> None:
    shown = answer(call())
    assert json.loads(shown.body) == {
        "id": "Q5",
        "type": "item",
        "labels": {"en": "é"},
        "descriptions": {},
        "aliases": {"en": ["x"]},
        "statements": {"P1": [{**STATEMENT, "qualifiers": {}, "qualifiers-order": [], "references": []} | snak()]},
        "sitelinks": {},
    }
    assert rb'"a\/b"' in shown.body
    headers = dict(shown.headers)
    assert (headers["ETag"], headers["Last-Modified"]) == ('"786"', "Tue, 25 Sep 2018 06:07:11 GMT")
    assert shown.revisions == (("Q5", 786),)


def snak() -> dict[str, Any]:
    made = json.loads(answer(call("statements", GUID)).body)["mainsnak"]
    assert made["datatype"] == "string"
    assert len(made["hash"]) == 40
    return {"mainsnak": made}


def test_fields_come_in_the_order_of_the_software() -> None:
    assert answer(call(fields="labels,type,labels")).body == rb'{"id":"Q5","type":"item","labels":{"en":"\u00e9"}}'
    refused = answer(call(fields="labels,id"))
    assert (refused.status, json.loads(refused.body)) == (
        400,
        {"code": "invalid-field", "message": "Not a valid field: id"},
    )
    assert used_properties(call(fields="labels"), CONTENT) == frozenset()
    assert used_properties(call("statements"), CONTENT) == {"P1"}


def test_a_property_that_is_gone_spoils_what_shows_it() -> None:
    gone = known({"P1": None}, FACTS)
    assert answer(call(), known=gone).status == 500
    assert answer(call("statements", GUID), known=gone).status == 500
    assert answer(call(fields="labels"), known=gone).status == 200


def test_only_the_prefix_of_a_guid_is_free() -> None:
    assert answer(call("statements", f"q{GUID[1:]}")).status == 200
    lower = answer(call("statements", GUID.lower()))
    assert json.loads(lower.body)["message"] == f"Could not find a statement with the ID: {GUID.lower()}"
    assert answer(call("statements", f"Q6{GUID[2:]}")).status == 404
    for malformed in ("x", "Q5$x", f"P5{GUID[2:]}", f"{GUID}$"):
        assert answer(call("statements", malformed)).status == 400


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('"786"', 304),
        ('W/"786"', 304),
        ('"1", "786"', 304),
        ('"a,b", "786"', 304),
        ('"785"', 200),
        ("*", 200),
        ("786", 200),
    ],
)
def test_a_tag_of_the_revision_is_304(tags: str, status: int) -> None:
    # If-None-Match, once there, is the only header that counts.
    assert answer(call(if_none_match=tags, if_modified_since="Tue, 01 Jan 2030 00:00:00 GMT")).status == status


def test_a_date_that_is_not_older_is_304() -> None:
    assert answer(call(if_modified_since="Tue, 25 Sep 2018 06:07:11 GMT")).status == 304
    assert answer(call(if_modified_since="Tue, 25 Sep 2018 06:07:10 GMT")).status == 200


def test_if_match_and_if_unmodified_since_never_hold_on_a_read() -> None:
    for headers in (
        {"if_match": '"786"'},
        {"if_match": "*"},
        {"if_unmodified_since": "Tue, 01 Jan 2030 00:00:00 GMT"},
    ):
        refused = answer(call(**headers))
        assert (refused.status, refused.body) == (412, b"")


@pytest.mark.parametrize(
    ("asked"),
    [
        call(if_none_match='"1",,"786"'),
        call(if_modified_since="junk"),
        call(if_unmodified_since="junk"),
        call(fields="x", if_none_match='"786"'),
    ],
)
def test_conditions_that_only_the_wiki_reads_are_declined(asked: RestCall) -> None:
    with pytest.raises(DeclinedError):
        answer(asked)


def test_a_redirect_is_308_to_the_same_place_of_the_target() -> None:
    def location(asked: RestCall) -> str:
        moved = answer(asked, REDIRECT)
        assert (moved.status, moved.body) == (308, b"")
        return dict(moved.headers)["Location"]

    base = "http://x/w/rest.php/wikibase/v0/entities/items/Q6"
    assert location(call()) == base
    assert location(call("statements")) == f"{base}/statements"
    assert location(call(fields="labels", query="_fields=labels")) == f"{base}?_fields=labels"
    with pytest.raises(DeclinedError):
        location(call(fields="labels,type", query="_fields=labels,type"))


def test_a_statement_of_a_redirect_is_not_found_unless_the_target_may_have_it() -> None:
    asked = call("statements", GUID)
    missing = answer(asked, REDIRECT, target=TARGET)
    assert missing.status == 404
    assert missing.revisions == (("Q5", 786), ("Q6", 786))
    with_it = Found(replace(TARGET.revision, content={**CONTENT, "id": "Q6"}), 6)
    for target in (None, REDIRECT, with_it):
        with pytest.raises(DeclinedError):
            answer(asked, REDIRECT, target=target)


def test_what_is_not_there_is_named_as_it_was_sent() -> None:
    missing = answer(call(sent_id="q5"), None)
    assert (missing.status, json.loads(missing.body)["message"]) == (404, "Could not find an item with the ID: q5")
    assert json.loads(answer(call("statements", GUID), None).body)["code"] == "item-not-found"
    by_itself = replace(call("statements", GUID), by_item=False)
    assert json.loads(answer(by_itself, None).body)["code"] == "statement-not-found"


def test_paths_that_v0_does_not_have_are_the_wikis() -> None:
    with pytest.raises(DeclinedError):
        call("labels")
