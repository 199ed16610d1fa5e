"""Language fallback with the table of MediaWiki 1.39; the texts are those of recorded reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from wikibase.render.facts import RenderingFacts, rendering_facts
from wikibase.render.fallback import chain_of, with_fallback
from wikibase.render.outcome import Decline, DeclinedError

FACTS: RenderingFacts = rendering_facts(
    **json.loads((Path(__file__).resolve().parents[2] / "cases" / "reads" / "facts.json").read_text("utf-8"))
)


def terms(*codes: str) -> dict[str, Any]:
    return {code: {"language": code, "value": f"in {code}"} for code in codes}


def shown(language: str, *stored: str) -> dict[str, Any]:
    return with_fallback(terms(*stored), {language: chain_of(language, FACTS)})


def test_a_text_that_is_there_is_shown_as_it_is() -> None:
    assert shown("zh-hk", "zh-hk", "en") == {"zh-hk": {"language": "zh-hk", "value": "in zh-hk"}}


def test_an_explicit_fallback_comes_before_english() -> None:
    assert shown("de-at", "en", "de") == {"de-at": {"value": "in de", "language": "de", "for-language": "de-at"}}


def test_english_is_the_last_of_every_chain() -> None:
    assert shown("ja", "de", "en") == {"ja": {"value": "in en", "language": "en", "for-language": "ja"}}


def test_nothing_is_shown_where_nothing_serves() -> None:
    assert shown("ja", "de") == {}


def test_a_code_that_stands_for_another_begins_with_that_one() -> None:
    assert shown("no", "nb") == {"no": {"value": "in nb", "language": "nb", "for-language": "no"}}


def test_mul_counts_only_where_it_is_a_language_of_terms() -> None:
    assert shown("ja", "mul") == {}
    assert all(link.source != "mul" for link in chain_of("ja", FACTS))


@pytest.mark.parametrize(
    ("language", "stored"), [("zh-hk", "zh-hans"), ("sr-el", "sr-ec"), ("zh", "zh-tw"), ("lzh", "zh-hans")]
)
def test_a_text_in_another_script_is_the_wikis_to_convert(language: str, stored: str) -> None:
    with pytest.raises(DeclinedError) as error:
        shown(language, stored)
    assert error.value.declined.reason is Decline.SCRIPT_CONVERSION


def test_a_chain_names_each_source_once() -> None:
    assert FACTS.term_languages
    for language in FACTS.term_languages:
        sources = [link.source for link in chain_of(language, FACTS)]
        assert len(sources) == len(set(sources))
        assert sources
