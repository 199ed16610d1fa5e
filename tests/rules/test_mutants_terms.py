"""What each operator on terms, links and plain fields does to an item or lexeme that shows everything."""

from typing import Any

import pytest
from fakes.lexeme import ITEM, LEXEME, PROPERTY, REDIRECT

from rules.mutants import Shown, damage
from rules.mutants_terms import OPERATORS
from wikibase.canonical import canonical_entity

BY_NAME = {one.name: one for one in OPERATORS}
ITEM_FORM, LEXEME_FORM = canonical_entity(ITEM), canonical_entity(LEXEME)


def made(name: str, content: dict[str, Any], seed: int = 1) -> dict[str, Any]:
    found = damage(BY_NAME[name], content, Shown(content=content), seed)
    assert found is not None
    return found.content


def test_labels() -> None:
    lost = made("label_lost", ITEM_FORM)["labels"]
    assert len(lost) == 1
    moved = made("label_language", ITEM_FORM)["labels"]
    assert moved["qqx"]["language"] == "qqx"
    assert len(moved) == 2
    padded = made("term_padded", ITEM_FORM)
    assert any(term["value"].endswith(" ") for field in ("labels", "descriptions") for term in padded[field].values())
    assert made("terms_emptied", ITEM_FORM)["labels"] == {}
    assert made("terms_emptied", LEXEME_FORM) != LEXEME_FORM


@pytest.mark.parametrize("name", ["term_look_alike", "term_decomposed"])
def test_what_looks_the_same_is_not_the_same(name: str) -> None:
    content = {**ITEM_FORM, "descriptions": {}}
    changed = made(name, content)["labels"]
    (language,) = (key for key in changed if changed[key] != content["labels"][key])
    before, after = content["labels"][language]["value"], changed[language]["value"]
    assert before != after
    assert len(after) == len(before) + (name == "term_decomposed")


def test_aliases() -> None:
    assert len(made("alias_lost", ITEM_FORM)["aliases"]["en"]) == 2
    before = [alias["value"] for alias in ITEM_FORM["aliases"]["en"]]
    after = [alias["value"] for alias in made("alias_order", ITEM_FORM)["aliases"]["en"]]
    assert after != before
    assert sorted(after) == sorted(before)


def test_site_links() -> None:
    assert made("sitelink_title", ITEM_FORM)["sitelinks"]["enwiki"]["title"] != "One"
    assert made("sitelink_badge", ITEM_FORM)["sitelinks"]["enwiki"]["badges"] == ["Q17437796"]
    assert made("sitelink_lost", ITEM_FORM)["sitelinks"] == {}
    without = {**ITEM_FORM, "sitelinks": {"enwiki": {"site": "enwiki", "title": "One", "badges": []}}}
    assert made("sitelink_badge", without)["sitelinks"]["enwiki"]["badges"] == ["Q17437796"]


def test_lexemes() -> None:
    assert made("lexeme_language", LEXEME_FORM)["language"] == "Q189"
    assert made("lexical_category", LEXEME_FORM)["lexicalCategory"] == "Q1085"
    assert len(made("form_lost", LEXEME_FORM)["forms"]) == 1
    assert len(made("sense_lost", LEXEME_FORM)["senses"]) == 1
    assert "Q999999999" in str(made("feature_added", LEXEME_FORM)["forms"])


def test_properties_and_redirects() -> None:
    assert made("property_datatype", canonical_entity(PROPERTY))["datatype"] != "string"
    assert made("redirect_target", canonical_entity(REDIRECT)) == {"entity": "Q7", "redirect": "Q6"}


def test_nothing_to_damage_is_nothing_damaged() -> None:
    empty = canonical_entity({"type": "item", "id": "Q1"})
    assert [one.name for one in OPERATORS if damage(one, empty, Shown(content=empty), 1)] == []
