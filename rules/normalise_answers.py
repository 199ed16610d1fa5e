"""What the output layer of the Action API does to every text of an answer, and the name of the rule that allows for it.

MediaWiki cleans what it writes, not what it has stored: texts come in Unicode's composed form (NFC), and characters
that XML cannot hold come as U+FFFD (docs/canonical-form.md, section 6). A text that this alters is stored one way and
answered another. Special:EntityData is written by the same layer; the REST API is not.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from rules.routes.route import Surface
from wikibase.canonical import NotAnEntityError, canonical_entity

Json = Any
Content = Mapping[str, Json]

CLEANUP_RULE = "action_api_text_cleanup"
"""The name under which comparisons count that are equal only because of this."""

CLEANED_SURFACES = frozenset({Surface.WBGETENTITIES, Surface.WBGETCLAIMS, Surface.ENTITYDATA, Surface.REVISIONS})
"""Surfaces whose answers are written by that layer."""

_REPLACED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def cleaned_text(text: str) -> str:
    """Return a text as the Action API writes it."""
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", _REPLACED.sub("\ufffd", text))


def as_answered(content: Content) -> Content:
    """Return a content with every text as the Action API writes it; the content itself when nothing changes.

    It is canonical again: texts that have become alike collapse as they do in an answer.
    """
    found: Content = _cleaned(content)
    if found is content:
        return content
    try:
        return canonical_entity(dict(found), partial=True)
    except NotAnEntityError:
        return found


def _cleaned(value: Json) -> Json:
    if isinstance(value, str):
        text = cleaned_text(value)
        return value if text == value else text
    if isinstance(value, dict):
        members = {key: _cleaned(one) for key, one in value.items()}
        return members if any(members[key] is not one for key, one in value.items()) else value
    if isinstance(value, list):
        parts = [_cleaned(one) for one in value]
        return parts if any(new is not one for new, one in zip(parts, value, strict=True)) else value
    return value
