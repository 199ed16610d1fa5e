"""Damage to JSON values for property tests: one part somewhere inside is taken, replaced or doubled."""

import random
from typing import Any

ODD = [None, True, 1.0, 0, "", "p1", [], {}, ["x"], {"0": "x"}, "somevalue", {"type": "bad", "value": {}}]


def damaged(value: Any, dice: random.Random) -> Any:
    """Return a copy with one part changed; the argument is left as it was."""
    if isinstance(value, dict) and value:
        key = dice.choice(list(value))
        return {**value, key: damaged(value[key], dice)} if dice.random() < 0.85 else _changed(value, key, dice)
    if isinstance(value, list) and value:
        place = dice.randrange(len(value))
        if dice.random() < 0.2:
            return [*value, value[place]]
        return [*value[:place], damaged(value[place], dice), *value[place + 1 :]]
    return dice.choice(ODD)


def _changed(value: dict[str, Any], key: str, dice: random.Random) -> dict[str, Any]:
    if dice.random() < 0.3:
        return {name: one for name, one in value.items() if name != key}
    return {**value, dice.choice([key, "novel", "error", "id"]): dice.choice(ODD)}
