"""Entity ids as Wikibase spells them (wikibase.md 0.3; recordings 319-326)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikibase.ids import EntityId, EntityType, entity_type, number, page_entity, parse_entity_id

GOOD = [
    ("Q1", "Q1", EntityType.ITEM, "Q1", 1),
    ("q42", "Q42", EntityType.ITEM, "Q42", 42),
    ("p5", "P5", EntityType.PROPERTY, "P5", 5),
    ("L7", "L7", EntityType.LEXEME, "L7", 7),
    ("L7-F2", "L7-F2", EntityType.FORM, "L7", 7),
    ("L7-S30", "L7-S30", EntityType.SENSE, "L7", 7),
    ("m9", "M9", EntityType.MEDIAINFO, "M9", 9),
    ("E3", "E3", EntityType.SCHEMA, "E3", 3),
    ("Q2147483647", "Q2147483647", EntityType.ITEM, "Q2147483647", 2147483647),
]


@pytest.mark.parametrize(("text", "entity_id", "kind", "page", "numeral"), GOOD)
def test_an_id_is_read_in_any_case_and_kept_in_one(
    text: str, entity_id: str, kind: EntityType, page: str, numeral: int
) -> None:
    parsed = parse_entity_id(text)
    assert parsed == entity_id
    assert parsed is not None
    assert (entity_type(parsed), page_entity(parsed), number(parsed)) == (kind, page, numeral)


BAD = [
    "Q0",
    "Q01",
    "Q",
    "Q-1",
    "Q2147483648",
    "Q99999999999",
    "NOTANID",
    "Item:Q1",
    "l7-f2",
    "L7-f2",
    "L7-X1",
    "Q1\n",
    "Q１",
]


@pytest.mark.parametrize("text", [*BAD, "L7-F0", "X1", " Q5 ", "", "Q1 ", "Q1|Q2"])
def test_what_wikibase_calls_malformed_is_no_id(text: str) -> None:
    assert parse_entity_id(text) is None


@given(st.text(max_size=14))
def test_any_text_is_an_id_that_reads_back_as_itself_or_none(text: str) -> None:
    parsed = parse_entity_id(text)
    assert parsed is None or (parse_entity_id(parsed) == parsed and page_entity(EntityId(parsed)) in parsed)
