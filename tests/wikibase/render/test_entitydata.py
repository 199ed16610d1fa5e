"""Special:EntityData in JSON: headers, conditions, what is not there (recorded reads 696-962)."""

from dataclasses import replace
from typing import Any

import pytest

from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId
from wikibase.render.entity import known
from wikibase.render.entitydata import DataCall, data_answer, no_entity, no_revision, revision_answer
from wikibase.render.facts import RenderingFacts
from wikibase.render.found import Found
from wikibase.render.outcome import Answer, Decline, DeclinedError
from wikibase.render.record import Renderer, make_each_time
from wikibase.revision import Revision, State

FACTS = RenderingFacts(server="http://x", site_urls={"enwiki": "https://en.example/$1"})
RENDERER = Renderer(FACTS, known({}, FACTS), 0, make_each_time, ascii_only=True)
Q1 = EntityId("Q1")
LINKS = {"enwiki": {"site": "enwiki", "title": "Ä", "badges": []}}
FOUND = Found(
    Revision(
        entity_id=Q1,
        rev_id=7,
        parent_id=0,
        position=0,
        timestamp="2019-02-22T00:07:11Z",
        state=State.VISIBLE,
        content=canonical_entity({"type": "item", "id": "Q1", "sitelinks": LINKS}),
    ),
    5,
)


def asked(**other: Any) -> DataCall:
    return DataCall(**{"entity_id": Q1, "rev_id": None, "path": "/wiki/Special:EntityData/Q1.json", **other})


def in_state(state: State) -> Found:
    return Found(replace(FOUND.revision, state=state, redirect_target=EntityId("Q2")), 5)


def cache_control(answer: Answer) -> str:
    return dict(answer.headers)["Cache-Control"]


def test_data_has_addresses_of_site_links_and_no_success() -> None:
    answer = data_answer(asked(), FOUND, RENDERER)
    assert answer.body == (
        b'{"entities":{"Q1":{"pageid":5,"ns":120,"title":"Item:Q1","lastrevid":7,"modified":"2019-02-22T00:07:11Z",'
        b'"type":"item","id":"Q1","labels":{},"descriptions":{},"aliases":{},"claims":{},"sitelinks":{"enwiki":'
        b'{"site":"enwiki","title":"\\u00c4","badges":[],"url":"https://en.example/%C3%84"}}}}}'
    )
    headers = dict(answer.headers)
    assert headers["Last-Modified"] == "Fri, 22 Feb 2019 00:07:11 GMT"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "ETag" not in headers
    assert answer.revisions == (("Q1", 7),)


@pytest.mark.parametrize(
    ("rev_id", "path", "is_public"),
    [
        (7, "/wiki/Special:EntityData/Q1.json?revision=7", True),
        (7, "/wiki/Special:EntityData/Q1.json?revision=07", False),
        (7, "/wiki/Special:EntityData/Q1.json?revision=7&x=1", False),
        (7, "/w/index.php?title=Special:EntityData/Q1.json&revision=7", False),
        (None, "/wiki/Special:EntityData/Q1.json", False),
    ],
)
def test_only_the_address_that_is_purged_is_public(rev_id: int | None, path: str, *, is_public: bool) -> None:
    answer = data_answer(asked(rev_id=rev_id, path=path), FOUND, RENDERER)
    public, private = "public, s-maxage=18000, max-age=18000", "private, no-cache, s-maxage=0"
    assert cache_control(answer) == (public if is_public else private)


def test_who_has_the_revision_gets_304() -> None:
    same = data_answer(asked(since="Fri, 22 Feb 2019 00:07:11 GMT"), FOUND, RENDERER)
    assert (same.status, same.body) == (304, b"")
    assert "Last-Modified" not in dict(same.headers)
    assert dict(same.headers)["Content-language"] == "en"
    assert data_answer(asked(since="Fri, 22 Feb 2019 00:07:10 GMT"), FOUND, RENDERER).status == 200


def test_conditions_that_only_the_wiki_reads_are_declined() -> None:
    for other in ({"since": "junk"}, {"since": "Fri, 22 Feb 2030 00:07:11 GMT", "anonymous": False}):
        with pytest.raises(DeclinedError):
            data_answer(asked(**other), FOUND, RENDERER)


def test_what_is_not_there_is_a_small_page() -> None:
    page = no_entity(asked(), EntityId("Q9"), FACTS)
    assert page.status == 404
    assert page.body == (
        b"<!DOCTYPE html>\n<html><head><title>Not Found</title></head>\n"
        b"<body><h1>Not Found</h1><p>No entity with ID Q9 was found.</p></body></html>\n"
    )
    assert b"Can&#039;t show revision 8 of entity Q1." in no_revision(asked(rev_id=8), FACTS).body
    with pytest.raises(DeclinedError) as error:
        no_entity(asked(english=False), Q1, FACTS)
    assert error.value.declined.reason is Decline.LANGUAGE


def test_a_revision_is_shown_by_its_state() -> None:
    assert revision_answer(asked(rev_id=7), FOUND, RENDERER).status == 200
    assert revision_answer(asked(rev_id=7), in_state(State.TEXT_HIDDEN), RENDERER).status == 404
    assert revision_answer(asked(rev_id=7), in_state(State.ARCHIVED), RENDERER).status == 404
    assert revision_answer(asked(rev_id=7), in_state(State.REDIRECT), RENDERER).status == 400
    with pytest.raises(DeclinedError):
        revision_answer(asked(rev_id=7), in_state(State.MISSING), RENDERER)
    with pytest.raises(DeclinedError):
        revision_answer(asked(rev_id=7, flavor="dump"), in_state(State.REDIRECT), RENDERER)


def test_the_redirects_on_the_way_are_named() -> None:
    passed = Found(replace(FOUND.revision, entity_id=EntityId("Q2"), rev_id=3), 9)
    assert data_answer(asked(), FOUND, RENDERER, [passed]).revisions == (("Q2", 3), ("Q1", 7))


def test_what_the_wiki_would_cut_off_is_declined() -> None:
    small = replace(RENDERER, facts=replace(FACTS, result_bytes_max=10))
    with pytest.raises(DeclinedError) as error:
        data_answer(asked(), FOUND, small)
    assert error.value.declined.reason is Decline.TOO_LARGE
