"""Stores filled with recorded wikis, and recorded reads replayed through the answering."""

import base64
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from shared_truth import SHARED
from suites.stored import opened_store

from backends.reads import CachedReads
from backends.store import Store
from proxy.reads.request import ReadRequest
from proxy.reads.sources import Sources
from proxy.reads.store_answers import StoreAnswers
from rules.routes.recognise import recognise
from rules.routes.route import EntityRead, NeedsBody, Request, Route, Site
from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId, parse_entity_id
from wikibase.render.facts import RenderingFacts, rendering_facts
from wikibase.render.outcome import Answer, Declined
from wikibase.revision import Revision, State

Json = Any
NOW = datetime(2026, 11, 22, 17, 0, 0, tzinfo=UTC)
CASES = Path(__file__).resolve().parents[2] / "cases" / "reads"
WIKI_A = SHARED / "datasets" / "wiki-a"
RECORDINGS = SHARED / "recordings"
SITE = Site()

# What the server in front adds or changes, or what holds the time of the answer (READS.md).
_NOT_COMPARED = frozenset(
    {"server", "date", "connection", "transfer-encoding", "content-length", "content-encoding", "x-request-id"}
)


def facts_of(server: str, sites: Iterable[str], **settings: Any) -> RenderingFacts:
    """Return the facts of a recorded wiki; languages are those of MediaWiki 1.39."""
    told = json.loads((CASES / "facts.json").read_text("utf-8"))
    told["general"]["server"] = server
    for parameter in told["parameters"][0]["parameters"]:
        if parameter["name"] == "sites":
            parameter["type"] = list(sites)
    urls = {site: f"https://{site.removesuffix('wiki')}.wikipedia.org/wiki/$1" for site in sites}
    return rendering_facts(**told, site_urls=urls, **settings)


@dataclass(frozen=True)
class Exchange:
    """A recorded request and answer."""

    n: int
    kind: str
    request: ReadRequest
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass
class Table:
    """How the replay of recorded reads came out, by kind."""

    equal: Counter[str] = field(default_factory=Counter)
    to_the_byte: Counter[str] = field(default_factory=Counter)
    not_ours: Counter[str] = field(default_factory=Counter)
    declined: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    differs: list[str] = field(default_factory=list)

    def shown(self) -> str:
        """Return the table as text."""
        kinds = sorted({*self.equal, *self.not_ours, *self.declined})
        lines = [f"{'kind':34}{'equal':>7}{'bytes':>7}{'other':>7}  declined"]
        for kind in kinds:
            reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(self.declined[kind].items()))
            lines.append(f"{kind:34}{self.equal[kind]:7}{self.to_the_byte[kind]:7}{self.not_ours[kind]:7}  {reasons}")
        total = sum(sum(reasons.values()) for reasons in self.declined.values())
        lines.append(
            f"{'all':34}{self.equal.total():7}{self.to_the_byte.total():7}{self.not_ours.total():7}  {total};"
            f" differs {len(self.differs)}"
        )
        return "\n".join([*lines, *self.differs])


async def replay(answers: StoreAnswers, exchange: Exchange, table: Table) -> None:
    """Answer one recorded request and put down how it came out."""
    route = routed(exchange.request)
    if not isinstance(route, EntityRead):
        table.not_ours[exchange.kind] += 1
        return
    answer = await answers.answer(exchange.request, route)
    if isinstance(answer, Declined):
        table.declined[exchange.kind][f"{answer.reason}({answer.detail})" if answer.detail else str(answer.reason)] += 1
        return
    if found := differences(exchange, answer):
        table.differs.append(f"{exchange.n} {exchange.kind} {exchange.request.target[:200]}: {'; '.join(found)}")
        return
    table.equal[exchange.kind] += 1
    table.to_the_byte[exchange.kind] += answer.body == exchange.body


def routed(request: ReadRequest) -> Route:
    """Return the route of a request."""
    route = recognise(
        Request(
            method=request.method,
            target=request.target,
            content_type=request.headers.get("content-type"),
            accept=request.headers.get("accept"),
            body=request.body,
        ),
        SITE,
    )
    assert not isinstance(route, NeedsBody)
    return route


def differences(exchange: Exchange, answer: Answer) -> list[str]:
    """Return in what an answer differs from the recorded one; order of JSON keys means nothing."""
    found = []
    if answer.status != exchange.status:
        found.append(f"status {answer.status}, not {exchange.status}")
    ours, theirs = _compared(answer.headers, exchange.headers), _compared(exchange.headers, exchange.headers)
    if ours != theirs:
        found.append(f"headers {sorted(ours - theirs)}, not {sorted(theirs - ours)}")
    if _parsed(answer.body) != _parsed(exchange.body):
        found.append(f"body {answer.body[:1500]!r}, not {exchange.body[:1500]!r}")
    elif Counter(answer.body) != Counter(exchange.body):
        found.append("the bytes of the body are others than of another order")
    return found


def _compared(headers: Sequence[tuple[str, str]], recorded: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return headers for comparison. Expires in the future holds the time of the answer: only that it is there."""
    compressible = ("vary", "Accept-Encoding") in {(name.lower(), value) for name, value in recorded}
    out = set()
    for name, value in headers:
        lower = name.lower()
        if lower in _NOT_COMPARED or (lower == "vary" and compressible and value == "Accept-Encoding"):
            continue
        out.add((lower, "later" if lower == "expires" and "1970" not in value else value))
    return out


def _parsed(body: bytes) -> Json:
    wrapped = re.fullmatch(rb"/\*\*/([^(]*)\((.*)\)", body, re.DOTALL)
    text = wrapped[2] if wrapped else body
    try:
        return (wrapped[1] if wrapped else None, json.dumps(json.loads(text), sort_keys=True))
    except ValueError:
        return body


def wiki_a_reads() -> Iterator[Exchange]:
    """Give the recorded reads of wiki A."""
    with gzip.open(WIKI_A / "reads.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            asked, told = one["request"], one["response"]
            packed = told.get("body_base64")
            body = base64.b64decode(packed) if packed is not None else told["body"].encode("utf-8", "surrogatepass")
            if ["Content-Encoding", "gzip"] in told["headers"]:
                body = gzip.decompress(body)
            request = ReadRequest(
                method=asked["method"],
                target=asked["target"],
                headers={name.lower(): value for name, value in asked["headers"]},
                body=(asked["body"] or "").encode(),
            )
            headers = tuple((name, value) for name, value in told["headers"])
            yield Exchange(one["n"], one["kind"], request, told["status"], headers, body)


def api_recordings() -> Iterator[tuple[str, Exchange]]:
    """Give the recordings of the other wiki with the time of each answer, in the order in which they were made."""
    for path in sorted((RECORDINGS / "api").glob("*.json")):
        one = json.loads(path.read_text("utf-8"))
        asked, told = one["request"], one["response"]
        if not isinstance(told["body"], str):
            continue
        query = urlencode(asked["query"]) if isinstance(asked["query"], dict) else asked["query"] or ""
        headers = {name.lower(): value for name, value in asked["headers"].items()}
        body = urlencode(asked["form"]).encode() if asked["form"] else b""
        request = ReadRequest(
            method=asked["method"],
            target=f"{asked['path']}?{query}" if query else asked["path"],
            headers=headers,
            body=body,
        )
        answered = tuple((name, value) for name, value in told["headers"])
        [date] = [value for name, value in answered if name == "Date"]
        moment = datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007
        number = int(path.name[:3])
        yield moment, Exchange(number, path.stem[4:], request, told["status"], answered, told["body"].encode())


async def put_wiki_a(store: Store) -> None:
    """Put the live revisions of wiki A into a store, as an export does."""
    histories: dict[EntityId, list[Revision]] = defaultdict(list)
    heads: dict[EntityId, tuple[int, int]] = {}
    with gzip.open(WIKI_A / "truth" / "revisions.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            entity_id = EntityId(one["entity_id"])
            if one["state"] == "archived":
                continue
            histories[entity_id].append(_revision(one, entity_id))
            if one["is_head"]:
                heads[entity_id] = (one["rev_id"], one["page_id"])
    for entity_id, revisions in histories.items():
        head, page_id = heads[entity_id]
        told = [replace(one, position=place) for place, one in enumerate(revisions)]
        await store.put_history(entity_id, told, head, page_id=page_id)


def _revision(one: Mapping[str, Json], entity_id: EntityId) -> Revision:
    content = one["content"]
    target = one["redirect_target"]
    return Revision(
        entity_id=entity_id,
        rev_id=one["rev_id"],
        parent_id=one["parent_id"],
        position=one["history_index"],
        timestamp=one["timestamp"],
        state=State(one["state"]),
        content=canonical_entity(content, entity_id=entity_id) if content else None,
        page_id=one["page_id"],
        wiki_sha1=one["sha1"],
        redirect_target=EntityId(target) if target else None,
        hidden=frozenset({"text"}) if one["state"] == "text_hidden" else frozenset(),
    )


@dataclass
class RecordedWiki:
    """The revisions of the wiki of recordings/api, put into a store as time goes on."""

    store: Store
    waiting: list[Revision]
    told: dict[EntityId, list[Revision]] = field(default_factory=lambda: defaultdict(list))

    async def advance(self, moment: str, last_rev_id: int | None) -> bool:
        """Put in what the wiki had at a time; `last_rev_id`: later revisions of that second came after it.

        Returns whether there was anything new.
        """
        changed = set()
        while self.waiting and self.waiting[0].timestamp <= moment:
            if last_rev_id is not None and self.waiting[0].rev_id > last_rev_id:
                break
            one = self.waiting.pop(0)
            self.told[one.entity_id].append(replace(one, position=len(self.told[one.entity_id])))
            changed.add(one.entity_id)
        for entity_id in changed:
            last = self.told[entity_id][-1]
            await self.store.put_history(entity_id, self.told[entity_id], last.rev_id, page_id=last.page_id)
        return bool(changed)


def recorded_revisions() -> list[Revision]:
    """Return the live revisions of the wiki of recordings/api, the oldest first."""
    pages = _recorded_pages()
    revisions = []
    for one in json.loads((RECORDINGS / "revisions" / "INDEX.json").read_text("utf-8")):
        entity_id = parse_entity_id(one["title"])
        if entity_id is None or one["archived"] or one["ns"] not in (120, 122):
            continue
        stored = json.loads((RECORDINGS / "revisions" / one["file"]).read_text("utf-8"))
        hidden = bool(one["rev_deleted"] & 1)
        target = stored.get("redirect")
        stamp = one["timestamp"]
        state = State.TEXT_HIDDEN if hidden else State.REDIRECT if target else State.VISIBLE
        revisions.append(
            Revision(
                entity_id=entity_id,
                rev_id=one["rev_id"],
                parent_id=int(one["parent"]),
                position=0,
                timestamp=datetime.strptime(stamp, "%Y%m%d%H%M%S").strftime("%Y-%m-%dT%H:%M:%SZ"),  # noqa: DTZ007
                state=state,
                content=None if hidden else canonical_entity(stored, entity_id=entity_id),
                page_id=pages[one["ns"], one["title"]],
                wiki_sha1=one["content_sha1"],
                redirect_target=None if hidden or not target else EntityId(target),
                hidden=frozenset({"text"}) if hidden else frozenset(),
            )
        )
    return sorted(revisions, key=lambda one: (one.timestamp, one.rev_id))


def _recorded_pages() -> dict[tuple[int, str], int]:
    with gzip.open(RECORDINGS / "db" / "wiki.sql.gz", "rt", encoding="utf-8", errors="replace") as dump:
        text = dump.read()
    [rows] = re.findall(r"INSERT INTO `page` VALUES\s(.*?);\n", text, re.DOTALL)
    return {
        (int(number), bytes.fromhex(title).decode()): int(page_id)
        for page_id, number, title in re.findall(r"\((\d+),(\d+),0x([0-9A-F]*),", rows)
    }


class SiteLinksOfHeads:
    """Items by site link, told from the heads of a store."""

    def __init__(self, items: Mapping[tuple[str, str], EntityId]) -> None:
        self._items = items

    async def item_of(self, site: str, title: str) -> EntityId | None:
        """Return the item that has the link."""
        return self._items.get((site, title))


async def site_links(store: Store) -> SiteLinksOfHeads:
    """Return the site links of all heads of a store."""
    items: dict[tuple[str, str], EntityId] = {}
    for head in await store.index.heads():
        revision = await store.revision(head.entity_id, head.rev_id)
        if revision is not None and revision.content:
            for site, link in (revision.content.get("sitelinks") or {}).items():
                items[site, link["title"]] = head.entity_id
    return SiteLinksOfHeads(items)


def answers_of(store: Store, facts: RenderingFacts, **other: Any) -> StoreAnswers:
    """Return the answering of a store that is known to be complete."""
    reads = CachedReads(store, cache_bytes=400_000_000, absent_s=0)
    sources = Sources(reads, facts, absence_is_known=True, data_types_s=0, absent_s=0)
    return StoreAnswers(sources, facts, fragments_bytes=50_000_000, now=lambda: NOW, **other)


@asynccontextmanager
async def filled_store(folder: Path) -> AsyncIterator[Store]:
    """Give a store with wiki A in it."""
    async with opened_store(folder) as store:
        await put_wiki_a(store)
        yield store


@pytest.fixture
def recorded() -> SimpleNamespace:
    """What tests of this folder share."""
    return SimpleNamespace(
        facts_of=facts_of,
        replay=replay,
        routed=routed,
        answers_of=answers_of,
        filled_store=filled_store,
        site_links=site_links,
        wiki_a_reads=wiki_a_reads,
        api_recordings=api_recordings,
        recorded_revisions=recorded_revisions,
        wiki=RecordedWiki,
        table=Table,
    )
