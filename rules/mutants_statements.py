"""Damage to statements: ranks, order, ids, qualifiers, references. Pure; see `mutants`."""

from collections.abc import Mapping, Sequence
from typing import Any

from rules.mutants import (
    CLAIM_FIELDS,
    Change,
    Content,
    Dice,
    Operator,
    Path,
    Places,
    Shown,
    emptied,
    holder_places,
    parts,
)
from rules.mutants_values import SNAK_CHANGES, any_value

Json = Any

_TWO = 2
_RANKS = ("deprecated", "normal", "preferred")


def group_places(stored: Content, shown: Shown) -> list[Path]:
    """Return places: the statements of one property, where the answer shows all of them."""
    return [
        (*path, field, prop)
        for path, here, there in parts(stored, shown)
        for field in CLAIM_FIELDS
        for prop, group in (here.get(field) or {}).items()
        if len((there.get(field) or {}).get(prop) or ()) == len(group)
    ]


def statement_places(*needed: str) -> Places:
    """Return places: statements that the answer shows, with these keys on both sides."""

    def places(stored: Content, shown: Shown) -> list[Path]:
        out: list[Path] = []
        for path, here, there in parts(stored, shown):
            for field in CLAIM_FIELDS:
                seen = there.get(field) or {}
                for prop, group in (here.get(field) or {}).items():
                    by_id = {one.get("id"): one for one in seen.get(prop) or ()}
                    for place, statement in enumerate(group):
                        other = by_id.get(statement.get("id"))
                        if other is not None and all(key in statement and key in other for key in needed):
                            out.append((*path, field, prop, place))
        return out

    return places


def _rank(statement: Content, dice: Dice) -> Json:
    others = [rank for rank in _RANKS if rank != statement.get("rank")]
    return {**statement, "rank": others[dice.below(len(others))]}


def _guid_case(statement: Content, _dice: Dice) -> Json:
    guid = str(statement.get("id", ""))
    return {**statement, "id": guid.upper() if guid != guid.upper() else guid.lower()}


def _guid_digit(statement: Content, _dice: Dice) -> Json:
    guid = str(statement.get("id", ""))
    return {**statement, "id": f"{guid[:-1]}{'0' if guid[-1:] != '0' else '1'}"} if guid else None


def _without(holder: Content, key: str, order: str, prop: str, group: Sequence[Json]) -> dict[str, Json]:
    """Return a statement or reference with another group of snaks of a property; none left: the property goes."""
    snaks = {**holder[key], prop: list(group)}
    listed = list(holder.get(order) or snaks)
    if not group:
        del snaks[prop]
        listed = [one for one in listed if one != prop]
    kept = {name: value for name, value in holder.items() if name not in (key, order)}
    return {**kept, key: snaks, order: listed} if snaks else kept


def _snak_lost(key: str, order: str) -> Change:
    def change(holder: Content, dice: Dice) -> Json:
        if not holder.get(key):
            return None
        prop = sorted(holder[key])[dice.below(len(holder[key]))]
        group = holder[key][prop]
        place = dice.below(len(group))
        return _without(holder, key, order, prop, [*group[:place], *group[place + 1 :]])

    return change


def _snak_changed(key: str, order: str) -> Change:
    def change(holder: Content, dice: Dice) -> Json:
        if not holder.get(key):
            return None
        prop = sorted(holder[key])[dice.below(len(holder[key]))]
        group = list(holder[key][prop])
        place = dice.below(len(group))
        after = any_value(group[place], dice)
        return (
            None if after is None else _without(holder, key, order, prop, [*group[:place], after, *group[place + 1 :]])
        )

    return change


def _reordered(order: str) -> Change:
    def change(holder: Content, _dice: Dice) -> Json:
        listed = list(holder.get(order) or ())
        return {**holder, order: listed[::-1]} if len(listed) >= _TWO else None

    return change


def _in_reference(inner: Change) -> Change:
    def change(statement: Content, dice: Dice) -> Json:
        references = list(statement.get("references") or ())
        if not references:
            return None
        place = dice.below(len(references))
        after = inner(references[place], dice)
        if after is None:
            return None
        if not after.get("snaks"):  # a reference without snaks is none
            return _references(statement, [*references[:place], *references[place + 1 :]])
        return _references(statement, [*references[:place], after, *references[place + 1 :]])

    return change


def _references(statement: Content, references: Sequence[Json]) -> dict[str, Json]:
    kept = {key: value for key, value in statement.items() if key != "references"}
    return {**kept, "references": list(references)} if references else kept


def _reference_lost(statement: Content, dice: Dice) -> Json:
    references = list(statement.get("references") or ())
    place = dice.below(len(references)) if references else 0
    return _references(statement, [*references[:place], *references[place + 1 :]]) if references else None


def _references_swapped(statement: Content, _dice: Dice) -> Json:
    references = list(statement.get("references") or ())
    return {**statement, "references": references[::-1]} if len(references) >= _TWO else None


def _statements_swapped(group: list[Json], dice: Dice) -> Json:
    if len(group) < _TWO:
        return None
    place = dice.below(len(group) - 1)
    return [*group[:place], group[place + 1], group[place], *group[place + 2 :]]


def _statement_added(group: list[Json], dice: Dice) -> Json:
    like = group[dice.below(len(group))]
    entity = str(like.get("id", "Q1")).partition("$")[0]
    guid = f"{entity}$00000000-0000-4000-8000-{dice.below(16**12):012X}"
    return [*group, {**like, "id": guid}]


def _claims(entity: Content) -> str | None:
    return next((field for field in CLAIM_FIELDS if entity.get(field)), None)


def _put_claims(entity: Content, field: str, claims: Mapping[str, Json], order: Sequence[str]) -> dict[str, Json]:
    kept = {key: value for key, value in entity.items() if key != f"{field}-order"}
    return {**kept, field: dict(claims), **({f"{field}-order": list(order)} if order else {})}


def _statement_lost(entity: Content, dice: Dice) -> Json:
    field = _claims(entity)
    if field is None:
        return None
    prop = sorted(entity[field])[dice.below(len(entity[field]))]
    group = entity[field][prop]
    place = dice.below(len(group))
    left = [*group[:place], *group[place + 1 :]]
    claims = {key: value for key, value in entity[field].items() if key != prop} | ({prop: left} if left else {})
    return _put_claims(entity, field, claims, [one for one in entity.get(f"{field}-order") or claims if one in claims])


def _property_renamed(entity: Content, dice: Dice) -> Json:
    """All statements of one property become those of another."""
    field = _claims(entity)
    if field is None:
        return None
    before = sorted(entity[field])[dice.below(len(entity[field]))]
    after = "P999999999"
    moved = [{**one, "mainsnak": {**one["mainsnak"], "property": after}} for one in entity[field][before]]
    claims = {key: value for key, value in entity[field].items() if key != before} | {after: moved}
    order = [after if one == before else one for one in entity.get(f"{field}-order") or claims]
    return _put_claims(entity, field, claims, order)


def _properties_swapped(entity: Content, _dice: Dice) -> Json:
    field = _claims(entity)
    order = list(entity.get(f"{field}-order") or ())
    return {**entity, f"{field}-order": order[::-1]} if len(order) >= _TWO else None


_SOME = statement_places()
_QUALIFIED = statement_places("qualifiers")
_REFERENCED = statement_places("references")
_WITH_CLAIMS = holder_places(*CLAIM_FIELDS)


def _main_snak(inner: Change) -> Change:
    def change(statement: Content, dice: Dice) -> Json:
        after = inner(statement["mainsnak"], dice)
        return None if after is None else {**statement, "mainsnak": after}

    return change


OPERATORS = (
    Operator(name="rank", what="another rank", places=_SOME, change=_rank),
    Operator(name="guid_case", what="a statement's id in other letters", places=_SOME, change=_guid_case),
    Operator(name="guid_digit", what="another statement id", places=_SOME, change=_guid_digit),
    Operator(name="statement_lost", what="a statement is lost", places=_WITH_CLAIMS, change=_statement_lost),
    Operator(
        name="statement_added",
        what="a statement too many",
        places=group_places,
        change=_statement_added,
        adds=True,
    ),
    Operator(
        name="statements_swapped",
        what="two statements of a property change places",
        places=group_places,
        change=_statements_swapped,
    ),
    Operator(
        name="properties_swapped", what="properties in another order", places=_WITH_CLAIMS, change=_properties_swapped
    ),
    Operator(
        name="property_renamed",
        what="statements under another property",
        places=_WITH_CLAIMS,
        change=_property_renamed,
    ),
    Operator(
        name="statements_emptied",
        what="all statements are gone",
        places=_WITH_CLAIMS,
        change=emptied(*CLAIM_FIELDS),
    ),
    Operator(
        name="qualifier_lost",
        what="a qualifier is lost",
        places=_QUALIFIED,
        change=_snak_lost("qualifiers", "qualifiers-order"),
    ),
    Operator(
        name="qualifier_value",
        what="another value of a qualifier",
        places=_QUALIFIED,
        change=_snak_changed("qualifiers", "qualifiers-order"),
    ),
    Operator(name="reference_lost", what="a reference is lost", places=_REFERENCED, change=_reference_lost),
    Operator(
        name="reference_snak_lost",
        what="a part of a reference is lost",
        places=_REFERENCED,
        change=_in_reference(_snak_lost("snaks", "snaks-order")),
    ),
    Operator(
        name="reference_value",
        what="another value in a reference",
        places=_REFERENCED,
        change=_in_reference(_snak_changed("snaks", "snaks-order")),
    ),
    *(
        Operator(name=name, what=what, places=_SOME, change=_main_snak(change))
        for name, (what, change) in SNAK_CHANGES.items()
    ),
    Operator(
        name="qualifiers_reordered",
        what="qualifiers in another order",
        places=_QUALIFIED,
        change=_reordered("qualifiers-order"),
        equal_to_wikibase="wikibase.md 3.5: qualifiers are compared as a set",
    ),
    Operator(
        name="references_reordered",
        what="references in another order",
        places=_REFERENCED,
        change=_references_swapped,
        equal_to_wikibase="wikibase.md 3.5: references are compared as a set",
    ),
    Operator(
        name="reference_snaks_reordered",
        what="the parts of a reference in another order",
        places=_REFERENCED,
        change=_in_reference(_reordered("snaks-order")),
        equal_to_wikibase="wikibase.md 3.5: the snaks of a reference are compared as a set",
    ),
    Operator(
        name="claim_of_old",
        what="the word that 2013 had for a statement",
        places=_SOME,
        change=lambda statement, _dice: {**statement, "type": "claim"},
        equal_to_wikibase="wikibase.md 3.1: old data says claim, it is read as a statement",
    ),
    Operator(
        name="snak_hash",
        what="a hash beside the main snak",
        places=_SOME,
        change=_main_snak(lambda snak, _dice: {**snak, "hash": "0" * 40}),
        equal_to_wikibase="wikibase.md 3.7: hashes are made anew with each answer",
    ),
)
"""Operators on statements."""
