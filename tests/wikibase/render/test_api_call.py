"""Parameters of an Action API call: what is let through, what is an error, what is declined."""

import pytest

from wikibase.render.api_call import ApiError, Call, is_english, read_dress, warn_of_unused
from wikibase.render.facts import RenderingFacts
from wikibase.render.outcome import Decline, DeclinedError

FACTS = RenderingFacts(server="http://x")


def call(*, anonymous: bool = True, **values: str) -> Call:
    return Call(values, FACTS, anonymous)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, Decline.FORMAT),
        ({"format": "xml"}, Decline.FORMAT),
        ({"format": "json", "formatversion": "3"}, Decline.FORMAT),
        ({"format": "json", "foo": ""}, Decline.PARAMETER),
        ({"format": "json", "assert": "user"}, Decline.IDENTITY),
        ({"format": "json", "assertuser": "Alice"}, Decline.PARAMETER),
        ({"format": "json", "origin": "https://other.example"}, Decline.VALUE),
        ({"format": "json", "maxlag": "-1"}, Decline.VALUE),
        ({"format": "json", "maxage": "x"}, Decline.VALUE),
        ({"format": "json", "errorformat": "x"}, Decline.VALUE),
        ({"format": "json", "uselang": "a/b"}, Decline.VALUE),
    ],
)
def test_what_is_not_surely_known_is_declined(values: dict[str, str], reason: Decline) -> None:
    with pytest.raises(DeclinedError) as error:
        read_dress(Call(values, FACTS, anonymous=True), {"ids"})
    assert error.value.declined.reason is reason


def test_the_dress_says_how_an_answer_is_printed() -> None:
    assert read_dress(call(format="json"), ()).ascii_only
    assert not read_dress(call(format="json", utf8="0"), ()).ascii_only
    assert not read_dress(call(format="json", formatversion="latest", utf8=""), ()).ascii_only
    assert read_dress(call(format="json", formatversion="2", ascii="0"), ()).ascii_only
    assert read_dress(call(format="json", maxage="60", smaxage="5"), ()).ages == (5, 60)


def test_who_says_to_be_anonymous_must_surely_be_it() -> None:
    assert read_dress(Call({"format": "json", "assert": "anon"}, FACTS, anonymous=True), ()).version == 1
    with pytest.raises(DeclinedError):
        read_dress(Call({"format": "json", "assert": "anon"}, FACTS, anonymous=False), ())


def test_values_are_split_by_bars_or_by_the_separator_they_begin_with() -> None:
    assert call(ids="a|b||a").several("ids") == ("a", "b", "")
    assert call(ids="a|b||a").several("ids", repeats=True) == ("a", "b", "", "a")
    assert call(ids="\x1fa|b\x1fc").several("ids") == ("a|b", "c")
    assert call(ids="").several("ids") == ()
    assert call().several("ids") is None


def test_more_values_than_anonymous_ones_may_give_are_an_error_for_them_only() -> None:
    many = "|".join(["Q1"] * 51)
    with pytest.raises(ApiError) as error:
        call(ids=many).several("ids")
    assert (error.value.code, error.value.data) == ("toomanyvalues", {"limit": 50, "lowlimit": 50, "highlimit": 500})
    with pytest.raises(DeclinedError) as declined:
        call(ids=many, anonymous=False).several("ids")
    assert declined.value.declined.reason is Decline.IDENTITY
    assert call(ids="|".join(["Q1"] * 50)).several("ids") == ("Q1",)


def test_values_that_are_not_allowed_are_named_in_a_warning() -> None:
    one = call(props="info|x|y|x")
    assert one.enumerated("m", "props", {"info"}) == ("info",)
    assert one.warnings == [("m", 'Unrecognized values for parameter "props": x, y, x')]
    with pytest.raises(DeclinedError):
        call(props="<b>").enumerated("m", "props", {"info"})


def test_a_token_with_a_read_has_no_effect_but_a_warning() -> None:
    one = call(format="json", token="+\\")
    read_dress(one, {"ids"})
    warn_of_unused(one, {"ids"})
    assert one.warnings == [("main", "Unrecognized parameter: token.")]


def test_sentences_are_english_only_where_that_is_certain() -> None:
    assert is_english(call())
    assert is_english(call(uselang="en"))
    assert not is_english(call(uselang="de"))
    assert not is_english(call(anonymous=False))
    assert not is_english(Call({}, RenderingFacts(server="x", content_language="de"), anonymous=True))
    assert is_english(Call({"uselang": "en"}, RenderingFacts(server="x", content_language="de"), anonymous=True))
