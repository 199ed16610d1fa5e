"""Titles, and the entities whose pages they name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.routes.route import Site
from rules.routes.titles import Title, local_entity, page_entities, page_of, read_title, statement_entity

SITE = Site()
MAIN = Site(
    entity_namespaces={"item": 0, "property": 120, "lexeme": 146, "mediainfo": 6},
    namespace_names={"Property": 120, "Lexeme": 146, "Item talk": 121},
)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Item:Q5", Title(120, "Q5")),
        ("ITEM_:__Q5_", Title(120, "Q5")),
        (":Item:Q5#P31", Title(120, "Q5")),
        ("Item\u00a0:\u3000Q5\u200e", Title(120, "Q5")),
        ("Item&#58;Q5", Title(120, "Q5")),
        ("Item&colon;Q5", Title(120, "Q5")),
        ("Item talk:Q5", Title(0, "Item talk:Q5")),
        ("Special:A/B_c", Title(-1, "A/B c")),
        ("Media:X.jpg", Title(6, "X.jpg")),
        ("Item:", None),
        ("_ _", None),
        ("#x", None),
        ("x" * 5000, None),
    ],
)
def test_titles_are_normalised(text: str, title: Title | None):
    assert read_title(text, SITE) == title


@pytest.mark.parametrize(
    ("text", "site", "entities"),
    [
        ("item:q5", SITE, ("Q5",)),
        ("Property:P5", SITE, ("P5",)),
        ("Item:P5", SITE, None),
        ("Q5", SITE, None),
        ("Item:Q0042x", SITE, None),
        ("File:X.jpg", SITE, None),
        ("Q5", MAIN, ("Q5",)),
        ("Item talk:Q5", MAIN, None),
        ("Lexeme:L5", MAIN, ("L5",)),
        ("Lexeme:L5-F1", MAIN, None),
        ("File:X.jpg", MAIN, ()),
        ("Main Page", MAIN, None),
    ],
)
def test_pages_hold_the_entities_their_titles_name(text: str, site: Site, entities: tuple[str, ...] | None):
    assert page_entities(text, site) == entities


@pytest.mark.parametrize(
    ("text", "here", "there"),
    [("q5", "Q5", "Q5"), ("L5", None, "L5"), ("L5-F1", None, "L5-F1"), ("M5", None, "M5"), ("E5", None, None)],
)
def test_ids_exist_where_their_type_does(text: str, here: str | None, there: str | None):
    assert local_entity(text, SITE) == here
    assert local_entity(text, MAIN) == there


def test_statement_ids_begin_with_their_entity():
    assert [statement_entity(guid) for guid in ("q5$A", "L5-F1$A", "Q5-A", "$A", "Qx$A")] == [
        "Q5", "L5-F1", None, None, None,
    ]  # fmt: skip


def test_writes_go_to_pages():
    assert [page_of(text) for text in ("L5-S1", "q5", "", None, "x")] == ["L5", "Q5", None, None, None]


@given(st.text())
def test_any_text_is_some_title_or_none(text: str):
    title = read_title(text, MAIN)
    assert title is None or title.text.strip(" ") == title.text
