"""What documents of each shape tell of a revision: its id, its parent, its time, and why there is no text."""

import json
from typing import Any

import pytest

from wikibase.documents import read_document
from wikibase.errors import NotAnEntityError
from wikibase.readings import Reading

STORED = '{"type":"item","id":"Q1","labels":[],"descriptions":[],"aliases":[],"claims":[],"sitelinks":[]}'
WHOLE = {"labels": {}, "descriptions": {}, "aliases": {}, "claims": {}, "sitelinks": {}}
CLAIM = {"mainsnak": {"snaktype": "novalue", "property": "P1"}, "type": "statement", "id": "q1$a", "rank": "normal"}


def read(document: Any) -> list[Reading]:
    return [one.reading for one in read_document(json.dumps(document))]


def pages(*revisions: Any, **page: Any) -> Any:
    return {"query": {"pages": [{"pageid": 5, "title": "Item:Q1", "revisions": revisions, **page}]}}


def slot(**fields: Any) -> dict[str, Any]:
    return {"revid": 7, "parentid": 6, "timestamp": "2020-01-01T00:00:00Z", "slots": {"main": fields}}


def test_a_revision_tells_its_id_parent_and_time() -> None:
    (one,) = read(pages(slot(contentmodel="wikibase-item", content=STORED)))
    assert (one.entity_id, one.rev_id, one.parent_id, one.timestamp) == ("Q1", 7, 6, "2020-01-01T00:00:00Z")
    assert one.whole


@pytest.mark.parametrize(
    ("revision", "reason"),
    [
        (slot(contentmodel="wikibase-item", texthidden=""), "texthidden"),
        ({**slot(contentmodel="wikibase-item"), "texthidden": True}, "texthidden"),
        (slot(contentmodel="wikibase-item", textmissing=True), "textmissing"),
        ({"revid": 7, "slotsmissing": True}, "slotsmissing"),
        (slot(contentmodel="wikibase-item"), "no_text"),
    ],
)
def test_a_text_that_is_not_there_says_why(revision: Any, reason: str) -> None:
    (one,) = read(pages(revision))
    assert (one.entity_id, one.content, one.reason, one.rev_id) == ("Q1", None, reason, 7)


def test_pages_of_other_models_hold_no_entity_and_of_no_told_model_perhaps() -> None:
    talk = {"pageid": 6, "title": "Talk:Q1", "revisions": [slot(content="hello")]}
    both = {"query": {"pages": [talk, {**talk, "revisions": [slot(contentmodel="wikitext", content="hi")]}]}}
    assert [(one.entity_id, one.reason) for one in read(both)] == [("Q1", "not_an_entity")]


def test_a_text_under_an_entitys_title_that_is_none_is_refused() -> None:
    with pytest.raises(NotAnEntityError, match="revision 7: no JSON"):
        read(pages(slot(contentmodel="wikibase-item", content="hello")))


def test_lists_of_revisions_and_deleted_ones_are_read() -> None:
    revision = slot(contentmodel="wikibase-item", content=STORED)
    page = {"pageid": 5, "title": "Item:Q1", "revisions": [revision]}
    assert len(read({"query": {"allrevisions": [page], "alldeletedrevisions": [page]}})) == 2
    assert len(read({"query": {"pages": {"5": {"title": "Item:Q1", "deletedrevisions": [revision]}}}})) == 1
    assert read({"query": {"pages": {"5": {"title": "Item:Q1", "revisions": [[], revision]}}}})[0].rev_id == 7


def test_an_id_that_the_text_lacks_is_that_of_the_title() -> None:
    (one,) = read(pages(slot(contentmodel="wikibase-item", content='{"label":{"en":"x"},"links":[]}')))
    assert one.entity_id == "Q1"
    assert one.content is not None
    assert one.content["labels"] == {"en": {"language": "en", "value": "x"}}


def test_answers_without_some_map_are_parts() -> None:
    info = {"id": "Q1", "type": "item", "lastrevid": 9, "modified": "2020-01-01T00:00:00Z"}
    missing = {"id": "Q2", "missing": ""}
    found = read({"entities": {"Q1": {**info, **WHOLE}, "Q2": missing, "Q3": {**info, "labels": {}}}, "success": 1})
    assert [(one.entity_id, one.whole, one.reason) for one in found] == [
        ("Q1", True, ""),
        ("Q2", True, "missing"),
        ("Q1", False, ""),
    ]
    assert found[0].rev_id == 9
    assert found[2].content == {"id": "Q1", "type": "item", "labels": {}}


def test_a_lexeme_without_lemmas_is_whole_and_so_is_a_form() -> None:
    lexeme = {"id": "L1", "type": "lexeme", "lastrevid": 3, "claims": {}, "forms": [], "senses": []}
    assert read({"entities": {"L1": lexeme}})[0].whole
    form = {"id": "L1-F1", "representations": {}, "grammaticalFeatures": [], "claims": {}, "lastrevid": 3}
    assert read({"entities": {"L1-F1": form}})[0].whole
    media = {"id": "M1", "type": "mediainfo", "labels": {}, "descriptions": {}, "statements": []}
    assert read({"entities": {"M1": media}})[0].whole


def test_one_statement_of_an_edit_names_its_entity() -> None:
    (one,) = read({"pageinfo": {"lastrevid": 9}, "success": 1, "claim": CLAIM})
    assert (one.entity_id, one.rev_id, one.whole) == ("Q1", 9, False)
    assert one.content is not None
    assert one.content["claims"]["P1"][0]["id"] == "q1$a"


def test_rest_answers_are_whole_when_they_have_every_part() -> None:
    terms = {"labels": {"en": "x"}, "descriptions": {}, "aliases": {}, "statements": {}}
    item = {"id": "Q1", "type": "item", **terms, "sitelinks": {}}
    prop = {"id": "P1", "type": "property", "data_type": "string", **terms}
    found = [*read(item), *read(prop), *read({"id": "Q1", "labels": {"en": "x"}})]
    assert [one.whole for one in found] == [True, True, False]
    assert found[1].content is not None
    assert found[1].content["datatype"] == "string"
