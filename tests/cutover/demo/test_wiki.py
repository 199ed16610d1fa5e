import asyncio
import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter

import aiohttp
import orjson
import pytest

from cutover.demo.recorded import Recorded
from cutover.demo.wiki import SampleWiki
from cutover.demo.world import World

# What exists as recorded answers only, with the reason. Everything else must be rendered equal.
NOT_RENDERED = (
    ("languages fall back", r"languagefallback"),
    ("XML, PHP and HTML formats", r"[?&]format=(xml|php|jsonfm|phpfm|xmlfm|rawfm|yaml|JSON|&)|ids=Q1$"),
    (
        "messages in other languages",
        r"Qx.*uselang=(?!en)|errorformat=raw.*uselang|errorlang=(de|uselang)|errorsuselocal",
    ),
    ("RDF and PHP of entities", r"EntityData/\w+\.(ttl|nt|rdf|jsonld|n3|php)|format=ttl$"),
    (
        "single statements and odd paths of REST",
        r"rest\.php.*(/statements/|items/Q900/|items/$|properties/|_fields\[\]|/v1/)",
    ),
    ("comments as HTML", r"parsedcomment"),
    ("whole HTML pages", r"Special:EntityData/?$|Special:Entity_Data|Spezial:"),
    ("help in HTML", r"api\.php/x|api\.php (\{|action=wbgetentities&format=json&ids=Q3$)"),
)
IGNORED_HEADERS = frozenset(("expires", "content-encoding", "vary"))
RANDOM = re.compile(rb'\[[0-9a-f]{24}\]|"curtimestamp":"[^"]*"')
RENDERED_MIN = 1000


def why_not_rendered(one: Recorded) -> str | None:
    asked = f"{one.target} {one.body.decode()}".strip()
    return next((reason for reason, pattern in NOT_RENDERED if re.search(pattern, asked)), None)


def plain(body: bytes) -> object:
    body = RANDOM.sub(b"", gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)
    try:
        return orjson.loads(body)
    except ValueError:
        return body


def shown_headers(headers: object, one: Recorded) -> list[tuple[str, str]]:
    moved = one.answer.status in (301, 303)  # Last-Modified of a redirect is the time of the answer
    skipped = IGNORED_HEADERS if one.unbuffered else IGNORED_HEADERS - {"vary"}
    skipped = skipped | {"server", "date", "x-request-id", "content-length", "transfer-encoding", "connection"}
    skipped = skipped | ({"last-modified"} if moved else set())
    return sorted((name.lower(), value) for name, value in headers if name.lower() not in skipped)


async def test_rendered_answers_equal_all_recorded_ones_but_those_listed(rendering):
    equal, left_out, different = Counter(), Counter(), []
    for one in rendering.world.recorded.exchanges:
        if reason := why_not_rendered(one):
            left_out[reason] += 1
            continue
        told = await rendering.send(one.method, one.target, one.headers, one.body)
        same = told.status == one.answer.status and plain(told.body) == plain(one.answer.body)
        if same and shown_headers(told.headers.items(), one) == shown_headers(one.answer.headers, one):
            equal[one.kind] += 1
        else:
            different.append((one.n, one.kind, one.target, told.status, told.body[:200]))
    counts = {"rendered equal": equal, "recorded only": left_out, "total": equal.total()}
    print(json.dumps(counts, indent=1))  # noqa: T201  the counts are asked for
    assert different == []
    assert equal.total() >= RENDERED_MIN
    assert equal.total() + left_out.total() == len(rendering.world.recorded.exchanges)


@pytest.mark.parametrize("unbuffered", [False, True])
async def test_recorded_answers_come_back_byte_for_byte(rendering, unbuffered):
    rendering.world.use_recorded, rendering.world.unbuffered = True, unbuffered
    given = Counter()
    for one in rendering.world.recorded.exchanges:
        if one.kind.endswith((".unbuffered", ".gzip-on")) is not unbuffered and unbuffered:
            continue
        told = await rendering.send(one.method, one.target, one.headers, one.body)
        # The same request may have been recorded with both settings; then the one asked for is given.
        meant = rendering.world.recorded.find(asked_of(one), touched=set(), unbuffered=unbuffered)
        assert (told.status, told.body) == (meant.answer.status, meant.answer.body), one.target
        assert shown_headers(told.headers.items(), one) == shown_headers(meant.answer.headers, one)
        assert ("Transfer-Encoding" in told.headers) is (
            meant.answer.chunked and one.method != "HEAD" and told.status != 304
        )
        given[one.kind] += 1
    assert given.total() == (37 if unbuffered else 1237)


def asked_of(one: Recorded):
    from cutover.demo.answers import Asked  # noqa: PLC0415  beside its one use
    from cutover.demo.forms import read_form  # noqa: PLC0415

    headers = {name.lower(): value for name, value in one.headers}
    form = read_form("", b"", "")
    return Asked(method=one.method, target=one.target, path="", query="", headers=headers, form=form, body=one.body)


async def test_an_edit_is_seen_at_once_by_every_surface(client):
    target = "/w/api.php?action=wbgetentities&ids=Q1&format=json&formatversion=2"
    before = (await client.get(target)).json["entities"]["Q1"]
    rev_id = client.world.edit("Q1", with_label("nl", "een"))
    after = (await client.get(target)).json["entities"]["Q1"]
    assert before["lastrevid"] == 371
    assert after["lastrevid"] == rev_id
    assert after["labels"]["nl"] == {"language": "nl", "value": "een"}
    data = (await client.get("/wiki/Special:EntityData/Q1.json")).json["entities"]["Q1"]
    assert data["lastrevid"] == rev_id
    rest = await client.get("/w/rest.php/wikibase/v0/entities/items/Q1")
    assert rest.headers["ETag"] == f'"{rev_id}"'


def with_label(language, text):
    def change(entity):
        entity["labels"][language] = {"language": language, "value": text}
        return entity

    return change


async def test_addresses_in_answers_name_this_server_unless_the_recorded_one_is_kept(client):
    told = await client.get("/wiki/Special:EntityData/q22.json")
    assert told.headers["Location"] == f"{client.wiki.url}/wiki/Special:EntityData/Q22.json"


async def test_two_answers_have_different_request_ids(client):
    first, second = await client.get("/wiki/Item:Q1"), await client.get("/wiki/Item:Q1")
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


async def test_broken_answers_are_broken_as_often_as_told_and_then_sound(client):
    client.world.break_next(2, 502)
    target = "/w/api.php?action=query&meta=siteinfo&format=json"
    statuses = [(await client.get(target)).status for _ in range(3)]
    assert statuses == [502, 502, 200]


async def test_a_cut_connection_is_an_error_for_the_client(client):
    client.world.break_next(1, 0)
    with pytest.raises(aiohttp.ClientError):
        await client.send("POST", "/w/api.php", (), b"x")


async def test_a_delay_holds_the_answer_back(client):
    client.world.answer_delay_s = 0.05
    loop = asyncio.get_running_loop()
    start = loop.time()
    await client.get("/w/load.php")
    assert loop.time() - start >= 0.05


async def test_an_unknown_path_is_the_web_servers_404(client):
    told = await client.get("/nothing/here")
    assert (told.status, told.headers["Content-Type"]) == (404, "text/html")


def test_the_command_serves_until_it_is_interrupted():
    command = [sys.executable, "-m", "cutover.demo.wiki", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as run:
        first = run.stdout.readline()
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=20) == 0
    assert re.match(r"http://127\.0\.0\.1:\d+/wiki/Item:Q1: 82 entities, 1299 revisions", first)


async def test_a_wiki_can_be_opened_as_its_users_do():
    async with SampleWiki(world=World.empty(), host="127.0.0.1", port=0) as wiki:
        assert wiki.url.startswith("http://127.0.0.1:")
        assert wiki.world.entity_count == 0
