"""Reproductions: a real curl repeats the request, no secret gets in, and nothing from outside reaches the shell."""

import asyncio
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from rules.reproduce import Compared, Exchange, Place, curl_of, reproduction
from rules.verdict import Outcome, Verdict

TARGET = "/w/api.php?action=wbgetentities&ids=Q1%7CQ2&format=json"
VERDICT = Verdict(
    sample_id="s1",
    outcome=Outcome.MISMATCH,
    phase="shadow_reads",
    surface="wbgetentities",
    key="Q1",
    entity_id="Q1",
    revision=77,
    reason="content",
    detail='wiki -> store at revision 77:\nlabel en: "a" -> "b"',
    observed_at=1_780_000_000.0,
)
PLACE = Place(wiki_url="http://ann:secret@wiki.example:8080/", store_url="http://127.0.0.1:8000")


def test_both_requests_both_digests_revision_rules_and_request_id_are_told() -> None:
    exchange = Exchange(method="GET", target=TARGET, status=200, body_sha256="ab" * 32, request_id="r-1")
    compared = Compared(wiki_digest="cd" * 32, store_digest="ef" * 32, rules_version="123456789abc")
    text = reproduction(VERDICT, exchange, PLACE, compared)
    assert text.splitlines()[0] == "# mismatch (content) of Q1 at revision 77, wbgetentities, phase shadow_reads"
    commands = [line for line in text.splitlines() if not line.startswith("#")]
    assert [shlex.split(line)[-1] for line in commands] == [
        f"http://wiki.example:8080{TARGET}",
        "http://wiki.example:8080/wiki/Special:EntityData/Q1.json?revision=77",
        f"http://127.0.0.1:8000{TARGET}",
    ]
    for told in (
        "ab" * 32,
        "cd" * 32,
        "ef" * 32,
        "rules 123456789abc",
        "request id r-1",
        "canonical form 1",
        "HTTP 200",
    ):
        assert told in text
    assert text.endswith('# label en: "a" -> "b"\n')
    assert "secret" not in text


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    verdict = Verdict(sample_id="s", outcome=Outcome.ERROR, phase="export", surface="")
    text = reproduction(verdict, Exchange(method="GET", target="/"), Place(wiki_url="http://w"), Compared())
    assert "no address answers from the store" in text
    assert "an unknown revision" in text
    assert text.count("curl") == 1


def test_secrets_do_not_get_through_even_if_they_are_handed_in() -> None:
    exchange = Exchange(
        method="POST",
        target=f"{TARGET}&centralauthtoken=hunter2",
        form=b"action=wbgetentities&ids=Q1&token=hunter2%2B%5C&assertuser=hunter2",
        headers=(("accept", "a/b"), ("Cookie", "s=hunter2"), ("authorization", "hunter2"), ("x-real-ip", "10.9.8.7")),
    )
    text = reproduction(VERDICT, exchange, PLACE, Compared())
    assert "hunter2" not in text
    assert "10.9.8.7" not in text
    assert shlex.split(curl_of(exchange, "http://w"))[6:] == [
        *("--header", "accept: a/b"),
        *("--data-raw", "action=wbgetentities&ids=Q1"),
        *("--url", f"http://w{TARGET}"),
    ]


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        (Exchange(method="HEAD", target="/x"), ["--head", "--url", "http://w/x"]),
        (Exchange(method="POST", target="/x"), ["--request", "POST", "--url", "http://w/x"]),
        (Exchange(method="bad; rm", target="/x"), ["--url", "http://w/x"]),
        (Exchange(method="GET", target="http://else.where/x?id=Q1"), ["--url", "http://w/x?id=Q1"]),
        (Exchange(method="GET", target="x"), ["--url", "http://w/x"]),
        (
            Exchange(method="GET", target="/x", headers=(("accept-encoding", "gzip, zz"),)),
            ["--compressed", "--url", "http://w/x"],
        ),
        (
            Exchange(method="GET", target="/x", headers=(("accept", "a\r\nx: y"),)),
            ["--header", "accept: a\\r\\nx: y", "--url", "http://w/x"],
        ),
    ],
)
def test_commands(exchange: Exchange, words: list[str]) -> None:
    assert shlex.split(curl_of(exchange, "http://w"))[6:] == words


nasty = st.text(st.sampled_from("'\"`$();&|<>\\!#\n\r\x1b\u202e ä{}[]*?~=%@-a\ud800"), max_size=30)


@given(nasty, nasty, nasty)
def test_nothing_from_outside_reaches_the_shell(target: str, header: str, detail: str) -> None:
    exchange = Exchange(
        method="POST",
        target=f"/x?ids={target}",
        form=f"ids={target}".encode("utf-8", "surrogatepass"),
        headers=(("accept", header),),
        request_id=detail,
    )
    verdict = Verdict(sample_id=header, outcome=Outcome.MISMATCH, phase=detail, surface=target, detail=detail)
    text = reproduction(verdict, exchange, PLACE, Compared())
    commands = [line for line in text.split("\n") if line and not line.startswith("# ")]
    assert len(commands) == 2
    for line in commands:
        words = shlex.split(line)
        assert (words[0], words[6], words[8], words[10]) == ("curl", "--header", "--data-raw", "--url")
        assert len(words) == 12
    assert all(one.isprintable() or one == "\n" for one in text)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_a_real_curl_sends_the_same_request(tmp_path: Path) -> None:
    seen: list[tuple[str, str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.method, request.raw_path, request.headers.get("Accept", ""), await request.text()))
        return web.Response(text="told")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        target = "/w/../w/api.php?action=wbgetentities&ids=Q1%27%5B1-3%5D&props="
        exchange = Exchange(method="POST", target=target, form=b"ids=%40Q1%27%24x", headers=(("accept", "it's;x"),))
        script = tmp_path / "again.sh"
        place = Place(wiki_url=f"http://127.0.0.1:{port}", store_url=f"http://127.0.0.1:{port}")
        script.write_text(reproduction(VERDICT, exchange, place, Compared()), "utf-8")
        process = await asyncio.create_subprocess_exec("sh", str(script), stdout=subprocess.PIPE)
        async with asyncio.timeout(30):
            out, _ = await process.communicate()
    finally:
        await runner.cleanup()
    assert process.returncode == 0
    assert out.count(b"told") == 3
    assert seen == [
        ("POST", target, "it's;x", "ids=%40Q1%27%24x"),
        ("GET", "/wiki/Special:EntityData/Q1.json?revision=77", "*/*", ""),
        ("POST", target, "it's;x", "ids=%40Q1%27%24x"),
    ]
