"""Heads: what is kept verbatim, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.head import (
    CHUNKED,
    HOP_BY_HOP,
    UNTIL_CLOSE,
    WireError,
    read_request_head,
    read_response_head,
)

OK = b"GET /w/api.php?x=1 HTTP/1.1\r\nHost: wiki.example"


def fields(*lines: bytes) -> bytes:
    return b"\r\n".join((OK, *lines))


def test_field_lines_stay_as_they_were_in_their_order() -> None:
    head = read_request_head(fields(b"x-B:  two  ", b"X-a:one", b"x-B: three"))
    assert head.fields.raw == b"Host: wiki.example\r\nx-B:  two  \r\nX-a:one\r\nx-B: three\r\n"
    assert head.fields.without(HOP_BY_HOP) == head.fields.raw


def test_hop_by_hop_fields_and_those_named_by_connection_go() -> None:
    head = read_request_head(
        fields(b"Connection: X-One, keep-alive", b"X-One: 1", b"X-Two: 2", b"Keep-Alive: timeout=5")
    )
    assert head.fields.without(HOP_BY_HOP) == b"Host: wiki.example\r\nX-Two: 2\r\n"


@pytest.mark.parametrize("name", [b"Host", b"Cookie", b"Authorization", b"Content-Type", b"X-Forwarded-For"])
def test_connection_cannot_hide_a_field_that_the_wiki_must_see(name: bytes) -> None:
    line = name + b": value"
    lines = (b"Connection: " + name, line) if name != b"Host" else (b"Connection: Host",)
    head = read_request_head(fields(*lines))
    assert name.lower() in head.fields.without(HOP_BY_HOP).lower()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ((b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400),
        ((b"Content-Length: 5", b"Content-Length: 5"), 400),
        ((b"Content-Length: 5, 5",), 400),
        ((b"Content-Length: +5",), 400),
        ((b"Content-Length: 0x5",), 400),
        ((b"Content-Length: 5 5",), 400),
        ((b"Content-Length:",), 400),
        ((b"Transfer-Encoding: gzip, chunked",), 400),
        ((b"Transfer-Encoding: identity",), 400),
        ((b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400),
        ((b"Transfer-Encoding : chunked",), 400),
        ((b"Transfer-Encoding:\x0bchunked",), 400),
        ((b" folded: yes",), 400),
        ((b"a: 1", b" folded"), 400),
        ((b"no colon",), 400),
        ((b": no name",), 400),
        ((b"nul: a\x00b",), 400),
        ((b"cr: a\rb",), 400),
        ((b"lf: a\nb: c",), 400),
        ((b"Host: other",), 400),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(lines: tuple[bytes, ...], status: int) -> None:
    with pytest.raises(WireError) as caught:
        read_request_head(fields(*lines))
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /", 400),
        (b"GET / HTTP/1.1 ", 400),
        (b"GET  / HTTP/1.1", 400),
        (b"GET / a HTTP/1.1", 400),
        (b"G\xc3\xa9T / HTTP/1.1", 400),
        (b"GET /\x7f HTTP/1.1", 400),
        (b"PRI * HTTP/2.0", 505),
        (b"GET / HTTP/3.0", 505),
        (b"GET wiki HTTP/1.1", 400),
        (b"GET http:///x HTTP/1.1", 400),
        (b"GET * HTTP/1.1", 400),
    ],
)
def test_a_request_line_that_is_none_is_refused(line: bytes, status: int) -> None:
    with pytest.raises(WireError) as caught:
        read_request_head(line + b"\r\nHost: a")
    assert caught.value.status == status


@pytest.mark.parametrize("host", [b"", b"\r\nHost: a b", b"\r\nHost: a/b", b"\r\nHost: a@b"])
def test_http_1_1_needs_one_clean_host(host: bytes) -> None:
    with pytest.raises(WireError):
        read_request_head(b"GET / HTTP/1.1" + host)


def test_an_absolute_target_becomes_a_path_and_its_host_wins() -> None:
    head = read_request_head(b"GET http://real.example/a?b HTTP/1.1\r\nHost: said.example")
    assert (head.target, head.host) == (b"/a?b", b"real.example")


@pytest.mark.parametrize(
    ("raw", "method", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7", b"GET", 7),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7", b"HEAD", 0),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7", b"GET", 0),
        (b"HTTP/1.1 204 No Content", b"GET", 0),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", b"GET", CHUNKED),
        (b"HTTP/1.0 200 OK", b"GET", UNTIL_CLOSE),
        (b"HTTP/1.1 200 \xc3\xa9", b"GET", UNTIL_CLOSE),
        (b"HTTP/1.1 200", b"GET", UNTIL_CLOSE),
    ],
)
def test_the_length_of_an_answer(raw: bytes, method: bytes, body: int) -> None:
    assert read_response_head(raw, method).body == body


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: chunked",
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 8",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip",
        b"HTTP/2 200",
        b"<html>",
        b"HTTP/1.1 999 What",
    ],
)
def test_an_answer_that_could_be_read_in_two_ways_is_not_passed_on(raw: bytes) -> None:
    with pytest.raises(WireError) as caught:
        read_response_head(raw, b"GET")
    assert caught.value.status == 502


@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_or_a_named_refusal(raw: bytes) -> None:
    for read in (read_request_head, lambda data: read_response_head(data, b"GET")):
        try:
            head = read(raw)
        except WireError:
            continue
        assert b"\r\n\r\n" not in head.fields.raw


TOKEN = st.text("abcXYZ-_09", min_size=1, max_size=8).map(str.encode)
VALUE = st.text('abc XYZ;=/,\t"', max_size=12).map(lambda text: text.strip().encode())


@given(st.lists(st.tuples(TOKEN, VALUE), max_size=12))
def test_removing_hop_by_hop_fields_leaves_every_other_line_untouched(lines: list[tuple[bytes, bytes]]) -> None:
    given_lines = [name + b": " + value for name, value in lines]
    head = read_request_head(fields(b"Connection: close", *given_lines))
    kept = head.fields.without(HOP_BY_HOP)
    assert kept == b"".join(
        line + b"\r\n" for line in (b"Host: wiki.example", *given_lines) if line[:3].lower() != b"te:"
    )
