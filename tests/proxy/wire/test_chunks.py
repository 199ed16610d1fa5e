"""Chunked bodies: where they end, however they are cut into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.chunks import ChunkScanner, body_scanner, join_chunks
from proxy.wire.head import WireError


def chunked(parts: list[bytes], trailers: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


PARTS = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


@given(PARTS, st.binary(max_size=20), st.lists(st.integers(1, 30), max_size=40))
def test_the_end_is_found_however_the_body_is_cut(parts: list[bytes], rest: bytes, cuts: list[int]) -> None:
    body = chunked(parts, b"X-Sum: 1\r\n")
    stream, scanner, taken, at = body + rest, ChunkScanner(400), 0, 0
    for cut in [*cuts, len(stream)]:
        if scanner.done or at >= len(stream):
            break
        taken += scanner.scan(stream[at : at + cut])
        at += cut
    assert scanner.done
    assert taken == len(body)
    assert join_chunks(body) == b"".join(parts)


@pytest.mark.parametrize(
    "raw",
    [
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"-1\r\n",
        b"\r\n",
        b"5 5\r\nhello\r\n",
        b"5;a\x00\r\nhello\r\n",
        b"ffffffffffffffffff\r\n",
        b"0\r\nContent-Length: 5\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n folded: x\r\n\r\n",
        b"5;" + b"a" * 5000,
        b"0\r\n" + b"a: b\r\n" * 5000,
    ],
)
def test_a_malformed_chunk_is_refused(raw: bytes) -> None:
    with pytest.raises(WireError):
        ChunkScanner(400).scan(raw)


@given(st.binary(max_size=200), st.integers(1, 17))
def test_any_bytes_end_or_are_refused_and_never_take_more_than_given(raw: bytes, step: int) -> None:
    scanner = ChunkScanner(400)
    try:
        for at in range(0, len(raw), step):
            piece = raw[at : at + step]
            assert 0 <= scanner.scan(piece) <= len(piece)
            if scanner.done:
                break
    except WireError:
        return


def test_a_body_of_known_length_ends_there() -> None:
    scanner = body_scanner(5, 400)
    assert (scanner.scan(b"abc"), scanner.done) == (3, False)
    assert (scanner.scan(b"defg"), scanner.done) == (2, True)
    assert (body_scanner(0, 400).scan(b"x"), body_scanner(0, 400).done) == (0, True)
