"""The real wiki that `make services` starts, the proxy in front of it, and pairs of travellers."""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from socket import socket
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from fakes.served import serve
from fakes.services import services_env
from journeys.traveller import Traveller, show_difference

SHARED_TARGETS = (
    "/wiki/Main_Page",
    "/wiki/No_such_page_here",
    "/w/load.php?modules=startup&only=scripts",
    "/w/load.php?modules=jquery&only=scripts",
    "/w/api.php?action=query&meta=siteinfo&format=json",
)


@dataclass(frozen=True, slots=True)
class Wiki:
    """Where the real wiki is, and its throw-away administrator."""

    url: str
    admin: str
    admin_password: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two travellers for the same journey; `run` is a word no earlier journey had."""

    direct: Traveller
    through: Traveller
    run: str

    @property
    def both(self) -> tuple[Traveller, Traveller]:
        return self.direct, self.through

    def assert_seen_alike(self) -> None:
        names = [traveller.name for traveller in self.both]
        direct, through = (traveller.what_was_seen(names) for traveller in self.both)
        for direct_step, through_step in zip(direct, through, strict=True):
            assert through_step == direct_step, show_difference(direct_step, through_step)


@pytest.fixture(scope="session")
def wiki() -> Wiki:
    known = services_env()
    if "CUTOVER_MEDIAWIKI_URL" not in known:
        pytest.skip("no real MediaWiki: start it with `make services`")
    where = urlsplit(known["CUTOVER_MEDIAWIKI_URL"])
    with socket() as probe:
        if probe.connect_ex((where.hostname, where.port)) != 0:  # the file outlives a restart of the machine
            pytest.skip(f"no real MediaWiki answers at {where.geturl()}: start it with `make services`")
    # The first look at a page fills caches, which shows in a cookie: let it be nobody's.
    for target in SHARED_TARGETS:
        for _ in range(2):
            with suppress(HTTPError), urlopen(known["CUTOVER_MEDIAWIKI_URL"] + target, timeout=60) as answer:
                answer.read()
    return Wiki(
        known["CUTOVER_MEDIAWIKI_URL"],
        known["CUTOVER_MEDIAWIKI_ADMIN"],
        known["CUTOVER_MEDIAWIKI_ADMIN_PASSWORD"],
    )


@pytest.fixture(scope="session")
def proxy_url(wiki: Wiki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A proxy of its own, or the one that CUTOVER_JOURNEY_PROXY_URL names (anything in front of the same wiki)."""
    running = os.environ.get("CUTOVER_JOURNEY_PROXY_URL")
    if running:
        yield running
        return
    with serve(wiki.url, tmp_path_factory.mktemp("journeys") / "data") as served:
        yield served.proxy_url


@pytest.fixture
def pair(wiki: Wiki, proxy_url: str) -> Pair:
    run = secrets.token_hex(4)
    direct = Traveller(wiki.url, name=f"Journey-{run}-direct")
    through = Traveller(proxy_url, name=f"Journey-{run}-behind")
    return Pair(direct, through, run)


@pytest.fixture
async def admins(wiki: Wiki, pair: Pair) -> Pair:
    """The pair, logged in, with empty trails."""
    for traveller in pair.both:
        await traveller.log_in(wiki.admin, wiki.admin_password)
        await traveller.get("/wiki/Main_Page")  # fills caches of the logged-in, as above
        traveller.trail.clear()
    return pair
