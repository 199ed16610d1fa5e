"""multipart/form-data: fields of whole bodies, nothing from others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.routes.multipart import read_multipart

TYPE = "multipart/form-data; boundary=b0"


def part(name: str, value: bytes, more: str = "") -> bytes:
    return f'--b0\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


def test_fields_come_in_order_with_repeats():
    body = part("a", b"1") + part("b", b"") + part("a", b"2\r\n--b") + b"--b0--\r\n"
    assert read_multipart(TYPE, body, parts_max=3) == [("a", "1"), ("b", ""), ("a", "2\r\n--b")]


def test_files_are_left_out():
    body = part("a", b"1") + part("f", b"\xff" * 100, '; filename="x"') + part("g", b"x", "; filename=") + b"--b0--"
    assert read_multipart(TYPE, body, parts_max=3) == [("a", "1")]


def test_names_may_be_bare_or_escaped_and_headers_in_any_case():
    body = (
        b"--b0\r\nX: y\r\ncontent-DISPOSITION:form-data;NAME=bare\r\nContent-Type: text/plain\r\n\r\n1\r\n"
        b'--b0\r\nContent-Disposition: form-data; name="a\\"b"\r\n\r\n2\r\n--b0--'
    )
    assert read_multipart(TYPE, body, parts_max=2) == [("bare", "1"), ('a"b', "2")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b0",
        part("a", b"1"),
        part("a", b"1")[:-4],
        part("a", b"1") + b"--b0-",
        b"--b0\r\n\r\nx\r\n--b0--",
        b"--b0\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b0--",
        b'--b0\nContent-Disposition: form-data; name="a"\n\n1\n--b0--',
        b"--b0\r\nX: " + b"y" * 20_000 + b"\r\n\r\n1\r\n--b0--",
    ],
)
def test_what_is_not_whole_gives_nothing(body: bytes):
    assert read_multipart(TYPE, body, parts_max=9) is None


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=", TYPE + "x" * 300])
def test_without_a_usable_boundary_nothing_is_read(content_type: str):
    assert read_multipart(content_type, part("a", b"1") + b"--b0--", parts_max=9) is None


def test_too_many_parts_give_nothing():
    assert read_multipart(TYPE, part("a", b"1") * 3 + b"--b0--", parts_max=2) is None
    assert read_multipart(TYPE, part("a", b"1") * 2 + b"--b0--", parts_max=2) == [("a", "1")] * 2


@given(body=st.binary(), content_type=st.text())
def test_any_bytes_end_in_an_answer(body: bytes, content_type: str):
    fields = read_multipart(content_type, body, parts_max=5)
    assert fields is None or len(fields) <= 5


@given(st.lists(st.tuples(st.from_regex("[a-z]{1,5}", fullmatch=True), st.text(st.characters(codec="utf-8")))))
def test_what_is_written_is_read(fields: list[tuple[str, str]]):
    body = b"".join(part(name, value.encode()) for name, value in fields if "--b0" not in value) + b"--b0--"
    expected = [(name, value) for name, value in fields if "--b0" not in value]
    assert read_multipart(TYPE, body, parts_max=len(fields) + 1) == expected
