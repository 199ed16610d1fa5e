"""Entity ids as Wikibase spells them (wikibase.md 0.3). Parsing never raises: what is no id is None."""

import re
from enum import StrEnum
from typing import NewType

EntityId = NewType("EntityId", str)
"""A canonical id: upper-case item, property, lexeme, form, sense or mediainfo id."""

INT32_MAX = 2147483647


class EntityType(StrEnum):
    """The entity types whose content has a page or slot of its own, and the parts of a lexeme."""

    ITEM = "item"
    PROPERTY = "property"
    LEXEME = "lexeme"
    FORM = "form"
    SENSE = "sense"
    MEDIAINFO = "mediainfo"
    SCHEMA = "entity-schema"


_TYPE_OF_LETTER = {
    "Q": EntityType.ITEM,
    "P": EntityType.PROPERTY,
    "L": EntityType.LEXEME,
    "M": EntityType.MEDIAINFO,
    "E": EntityType.SCHEMA,
}
_WHOLE = re.compile(r"([QPLME])([1-9]\d{0,9})", re.ASCII | re.IGNORECASE)
# Forms and senses are case-sensitive (wikibase.md 0.3).
_PART = re.compile(r"L([1-9]\d{0,9})-([FS])[1-9]\d{0,9}", re.ASCII)


def parse_entity_id(text: str) -> EntityId | None:
    """Return the canonical id, or None when Wikibase would call the text malformed."""
    if whole := _WHOLE.fullmatch(text):
        return EntityId(text.upper()) if int(whole[2]) <= INT32_MAX else None
    if part := _PART.fullmatch(text):
        return EntityId(text) if int(part[1]) <= INT32_MAX else None
    return None


def entity_type(entity_id: EntityId) -> EntityType:
    """Return the type that an id names."""
    if part := _PART.fullmatch(entity_id):
        return EntityType.FORM if part[2] == "F" else EntityType.SENSE
    return _TYPE_OF_LETTER[entity_id[0]]


def page_entity(entity_id: EntityId) -> EntityId:
    """Return the entity on whose page this one is stored: a form's or sense's lexeme, else itself."""
    return EntityId(entity_id.partition("-")[0])


def number(entity_id: EntityId) -> int:
    """Return the number of the id (of the lexeme, for forms and senses)."""
    return int(page_entity(entity_id)[1:])
