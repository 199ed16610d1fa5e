"""A client of a wiki that keeps cookies and remembers every answer, and what may differ between two of its journeys.

Two travellers do the same, one directly and one through the proxy; then their trails must be equal. Only what two
separate requests must differ in is masked: `MASKS` and `MASKED_HEADERS`, nothing else.
"""

import difflib
import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from fakes.rawhttp import Answer, RawRequest, exchange

Mask = tuple[re.Pattern[str], str]

API = "/w/api.php"
TIMEOUT_S = 120.0

# What MediaWiki makes anew for each request or each save, and its stand-in.
MASKS: Sequence[Mask] = tuple(
    (re.compile(pattern), stand_in)
    for pattern, stand_in in (
        (r"\b[0-9a-f]{40}(?:\+\\{1,2}|%2B%5C)", "TOKEN"),  # 32 hex of a secret and 8 of the time
        (r'"wgRequestId":"[0-9a-f]{24}"', '"wgRequestId":"ID"'),
        (r'"wgBackendResponseTime":\d+', '"wgBackendResponseTime":MS'),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
        (r"\d\d:\d\d, \d{1,2} [A-Z][a-z]+ \d{4}", "TIME"),  # as read on a page
        (r"\b20\d{12}\b", "TIME"),  # as MediaWiki stores it
        (r'("(?:page|rev|parent|oldrev|newrev|lastrev|log|old|new)_?id"):\d+', r"\1:ID"),
        (r'("wg(?:ArticleId|RelevantArticleId|RevisionId|CurRevisionId|UserEditCount)"):\d+', r"\1:ID"),
        (r'value="\d+" name="((?:edit|parent)RevId)"', r'value="ID" name="\1"'),
        (r"(with key wiki:pcache:idhash:)\d+(.{,40} and timestamp .{,20} and revision id )\d+", r"\1ID\2ID"),
        (r"((?:CPU|Real) time usage): [\d.]+ seconds", r"\1: S"),
        (r'("(?:cpu|wall)time"):"[\d.]+"', r"\1:S"),
        (r"\b((?:old|cur|rev|page|log)id)(=|&#61;)\d+", r"\1\2ID"),
    )
)
# The first group stays, the rest of the match is masked.
MASKED_HEADERS: Mapping[str, re.Pattern[str]] = {
    "date": re.compile(r"().+"),
    "x-request-id": re.compile(r"()[0-9a-f]{24}"),
    "last-modified": re.compile(r"()\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"),
    "expires": re.compile(r"()\w{3}, \d\d \w{3} 20\d\d \d\d:\d\d:\d\d GMT"),
    "set-cookie": re.compile(r"(^[^=;]*=(?!deleted;)|expires=|Max-Age=)[^;]*", re.IGNORECASE),
}


@dataclass(slots=True)
class Traveller:
    """One client of one address. What it makes, it calls `name`; the other traveller's own name is as long."""

    base_url: str
    name: str
    cookies: dict[str, str] = field(default_factory=dict)
    trail: list[tuple[str, Answer]] = field(default_factory=list)

    async def send(
        self, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes | Iterable[bytes] = b""
    ) -> Answer:
        """One request with the cookies so far; its answer is added to the trail."""
        sent = [("User-Agent", "journey/1.0"), *headers]
        if self.cookies:
            sent.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        request = RawRequest(method, target, tuple(sent), body)
        answer = await exchange(self.base_url, request, timeout_s=TIMEOUT_S)
        for value in answer.values("set-cookie"):
            self._keep_cookie(value)
        self.trail.append((f"{method} {target}", answer))
        return answer

    async def get(self, target: str, headers: Iterable[tuple[str, str]] = ()) -> Answer:
        return await self.send("GET", target, headers)

    async def api_get(self, **parameters: str) -> Any:
        answer = await self.get(f"{API}?{urlencode({'format': 'json', 'formatversion': '2'} | parameters)}")
        return json.loads(answer.body)

    async def api_post(self, **parameters: str) -> Any:
        body = urlencode({"format": "json", "formatversion": "2"} | parameters).encode()
        answer = await self.send("POST", API, [("Content-Type", "application/x-www-form-urlencoded")], body)
        return json.loads(answer.body)

    async def api_post_file(self, file_name: str, content: bytes, **parameters: str) -> Any:
        """A multipart POST with one file, in the field `file`."""
        boundary = f"----journey{secrets.token_hex(8)}"
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in ({"format": "json", "formatversion": "2"} | parameters).items()
        ]
        disposition = f'form-data; name="file"; filename="{file_name}"'
        parts.append(f"--{boundary}\r\nContent-Disposition: {disposition}\r\n".encode())
        parts.append(b"Content-Type: image/png\r\n\r\n" + content + f"\r\n--{boundary}--\r\n".encode())
        headers = [("Content-Type", f"multipart/form-data; boundary={boundary}")]
        answer = await self.send("POST", API, headers, b"".join(parts))
        return json.loads(answer.body)

    async def token(self, kind: str = "csrf") -> str:
        answer = await self.api_get(action="query", meta="tokens", type=kind)
        return str(answer["query"]["tokens"][f"{kind}token"])

    async def log_in(self, user: str, password: str) -> None:
        token = await self.token("login")
        answer = await self.api_post(
            action="clientlogin", username=user, password=password, logintoken=token, loginreturnurl="http://127.0.0.1/"
        )
        assert answer["clientlogin"]["status"] == "PASS", answer

    async def follow(self, target: str, hops_max: int = 5) -> Answer:
        """GET, then on along Location, at this traveller's address whatever host Location names."""
        answer = await self.get(target)
        for _ in range(hops_max):
            if answer.status not in {301, 302, 303, 307, 308}:
                return answer
            where = urlsplit(answer.value("location"))
            answer = await self.get(where.path + (f"?{where.query}" if where.query else ""))
        raise AssertionError(f"{target} still redirects after {hops_max} hops")

    def _keep_cookie(self, set_cookie: str) -> None:
        pair, *attributes = (part.strip() for part in set_cookie.split(";"))
        name, _, value = pair.partition("=")
        if any(attribute.lower().startswith("max-age=0") for attribute in attributes) or value == "deleted":
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value

    def what_was_seen(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """The trail with everything masked that must differ; equal for two travellers who were treated alike.

        `names` are the names of both of them.
        """
        masks = [*((re.compile(re.escape(name)), "NAME") for name in names), *MASKS]
        return [_masked(step, answer, masks) for step, answer in self.trail]


def _masked(step: str, answer: Answer, masks: Sequence[Mask]) -> dict[str, Any]:
    headers = []
    for key, value in answer.end_to_end():
        pattern = MASKED_HEADERS.get(key.lower())
        shown = pattern.sub(r"\1*", value) if pattern else _mask(value, masks)
        # A masked body may have had another length; that it was the right one, the reading has proven.
        headers.append((key, "*" if key.lower() == "content-length" and answer.body else shown))
    try:
        body: str | bytes = _mask(answer.body.decode(), masks)
    except UnicodeDecodeError:
        body = answer.body
    return {"step": _mask(step, masks), "status": (answer.status, answer.reason), "headers": headers, "body": body}


def _mask(text: str, masks: Sequence[Mask]) -> str:
    for pattern, stand_in in masks:
        text = pattern.sub(stand_in, text)
    return text


def show_difference(direct: Mapping[str, Any], through: Mapping[str, Any]) -> str:
    """For people: the step, and the first lines in which its answers differ."""
    lines = [f"{direct['step']} (direct: -, through the proxy: +)"]
    for part in ("step", "status", "headers", "body"):
        before, after = (re.sub(r"([,;>])", r"\1\n", str(side[part])).splitlines() for side in (direct, through))
        lines += [line[:300] for line in difflib.unified_diff(before, after, n=0, lineterm="")][2:]
    return "\n".join(lines[:40])
