"""Which entities an answer holds: every surface, both format versions, and what is no answer."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_truth import SHARED, needs_shared

from wikibase.answers import Answer, Presence, entities_in
from wikibase.ids import EntityId

Q5 = EntityId("Q5")
STORED = json.dumps({"type": "item", "id": "Q5", "labels": []})


def recorded(number: str) -> Any:
    (path,) = (SHARED / "recordings" / "api").glob(f"{number}-*.json")
    return json.loads(json.loads(path.read_text())["response"]["body"])


def test_wbgetentities_tells_asked_and_served_ids() -> None:
    redirected = {"pageid": 1, "lastrevid": 9, "modified": "2020-01-01T00:00:00Z", "redirects": {}, "id": "Q10"}
    missing = {"id": "Q40", "missing": ""}
    by_title = {"site": "enwiki", "title": "X", "missing": ""}
    answer = entities_in("wbgetentities", {"entities": {"Q37": redirected, "Q40": missing, "-1": by_title}})
    first, second, third = answer.entities
    assert (first.asked, first.served, first.revision) == ("Q37", "Q10", 9)
    assert (second.presence, second.asked) == (Presence.MISSING, "Q40")
    assert (third.presence, third.asked) == (Presence.MISSING, None)


def test_entitydata_is_keyed_by_what_is_served() -> None:
    body = {"entities": {"Q10": {"id": "Q10", "type": "item", "lastrevid": 9}}}
    (found,) = entities_in("entitydata", body, asked=[EntityId("Q37")]).entities
    assert (found.asked, found.served) == ("Q37", "Q10")


def test_wbgetclaims_is_a_part_of_the_entity_that_was_asked_for() -> None:
    (found,) = entities_in("wbgetclaims", {"claims": {}}, asked=[Q5]).entities
    assert found.content == {"id": "Q5", "type": "item", "claims": {}}
    assert found.revision is None


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("flat", [True, False])
def test_revisions_in_every_layout(version: int, flat: bool) -> None:
    key = "content" if version == 2 else "*"
    slot = {"contentmodel": "wikibase-item", key: STORED}
    revision = {"revid": 7, "timestamp": "2020-01-01T00:00:00Z", **(slot if flat else {"slots": {"main": slot}})}
    page = {"pageid": 3, "title": "Item:Q5", "revisions": [revision]}
    pages: Any = [page] if version == 2 else {"3": page}
    (found,) = entities_in("revisions", {"query": {"pages": pages}}).entities
    assert (found.served, found.revision, found.whole, found.presence) == ("Q5", 7, True, Presence.ENTITY)


@pytest.mark.parametrize(
    ("slot", "presence"),
    [
        ({"texthidden": ""}, Presence.HIDDEN),
        ({"textmissing": True}, Presence.UNREADABLE),
        ({"contentmodel": "wikibase-item"}, Presence.NO_CONTENT),
        ({"contentmodel": "wikibase-item", "content": '{"entity":"Q5","redirect":"Q6"}'}, Presence.REDIRECT),
    ],
)
def test_revisions_that_hold_no_entity(slot: dict[str, Any], presence: Presence) -> None:
    page = {"title": "Item:Q5", "revisions": [{"revid": 7, "slots": {"main": slot}}]}
    (found,) = entities_in("revisions", {"query": {"pages": [page]}}).entities
    assert (found.presence, found.asked) == (presence, "Q5")


def test_pages_and_slots_that_are_no_entities_are_passed_over() -> None:
    wikitext = {"contentmodel": "wikitext", "content": "Q5"}
    broken = {"contentmodel": "wikibase-item", "content": "no json"}
    pages = [{"title": "Sandbox", "revisions": [{"revid": n, "slots": {"main": slot}}, []]}
             for n, slot in enumerate((wikitext, broken))]  # fmt: skip
    assert entities_in("revisions", {"query": {"pages": pages}}) == Answer((), "nothing_answered")


@pytest.mark.parametrize(
    ("surface", "body", "detail"),
    [
        ("wbgetentities", {"error": {"code": "no-such-entity"}}, "no-such-entity"),
        ("wbgetentities", {"errors": [{"code": "maxlag"}]}, "maxlag"),
        ("rest", {"code": "item-not-found", "message": "x"}, "item-not-found"),
        ("rest", {"httpCode": 404}, "404"),
    ],
)
def test_an_error_is_not_an_answer(surface: str, body: Any, detail: str) -> None:
    assert entities_in(surface, body, asked=[Q5]) == Answer(reason="answer_is_error", detail=detail)


@pytest.mark.parametrize("surface", ["wbgetentities", "entitydata", "wbgetclaims", "revisions", "rest", "page"])
@given(body=st.recursive(st.none() | st.integers() | st.text(max_size=4), lambda inner: st.lists(inner, max_size=3)
       | st.dictionaries(st.sampled_from(["entities", "id", "query", "pages", "revisions", "slots", "claims", "Q5",
       "missing", "labels", "statements", "P1", "rank", "title", "content"]), inner, max_size=3)))  # fmt: skip
def test_any_json_is_an_answer_of_some_kind(surface: str, body: Any) -> None:
    answer = entities_in(surface, body, asked=[Q5])
    assert answer.entities or answer.reason


@needs_shared
def test_recorded_answers_hold_what_they_were_asked_for() -> None:
    (redirected,) = entities_in("wbgetentities", recorded("309")).entities
    assert (redirected.asked, redirected.served) == ("Q37", "Q10")
    fifty = entities_in("wbgetentities", recorded("281")).entities
    assert len(fifty) > 30
    assert {one.presence for one in fifty} == {Presence.ENTITY}
    hidden = entities_in("revisions", recorded("377")).entities
    assert [one.revision for one in hidden if one.presence is Presence.HIDDEN] == [161, 160]
    assert entities_in("revisions", recorded("372")).reason == "nothing_answered"
