"""Journeys through the proxy in front of a real MediaWiki: what is done through it gives what is done directly.

Needs `make services`. Each test lets two travellers do the same, one at the wiki's own address and one at the proxy's.
Writes are made under two names; reads are of the very same pages. See traveller.py for what may differ.
"""

import gzip
import random
import struct
import zlib
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from journeys.conftest import Pair, Wiki
from journeys.traveller import API, Traveller

pytestmark = pytest.mark.services

MIB = 1024 * 1024
UPLOAD_BYTES = 20 * MIB
POST_BYTES = 5 * MIB


def png_of(size_bytes: int, seed: int) -> bytes:
    """A valid picture of one pixel, `size_bytes` long by a private chunk of noise that nobody has to read."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    end = chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00")) + chunk(b"IEND", b"")
    noise = random.Random(seed).randbytes(size_bytes - len(start) - len(end) - 12)
    return start + chunk(b"noIz", noise) + end


async def edit(traveller: Traveller, title: str, **parameters: str) -> dict[str, object]:
    """action=edit with a fresh token; the answer's `edit` part."""
    answer = await traveller.api_post(action="edit", title=title, token=await traveller.token(), **parameters)
    assert answer["edit"]["result"] == "Success", answer
    return dict(answer["edit"])


async def text_of(traveller: Traveller, title: str) -> bytes:
    return (await traveller.get(f"/w/index.php?title={quote(title)}&action=raw")).body


async def test_logging_in_both_ways_and_out(wiki: Wiki, pair: Pair) -> None:
    for traveller in pair.both:
        wrong = await traveller.api_post(
            action="login", lgname=wiki.admin, lgpassword="wrong", lgtoken=await traveller.token("login")
        )
        assert wrong["login"]["result"] == "Failed"
        right = await traveller.api_post(
            action="login", lgname=wiki.admin, lgpassword=wiki.admin_password, lgtoken=await traveller.token("login")
        )
        assert right["login"]["result"] == "Success"
        who = await traveller.api_get(action="query", meta="userinfo", uiprop="groups|rights", assertuser=wiki.admin)
        assert who["query"]["userinfo"]["name"] == wiki.admin
        await traveller.api_post(action="logout", token=await traveller.token())
        assert "anon" in (await traveller.api_get(action="query", meta="userinfo"))["query"]["userinfo"]
        await traveller.log_in(wiki.admin, wiki.admin_password)
        assert len(traveller.trail[-1][1].values("set-cookie")) > 1, "this journey is to carry repeated headers"

    pair.assert_seen_alike()


async def test_editing_a_page(admins: Pair) -> None:
    for traveller in admins.both:
        title = traveller.name
        refused = await traveller.api_post(action="edit", title=title, text="x", token="+\\")
        assert refused["error"]["code"] == "badtoken"
        first = await edit(traveller, title, text="Ein Text, 日本語 & 'quotes'", summary="first", createonly="1")
        assert "new" in first
        await edit(traveller, title, appendtext="\n\nmore", summary="second", minor="1")
        again = await edit(traveller, title, appendtext="", summary="nothing")
        assert again["nochange"] is True
        conflict = await traveller.api_post(
            action="edit", title=title, text="late", baserevid=str(first["newrevid"]), token=await traveller.token()
        )
        assert conflict["error"]["code"] == "editconflict"
        await traveller.get(f"/w/index.php?title={title}&action=edit")
        await traveller.get(f"/wiki/{title}")

    admins.assert_seen_alike()
    direct_title, through_title = (traveller.name for traveller in admins.both)
    assert await text_of(admins.direct, through_title) == await text_of(admins.direct, direct_title) != b""


async def test_uploading_20_mb_and_getting_it_back(admins: Pair) -> None:
    files: dict[str, bytes] = {}
    for seed, traveller in enumerate(admins.both):
        name = f"{traveller.name}.png"
        content = files[name] = png_of(UPLOAD_BYTES, seed)
        answer = await traveller.api_post_file(
            name, content, action="upload", filename=name, ignorewarnings="1", token=await traveller.token()
        )
        assert answer["upload"]["result"] == "Success", answer
        assert answer["upload"]["imageinfo"]["size"] == UPLOAD_BYTES
    addresses = {}
    for name in files:
        found = await admins.direct.api_get(action="query", titles=f"File:{name}", prop="imageinfo", iiprop="url|sha1")
        addresses[name] = found["query"]["pages"][0]["imageinfo"][0]["url"].removeprefix(admins.direct.base_url)
    uploads = [traveller.trail[1][1] for traveller in admins.both]
    assert [answer.status for answer in uploads] == [200, 200]
    assert [k for k, _ in uploads[1].end_to_end()] == [k for k, _ in uploads[0].end_to_end()]

    for traveller in admins.both:
        traveller.trail.clear()
        for name, content in files.items():
            await get_file_in_all_ways(traveller, addresses[name], content)
    admins.assert_seen_alike()


async def get_file_in_all_ways(traveller: Traveller, address: str, content: bytes) -> None:
    whole = await traveller.get(address)
    assert whole.body == content
    for wanted, expected in (
        ("bytes=0-99", content[:100]),
        (f"bytes={UPLOAD_BYTES // 2}-{UPLOAD_BYTES // 2 + MIB - 1}", content[UPLOAD_BYTES // 2 :][:MIB]),
        ("bytes=-5", content[-5:]),
        (f"bytes={UPLOAD_BYTES - 7}-", content[-7:]),
    ):
        part = await traveller.get(address, [("Range", wanted)])
        assert (part.status, part.body) == (206, expected)
        assert part.value("content-length") == str(len(expected))
    assert (await traveller.get(address, [("Range", f"bytes={UPLOAD_BYTES}-")])).status == 416
    etag, modified = whole.value("etag"), whole.value("last-modified")
    assert (await traveller.get(address, [("Range", "bytes=0-9"), ("If-Range", etag)])).status == 206
    assert (await traveller.get(address, [("Range", "bytes=0-9"), ("If-Range", '"other"')])).status == 200
    assert (await traveller.get(address, [("If-None-Match", etag)])).status == 304
    assert (await traveller.get(address, [("If-Modified-Since", modified)])).status == 304
    assert (await traveller.get(address, [("If-Match", '"other"')])).status == 412
    head = await traveller.send("HEAD", address)
    assert (head.status, head.value("content-length")) == (200, str(UPLOAD_BYTES))


async def test_reading_the_history(admins: Pair) -> None:
    title = admins.through.name
    for number in range(5):
        await edit(admins.through, title, text=f"Text number {number}", summary=f"edit {number} of ünïcödé")
    await read_history(admins.direct, title)  # the wiki's own caches must not make the difference
    for traveller in admins.both:
        traveller.trail.clear()
        await read_history(traveller, title)

    admins.assert_seen_alike()


async def read_history(traveller: Traveller, title: str) -> None:
    api = {"action": "query", "prop": "revisions", "titles": title, "rvprop": "ids|timestamp|user|comment|content"}
    first = await traveller.api_get(**api, rvslots="main", rvlimit="2")
    rest = await traveller.api_get(**api, rvslots="main", rvlimit="50", **first["continue"])
    revisions = first["query"]["pages"][0]["revisions"] + rest["query"]["pages"][0]["revisions"]
    assert [r["slots"]["main"]["content"][-1] for r in revisions] == ["4", "3", "2", "1", "0"]
    page = await traveller.get(f"/w/index.php?title={title}&action=history&limit=3")
    assert page.status == 200
    assert b"edit 4 of" in page.body
    await traveller.get(f"/w/index.php?title={title}&action=history&feed=atom")
    await traveller.get(f"/w/index.php?title={title}&oldid={revisions[1]['revid']}")
    await traveller.get(f"/w/index.php?title={title}&diff={revisions[0]['revid']}&oldid={revisions[2]['revid']}")
    await traveller.get(f"/w/rest.php/v1/page/{title}/history")
    anonymous = Traveller(traveller.base_url, "", trail=traveller.trail)
    await anonymous.get(f"/w/index.php?title={title}&action=history")


async def test_following_redirects(admins: Pair) -> None:
    aim, name = f"Journey-{admins.run}-aim", f"Journey-{admins.run}-redirect"
    await edit(admins.direct, aim, text="the aim")
    await edit(admins.direct, name, text=f"#REDIRECT [[{aim}]]")
    admins.direct.trail.clear()

    for traveller in admins.both:
        for target, expected in (
            ("/wiki/", b"Main Page"),
            ("/wiki/Special:MyPage", b"User:Admin"),
            (f"/w/index.php?title={name.lower()}", b"the aim"),
            (f"/wiki/{name}", b"the aim"),
            (f"/wiki/Special:PermanentLink/{await head_of(traveller, aim)}", b"the aim"),
            (f"/w/index.php?title=Special:Redirect&wptype=page&wpvalue={await page_of(traveller, aim)}", b"the aim"),
        ):
            assert expected in (await traveller.follow(target)).body
        assert (await traveller.get(f"/wiki/{name}?redirect=no")).status == 200
        moved = [answer for _, answer in traveller.trail if answer.status in {301, 302}]
        assert len(moved) >= 4
        # The wiki names its own address, not the proxy's: handed on as it is.
        assert all(answer.value("location").startswith(admins.direct.base_url) for answer in moved)

    admins.assert_seen_alike()


async def head_of(traveller: Traveller, title: str) -> int:
    found = await traveller.api_get(action="query", titles=title, prop="info")
    return int(found["query"]["pages"][0]["lastrevid"])


async def page_of(traveller: Traveller, title: str) -> int:
    found = await traveller.api_get(action="query", titles=title)
    return int(found["query"]["pages"][0]["pageid"])


async def test_304_for_what_is_unchanged(pair: Pair) -> None:
    for traveller in pair.both:
        page = await traveller.get("/wiki/Main_Page")
        modified = page.value("last-modified")
        same = await traveller.get("/wiki/Main_Page", [("If-Modified-Since", modified)])
        assert (same.status, same.body) == (304, b"")
        changed = await traveller.get("/wiki/Main_Page", [("If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT")])
        assert changed.status == 200
        script = "/w/load.php?lang=en&modules=jquery&only=scripts&skin=vector"
        etag = (await traveller.get(script)).value("etag")
        assert (await traveller.get(script, [("If-None-Match", etag)])).status == 304
        assert (await traveller.get(script, [("If-None-Match", '"other", ' + etag)])).status == 304
        assert (await traveller.get(script, [("If-None-Match", 'W/"other"')])).status == 200

    pair.assert_seen_alike()


async def test_a_post_of_5_mb(admins: Pair) -> None:
    text = "".join(random.Random(5).choices("abcdefghij klmnop qrstuv\n", k=POST_BYTES)).strip()
    for traveller in admins.both:
        title = traveller.name
        await edit(traveller, title, text=text, contentmodel="text", contentformat="text/plain")
        back = await text_of(traveller, title)
        assert back.decode() == text

    admins.assert_seen_alike()


async def test_a_post_whose_length_is_not_told(admins: Pair) -> None:
    text = "x" * (2 * MIB)

    def pieces(token: str, title: str) -> Iterator[bytes]:
        yield f"action=edit&format=json&contentmodel=text&contentformat=text/plain&title={title}&token={token}".encode()
        yield b"&text="
        for start in range(0, len(text), 100_000):
            yield text[start : start + 100_000].encode()

    for traveller in admins.both:
        title = traveller.name
        body = pieces(quote(await traveller.token()), title)
        answer = await traveller.send("POST", API, [("Content-Type", "application/x-www-form-urlencoded")], body)
        assert b'"result":"Success"' in answer.body
        assert (await text_of(traveller, title)).decode() == text

    admins.assert_seen_alike()


async def test_head_and_other_methods(pair: Pair) -> None:
    for traveller in pair.both:
        for target in (
            "/wiki/Main_Page",
            f"{API}?action=query&meta=siteinfo&format=json",
            "/w/load.php?modules=startup&only=scripts",
            "/w/resources/assets/poweredby_mediawiki_88x31.png",
            "/wiki/No_such_page_here",
        ):
            head = await traveller.send("HEAD", target)
            assert head.body == b""
            assert head.status == (await traveller.get(target)).status
        await traveller.send(
            "OPTIONS", API, [("Origin", "http://127.0.0.1"), ("Access-Control-Request-Method", "POST")]
        )
        await traveller.send("PUT", "/w/rest.php/v1/page/Main_Page", [("Content-Type", "application/json")], b"{}")
        await traveller.send("DELETE", "/w/rest.php/v1/page/Main_Page")
        await traveller.send("PROPFIND", "/wiki/Main_Page")

    pair.assert_seen_alike()


async def test_an_answer_that_the_wiki_compressed_is_not_touched(pair: Pair) -> None:
    for traveller in pair.both:
        answer = await traveller.get("/w/load.php?modules=jquery&only=scripts", [("Accept-Encoding", "gzip")])
        assert answer.value("content-encoding") == "gzip"
        assert b"jQuery" in gzip.decompress(answer.body)

    pair.assert_seen_alike()


async def test_an_address_with_odd_characters_is_not_touched(pair: Pair) -> None:
    for traveller in pair.both:
        for target in (
            "/wiki/Main_Page?a=%2F%20+b&c=%zz&d=%C3%BC&&=;",
            "/wiki/A%2FB%3F//C/./D",
            "//wiki/Main_Page",
            f"{API}?action=query&titles=A%7CB|C&format=json&x[]=1&x[]=2",
            "/wiki/ü".encode().decode("latin-1"),
        ):
            await traveller.get(target)

    pair.assert_seen_alike()
