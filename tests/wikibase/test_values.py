"""Data values: what Wikibase decodes is normalised, what it does not is verbatim."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikibase import values
from wikibase.errors import NotAnEntityError
from wikibase.values import DEFAULT_GLOBE, canonical_datavalue, canonical_value, is_decoded

GREGORIAN = "http://www.wikidata.org/entity/Q1985727"


def time(text: Any, **fields: Any) -> dict[str, Any]:
    plain = {"time": text, "timezone": 0, "before": 0, "after": 0, "precision": 11, "calendarmodel": GREGORIAN}
    return {**plain, **fields}


@pytest.mark.parametrize(
    ("given_id", "expected"),
    [
        ({"entity-type": "item", "numeric-id": 64}, {"entity-type": "item", "numeric-id": 64, "id": "Q64"}),
        ({"entity-type": "property", "numeric-id": "5"}, {"entity-type": "property", "numeric-id": 5, "id": "P5"}),
        ({"entity-type": "item", "numeric-id": 64.0}, {"entity-type": "item", "numeric-id": 64, "id": "Q64"}),
        ({"id": "q64"}, {"entity-type": "item", "numeric-id": 64, "id": "Q64"}),
        ({"entity-type": "item", "id": "P7"}, {"entity-type": "property", "numeric-id": 7, "id": "P7"}),
        ({"id": "L1-F2", "entity-type": "form"}, {"entity-type": "form", "id": "L1-F2"}),
        ({"id": "M5", "entity-type": "mediainfo"}, {"entity-type": "mediainfo", "numeric-id": 5, "id": "M5"}),
        ({"id": "E5", "entity-type": "entity-schema"}, {"entity-type": "entity-schema", "id": "E5"}),
    ],
)  # fmt: skip
def test_entity_ids_tell_type_number_and_id(given_id: Any, expected: Any) -> None:
    assert canonical_value("wikibase-entityid", given_id) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"entity-type": "lexeme", "numeric-id": 5},
        {"entity-type": "item", "numeric-id": True},
        {"entity-type": "item", "numeric-id": 0},
        {"entity-type": "item", "numeric-id": 2**31},
        {"entity-type": ["item"], "numeric-id": 1},
        {"id": "wiki:Q1", "entity-type": "item", "numeric-id": 1},
        {"id": 5},
        "Q1",
        None,
    ],
)
def test_entity_ids_that_wikibase_would_not_decode_are_verbatim(value: Any) -> None:
    assert canonical_value("wikibase-entityid", value) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+00000002013-01-01T00:00:00Z", "+2013-01-01T00:00:00Z"),
        ("+13-01-01T00:00:00Z", "+0013-01-01T00:00:00Z"),
        ("-0000-00-00T00:00:00Z", "-0000-00-00T00:00:00Z"),
        ("-13798000000-00-00T00:00:00Z", "-13798000000-00-00T00:00:00Z"),
        ("+213-01-01T00:00:00Z\n", "+0213-01-01T00:00:00Z"),
    ],
)
def test_years_have_at_least_four_digits_and_no_more_zeros(text: str, expected: str) -> None:
    assert canonical_value("time", time(text)) == time(expected)


@pytest.mark.parametrize(
    "value",
    [
        time("not a time"),
        time("2013-01-01T00:00:00Z"),
        time("+00000002013-01-01T00:00:00Z", precision=15),
        time("+00000002013-13-01T00:00:00Z"),
        time("+00000002013-00-01T00:00:00Z"),
        time("+00000002013-01-00T01:00:00Z"),
        time("+00000002013-01-01T00:00:00Z", timezone=99999),
        time("+00000002013-01-01T00:00:00Z", before=-1),
        time("+00000002013-01-01T00:00:00Z", calendarmodel=""),
        time("+00000002013-01-01T00:00:00Z", before=None),
        time("+00000002013-01-01T00:00:00Z", timezone=0.5),
        time(5),
        {"time": "+00000002013-01-01T00:00:00Z"},
    ],
)
def test_times_that_wikibase_would_not_decode_are_verbatim(value: Any) -> None:
    assert canonical_value("time", value) == value


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("+1.50", "+1.50"),
        ("1.50", "+1.50"),
        (5, "+5"),
        (-5, "-5"),
        (1.5, "+1.5"),
        (2.0, "+2"),
        (0.1, "+0.10000000000000001"),
        (" 7 ", "+7"),
        (123456789012345678, "+123456789012345680"),
        ("-0", "+0"),
        ("-0.0", "+0.0"),
        ("-0.5", "-0.5"),
    ],
)
def test_amounts_have_a_sign_and_keep_their_trailing_zeros(amount: Any, expected: str) -> None:
    assert canonical_value("quantity", {"amount": amount, "unit": "1"}) == {"amount": expected, "unit": "1"}


def test_bounds_are_normalised_both_or_the_value_is_verbatim() -> None:
    both = {"amount": 1, "unit": "1", "upperBound": 2, "lowerBound": 0}
    assert canonical_value("quantity", both) == {
        "amount": "+1", "unit": "1", "upperBound": "+2", "lowerBound": "+0",
    }  # fmt: skip
    for odd in (
        {**both, "upperBound": "x"},
        {"amount": 1, "unit": "1", "upperBound": 2},
        {"amount": 1},
        {"amount": "1e5", "unit": "1"},
        {"amount": "1" * 200, "unit": "1"},
        {"amount": True, "unit": "1"},
        {"amount": "+007", "unit": "1"},
        {"amount": "+5", "unit": ""},
        {"amount": "+5", "unit": "1", "upperBound": "+1", "lowerBound": "-0"},
    ):
        assert canonical_value("quantity", odd) == odd


def test_coordinates_are_doubles_with_globe_and_precision() -> None:
    made = canonical_value("globecoordinate", {"latitude": 52, "longitude": -0.0})
    assert json.dumps(made, sort_keys=True) == json.dumps(
        {"altitude": None, "globe": DEFAULT_GLOBE, "latitude": 52, "longitude": 0, "precision": None}
    )
    assert made == canonical_value("globecoordinate", {"latitude": "52.0", "longitude": 0, "globe": None})
    older = {"latitude": 48.208333333333, "longitude": 1.0, "precision": 1, "globe": "http://x/Q3", "altitude": 9}
    made = canonical_value("globecoordinate", older)
    assert made["latitude"] == 48.208333333333
    assert (made["precision"], made["globe"], made["altitude"]) == (1.0, "http://x/Q3", None)
    for odd in (
        {"latitude": "1x", "longitude": 2},
        {"latitude": 361, "longitude": 2},
        {"latitude": 1, "longitude": 2, "globe": ""},
        {"latitude": 1, "longitude": 2, "precision": "1"},
        {"latitude": 1},
        {"latitude": 1, "longitude": True},
        {"latitude": 1, "longitude": 2, "precision": "x"},
        [1, 2],
    ):
        assert canonical_value("globecoordinate", odd) == odd


def test_unknown_types_and_undecodable_values_are_verbatim_without_the_sentence_on_them() -> None:
    bad = {"value": {"latitude": 1.5, "longitude": -2.25}, "type": "geocoordinate", "error": "is unsupported"}
    assert canonical_datavalue(bad) == {"value": {"latitude": 1.5, "longitude": -2.25}, "type": "geocoordinate"}
    assert canonical_datavalue({"value": 1, "type": ["odd"]}) == {"value": 1, "type": ["odd"]}


def test_numbers_are_read_before_a_time_is_looked_at() -> None:
    assert canonical_value("time", time("+02013-01-01T00:00:00Z", precision=11.0)) == time("+2013-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("kind", "value", "decoded"),
    [
        ("string", "x", True),
        ("string", 5, False),
        ("monolingualtext", {"text": "x", "language": "en"}, True),
        ("monolingualtext", {"text": "x", "language": ""}, False),
        ("monolingualtext", [], False),
        ("quantity", {"amount": "+1", "unit": "1"}, True),
        ("quantity", "+1", False),
        ("globecoordinate", {"latitude": 1, "longitude": 2}, True),
        ("globecoordinate", None, False),
        ("time", time("+2013-01-01T00:00:00Z"), True),
        ("time", time("+2013-13-01T00:00:00Z"), False),
        ("wikibase-entityid", {"id": "Q1"}, True),
        ("wikibase-entityid", {"id": "X1"}, False),
        ("bad", "x", False),
        (None, "x", False),
    ],
)
def test_it_is_known_what_wikibase_decodes(kind: Any, value: Any, decoded: bool) -> None:
    assert is_decoded(kind, value) is decoded


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["amount", "unit", "upperBound", "lowerBound", "time", "timezone", "before", "after", "precision"]
KEYS += ["calendarmodel", "latitude", "longitude", "globe", "id", "numeric-id", "entity-type"]


TEXTS = [
    "+1",
    "-0.0",
    "7",
    "+5",
    "Q5",
    "q5",
    "item",
    "property",
    "1",
    "+2013-01-01T00:00:00Z",
    "+02013-01-01T00:00:00Z",
]
TEXTS += ["-5-00-00T00:00:00Z", "", "http://x/Q2", "en"]
NUMBERS = st.sampled_from([0, 1, 11, 64, 2**31, 2**63, 10**17, -1]) | st.sampled_from(
    [0.0, -0.0, 11.0, 1e17, 2.5, 64.0]
)


@given(
    st.sampled_from(["time", "quantity", "globecoordinate", "wikibase-entityid", "monolingualtext", "string", "x"]),
    JSON | st.dictionaries(st.sampled_from(KEYS), JSON | st.sampled_from(TEXTS) | NUMBERS, max_size=9),
)
def test_any_value_has_a_canonical_form_that_is_its_own_and_is_decoded_or_not_before_as_after(
    kind: str, value: Any
) -> None:
    try:
        once = canonical_value(kind, value)
    except NotAnEntityError:
        return
    assert json.dumps(canonical_value(kind, once), sort_keys=True) == json.dumps(once, sort_keys=True)
    assert is_decoded(kind, once) == is_decoded(kind, value)


@given(
    st.sampled_from(TEXTS), st.integers(-(2**64), 2**64) | NUMBERS, st.integers(0, 16) | NUMBERS, st.sampled_from(TEXTS)
)
def test_times_of_any_parts_have_a_form_that_is_its_own(text: str, before: Any, precision: Any, calendar: str) -> None:
    once = canonical_value("time", time(text, before=before, precision=precision, calendarmodel=calendar))
    assert json.dumps(canonical_value("time", once)) == json.dumps(once)


@pytest.mark.parametrize("numeric", [True, 1.0, "1", None])
def test_an_id_met_before_is_not_taken_for_one_that_only_equals_it(numeric: Any) -> None:
    usual = {"entity-type": "item", "numeric-id": 1, "id": "Q1"}
    for _ in range(2):
        assert canonical_value("wikibase-entityid", usual) == usual
        made = canonical_value("wikibase-entityid", {**usual, "numeric-id": numeric})
        assert json.dumps(made, sort_keys=True) == json.dumps(usual, sort_keys=True)


def test_the_memory_of_ids_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "VALUES_OF_IDS", {})
    monkeypatch.setattr(values, "_VALUES_OF_IDS_MAX", 2)
    for place in range(1, 8):
        canonical_value("wikibase-entityid", {"id": f"Q{place}"})
        assert 0 < len(values.VALUES_OF_IDS) <= 2


PLACE = {"latitude": 1.5, "longitude": -2.5, "altitude": None, "precision": 0.1, "globe": "x"}


@pytest.mark.parametrize(("kind", "value"), [("time", time("+2013-01-01T00:00:00Z")), ("globecoordinate", PLACE)])
def test_what_is_as_printed_is_the_argument_itself(kind: str, value: Any) -> None:
    assert canonical_value(kind, value) is value


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("time", time("+2013-01-01T00:00:00Z", before=False), time("+2013-01-01T00:00:00Z", before=False)),
        ("time", time("+2013-01-01T00:00:00Z", after=0.0), time("+2013-01-01T00:00:00Z", after=0)),
        ("time", time("+2013-01-01T00:00:00Z", timezone=-0.0), time("+2013-01-01T00:00:00Z", timezone=0)),
        ("time", time("+2013-01-01T00:00:00Z", precision=11.0), time("+2013-01-01T00:00:00Z", precision=11)),
        ("globecoordinate", {**PLACE, "latitude": 2.0}, {**PLACE, "latitude": 2}),
        ("globecoordinate", {**PLACE, "precision": 0.0}, {**PLACE, "precision": 0}),
        ("globecoordinate", {**PLACE, "altitude": 5}, PLACE),
        ("globecoordinate", {**PLACE, "altitude": 5, "latitude": 361.5}, {**PLACE, "altitude": 5, "latitude": 361.5}),
        ("globecoordinate", {**PLACE, "globe": ""}, {**PLACE, "globe": ""}),
    ],
)
def test_what_is_nearly_as_printed_is_looked_at(kind: str, value: Any, expected: Any) -> None:
    made = canonical_value(kind, value)
    assert json.dumps(made, sort_keys=True) == json.dumps(expected, sort_keys=True)
