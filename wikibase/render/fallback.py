"""Language fallback of labels and descriptions (wikibase.md 1.1.1; TermLanguageFallbackChain of REL1_39).

A chain is what the wiki tries in turn: the language, its other scripts (converted), its explicit fallbacks with
theirs, then `mul` and `en`. Conversion between scripts is the wiki's alone, so a text that would come by it is
declined. Aliases have no fallback.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wikibase.render.facts import RenderingFacts
from wikibase.render.outcome import Decline, DeclinedError

Json = Any


@dataclass(frozen=True, slots=True)
class Link:
    """One try: the text stored under `source` serves; `language` is what it is shown as."""

    language: str
    source: str
    converted: bool


def chain_of(language: str, facts: RenderingFacts) -> tuple[Link, ...]:
    """Return the chain of a language code that a request named. Raises DeclinedError where it was not learnt."""
    if facts.fallbacks is None or facts.term_languages is None:
        raise DeclinedError(Decline.PARAMETER, "languagefallback")
    begin = facts.replaced.get(language, language)
    tried: set[str] = set()
    links: list[Link] = []
    for code in (begin, *facts.fallbacks.get(begin, ())):
        _add(links, tried, Link(code, code, converted=False))
        for variant in _scripts(code, facts):
            _add(links, tried, Link(code, variant, converted=True))
    for code in facts.implicit_fallbacks:
        _add(links, tried, Link(code, code, converted=False))
    kept = tuple(link for link in links if link.language in facts.term_languages)
    return kept or (Link("en", "en", converted=False),)


def with_fallback(terms: Mapping[str, Json], chains: Mapping[str, Iterable[Link]]) -> dict[str, Json]:
    """Return the term of each language asked for, or what serves in its stead; none where nothing does.

    `chains` has the languages in the order asked. Raises DeclinedError where a text would be converted.
    """
    out: dict[str, Json] = {}
    for language, chain in chains.items():
        if language in terms:
            out[language] = {"language": terms[language]["language"], "value": terms[language]["value"]}
            continue
        link = next((one for one in chain if one.source in terms), None)
        if link is None:
            continue
        if link.converted:
            raise DeclinedError(Decline.SCRIPT_CONVERSION, language)
        out[language] = {"value": terms[link.source]["value"], "language": link.language}
        if link.language != language:
            out[language]["for-language"] = language
    return out


def _add(links: list[Link], tried: set[str], link: Link) -> None:
    if link.source not in tried:
        tried.add(link.source)
        links.append(link)


def _scripts(code: str, facts: RenderingFacts) -> tuple[str, ...]:
    group = facts.variants.get(code.partition("-")[0], ())
    return group if code in group else ()
