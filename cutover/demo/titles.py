"""Titles as MediaWiki normalises them: underscores, spaces, namespace names, first letter (wikibase.md 0.2)."""

import re
from collections.abc import Mapping

_ILLEGAL = re.compile(r"[\[\]{}|<>#\x00-\x1f\x7f]")


class TitleError(ValueError):
    """No title. `character` is the first one that may not be in it, "" for an empty title."""

    def __init__(self, character: str) -> None:
        super().__init__(f"not a title: {character!r}")
        self.character = character


def normalise_title(text: str, namespaces: Mapping[int, Mapping[str, str]]) -> tuple[int, str]:
    """Return namespace and full title. Raises TitleError."""
    title = re.sub(r"[ _]+", " ", text).strip(" ").removeprefix(":")
    if illegal := _ILLEGAL.search(title):
        raise TitleError(illegal[0])
    prefix, colon, rest = title.partition(":")
    if colon:
        name = prefix.strip(" ").lower()
        for number, names in namespaces.items():
            if number and name in {names["name"].lower(), names.get("canonical", "").lower()}:
                return number, f"{names['name']}:{_upper_first(rest.strip(' '))}"
    if not title:
        raise TitleError("")
    return 0, _upper_first(title)


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
