"""Answers of the Action API; shapes from recordings 146, 329, 330 and the recorded reads 450-526."""

import json
from datetime import UTC, datetime

import pytest

from wikibase.render.api_answer import error_answer, result_answer
from wikibase.render.api_call import ApiError, Call, read_dress
from wikibase.render.facts import RenderingFacts
from wikibase.render.outcome import Answer, Decline, DeclinedError

FACTS = RenderingFacts(server="http://x", result_bytes_max=100)
NOW = datetime(2026, 11, 22, 17, 16, 41, tzinfo=UTC)


def result(body: bytes = b'{"a":1}', *, warning: str = "", **values: str) -> Answer:
    call = Call({"format": "json", **values}, FACTS, anonymous=True)
    if warning:
        call.warn("m", warning)
        call.warn("m", "more")
    return result_answer(call, read_dress(call, ()), body, (), NOW)


def test_a_result_is_private_unless_ages_are_asked_for() -> None:
    plain = dict(result().headers)
    assert plain["Cache-Control"] == "private, must-revalidate, max-age=0"
    assert plain["Vary"] == "Accept-Encoding, Treat-as-Untrusted, Cookie"
    both = dict(result(maxage="60", smaxage="300").headers)
    assert both["Cache-Control"] == "s-maxage=300, max-age=60, public"
    assert both["Expires"] == "Sun, 22 Nov 2026 17:17:41 GMT"
    one = dict(result(maxage="60").headers)
    assert (one["Cache-Control"], one["Expires"]) == (
        "s-maxage=0, max-age=60, public",
        "Thu, 01 Jan 1970 00:00:01 GMT",
    )


def test_the_requests_mark_and_warnings_stand_before_the_result() -> None:
    assert result(requestid="ü").body == rb'{"requestid":"\u00fc","a":1}'
    assert result(b"{}", requestid="7").body == b'{"requestid":"7"}'
    assert json.loads(result(warning="w").body) == {"warnings": {"m": {"*": "w\nmore"}}, "a": 1}
    assert json.loads(result(warning="w", formatversion="2").body)["warnings"] == {"m": {"warnings": "w\nmore"}}


def test_a_callback_wraps_the_body_and_loses_what_is_no_name() -> None:
    answer = result(callback="x</script>")
    assert answer.body == b'/**/xscript({"a":1})'
    assert dict(answer.headers)["Content-Type"] == "text/javascript; charset=utf-8"
    assert dict(answer.headers)["MediaWiki-Login-Suppressed"] == "true"


def test_scripts_of_any_site_may_read_what_is_asked_so() -> None:
    for answer in (result(origin="*"), failed(origin="*"), result(origin="*", callback="cb")):
        names = [name for name, _ in answer.headers]
        assert names.count("MediaWiki-Login-Suppressed") == 1
        headers = dict(answer.headers)
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Access-Control-Allow-Credentials"] == "false"
        assert "Retry-After" in headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in dict(result().headers)


def test_what_the_wiki_would_cut_off_is_declined() -> None:
    with pytest.raises(DeclinedError) as error:
        result(b'{"a":"' + b"x" * 100 + b'"}')
    assert error.value.declined.reason is Decline.TOO_LARGE


def test_warnings_in_another_format_are_declined_and_silence_is_not() -> None:
    assert result(errorformat="plaintext").status == 200
    with pytest.raises(DeclinedError):
        result(warning="w", errorformat="plaintext")


def failed(**values: str) -> Answer:
    call = Call({"format": "json", **values}, FACTS, anonymous=True)
    error = ApiError("c", "i", data={"id": "Qx"}, message=("key", ("Qx",), "<h>"))
    return error_answer(call, read_dress(call, ()), error)


def test_an_error_has_status_200_and_its_code_in_a_header() -> None:
    answer = failed(maxage="9")
    assert answer.status == 200
    headers = dict(answer.headers)
    assert headers["MediaWiki-API-Error"] == "c"
    assert headers["Cache-Control"] == "private, must-revalidate, max-age=9"
    assert "Vary" not in headers
    error = json.loads(answer.body)["error"]
    assert error.pop("*").startswith("See http://x/w/api.php for API usage. Subscribe to the mediawiki-api-announce")
    message = {"name": "key", "parameters": ["Qx"], "html": {"*": "<h>"}}
    assert error == {"code": "c", "info": "i", "id": "Qx", "messages": [message]}
    error = json.loads(failed(formatversion="2").body)["error"]
    assert "docref" in error
    assert error["messages"][0]["html"] == "<h>"


def test_an_error_in_another_language_or_format_is_declined() -> None:
    for values in ({"uselang": "de"}, {"errorformat": "html"}):
        with pytest.raises(DeclinedError) as error:
            failed(**values)
        assert error.value.declined.reason is Decline.LANGUAGE
