"""What a relay changes in heads, and what a client can make it say."""

import pytest

from proxy.forwarding import Forwarding, networks, own_addresses
from proxy.wire.head import read_request_head, read_response_head

TRUSTING = Forwarding(trusted=networks(("10.0.0.0/8", "::1/128")))


def request(*lines: bytes, target: bytes = b"/a") -> bytes:
    return b"\r\n".join((b"GET " + target + b" HTTP/1.1", b"Host: wiki.example", *lines))


FORGED = (b"X-Forwarded-For: 6.6.6.6", b"x-forwarded-proto: https", b"X-Forwarded-Host: evil.example")


def test_a_stranger_cannot_say_who_it_is() -> None:
    head = read_request_head(request(*FORGED))
    sent = Forwarding().request(head, "203.0.113.9")
    assert sent.endswith(
        b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: wiki.example\r\n\r\n"
    )
    assert b"6.6.6.6" not in sent
    assert b"evil" not in sent


@pytest.mark.parametrize("peer", ["10.1.2.3", "::1"])
def test_a_trusted_proxy_is_believed_and_its_chain_goes_on(peer: str) -> None:
    sent = TRUSTING.request(read_request_head(request(*FORGED)), peer)
    assert b"X-Forwarded-For: 6.6.6.6, " + peer.encode() + b"\r\n" in sent
    assert b"X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n" in sent
    assert TRUSTING.request(read_request_head(request(*FORGED)), "11.0.0.1").count(b"6.6.6.6") == 0
    assert TRUSTING.request(read_request_head(request(*FORGED)), "").count(b"6.6.6.6") == 0


def test_the_host_stays_the_clients_unless_the_config_says_otherwise() -> None:
    head = read_request_head(request())
    assert b"Host: wiki.example\r\n" in Forwarding().request(head, "::1")
    sent = Forwarding(wiki_host=b"inner:81").request(head, "::1")
    assert sent.count(b"Host: ") == 2  # Host, X-Forwarded-Host
    assert b"\r\nHost: inner:81\r\n" in sent
    assert b"X-Forwarded-Host: wiki.example\r\n" in sent


def test_an_absolute_target_is_forwarded_as_a_path_with_its_own_host() -> None:
    head = read_request_head(request(target=b"http://other.example/a?b"))
    sent = Forwarding().request(head, "::1")
    assert sent.startswith(b"GET /a?b HTTP/1.1\r\nHost: other.example\r\n")
    assert b"wiki.example" not in sent


LOCATIONS = [
    (b"http://wiki.internal:8080/wiki/A", b"http://wiki.example/wiki/A"),
    (b"HTTPS://wiki.internal:8080/wiki/A", b"http://wiki.example/wiki/A"),
    (b"//wiki.internal:8080?x", b"http://wiki.example?x"),
    (b"http://wiki.internal:8080", b"http://wiki.example"),
    (b"http://wiki.internal:80801/wiki/A", b"http://wiki.internal:80801/wiki/A"),
    (b"http://wiki.internal:8080.evil.example/", b"http://wiki.internal:8080.evil.example/"),
    (b"http://elsewhere.example/", b"http://elsewhere.example/"),
    (b"/wiki/A", b"/wiki/A"),
]


@pytest.mark.parametrize(("location", "expected"), LOCATIONS)
def test_a_location_that_names_the_wiki_leads_back_to_the_proxy_when_asked(location: bytes, expected: bytes) -> None:
    answer = read_response_head(b"HTTP/1.1 302 Found\r\nX: 1\r\nLocation: " + location + b"\r\nY: 2", b"GET")
    asked = read_request_head(request())
    relocating = Forwarding(wiki_servers=own_addresses("http://Wiki.internal:8080"))
    assert relocating.response(asked, answer, "::1") == b"X: 1\r\nLocation: " + expected + b"\r\nY: 2\r\n"
    assert Forwarding().response(asked, answer, "::1") == b"X: 1\r\nLocation: " + location + b"\r\nY: 2\r\n"


def test_a_location_keeps_the_scheme_that_a_trusted_proxy_tells() -> None:
    relocating = Forwarding(trusted=networks(("::1/128",)), wiki_servers=own_addresses("http://inner"))
    answer = read_response_head(b"HTTP/1.1 302 Found\r\nLocation: http://inner/wiki/A", b"GET")
    asked = read_request_head(request(b"X-Forwarded-Proto: https"))
    assert b"Location: https://wiki.example/wiki/A\r\n" in relocating.response(asked, answer, "::1")
