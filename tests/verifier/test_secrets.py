"""Invariant 10: after traffic full of secrets through a real worker, neither spool nor ledger nor report holds one."""

import asyncio
import functools
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import orjson
import zstandard
from aiohttp import web
from fakes.sides import MemoryStore, MemoryWiki, revision
from fakes.worker import Worker, app_at, worker_before

from backends.config import Config, WikiConfig
from backends.ledger.spool import SpoolReader, SpoolWriter
from backends.ledger.verdicts import Verdicts
from backends.sql.sqlite import SqliteDatabase
from backends.wiki.shapes import WikiHead
from cutover import mismatch
from rules.routes.route import Site
from verifier.alerts import Alerts
from verifier.judge import Limits, judge
from verifier.report import gather
from verifier.report_forms import RENDERERS
from verifier.run import Pace, run
from verifier.spooled import SpooledSamples
from verifier.trials import Rate, Trials
from wikibase.revision import State

COOKIE, SESSION, TOKEN, BEARER = "cookie-5f1c", "session-77aa", "0123456789abcdef+\\", "bearer-9c2e"
PASSWORD, USER, CLIENT, AGENT = "hunter2-password", "Secret_Admin", "203.0.113.77", "bot-of-someone@example.org"
SUPPRESSED, SUPPRESSED_LATER = "suppressed words 41", "words suppressed since 42"
NEVER = (COOKIE, SESSION, TOKEN[:16], BEARER, PASSWORD, USER, CLIENT, AGENT, SUPPRESSED)

HEADERS = {
    "Cookie": f"wikiSession={COOKIE}; wikiUserName={USER}",
    "Authorization": f"Bearer {BEARER}",
    "X-Forwarded-For": CLIENT,
    "Forwarded": f"for={CLIENT}",
    "Referer": f"https://wiki.example/?token={TOKEN}",
    "User-Agent": AGENT,
    "X-Wikimedia-Secret": BEARER,
    "X-Request-Id": CLIENT,
}


def item(entity_id: str, text: str, rev_id: int) -> dict[str, object]:
    labels = {"en": {"language": "en", "value": text}}
    info = {"lastrevid": rev_id, "modified": "2020-01-01T00:00:00Z", "title": f"Item:{entity_id}", "ns": 120}
    return {"type": "item", "id": entity_id, "labels": labels, **info}


def revisions(text: str) -> dict[str, object]:
    slot = {"contentmodel": "wikibase-item", "content": orjson.dumps({"type": "item", "id": "Q9"}).decode()}
    slot["content"] = orjson.dumps(item("Q9", text, 90)).decode()
    return {"query": {"pages": [{"title": "Item:Q9", "revisions": [{"revid": 90, "slots": {"main": slot}}]}]}}


async def wiki(request: web.Request) -> web.Response:
    params = {**request.query, **{key: str(value) for key, value in (await request.post()).items()}}
    if params.get("prop") == "revisions":
        body: dict[str, object] = revisions(SUPPRESSED)  # what an administrator is shown
    elif params.get("ids") == "Q8" or "Q8" in request.path:
        body = {"entities": {"Q8": item("Q8", SUPPRESSED_LATER, 80)}}
    elif params.get("action") == "wbgetentities" or "EntityData" in request.path:
        body = {"entities": {"Q5": item("Q5", "public words", 50)}}
    else:
        body = {"login": {"result": "Success", "lgusername": USER, "token": TOKEN}}
    return web.json_response(body, headers={"Set-Cookie": f"wikiSession={SESSION}; HttpOnly", "X-Client-IP": CLIENT})


async def traffic(url: str) -> int:
    """Send requests with secrets in every place; return how many of them are entity reads."""
    read = {"action": "wbgetentities", "ids": "Q5", "format": "json"}
    secrets = {"token": TOKEN, "assertuser": USER, "lgpassword": PASSWORD, "origin": "*", "requestid": TOKEN}
    form = aiohttp.FormData()
    for key, value in {**read, **secrets}.items():
        form.add_field(key, value, content_type="text/plain")
    calls = [
        ("GET", "/w/api.php", {"params": {**read, **secrets}}),
        ("POST", "/w/api.php", {"data": {**read, **secrets}}),
        ("POST", "/w/api.php", {"data": form}),
        ("GET", f"/wiki/Special:EntityData/Q5.json?token={PASSWORD}&centralauthtoken={TOKEN[:16]}", {}),
        ("GET", "/wiki/Special:EntityData/Q8.json", {}),
        ("POST", "/w/api.php", {"data": {"action": "login", "lgname": USER, "lgpassword": PASSWORD, "lgtoken": TOKEN}}),
        ("POST", "/w/api.php", {"data": {"action": "wbeditentity", "id": "Q5", "data": PASSWORD, "token": TOKEN}}),
        (
            "GET",
            (
                "/w/api.php?action=query&prop=revisions&revids=90&rvprop=ids|content&rvslots=main&format=json"
                "&formatversion=2"
            ),
            {},
        ),
    ]
    async with aiohttp.ClientSession(headers=HEADERS, cookie_jar=aiohttp.DummyCookieJar()) as client:
        for method, path, how in calls:
            async with client.request(method, url + path, **how) as got:
                assert got.status == 200
                await got.read()
    return 5


def files(folder: Path) -> bytes:
    """Return the bytes of everything in a folder, segments of the spool unpacked."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            packed = path.suffix == ".seg"
            found += [path.name.encode(), zstandard.ZstdDecompressor().decompress(raw, 1 << 26) if packed else raw]
    return b"\n".join(found)


def secrets_in(raw: bytes, words: Sequence[str] = NEVER) -> list[str]:
    return [word for word in words if word.encode() in raw or word.replace("_", "%5F").encode() in raw]


async def written(worker: Worker, count: int) -> None:
    await worker.counted(lambda counters: counters.samples["written"] >= count)


async def test_no_secret_reaches_the_spool_the_ledger_or_a_report(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", wiki)
    writer = SpoolWriter(spool, "w1", bytes_max=1 << 24, samples_max=1000)
    async with app_at(app) as url, worker_before(url, spool=writer) as worker:  # type: ignore[arg-type]
        reads = await traffic(worker.url)
        await written(worker, reads)
        raw = files(spool)
        assert raw.count(b"public words") >= 4  # it is the bodies that are looked through, not nothing
        assert secrets_in(raw) == []
        assert b"127.0.0.1" not in raw
    ledger = await SqliteDatabase.open(tmp_path / "ledger" / "ledger.sqlite", "ledger")
    await ledger.migrate()
    verdicts = Verdicts(ledger)
    await judged(spool, verdicts)
    report = await gather(verdicts, now=2e9)
    told = "".join(render(report) for render in RENDERERS.values()).encode()
    unpacked = await told_of_cases(verdicts, url)
    await ledger.close()
    assert list(spool.glob("*.seg")) == []
    kept = files(tmp_path / "ledger")
    assert b"other public words" in kept  # a difference is told ...
    assert secrets_in(kept) == secrets_in(told) == []
    # ... with both bodies, and everything that it takes to ask again ...
    assert b"other public words" in unpacked
    assert b"curl " in unpacked
    assert secrets_in(unpacked) == []
    assert b"127.0.0.1" not in unpacked.replace(url.encode(), b"")
    # ... but not of what is hidden by now, though its sample was taken while it was public.
    assert secrets_in(kept + told + unpacked, (SUPPRESSED_LATER,)) == []


async def told_of_cases(verdicts: Verdicts, url: str) -> bytes:
    """Return everything that `cutover mismatch` tells of every case, bodies unpacked."""
    config = Config(wiki=WikiConfig(url=url))
    found = []
    for listed in await verdicts.cases.latest():
        one = await verdicts.cases.get(listed.case_id)
        assert one is not None
        found += [mismatch.told(config, one, public=True).encode("utf-8", "backslashreplace")]
        found += [orjson.dumps(mismatch.json_of(one, public=True)), one.case.wiki.text, one.case.store.text]
    return b"\n".join(found)


async def judged(spool: Path, verdicts: Verdicts) -> None:
    store, real = MemoryStore(), MemoryWiki()
    store.put(revision("Q5", 50, item("Q5", "other public words", 50)))
    store.put(revision("Q8", 80, None, state=State.TEXT_HIDDEN))
    real.revisions["Q5", 50] = item("Q5", "public words", 50)
    real.known_heads["Q5"] = WikiHead(rev_id=50, modified="2020-01-01T00:00:00Z")
    site, stop = Site(), asyncio.Event()
    stop.set()
    clock = asyncio.get_running_loop().time
    judging = functools.partial(judge, wiki=real, site=site, now=clock, limits=Limits(attempts_max=2))
    trials = Trials(store=store, judging=judging, site=site, clock=clock, rate=Rate(every_samples=1))
    await run(
        samples=SpooledSamples(SpoolReader(spool)),
        judging=functools.partial(judging, store=store),
        verdicts=verdicts,
        alerts=Alerts(),
        stop=stop,
        clock=clock,
        pace=Pace(poll_s=0.001, recheck_after_s=0.001, drain_s=10.0),
        trials=trials,
    )
