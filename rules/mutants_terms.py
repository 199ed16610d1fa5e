"""Damage to terms, site links, redirects and the plain fields of an entity. Pure; see `mutants`."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from rules.mutants import (
    Content,
    Dice,
    Operator,
    Path,
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


OPERATORS = (
    Operator(name="label_byte", what="one character of a label", places=entry_places("labels"), change=_one_byte),
    Operator(name="label_lost", what="a label is lost", places=field_places("labels"), change=_lost),
    Operator(
        name="label_language",
        what="a label in another language",
        places=field_places("labels"),
        change=_other_language,
        adds=True,
    ),
    Operator(
        name="description_byte",
        what="one character of a description",
        places=entry_places("descriptions"),
        change=_one_byte,
    ),
    Operator(name="description_lost", what="a description is lost", places=field_places("descriptions"), change=_lost),
    Operator(
        name="term_look_alike", what="a letter of another script", places=entry_places(*_TERMS), change=_look_alike
    ),
    Operator(
        name="term_decomposed", what="the same letters, not composed", places=entry_places(*_TERMS), change=_decomposed
    ),
    Operator(name="term_padded", what="a space behind a term", places=entry_places(*_TERMS), change=_padded),
    Operator(
        name="term_language_inside",
        what="a term says another language than its key",
        places=entry_places(*_TERMS),
        change=_language_inside,
    ),
    Operator(
        name="terms_emptied",
        what="all labels, lemmas or glosses are gone",
        places=holder_places("labels", "lemmas", "representations", "glosses"),
        change=emptied("labels", "lemmas", "representations", "glosses"),
    ),
    Operator(name="alias_lost", what="an alias is lost", places=entry_places("aliases"), change=_alias_lost),
    Operator(name="alias_byte", what="one character of an alias", places=entry_places("aliases"), change=_alias_byte),
    Operator(name="alias_order", what="two aliases change places", places=entry_places("aliases"), change=_swapped),
    Operator(name="sitelink_title", what="one character of a title", places=entry_places("sitelinks"), change=_title),
    Operator(name="sitelink_badge", what="a badge more or less", places=entry_places("sitelinks"), change=_badge),
    Operator(name="sitelink_lost", what="a site link is lost", places=field_places("sitelinks"), change=_lost),
    Operator(
        name="sitelinks_emptied",
        what="all site links are gone",
        places=holder_places("sitelinks"),
        change=emptied("sitelinks"),
    ),
    Operator(name="lemma_byte", what="one character of a lemma", places=entry_places("lemmas"), change=_one_byte),
    Operator(name="lexeme_language", what="another language item", places=field_places("language"), change=_other_id),
    Operator(
        name="lexical_category", what="another category", places=field_places("lexicalCategory"), change=_other_id
    ),
    Operator(name="form_lost", what="a form is lost", places=field_places("forms"), change=_part_lost),
    Operator(name="sense_lost", what="a sense is lost", places=field_places("senses"), change=_part_lost),
    Operator(
        name="representation_byte",
        what="one character of a form",
        places=entry_places("representations"),
        change=_one_byte,
    ),
    Operator(name="gloss_byte", what="one character of a gloss", places=entry_places("glosses"), change=_one_byte),
    Operator(
        name="feature_added",
        what="a grammatical feature too many",
        places=field_places("grammaticalFeatures"),
        change=_feature_added,
    ),
    Operator(
        name="feature_lost",
        what="a grammatical feature is lost",
        places=field_places("grammaticalFeatures"),
        change=_feature_lost,
    ),
    Operator(
        name="property_datatype",
        what="a property says another datatype",
        places=field_places("datatype"),
        change=other_text,
    ),
    Operator(name="redirect_target", what="a redirect leads elsewhere", places=_redirects, change=_other_id),
    Operator(
        name="badges_reordered",
        what="two badges change places",
        places=entry_places("sitelinks"),
        change=_badges_swapped,
        equal_to_wikibase="wikibase.md 3.5: badges are compared without order",
    ),
    Operator(
        name="features_reordered",
        what="grammatical features turned round",
        places=field_places("grammaticalFeatures"),
        change=_turned_round,
        equal_to_wikibase="wikibase.md 3.5: grammatical features are a set",
    ),
    Operator(
        name="parts_reordered",
        what="forms or senses turned round",
        places=field_places("forms", "senses"),
        change=_turned_round,
        equal_to_wikibase="wikibase.md 3.5: forms and senses are sorted by id on output",
    ),
)
"""Operators on everything of an entity but its statements."""
