"""Realistic client requests for the demonstration, as data: nothing here sends anything.

Most are recorded reads, drawn by weight. Between them stand page views and, every so often, a
block in which somebody logs in, edits a few items and reads them back. Equal seeds yield equal
requests. What a request needs from an earlier answer is named in its body in braces
(`{csrftoken}`); `takes` says where an answer holds it, `filled` puts it in.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_plus, urlencode

from cutover.demo.recorded import Recorded
from cutover.demo.world import recorded_reads

FORM = ("Content-Type", "application/x-www-form-urlencoded")
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "pywikibot/10.2 (sample; demo) requests/2.32",
    "WikibaseIntegrator/0.12 (sample demo)",
    "wikibase-edit/7.2 (sample demo)",
)
EDITED_ITEMS = ("Q16", "Q17", "Q20", "Q21", "Q22", "Q24", "Q25", "Q26", "Q27", "Q28", "Q29", "Q48")
"""Ordinary live items, none of them a redirect or an odd case."""

BLOCK_EVERY = 150
"""Roughly so many requests lie between two blocks of edits."""

_WEIGHTS: tuple[tuple[str, float], ...] = (
    ("wbgetentities.single", 6),
    ("wbgetentities.batch", 5),
    ("wbgetentities.post", 6),
    ("wbgetentities.random", 4),
    ("wbgetentities.fallback", 0.3),
    ("wbgetentities.format", 0.2),
    ("wbgetentities", 2),
    ("wbgetclaims", 1.5),
    ("entitydata.json", 5),
    ("entitydata.revision", 4),
    ("entitydata.rdf", 0.3),
    ("entitydata", 1.5),
    ("query-revisions", 2),
    ("rest", 2),
)
_LARGE_BYTES = 300_000
_LARGE_WEIGHT = 0.05
_LANGUAGES = ("en", "de", "fr", "ru", "ja", "he", "el", "hi")
_PAGES = ("Item:{id}", "Item:{id}?action=history", "Special:RecentChanges", "Main_Page", "Item:Q99999")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRequest:
    """One request. `jar` names the client whose cookies go with it, "" for none.

    `takes` maps the name of a value to its path in the JSON answer.
    """

    kind: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    jar: str = ""
    takes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def demo_requests(seed: int, count: int, *, exchanges: Sequence[Recorded] | None = None) -> Iterator[DemoRequest]:
    """Yield `count` requests. `exchanges` are the recorded reads to draw from, all of them by default."""
    dice = random.Random(seed)  # noqa: S311  a repeatable draw, no secret
    if exchanges is None:
        exchanges = recorded_reads().exchanges
    drawn = [one for one in exchanges if _weight(one)]
    weights = [_weight(one) for one in drawn]
    waiting: list[DemoRequest] = []
    until_block, blocks = min(BLOCK_EVERY, count) // 3, 0
    for _ in range(count):
        if not waiting and until_block <= 0:
            waiting = list(reversed(edit_block(dice, f"{seed}-{blocks}")))
            until_block, blocks = BLOCK_EVERY, blocks + 1
        until_block -= 1
        if waiting and dice.random() < 0.7:  # noqa: PLR2004  other clients come in between
            yield waiting.pop()
        elif dice.random() < 0.08:  # noqa: PLR2004  the share of people looking at pages
            yield _page_view(dice)
        else:
            yield _read(dice, dice.choices(drawn, weights)[0])


def edit_block(dice: random.Random, name: str) -> list[DemoRequest]:
    """Return one client's visit in order: log in, edit some items, read each back."""
    jar = f"alice-{name}"
    agent = ("User-Agent", dice.choice(AGENTS[1:]))
    items = dice.sample(EDITED_ITEMS, 3)
    requests = [
        _api(
            "login-token",
            {"action": "query", "meta": "tokens", "type": "login"},
            agent,
            jar,
            takes=("query", "tokens", "logintoken"),
        ),
        _api(
            "login",
            {"action": "login", "lgname": "Alice", "lgpassword": "sample", "lgtoken": "{logintoken}"},
            agent,
            jar,
            post=True,
        ),
        _api("csrf-token", {"action": "query", "meta": "tokens"}, agent, jar, takes=("query", "tokens", "csrftoken")),
    ]
    for item in items:
        fields = _edit(dice, item, name)
        requests.append(_api(fields["action"], {**fields, "token": "{csrftoken}"}, agent, jar, post=True))
        requests += _reads_after(dice, item, agent, jar)
    item = dice.choice(EDITED_ITEMS)
    label = {"action": "wbsetlabel", "id": item, "language": "nl", "value": f"anoniem {name}", "token": "+\\"}
    requests.append(_api("wbsetlabel-anonymous", label, agent, "", post=True))
    return requests + _reads_after(dice, item, agent, "")


def _edit(dice: random.Random, item: str, name: str) -> dict[str, str]:
    language = dice.choice(_LANGUAGES)
    text = f"demo {name} {dice.randrange(10**6)}"
    term = f'{{"{language}":{{"language":"{language}","value":"{text}"}}}}'
    return dice.choice(
        (
            {"action": "wbsetlabel", "id": item, "language": language, "value": text},
            {"action": "wbsetdescription", "id": item, "language": language, "value": text},
            {"action": "wbsetaliases", "id": item, "language": language, "add": f"{text} a|{text} b"},
            {"action": "wbcreateclaim", "entity": item, "property": "P1", "snaktype": "value", "value": f'"{text}"'},
            {"action": "wbeditentity", "id": item, "data": f'{{"labels":{term}}}', "summary": "demo"},
        )
    )


def _reads_after(dice: random.Random, item: str, agent: tuple[str, str], jar: str) -> list[DemoRequest]:
    read = _api("read-back", {"action": "wbgetentities", "ids": item}, agent, jar, post=dice.random() < 0.5)  # noqa: PLR2004  either way
    data = DemoRequest(
        kind="read-back", method="GET", target=f"/wiki/Special:EntityData/{item}.json", headers=(agent,), jar=jar
    )
    return [read, data]


def _api(
    kind: str,
    fields: Mapping[str, str],
    agent: tuple[str, str],
    jar: str,
    *,
    post: bool = False,
    takes: tuple[str, ...] = (),
) -> DemoRequest:
    encoded = urlencode({**fields, "format": "json"}, safe="{}")
    taken = {takes[-1]: takes} if takes else {}
    if not post:
        return DemoRequest(
            kind=kind, method="GET", target=f"/w/api.php?{encoded}", headers=(agent,), jar=jar, takes=taken
        )
    return DemoRequest(
        kind=kind,
        method="POST",
        target="/w/api.php",
        headers=(agent, FORM),
        body=encoded.encode(),
        jar=jar,
        takes=taken,
    )


def _page_view(dice: random.Random) -> DemoRequest:
    path = dice.choice(_PAGES).replace("{id}", dice.choice(EDITED_ITEMS))
    return DemoRequest(kind="page", method="GET", target=f"/wiki/{path}", headers=(("User-Agent", AGENTS[0]),))


def _read(dice: random.Random, recorded: Recorded) -> DemoRequest:
    headers = (*recorded.headers, ("User-Agent", dice.choice(AGENTS)))
    return DemoRequest(
        kind=recorded.kind, method=recorded.method, target=recorded.target, headers=headers, body=recorded.body
    )


def _weight(recorded: Recorded) -> float:
    found = next((weight for prefix, weight in _WEIGHTS if recorded.kind.startswith(prefix)), 0.0)
    return found * (_LARGE_WEIGHT if len(recorded.answer.body) > _LARGE_BYTES else 1)


def taken(request: DemoRequest, answer: Any) -> dict[str, str]:
    """Return what a JSON answer holds for later requests. Raises KeyError where it is not there."""
    found = {}
    for name, path in request.takes.items():
        value = answer
        for step in path:
            value = value[step]
        found[name] = str(value)
    return found


def filled(request: DemoRequest, values: Mapping[str, str]) -> DemoRequest:
    """Return the request with the values its body names."""
    body = request.body
    for name, value in values.items():
        body = body.replace(b"{%s}" % name.encode(), quote_plus(value).encode())
    return replace(request, body=body)
