"""Damage to terms, site links, redirects and the plain fields of an entity. Pure; see `mutants`."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from rules.mutants import (
    Change,
    Content,
    Dice,
    Operator,
    Path,
    Places,
    Shown,
    chosen,
    emptied,
    entry_places,
    field_places,
    holder_places,
    other_text,
)

Json = Any

# Letters of other scripts that look the same.
_LOOK_ALIKES = {"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "x": "х", "A": "А", "B": "В", "E": "Е", "O": "О"}
_ALIASES_AT_LEAST = 2


def _value(entry: Content, text: str | None) -> Json:
    return None if text is None else {**entry, "value": text}


def _one_byte(entry: Content, dice: Dice) -> Json:
    return _value(entry, other_text(entry.get("value"), dice))


def _look_alike(entry: Content, dice: Dice) -> Json:
    text = str(entry.get("value", ""))
    spots = [place for place, char in enumerate(text) if char in _LOOK_ALIKES]
    if not spots:
        return None
    place = spots[dice.below(len(spots))]
    return _value(entry, text[:place] + _LOOK_ALIKES[text[place]] + text[place + 1 :])


def _decomposed(entry: Content, _dice: Dice) -> Json:
    return _value(entry, unicodedata.normalize("NFD", str(entry.get("value", ""))))


def _padded(entry: Content, _dice: Dice) -> Json:
    return _value(entry, f"{entry.get('value', '')} ")


def _lost(terms: Mapping[str, Json], dice: Dice) -> Json:
    gone = chosen(terms, dice) if terms else None
    return None if gone is None else {key: value for key, value in terms.items() if key != gone}


def _other_language(terms: Mapping[str, Json], dice: Dice) -> Json:
    if not terms:
        return None
    before = chosen(terms, dice)
    after = next(code for code in ("qqx", "mis", "und", "zxx", "mul") if code not in terms)
    moved = {**terms[before], "language": after}
    return {**{key: value for key, value in terms.items() if key != before}, after: moved}


def _language_inside(entry: Content, _dice: Dice) -> Json:
    return {**entry, "language": "und" if entry.get("language") != "und" else "mis"} if "language" in entry else None


def _alias_lost(group: list[Json], dice: Dice) -> Json:
    place = dice.below(len(group))
    return [*group[:place], *group[place + 1 :]]


def _swapped(group: list[Json], dice: Dice) -> Json:
    if len(group) < _ALIASES_AT_LEAST:
        return None
    place = dice.below(len(group) - 1)
    return [*group[:place], group[place + 1], group[place], *group[place + 2 :]]


def _alias_byte(group: list[Json], dice: Dice) -> Json:
    place = dice.below(len(group))
    after = _one_byte(group[place], dice)
    return None if after is None else [*group[:place], after, *group[place + 1 :]]


def _title(link: Content, dice: Dice) -> Json:
    text = other_text(link.get("title"), dice)
    return None if text is None else {**link, "title": text}


def _badge(link: Content, _dice: Dice) -> Json:
    badges = list(link.get("badges") or ())
    return {**link, "badges": badges[:-1] if badges else ["Q17437796"]}


def _badges_swapped(link: Content, dice: Dice) -> Json:
    badges = _swapped(list(link.get("badges") or ()), dice)
    return None if badges is None else {**link, "badges": badges}


def _other_id(text: Json, _dice: Dice) -> Json:
    return f"{text[:1]}{int(text[1:]) + 1}" if isinstance(text, str) and text[1:].isdecimal() else None


def _feature_added(features: list[Json], _dice: Dice) -> Json:
    return sorted([*features, "Q999999999"])


def _feature_lost(features: list[Json], dice: Dice) -> Json:
    return _alias_lost(features, dice) if features else None


def _turned_round(listed: list[Json], _dice: Dice) -> Json:
    return listed[::-1]


def _part_lost(listed: list[Json], dice: Dice) -> Json:
    return _alias_lost(listed, dice) if listed else None


def _redirects(stored: Content, shown: Shown) -> list[Path]:
    return [("redirect",)] if "redirect" in stored and "redirect" in shown.content else []


_TERMS = ("labels", "descriptions", "lemmas", "representations", "glosses")


def _operator(name: str, what: str, places: Places, change: Change, **more: Any) -> Operator:
    return Operator(name=name, what=what, places=places, change=change, **more)


OPERATORS = (
    _operator("label_byte", "one character of a label", entry_places("labels"), _one_byte),
    _operator("label_lost", "a label is lost", field_places("labels"), _lost),
    _operator("label_language", "a label in another language", field_places("labels"), _other_language, adds=True),
    _operator("description_byte", "one character of a description", entry_places("descriptions"), _one_byte),
    _operator("description_lost", "a description is lost", field_places("descriptions"), _lost),
    _operator("term_look_alike", "a letter of another script", entry_places(*_TERMS), _look_alike),
    _operator("term_decomposed", "the same letters, not composed", entry_places(*_TERMS), _decomposed),
    _operator("term_padded", "a space behind a term", entry_places(*_TERMS), _padded),
    _operator(
        "term_language_inside", "a term says another language than its key", entry_places(*_TERMS), _language_inside
    ),
    _operator(
        "terms_emptied",
        "all labels, lemmas or glosses are gone",
        holder_places("labels", "lemmas", "representations", "glosses"),
        emptied("labels", "lemmas", "representations", "glosses"),
    ),
    _operator("alias_lost", "an alias is lost", entry_places("aliases"), _alias_lost),
    _operator("alias_byte", "one character of an alias", entry_places("aliases"), _alias_byte),
    _operator("alias_order", "two aliases change places", entry_places("aliases"), _swapped),
    _operator("sitelink_title", "one character of a title", entry_places("sitelinks"), _title),
    _operator("sitelink_badge", "a badge more or less", entry_places("sitelinks"), _badge),
    _operator("sitelink_lost", "a site link is lost", field_places("sitelinks"), _lost),
    _operator("sitelinks_emptied", "all site links are gone", holder_places("sitelinks"), emptied("sitelinks")),
    _operator("lemma_byte", "one character of a lemma", entry_places("lemmas"), _one_byte),
    _operator("lexeme_language", "another language item", field_places("language"), _other_id),
    _operator("lexical_category", "another category", field_places("lexicalCategory"), _other_id),
    _operator("form_lost", "a form is lost", field_places("forms"), _part_lost),
    _operator("sense_lost", "a sense is lost", field_places("senses"), _part_lost),
    _operator("representation_byte", "one character of a form", entry_places("representations"), _one_byte),
    _operator("gloss_byte", "one character of a gloss", entry_places("glosses"), _one_byte),
    _operator("feature_added", "a grammatical feature too many", field_places("grammaticalFeatures"), _feature_added),
    _operator("feature_lost", "a grammatical feature is lost", field_places("grammaticalFeatures"), _feature_lost),
    _operator("property_datatype", "a property says another datatype", field_places("datatype"), other_text),
    _operator("redirect_target", "a redirect leads elsewhere", _redirects, _other_id),
    _operator(
        "badges_reordered",
        "two badges change places",
        entry_places("sitelinks"),
        _badges_swapped,
        equal_to_wikibase="wikibase.md 3.5: badges are compared without order",
    ),
    _operator(
        "features_reordered",
        "grammatical features turned round",
        field_places("grammaticalFeatures"),
        _turned_round,
        equal_to_wikibase="wikibase.md 3.5: grammatical features are a set",
    ),
    _operator(
        "parts_reordered",
        "forms or senses turned round",
        field_places("forms", "senses"),
        _turned_round,
        equal_to_wikibase="wikibase.md 3.5: forms and senses are sorted by id on output",
    ),
)
"""Operators on everything of an entity but its statements."""
