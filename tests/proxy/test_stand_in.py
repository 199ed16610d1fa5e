"""Answers in the wiki's stead: real clients must understand them, and must not repeat an edit that may be saved."""

import json

import pytest

from proxy.stand_in import failure, refusal
from proxy.wire.head import read_request_head, read_response_head


def answer(
    method: str, target: str, *, sent: bool, timed_out: bool = False, is_api: bool = True
) -> tuple[int, dict[str, str], bytes]:
    head = read_request_head(f"{method} {target} HTTP/1.1\r\nHost: w".encode())
    status, raw = failure(head, "the wiki <is> down", sent=sent, timed_out=timed_out, is_api=is_api, retry_after_s=7)
    top, _, body = raw.partition(b"\r\n\r\n")
    parsed = read_response_head(top, method.encode())
    assert parsed.status == status
    headers = dict(parsed.fields.pairs())
    assert int(headers["content-length"]) == len(body)
    return status, headers, body


def test_a_read_of_the_action_api_is_asked_to_wait_and_repeat() -> None:
    status, headers, body = answer("GET", "/w/api.php?action=wbgetentities&format=json", sent=True)
    error = json.loads(body)["error"]
    assert (status, headers["mediawiki-api-error"], headers["retry-after"]) == (200, "maxlag", "7")
    assert (error["code"], error["lag"]) == ("maxlag", 7)


def test_an_edit_that_never_left_may_be_repeated() -> None:
    _, headers, body = answer("POST", "/w/api.php", sent=False)
    assert json.loads(body)["error"]["code"] == "maxlag"
    assert headers["retry-after"] == "7"


def test_an_edit_that_was_sent_must_not_be_repeated_blindly() -> None:
    _, headers, body = answer("POST", "/w/api.php", sent=True)
    error = json.loads(body)["error"]
    assert error["code"] == headers["mediawiki-api-error"] == "internal_api_error_WikiUnanswered"
    assert "may have been saved" in error["info"]
    assert "retry-after" not in headers


@pytest.mark.parametrize(
    ("query", "start", "kind"),
    [
        ("errorformat=plaintext", b'{"errors":[{"code":"maxlag"', "application/json"),
        ("format=xml", b'<?xml version="1.0"?><api><error code="maxlag" info="the wiki &lt;is&gt; down"', "text/xml"),
        ("callback=cb.x", b'/**/cb.x({"error"', "text/javascript"),
        ("callback=alert(1)//", b'{"error"', "application/json"),
    ],
)
def test_the_shape_follows_what_was_asked_for(query: str, start: bytes, kind: str) -> None:
    _, headers, body = answer("GET", f"/w/api.php?{query}", sent=False)
    assert body.startswith(start)
    assert headers["content-type"].startswith(kind)


@pytest.mark.parametrize(("timed_out", "status"), [(False, 502), (True, 504)])
def test_a_page_gets_html_with_the_status_of_a_gateway(*, timed_out: bool, status: int) -> None:
    got, headers, body = answer("GET", "/wiki/A", sent=True, timed_out=timed_out, is_api=False)
    assert (got, headers["retry-after"]) == (status, "7")
    assert b"the wiki &lt;is&gt; down" in body


def test_head_gets_no_body_and_a_sent_form_gets_a_warning() -> None:
    assert answer("HEAD", "/wiki/A", sent=True, is_api=False)[2] == b""
    _, headers, body = answer("POST", "/w/index.php", sent=True, is_api=False)
    assert b"look before you repeat" in body
    assert "retry-after" not in headers


@pytest.mark.parametrize("status", [400, 408, 431, 501, 503, 505])
def test_a_refusal_says_why_and_closes(status: int) -> None:
    top, _, body = refusal(status, "because").partition(b"\r\n\r\n")
    assert read_response_head(top, b"GET").status == status
    assert b"Connection: close" in top
    assert body == b"because\n"
