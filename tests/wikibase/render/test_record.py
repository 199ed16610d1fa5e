"""Records of entities, whole and in part, and what is remembered of them."""

import json
from collections.abc import Callable, Hashable
from dataclasses import replace

from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId
from wikibase.render.entity import known
from wikibase.render.facts import RenderingFacts
from wikibase.render.found import Found
from wikibase.render.record import ALL_PROPS, Renderer, Selection, make_each_time
from wikibase.revision import Revision, State

FACTS = RenderingFacts(server="http://x", site_urls={"enwiki": "https://en.example/$1"})
ENTITY = {
    "type": "item",
    "id": "Q1",
    "labels": {"en": {"language": "en", "value": "é"}, "de": {"language": "de", "value": "d"}},
    "aliases": {"en": [{"language": "en", "value": "x"}]},
    "sitelinks": {"enwiki": {"site": "enwiki", "title": "A b", "badges": []}},
    "claims": {"P1": [{"mainsnak": {"snaktype": "novalue", "property": "P1"}, "type": "statement", "rank": "normal"}]},
}
FOUND = Found(
    Revision(
        entity_id=EntityId("Q1"),
        rev_id=7,
        parent_id=0,
        position=0,
        timestamp="2026-11-22T15:24:12Z",
        state=State.VISIBLE,
        content=canonical_entity(ENTITY),
        page_id=5,
    ),
    5,
)
RENDERER = Renderer(FACTS, known({"P1": "string"}, FACTS), 0, make_each_time, ascii_only=True)


def record(**selection: object) -> dict[str, object]:
    return json.loads(RENDERER.record(FOUND, Selection(**selection)))  # type: ignore[arg-type, no-any-return]


def test_a_whole_record_has_all_parts_in_wikibases_order() -> None:
    whole = record()
    assert list(whole) == [
        *("pageid", "ns", "title", "lastrevid", "modified", "type", "id"),
        *("labels", "descriptions", "aliases", "claims", "sitelinks"),
    ]
    assert whole["descriptions"] == {}
    assert whole["sitelinks"] == {"enwiki": {"site": "enwiki", "title": "A b", "badges": []}}


def test_addresses_and_filters_are_as_asked() -> None:
    assert record(props=frozenset({"sitelinks"}), urls=True)["sitelinks"] == {
        "enwiki": {"site": "enwiki", "title": "A b", "badges": [], "url": "https://en.example/A_b"}
    }
    assert record(sites=frozenset({"dewiki"}))["sitelinks"] == {}
    assert record(languages=("de", "ja"))["labels"] == {"de": {"language": "de", "value": "d"}}
    assert record(languages=("de",))["aliases"] == {}


def test_without_props_there_is_id_and_type_only() -> None:
    assert RENDERER.record(FOUND, Selection(props=frozenset()), ("Q9", "Q1")) == b'{"id":"Q1","type":"item"}'


def test_a_redirect_is_told_whatever_the_props_are() -> None:
    shown = RENDERER.record(FOUND, Selection(props=frozenset({"datatype"})), ("Q9", "Q1"))
    assert shown == b'{"redirects":{"from":"Q9","to":"Q1"},"type":"item","id":"Q1"}'


def test_a_property_has_its_data_type_whatever_the_props_are() -> None:
    content = canonical_entity({"type": "property", "datatype": "string", "id": "P1"})
    found = Found(replace(FOUND.revision, entity_id=EntityId("P1"), content=content), 5)
    shown = RENDERER.record(found, Selection(props=frozenset({"labels"})))
    assert shown == b'{"type":"property","datatype":"string","id":"P1","labels":{}}'
    assert b"sitelinks" not in RENDERER.record(found, Selection())


def test_what_is_remembered_depends_on_revision_escaping_data_types_and_choice() -> None:
    kept: dict[Hashable, bytes] = {}

    def memo(key: Hashable, make: Callable[[], bytes]) -> bytes:
        if key not in kept:
            kept[key] = make()
        return kept[key]

    escaped = replace(RENDERER, memo=memo)
    first = escaped.record(FOUND, Selection())
    made = len(kept)
    assert escaped.record(FOUND, Selection()) == first
    assert len(kept) == made
    plain = replace(escaped, ascii_only=False).record(FOUND, Selection())
    assert "é".encode() in plain
    assert json.loads(plain) == json.loads(first)
    later = Found(replace(FOUND.revision, rev_id=8, content=canonical_entity({**ENTITY, "labels": {}})), 5)
    assert json.loads(escaped.record(later, Selection()))["labels"] == {}
    changed = replace(escaped, known=known({"P1": "url"}, FACTS), version_of_types=1)
    assert b'"datatype":"url"' in changed.record(FOUND, Selection())
    assert json.loads(escaped.record(FOUND, Selection(props=ALL_PROPS - {"claims"}))).get("claims") is None
