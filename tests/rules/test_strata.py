"""Strata: every comparison lies in exactly one, and its key and words tell which."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.routes.route import EntityRead, Projection, Surface
from rules.strata import (
    AGES,
    ANY,
    EVERYTHING,
    SIZES,
    Stratum,
    age_class,
    collapsed,
    format_class,
    route_shape,
    size_class,
    stratum_of_key,
)
from wikibase.ids import EntityId, EntityType

READ = EntityRead(surface=Surface.WBGETENTITIES, entities=(EntityId("Q1"),))
LEXEME = Stratum("lexeme", "wbgetentities", "<4K", "<2015", "json 1")

strata = st.builds(
    Stratum,
    st.sampled_from([*(kind.value for kind in EntityType), ""]),
    st.sampled_from([surface.value for surface in Surface]),
    st.sampled_from([*SIZES, ""]),
    st.sampled_from([*AGES, ""]),
    st.sampled_from(["json 1", "json 2", "json", ""]),
)


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [(None, ""), (0, "<4K"), (4095, "<4K"), (4096, "<64K"), (65536, "<1M"), (1 << 20, ">=1M"), (1 << 40, ">=1M")],
)
def test_sizes(size_bytes: int | None, expected: str) -> None:
    assert size_class(size_bytes) == expected


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2012-10-29T00:00:00Z", "<2015"),
        ("2014-12-31T23:59:59Z", "<2015"),
        ("2015-01-01T00:00:00Z", "2015-17"),
        ("2018-01-01T00:00:00Z", "2018-21"),
        ("2026-11-22T15:24:12Z", ">=2022"),
        (None, ""),
        ("soon", ""),
        ("٢٠٢٦-11-22", ""),
    ],
)
def test_ages(timestamp: str | None, expected: str) -> None:
    assert age_class(timestamp) == expected


@given(strata)
def test_a_key_gives_back_its_stratum_and_fits_the_table(stratum: Stratum) -> None:
    assert stratum_of_key(stratum.key()) == stratum
    assert len(stratum.key()) <= 150
    assert EVERYTHING.covers(stratum)


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="not the key"):
        stratum_of_key("item|rest")


def test_words_are_those_of_a_person() -> None:
    assert LEXEME.words() == "lexemes older than 2015 under 4 KB by wbgetentities as json 1"
    assert collapsed(LEXEME, ("entity_type", "age")).words() == "lexemes older than 2015"
    assert EVERYTHING.words() == "entities"


def test_collapsing_forgets_what_is_not_told_apart() -> None:
    assert collapsed(LEXEME, ("surface",)) == replace(EVERYTHING, surface="wbgetentities")
    assert replace(EVERYTHING, entity_type="lexeme").covers(LEXEME)
    assert not replace(EVERYTHING, entity_type="item").covers(LEXEME)
    assert not LEXEME.covers(Stratum("lexeme", "wbgetentities", ANY, "<2015", "json 1"))
    with pytest.raises(AttributeError):
        collapsed(LEXEME, ("colour",))


def test_versions_of_json_are_told_apart_only_where_there_are_two() -> None:
    second = replace(READ, projection=Projection(format_version=2))
    assert (format_class(READ), format_class(second)) == ("json 1", "json 2")
    assert format_class(replace(READ, surface=Surface.ENTITYDATA)) == "json"


def test_a_shape_is_what_is_asked_of_an_entity_not_of_which() -> None:
    shape = route_shape(READ)
    assert shape == route_shape(replace(READ, entities=(EntityId("Q2"), EntityId("Q3")), values_asked=2))
    one, other = (replace(READ, projection=Projection(props=frozenset(names))) for names in ("ab", "ba"))
    assert route_shape(one) == route_shape(other) != shape
    assert route_shape(replace(READ, revision=5)) != shape  # a pinned read never looks at the head
    assert route_shape(replace(READ, projection=Projection(languages=("en",)))) != shape
