"""What the canonical form promises, over made-up entities: blind where promised, awake everywhere else.

How many examples are tried is the profile's business (tests/conftest.py).
"""

import copy
import random
from typing import Any

import orjson
from fakes.damage import damaged
from fakes.entities import as_answered, as_stored, items, with_keys_shuffled, with_other_hashes
from hypothesis import given
from hypothesis import strategies as st

from wikibase.canonical import canonical_bytes, canonical_entity, canonical_of_text
from wikibase.errors import NotAnEntityError

DICE = st.randoms(use_true_random=False)


def form(entity: Any) -> bytes:
    return canonical_bytes(canonical_entity(entity))


def form_or_none(entity: Any) -> bytes | None:
    try:
        return form(entity)
    except NotAnEntityError:
        return None


@given(items(), DICE)
def test_a_canonical_text_is_its_own_form_even_after_damage(entity: dict[str, Any], dice: random.Random) -> None:
    once = form_or_none(damaged(entity, dice))
    if once is not None:
        assert form(orjson.loads(once)) == once
        assert canonical_bytes(canonical_of_text(once)) == once


def parts_of(value: Any) -> Any:
    """Yield every container of JSON inside, with the key or index and the value it holds."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield value, key, one
            yield from parts_of(one)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield value, place, one
            yield from parts_of(one)


@given(items(), DICE)
def test_every_change_of_a_text_is_seen(entity: dict[str, Any], dice: random.Random) -> None:
    """Texts that are content: not hashes and data types (derived), nor ids of a form that Wikibase re-spells."""
    before, changed = form(entity), copy.deepcopy(entity)
    texts = [
        (holder, key, one)
        for holder, key, one in parts_of(changed)
        if isinstance(one, str)
        and key not in ("hash", "datatype", "type", "entity-type", "globe", "snaktype", "property")
    ]
    holder, key, one = dice.choice(
        [found for found in texts if not _is_order(changed, found)] or [(changed, "id", "Q1")]
    )
    holder[key] = f"{one}x"
    after = form_or_none(changed)
    assert after != before


def _is_order(entity: Any, found: Any) -> bool:
    """Tell whether a text stands in an order list: there a name that is not in the map has no meaning."""
    holder, _, _ = found
    return any(key.endswith("-order") and one is holder for _, key, one in parts_of(entity) if isinstance(key, str))


@given(items(), DICE)
def test_no_statement_qualifier_reference_or_term_can_go_unseen(entity: dict[str, Any], dice: random.Random) -> None:
    before, changed = form(entity), copy.deepcopy(entity)
    groups = [
        one
        for _, key, one in parts_of(changed)
        if isinstance(one, dict) and one and key in ("labels", "descriptions", "aliases", "claims", "sitelinks")
    ]
    groups += [one for _, key, one in parts_of(changed) if isinstance(one, dict) and key in ("qualifiers", "snaks")]
    groups += [one for _, key, one in parts_of(changed) if isinstance(one, list) and key == "references"]
    if groups:
        group = dice.choice(groups)
        del group[dice.choice(list(group)) if isinstance(group, dict) else dice.randrange(len(group))]
        assert form(changed) != before


@given(items(), items())
def test_two_items_are_one_only_if_they_are(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Read back, the forms of two items that were made apart are equal exactly where their JSON is."""

    def bare(entity: dict[str, Any]) -> Any:
        made = orjson.loads(orjson.dumps(with_other_hashes(as_stored(entity))))
        groups = dict(made["claims"]).items()
        return made, [(prop, [list(_orders(statement)) for statement in group]) for prop, group in groups]

    assert (form(one) == form(other)) == (bare(one) == bare(other))


def _orders(statement: dict[str, Any]) -> Any:
    yield statement.get("qualifiers-order")
    for reference in statement.get("references", ()):
        yield reference["snaks-order"]


@given(items(), st.integers())
def test_dresses_make_no_difference(entity: dict[str, Any], seed: int) -> None:
    expected = form(entity)
    for dressed in (as_stored(entity), as_answered(entity), with_other_hashes(entity)):
        assert form(with_keys_shuffled(dressed, seed)) == expected
        assert canonical_bytes(canonical_of_text(orjson.dumps(with_keys_shuffled(dressed, seed)))) == expected


@given(items(), DICE)
def test_the_order_that_readers_see_is_seen(entity: dict[str, Any], dice: random.Random) -> None:
    before, changed = form(entity), copy.deepcopy(entity)
    lists = [
        one
        for _, key, one in parts_of(changed)
        if isinstance(one, list) and len(one) > 1 and (key == "references" or str(key).endswith("-order"))
    ]
    lists += [one for one in changed["aliases"].values() if len(one) > 1]
    lists += [one for one in changed["claims"].values() if len(one) > 1]
    if lists:
        dice.choice(lists).reverse()
        assert form(changed) != before
