"""Facts of a wiki, from its own answers (tests/cases/reads/facts.json: those of a MediaWiki 1.39)."""

import json
from pathlib import Path
from typing import Any

from wikibase.render.facts import DEFAULT_MESSAGES, RenderingFacts, rendering_facts

CASE = Path(__file__).resolve().parents[2] / "cases" / "reads" / "facts.json"


def told() -> dict[str, Any]:
    return json.loads(CASE.read_text("utf-8"))  # type: ignore[no-any-return]  # the case is an object


def test_the_wikis_answers_become_facts() -> None:
    facts = rendering_facts(**told(), site_urls={"enwiki": "https://en.example/$1"}, rest_versions=frozenset())
    assert facts.namespaces == {"item": (120, "Item"), "property": (122, "Property")}
    assert facts.title("item", "Q1") == (120, "Item:Q1")
    assert facts.fallbacks is not None
    assert facts.fallbacks["de-at"] == ("de",)
    assert "zh-hk" in facts.variants["zh"]
    assert "zh-hk" not in facts.variants  # it is a script of zh, and has none of its own
    assert facts.replaced["no"] == "nb"
    assert facts.term_languages is not None
    assert "mul" not in facts.term_languages
    assert facts.rest_versions == frozenset()
    assert facts.messages == DEFAULT_MESSAGES


def test_entities_in_the_main_namespace_have_titles_without_prefix() -> None:
    facts = RenderingFacts(server="http://x", namespaces={"item": (0, "")})
    assert facts.title("item", "Q1") == (0, "Q1")


def test_a_sentence_that_an_operator_changed_is_taken_over() -> None:
    messages = [{"name": "wikibase-api-no-such-entity", "content": "No $1"}, {"name": "other", "content": "x"}]
    facts = rendering_facts(**told(), messages=messages)
    assert facts.messages["wikibase-api-no-such-entity"] == "No $1"
    assert facts.messages.keys() == DEFAULT_MESSAGES.keys()
