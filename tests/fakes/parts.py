"""Whether a part of an entity, as an answer holds it, is in the whole: terms by language, statements by their id."""

from typing import Any

from wikibase.json_text import write_json


def is_part_of(part: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Tell whether all of a canonical part stands in the canonical whole, in the same order where order counts."""
    for key, value in part.items():
        if key in ("claims", "statements"):
            if not _statements_in(value, whole.get(key, {})):
                return False
        elif key in ("claims-order", "statements-order"):
            places = [whole.get(key, []).index(prop) for prop in value if prop in whole.get(key, [])]
            if len(places) != len(value) or places != sorted(places):
                return False
        elif isinstance(value, dict):
            if any(write_json(one) != write_json(whole.get(key, {}).get(name)) for name, one in value.items()):
                return False
        elif write_json(value) != write_json(whole.get(key)):
            return False
    return True


def _statements_in(part: dict[str, Any], whole: dict[str, Any]) -> bool:
    for prop, group in part.items():
        held = [write_json(one) for one in whole.get(prop, ())]
        places = [held.index(written) if (written := write_json(one)) in held else -1 for one in group]
        if -1 in places or places != sorted(places):
            return False
    return True
