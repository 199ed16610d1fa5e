"""Sessions, cookies and tokens of a sample wiki, shaped as a real one's (wikibase-observed.md 7)."""

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha1
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote_plus

from cutover.demo.records import User

ANONYMOUS_TOKEN = "+\\"  # noqa: S105  a constant that MediaWiki publishes
SESSIONS_MAX = 10_000

_SUFFIX = "+\\"
_DIGEST_LENGTH = 40


@dataclass(slots=True)
class Session:
    """A browser's session. `user` is None until it logs in."""

    key: str
    user: User | None = None
    secret: str = field(default_factory=lambda: secrets.token_hex(20))

    def token(self, kind: str, stamp: int) -> str:
        """Return a token of a kind: 40 hex digits, 8 for the time, and the suffix. Each one stays good."""
        moment = f"{stamp & 0xFFFFFFFF:08x}"
        digest = hmac.new(self.secret.encode(), f"{kind}:{moment}".encode(), sha1).hexdigest()
        return f"{digest}{moment}{_SUFFIX}"

    def accepts(self, kind: str, token: str) -> bool:
        """Whether this session gave out that token."""
        moment = token[_DIGEST_LENGTH:].removesuffix(_SUFFIX)
        try:
            return hmac.compare_digest(self.token(kind, int(moment, 16)), token)
        except (ValueError, TypeError):
            return False


class Sessions:
    """The open sessions of a wiki, the oldest forgotten first."""

    def __init__(self, wiki_id: str) -> None:
        self.prefix = wiki_id
        self._open: OrderedDict[str, Session] = OrderedDict()

    def find(self, cookie_header: str) -> Session | None:
        """Return the session that a Cookie header names."""
        try:
            cookies = SimpleCookie(cookie_header)
        except CookieError:
            return None
        named = cookies.get(f"{self.prefix}_session")
        return self._open.get(named.value) if named else None

    def start(self, user: User | None = None) -> tuple[Session, list[str]]:
        """Open a session. Returns it with the Set-Cookie headers that go with it."""
        session = Session(secrets.token_hex(16), user)
        self._open[session.key] = session
        if len(self._open) > SESSIONS_MAX:
            self._open.popitem(last=False)
        cookies = [f"{self.prefix}_session={session.key}; path=/; HttpOnly"]
        if user:
            lasting = "Max-Age=15552000; path=/; HttpOnly"
            cookies += [
                f"{self.prefix}UserID={user.user_id}; {lasting}",
                f"{self.prefix}UserName={quote_plus(user.name)}; {lasting}",
                f"{self.prefix}Token={secrets.token_hex(16)}; {lasting}",
            ]
        return session, cookies

    def end(self, session: Session) -> list[str]:
        """Close a session. Returns the Set-Cookie headers that remove its cookies."""
        self._open.pop(session.key, None)
        gone = "expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; path=/; HttpOnly"
        return [f"{self.prefix}{name}=deleted; {gone}" for name in ("_session", "UserID", "Token")]


def after_edit_cookies(index: int, stamp: int, client: str) -> list[str]:
    """Return the three cookies of ten seconds by which MediaWiki lets an editor read what he wrote."""
    digest = sha1(client.encode(), usedforsecurity=False).hexdigest()[:32]
    lasting = "Max-Age=10; path=/; HttpOnly"
    position = f"cpPosIndex={index}%40{stamp}%23{digest}; {lasting}"
    return [position, f"UseDC=master; {lasting}", f"UseCDNCache=false; {lasting}"]
