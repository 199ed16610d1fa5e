"""What the output layer of the Action API does to texts: which characters, and that nothing else changes."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from rules.normalise_answers import as_answered, cleaned_text
from wikibase.canonical import canonical_bytes, canonical_entity


def test_a_text_comes_composed_and_without_what_xml_cannot_hold() -> None:
    assert cleaned_text("Cafe\u0301") == "Café"
    assert cleaned_text("a\x00b\x0bc\x1fd") == "a\ufffdb\ufffdc\ufffdd"
    assert cleaned_text("\ud83d and \uffff") == "\ufffd and \ufffd"
    assert cleaned_text("tab\tline\nreturn\rdel\x7f") == "tab\tline\nreturn\rdel\x7f"


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = cleaned_text(text)
    assert cleaned_text(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x17F)))
def test_plain_composed_text_is_left_alone(text: str) -> None:
    assert cleaned_text(text) == text


def test_a_content_that_has_nothing_to_clean_is_returned_as_it_is() -> None:
    content = canonical_entity({"type": "item", "id": "Q1", "labels": {"en": {"language": "en", "value": "Café"}}})
    assert as_answered(content) is content


def test_texts_that_have_become_alike_collapse_as_in_an_answer() -> None:
    aliases = {"en": [{"language": "en", "value": one} for one in ("Caf\u00e9", "Cafe\u0301")]}
    content = canonical_entity({"type": "item", "id": "Q1", "aliases": aliases})
    found = as_answered(content)
    answered = canonical_entity({"type": "item", "id": "Q1", "aliases": {"en": aliases["en"][:1]}})
    assert canonical_bytes(found) == canonical_bytes(answered)
    assert len(content["aliases"]["en"]) == 2
