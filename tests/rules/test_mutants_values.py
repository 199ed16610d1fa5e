"""What the operators on values change: one thing of one value, by its type."""

from typing import Any

import pytest
from fakes.lexeme import COORDINATE, QUANTITY, SNAKS, TIME
from hypothesis import given
from hypothesis import strategies as st

from rules.mutants import Dice
from rules.mutants_values import SNAK_CHANGES, any_value

BY_TYPE = {snak.get("datavalue", {}).get("type", snak["snaktype"]): snak for snak in SNAKS}


def made(name: str, kind: str) -> Any:
    return SNAK_CHANGES[name][1](BY_TYPE[kind], Dice(1, name))


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("entity_id", "wikibase-entityid", {"entity-type": "item", "numeric-id": 6, "id": "Q6"}),
        ("quantity_amount", "quantity", QUANTITY | {"amount": "+1.51"}),
        ("quantity_zero", "quantity", QUANTITY | {"amount": "+1.500"}),
        ("quantity_sign", "quantity", QUANTITY | {"amount": "-1.50"}),
        ("quantity_unit", "quantity", QUANTITY | {"unit": "http://www.wikidata.org/entity/Q11573"}),
        ("quantity_bound", "quantity", QUANTITY | {"upperBound": "+1.56"}),
        ("time_year", "time", TIME | {"time": "+2014-04-05T00:00:00Z"}),
        ("time_day", "time", TIME | {"time": "+2013-04-06T00:00:00Z"}),
        ("time_precision", "time", TIME | {"precision": 10}),
        ("time_calendar", "time", TIME | {"calendarmodel": "http://www.wikidata.org/entity/Q1985786"}),
        ("coordinate", "globecoordinate", COORDINATE | {"latitude": 52.51666666666701}),
        ("coordinate_globe", "globecoordinate", COORDINATE | {"globe": "http://www.wikidata.org/entity/Q405"}),
        ("monolingual_language", "monolingualtext", {"text": "bonjour", "language": "und"}),
    ],
)
def test_a_value_changes_in_one_thing(name: str, kind: str, value: Any) -> None:
    assert made(name, kind)["datavalue"] == {"type": kind, "value": value}


def test_kinds_of_snaks_are_taken_for_one_another() -> None:
    assert made("value_to_somevalue", "string") == {"snaktype": "somevalue", "property": "P1"}
    assert made("somevalue_to_novalue", "somevalue")["snaktype"] == "novalue"
    assert made("novalue_to_somevalue", "novalue")["snaktype"] == "somevalue"
    assert made("value_type", "string")["datavalue"]["type"] == "string-"
    assert made("string_byte", "string")["datavalue"]["value"] != "plain"
    assert made("monolingual_text", "monolingualtext")["datavalue"]["value"]["language"] == "fr"


def test_an_operator_on_one_type_leaves_the_others() -> None:
    for name in SNAK_CHANGES:
        if name.split("_")[0] in ("quantity", "time", "coordinate", "monolingual", "string", "entity"):
            assert sum(made(name, kind) is not None for kind in BY_TYPE) == 1, name


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
TYPES = [*BY_TYPE, "never-heard-of"]


@given(st.sampled_from(TYPES), json_values, st.sampled_from([*SNAK_CHANGES]))
def test_no_value_however_odd_breaks_an_operator(kind: str, value: Any, name: str) -> None:
    snak = {"snaktype": "value", "property": "P1", "datavalue": {"type": kind, "value": value}}
    SNAK_CHANGES[name][1](snak, Dice(1, name))
    assert any_value(snak, Dice(1, "")) != snak


odd = st.sampled_from(["", "+", "-0", "+0000-00-00T00:00:00Z", "1e5", "+1.", "٣", "Q", "L1-F1", None, 5, 1e300])


@given(
    odd, st.sampled_from(["amount", "time", "latitude", "precision", "id", "unit"]), st.sampled_from([*SNAK_CHANGES])
)
def test_no_part_of_a_value_however_odd_breaks_an_operator(value: Any, key: str, name: str) -> None:
    for kind in BY_TYPE:
        snak = {"snaktype": "value", "property": "P1", "datavalue": {"type": kind, "value": {key: value}}}
        SNAK_CHANGES[name][1](snak, Dice(1, name))
        assert any_value(snak, Dice(1, "")) != snak
