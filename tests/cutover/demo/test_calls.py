import pytest

from cutover.demo.calls import ApiError, Call, exception_error, wikibase_error
from cutover.demo.forms import read_form


def call(world, query, **headers):
    form = read_form(query, b"", "")
    return Call(world=world, form=form, method="GET", headers=headers, session=None, request_id="r", module="m")


def test_lists_drop_unknown_values_with_a_warning_and_repeats_silently(empty_world):
    asked = call(empty_world, "p=a|x|a|y")
    assert asked.values("p", ("a", "b")) == ["a"]
    assert asked.warnings == [
        ("m", "unrecognizedvalues", 'Unrecognized values for parameter "p": x, y', {"values": ["x", "y"]})
    ]
    assert asked.values("absent") is None


def test_more_than_fifty_values_are_an_error(empty_world):
    with pytest.raises(ApiError) as caught:
        call(empty_world, "p=" + "|".join("a" * 51)).values("p")
    assert (caught.value.code, caught.value.extra["highlimit"]) == ("toomanyvalues", 500)


@pytest.mark.parametrize(("text", "limit", "warned"), [("3", 3, 0), ("max", 500, 0), ("0", 1, 1), ("900", 500, 1)])
def test_limits_are_cut_to_what_is_allowed(empty_world, text, limit, warned):
    asked = call(empty_world, f"limit={text}")
    assert asked.limit("limit", 10, 500) == limit
    assert len(asked.warnings) == warned
    assert call(empty_world, "").limit("limit", 10, 500) == 10


@pytest.mark.parametrize(("query", "code"), [("n=x", "badinteger"), ("c=z", "badvalue"), ("", "missingparam")])
def test_wrong_parameters_have_their_codes(empty_world, query, code):
    asked = call(empty_world, query)
    with pytest.raises(ApiError) as caught:
        (asked.integer("n"), asked.choice("c", ("a",)), asked.required("r"))
    assert (caught.value.code, caught.value.module) == (code, "m")


def test_a_flag_is_true_whatever_its_value(empty_world):
    assert call(empty_world, "bot=0").has("bot")
    assert not call(empty_world, "").has("bot")


def test_the_author_without_account_is_the_last_forwarded_address(empty_world):
    assert call(empty_world, "").author == "127.0.0.1"
    assert call(empty_world, "", **{"x-forwarded-for": "1.2.3.4, 5.6.7.8"}).author == "5.6.7.8"


def test_wikibase_errors_carry_a_message_and_exceptions_do_not():
    assert wikibase_error("c", "i", None, "p").messages[0].name == "wikibase-api-c"
    assert exception_error("X", "r").info == "[r] Caught exception of type X"
