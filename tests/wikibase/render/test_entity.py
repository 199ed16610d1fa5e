"""Parts of entities as answers show them. Hashes are those of wikibase.md 3.7."""

from typing import Any

import pytest

from wikibase.canonical import canonical_entity
from wikibase.render.entity import (
    Known,
    claims_json,
    known,
    page_url,
    properties_of,
    sitelinks_json,
    snak_json,
    terms_json,
)
from wikibase.render.facts import RenderingFacts
from wikibase.render.outcome import Decline, DeclinedError

FACTS = RenderingFacts(server="http://x", site_urls={"enwiki": "https://en.wikipedia.org/wiki/$1"})


def value(kind: str, content: Any, prop: str = "P31") -> dict[str, Any]:
    return {"snaktype": "value", "property": prop, "datavalue": {"type": kind, "value": content}}


def with_types(**types: str | None) -> Known:
    return known({"P31": "wikibase-item", "P3": None, **types}, FACTS)


def test_a_snak_gets_its_hash_and_data_type_in_wikibases_order() -> None:
    item = {"entity-type": "item", "numeric-id": 5, "id": "Q5"}
    shown = snak_json(value("wikibase-entityid", dict(reversed(item.items()))), with_types())
    assert list(shown) == ["snaktype", "property", "hash", "datavalue", "datatype"]
    assert shown["hash"] == "ad7d38a03cdd40cdc373de0dc4e7b7fcbccb31d9"
    assert list(shown["datavalue"]["value"]) == list(item)


def test_a_property_that_is_gone_gives_no_data_type() -> None:
    shown = snak_json(value("string", "referenced", "P3"), with_types())
    assert shown["hash"] == "282704dd2827b7f05a7da4861d918b9b835f6ce5"
    assert "datatype" not in shown


def test_a_reference_gets_its_hash_and_statements_keep_their_order() -> None:
    statement = {
        "mainsnak": value("string", "a", "P3"),
        "type": "statement",
        "rank": "normal",
        "id": "Q1$x",
        "references": [{"snaks": {"P3": [value("string", "referenced", "P3")]}}],
    }
    other = {"mainsnak": {"snaktype": "novalue", "property": "P31"}, "type": "statement", "rank": "preferred"}
    content = canonical_entity({"type": "item", "id": "Q1", "claims": {"P31": [other], "P3": [statement]}})
    shown = claims_json(content, with_types())
    assert list(shown) == ["P31", "P3"]
    assert list(shown["P3"][0]) == ["mainsnak", "type", "id", "rank", "references"]
    assert shown["P3"][0]["references"][0]["hash"] == "04bcde9d3f150481174687cb901bc2c1ce4da73b"
    assert shown["P3"][0]["references"][0]["snaks-order"] == ["P3"]
    assert properties_of(content) == {"P3", "P31"}


def test_a_value_of_a_type_that_wikibase_does_not_know_says_so() -> None:
    shown = snak_json(value("geocoordinate", {"latitude": 1.5, "longitude": -2}), with_types())
    assert shown["datavalue"]["error"] == 'Type "geocoordinate" is unsupported'
    assert shown["datavalue"]["value"] == {"latitude": 1.5, "longitude": -2}


@pytest.mark.parametrize(
    "snak",
    [
        value("time", {"time": "yesterday"}),  # refused, with a sentence that is not in the store
        value("bad", {"flag": True}),  # formatversion 1 shows truth values otherwise
        value("bad", {"_type": "x"}),  # a key with a meaning to MediaWiki
        value("bad", {}),
        value("wikibase-entityid", {"entity-type": "lexeme", "numeric-id": 1, "id": "L1"}),  # no such type here
        {"snaktype": "other", "property": "P31"},
    ],
)
def test_what_cannot_be_known_is_declined(snak: dict[str, Any]) -> None:
    with pytest.raises(DeclinedError) as error:
        snak_json(snak, with_types())
    assert error.value.declined.reason is Decline.VALUE_UNDECODED


def test_an_entity_type_of_the_wiki_is_decoded_in_values() -> None:
    facts = RenderingFacts(server="x", namespaces={"item": (0, ""), "lexeme": (146, "Lexeme")})
    lexeme = value("wikibase-entityid", {"entity-type": "lexeme", "numeric-id": 1, "id": "L1"})
    assert snak_json(lexeme, known({"P31": "wikibase-lexeme"}, facts))["datavalue"]["value"]["id"] == "L1"


def test_terms_are_filtered_by_language_and_otherwise_sorted() -> None:
    terms = {"fr": {"language": "fr", "value": "b"}, "de": {"value": "a", "language": "de"}}
    assert list(terms_json(terms)) == ["de", "fr"]
    assert terms_json(terms, ("fr", "ja")) == {"fr": {"language": "fr", "value": "b"}}


def test_site_links_are_sorted_filtered_and_get_addresses_when_asked_for() -> None:
    links = {
        "frwiki": {"site": "frwiki", "title": "B", "badges": []},
        "enwiki": {"site": "enwiki", "title": "C D/é?", "badges": ["Q1"]},
    }
    assert list(sitelinks_json(links, FACTS, urls=False)) == ["enwiki", "frwiki"]
    [shown] = sitelinks_json(links, FACTS, urls=True, sites=frozenset({"enwiki"})).values()
    assert shown["url"] == "https://en.wikipedia.org/wiki/C_D/%C3%A9%3F"
    with pytest.raises(DeclinedError) as error:
        sitelinks_json(links, FACTS, urls=True)
    assert error.value.declined.reason is Decline.SITE_UNKNOWN


def test_signs_that_mediawiki_leaves_bare_in_addresses_stay_bare() -> None:
    assert page_url(FACTS, "enwiki", "A;b@c$d!e*f(g)h,i/j~k:l'm&n") == (
        "https://en.wikipedia.org/wiki/A;b@c$d!e*f(g)h,i/j~k:l%27m%26n"
    )
