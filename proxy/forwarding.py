"""What a relay changes in heads, and nothing else: hop-by-hop fields, X-Forwarded-*, Host, Location.

Pure: takes heads, returns bytes.
"""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from proxy.wire.head import HOP_BY_HOP, RequestHead, ResponseHead

_FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"})
_REQUEST_DROPS = HOP_BY_HOP | _FORWARDED
_REQUEST_DROPS_AND_HOST = _REQUEST_DROPS | {b"host"}
_LOCATION = frozenset({b"location"})


@dataclass(frozen=True, slots=True)
class Forwarding:
    """How heads are rewritten for one wiki.

    `wiki_host`: the Host to send instead of the client's, or None. `wiki_servers`: the addresses (scheme://host,
    lower-case) that in a Location mean the wiki itself; empty: Locations are left alone.
    """

    trusted: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    wiki_host: bytes | None = None
    wiki_servers: tuple[bytes, ...] = ()

    def request(self, head: RequestHead, peer: str) -> bytes:
        """Return the head to send to the wiki, with its empty line."""
        fields = head.fields
        absolute = fields.first(b"host") != head.host
        host = self.wiki_host or (head.host if absolute else None)
        kept = fields.without(_REQUEST_DROPS if host is None else _REQUEST_DROPS_AND_HOST)
        line = b"%b %b HTTP/1.%d\r\n" % (head.method, head.target, head.minor)
        host_line = b"Host: %b\r\n" % host if host is not None else b""
        return b"".join((line, host_line, kept, self._forwarded(head, peer), b"\r\n"))

    def scheme(self, head: RequestHead, peer: str) -> bytes:
        """Return the scheme that the client used, as far as it can be known."""
        told = head.fields.first(b"x-forwarded-proto") if self._trusts(peer) else None
        return told or b"http"

    def response(self, request: RequestHead, response: ResponseHead, peer: str) -> bytes:
        """Return the field lines for the client."""
        if self.wiki_servers and b"location" in response.fields.found:
            return self._relocated(request, response, peer)
        return response.fields.without(HOP_BY_HOP)

    def _forwarded(self, head: RequestHead, peer: str) -> bytes:
        found = head.fields.found
        if not self._trusts(peer):
            return b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: %b\r\n" % (
                peer.encode("ascii", "replace"),
                head.host,
            )
        chain = b", ".join([value for value, _, _ in found.get(b"x-forwarded-for", ()) if value] + [peer.encode()])
        proto = head.fields.first(b"x-forwarded-proto") or b"http"
        host = head.fields.first(b"x-forwarded-host") or head.host
        return b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\nX-Forwarded-Host: %b\r\n" % (chain, proto, host)

    def _trusts(self, peer: str) -> bool:
        return bool(self.trusted) and _trusted(self.trusted, peer)

    def _relocated(self, request: RequestHead, response: ResponseHead, peer: str) -> bytes:
        location = response.fields.first(b"location") or b""
        kept = response.fields.without(HOP_BY_HOP)
        for server in self.wiki_servers:
            rest = location[len(server) :]
            if location[: len(server)].lower() == server and rest[:1] in (b"", b"/", b"?", b"#"):
                ours = self.scheme(request, peer) + b"://" + request.host + rest
                return kept.replace(b": " + location + b"\r\n", b": " + ours + b"\r\n", 1)
        return kept


@lru_cache(maxsize=4096)
def _trusted(networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...], peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in networks)


def networks(texts: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Return the networks that the config names (checked there)."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def own_addresses(url: str) -> tuple[bytes, ...]:
    """Return the scheme://host forms in which the wiki may name itself in a Location."""
    parts = urlsplit(url.lower())
    return tuple(f"{scheme}{parts.netloc}".encode() for scheme in ("http://", "https://", "//"))
