"""Heads as answers look at them."""

import pytest

from wikibase.ids import EntityId
from wikibase.render.facts import RenderingFacts
from wikibase.render.found import Found, content_of, has_page, is_redirect, page_info, redirect_target
from wikibase.render.outcome import Decline, Declined, DeclinedError
from wikibase.revision import Revision, State

FACTS = RenderingFacts(server="http://x")
Q1 = EntityId("Q1")


def found(state: State = State.VISIBLE, *, content: object = None, target: str | None = None) -> Found:
    revision = Revision(
        entity_id=Q1,
        rev_id=7,
        parent_id=0,
        position=0,
        timestamp="2026-11-22T15:24:12Z",
        state=state,
        content=content,  # type: ignore[arg-type]  # a case of a test
        redirect_target=EntityId(target) if target else None,
    )
    return Found(revision, 5)


def test_the_page_is_the_one_that_the_entity_is_on_now() -> None:
    shown = page_info(found(content={"id": "Q1"}), FACTS)
    assert list(shown.items()) == [
        ("pageid", 5),
        ("ns", 120),
        ("title", "Item:Q1"),
        ("lastrevid", 7),
        ("modified", "2026-11-22T15:24:12Z"),
    ]
    assert found().mark == ("Q1", 7)


@pytest.mark.parametrize("state", [State.MISSING, State.TEXT_HIDDEN, State.ARCHIVED, State.REDIRECT])
def test_what_is_not_visible_has_no_content(state: State) -> None:
    with pytest.raises(DeclinedError) as error:
        content_of(found(state, content={"id": "Q1"}))
    assert error.value.declined == Declined(Decline.UNREADABLE, str(state))


def test_content_that_names_another_entity_is_not_shown() -> None:
    assert content_of(found(content={"id": "Q1"})) == {"id": "Q1"}
    with pytest.raises(DeclinedError):
        content_of(found(content={"id": "Q2"}))


def test_a_redirect_leads_to_its_target() -> None:
    assert is_redirect(found(State.REDIRECT, target="Q2"))
    assert redirect_target(found(State.REDIRECT, target="Q2")) == "Q2"
    assert not is_redirect(found())
    with pytest.raises(DeclinedError):
        redirect_target(found(State.REDIRECT))


def test_only_types_of_the_wiki_have_pages() -> None:
    lexemes = RenderingFacts(server="x", namespaces={"lexeme": (146, "Lexeme")})
    assert has_page(Q1, FACTS)
    assert not has_page(EntityId("L1"), FACTS)
    assert has_page(EntityId("L1-F1"), lexemes)
