"""The address of a database server in one line, as an operator writes it: `mysql://USER@HOST:PORT/DATABASE?OPTIONS`.

Rules
- No password in it: a config file is read by many. It comes from the environment, under a name told with the error.
- TLS is verified by default, and fails closed; it may be left out on this machine (loopback, unix socket), and for
  other machines only by name (`tls=off`).
- Options: `socket=/path` (wins over host and port), `tls=verify|off`, `tls_ca=/path/ca.pem`, `prefix=` (of a wiki's
  tables).
"""

import ipaddress
import ssl
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from backends.errors import RefusedError

SCHEMES = ("mysql", "mariadb", "vitess")
OPTIONS = ("socket", "tls", "tls_ca", "prefix")
PORT = 3306


@dataclass(frozen=True, slots=True, kw_only=True)
class Dsn:
    """Where a server is and which database is meant. `tls`: verify, off, or empty (off on this machine only)."""

    scheme: str
    user: str
    host: str
    port: int
    database: str
    socket: str | None = None
    tls: str = ""
    tls_ca: str | None = None
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.user}@{self.socket or f'{self.host}:{self.port}'}/{self.database}"

    @property
    def is_here(self) -> bool:
        """Whether the server is on this machine."""
        return self.socket is not None or _is_loopback(self.host)


def parse_dsn(text: str) -> Dsn:
    """Return the address. Raises ValueError that says what is wrong, without quoting what could be a secret."""
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"an address of a database begins with {SCHEMES[0]}://")
    if parts.password is not None:
        raise ValueError("a password does not belong into the address: it comes from the environment")
    if not parts.username:
        raise ValueError("an address of a database names a user: mysql://USER@HOST:PORT/DATABASE")
    try:
        port = parts.port or PORT
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise ValueError(f"an address of a database is mysql://USER@HOST:PORT/DATABASE?OPTIONS ({error})") from None
    if unknown := sorted(set(given) - set(OPTIONS)):
        raise ValueError(f"there is no option {unknown[0]!r} of a database's address; there are {', '.join(OPTIONS)}")
    if given.get("tls", "verify") not in ("verify", "off"):
        raise ValueError("the option tls is verify or off")
    database = unquote(parts.path.lstrip("/"))
    if not database:
        raise ValueError("an address of a database names the database: mysql://USER@HOST:PORT/DATABASE")
    if not parts.hostname and "socket" not in given:
        raise ValueError("an address of a database names a host or a socket")
    return Dsn(
        scheme=parts.scheme,
        user=unquote(parts.username),
        host=parts.hostname or "",
        port=port,
        database=database,
        socket=given.get("socket") or None,
        tls=given.get("tls", ""),
        tls_ca=given.get("tls_ca") or None,
        prefix=given.get("prefix", ""),
    )


def tls_of(dsn: Dsn) -> ssl.SSLContext | None:
    """Return how the connection is secured, None where it need not be. Reads `tls_ca`. Raises RefusedError."""
    if dsn.tls == "off" or (not dsn.tls and dsn.is_here):
        return None
    try:
        return ssl.create_default_context(cafile=dsn.tls_ca)
    except (OSError, ssl.SSLError) as error:
        raise RefusedError(f"{dsn}: the authorities in {dsn.tls_ca} cannot be read: {error}") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
