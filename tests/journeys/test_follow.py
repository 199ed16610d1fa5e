"""A journey on a real MediaWiki: edits, deletions, undeletions, suppressions, imports and merges while following.

The wiki that `make services` starts knows no items; its pages Q9... of this journey are told to the follower as such
by views on its database (the namespace's number and the content model, nothing else): what MediaWiki itself writes
into its tables, when and in which transactions, is what is followed. Heads are equal after each step.
"""

import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fakes.mariadb import mariadb_address
from fakes.services import services_env
from fakes.wiki_edits import editor
from journeys.conftest import Wiki
from journeys.traveller import Traveller
from suites.following import QUICK, Following, following, met

from backends.sql.mysql import MysqlAddress
from wikibase.ids import EntityId

pytestmark = pytest.mark.services

RENAMED = {
    "page": {
        "page_namespace": "IF(page_namespace = 0, 120, page_namespace)",
        "page_content_model": "'wikibase-item'",
    },
    "archive": {"ar_namespace": "IF(ar_namespace = 0, 120, ar_namespace)"},
    "logging": {"log_namespace": "IF(log_namespace = 0, 120, log_namespace)"},
    "content_models": {"model_name": "IF(model_name = 'wikitext', 'wikibase-item', model_name)"},
}


@asynccontextmanager
async def seen_as_items(address: MysqlAddress, wiki: str, titles: str) -> AsyncIterator[str]:
    """Make a database of views in which those pages are items."""
    name = f"lens_{secrets.token_hex(4)}"
    only = {"page": f"WHERE page_title LIKE '{titles}'", "archive": f"WHERE ar_title LIKE '{titles}'"}
    async with editor(address, "") as one:
        await one.run(f"CREATE DATABASE {name}")
        try:
            tables = await one.all(
                "SELECT table_name, GROUP_CONCAT(column_name ORDER BY ordinal_position) FROM information_schema.columns"
                " WHERE table_schema = %s GROUP BY table_name",
                wiki,
            )
            await one.run("SET SESSION sql_mode = ''")
            for table, columns in tables:
                changed = RENAMED.get(table, {})
                wanted = ", ".join(f"{changed.get(column, column)} AS {column}" for column in columns.split(","))
                await one.run(
                    f"CREATE VIEW {name}.{table} AS SELECT {wanted} FROM {wiki}.{table} {only.get(table, '')}"
                )
            yield name
        finally:
            await one.run(f"DROP DATABASE {name}")


class Journey:
    """The administrator, and the follower."""

    def __init__(self, admin: Traveller, one: Following, first: int) -> None:
        self.admin = admin
        self.one = one
        self.first = first

    def title(self, number: int) -> str:
        return f"Q{self.first + number}"

    async def do(self, **parameters: str) -> dict[str, object]:
        answer = await self.admin.api_post(token=await self.admin.token(), **parameters)
        assert "error" not in answer, answer
        return dict(answer)

    async def edit(self, number: int, word: str) -> int:
        labels = {"en": {"language": "en", "value": word}}
        text = json.dumps({"type": "item", "id": self.title(number), "labels": labels})
        answer = await self.do(action="edit", title=self.title(number), text=text, summary=word)
        made = answer["edit"]
        assert isinstance(made, dict)
        return int(made["newrevid"])

    async def bring_in(self, xml: str) -> None:
        """Import a file of revisions."""
        fields = {"action": "import", "interwikiprefix": "old", "format": "json", "token": await self.admin.token()}
        parts = "".join(
            f'--limit\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        head = '--limit\r\nContent-Disposition: form-data; name="xml"; filename="x.xml"\r\n'
        body = f"{parts}{head}Content-Type: text/xml\r\n\r\n{xml}\r\n--limit--\r\n"
        kind = ("Content-Type", "multipart/form-data; boundary=limit")
        answer = json.loads((await self.admin.send("POST", "/w/api.php", [kind], body.encode())).body)
        assert "error" not in answer, answer

    async def equal(self) -> None:
        """Wait until the store has what the wiki has, and ask the wiki's own API for the heads besides."""
        try:
            await met(self.one.equal, 25)
        except TimeoutError:
            raise AssertionError(await self.one.differences()) from None
        titles = [self.title(number) for number in range(6)]
        answer = await self.admin.api_get(action="query", prop="info", titles="|".join(titles))
        for page in answer["query"]["pages"]:
            head = await self.one.store.head(EntityId(page["title"]))
            if "missing" in page:
                assert head is None or head.state == "archived", page
            else:
                assert head is not None
                assert head.rev_id == page["lastrevid"]


@pytest.fixture
async def journey(wiki: Wiki, tmp_path: Path) -> AsyncIterator[Journey]:
    address = mariadb_address()
    first = 900_000_000 + secrets.randbelow(9_999) * 10_000
    prefix = str(first)[:5]
    admin = Traveller(wiki.url, name="follow")
    await admin.log_in(wiki.admin, wiki.admin_password)
    async with (
        seen_as_items(address, services_env()["CUTOVER_MEDIAWIKI_DATABASE"], f"Q{prefix}____") as name,
        following(address, name, tmp_path, QUICK) as one,
    ):
        await one.begin()
        async with one.running(240):
            yield Journey(admin, one, first)


async def test_whatever_an_administrator_does_is_in_the_store(journey: Journey, wiki: Wiki) -> None:
    made = [await journey.edit(number % 3, f"edit {number}") for number in range(9)]
    await journey.equal()

    # Deletion and undeletion.
    await journey.do(action="delete", title=journey.title(1), reason="test")
    await journey.equal()
    await journey.do(action="undelete", title=journey.title(1), reason="back")
    await journey.equal()

    # Revision deletion, lifted, and suppression: for these an administrator needs another group.
    rights = await journey.admin.token("userrights")
    added = await journey.admin.api_post(action="userrights", user=wiki.admin, add="suppress", token=rights)
    assert "error" not in added, added
    await journey.do(
        action="revisiondelete", type="revision", ids=str(made[0]), hide="content|comment", target=journey.title(0)
    )
    await journey.equal()
    revision = await journey.one.store.revision(EntityId(journey.title(0)), made[0])
    assert revision is not None
    assert revision.content is None
    await journey.do(
        action="revisiondelete", type="revision", ids=str(made[0]), show="content|comment", target=journey.title(0)
    )
    await journey.equal()
    await journey.do(
        action="revisiondelete",
        type="revision",
        ids=str(made[3]),
        hide="content|user",
        suppress="yes",
        target=journey.title(0),
    )
    await journey.equal()

    # Protection makes a revision without a change; a deletion of what has a hidden revision; made anew.
    await journey.do(action="protect", title=journey.title(2), protections="edit=sysop", reason="test")
    await journey.equal()
    await journey.do(action="delete", title=journey.title(0), reason="test")
    await journey.equal()
    await journey.edit(0, "made again")
    await journey.equal()

    # Import of a history with its old stamps, into a page that is and into one that is not.
    exported = (await journey.admin.get(f"/w/index.php?title=Special:Export&pages={journey.title(2)}&history=1")).body
    xml = re.sub(r"2\d{3}(-\d\d-\d\dT)", r"2019\1", exported.decode())
    for number in (3, 2):
        renamed = xml.replace(f"<title>{journey.title(2)}</title>", f"<title>{journey.title(number)}</title>")
        await journey.bring_in(renamed)
        await journey.equal()

    # A history merge: revisions become another page's.
    await journey.edit(4, "newer than what was imported")
    merge = {"from": journey.title(3), "to": journey.title(4), "timestamp": "2020-01-01T00:00:00Z"}
    await journey.do(action="mergehistory", **merge)
    await journey.equal()
    removed = await journey.admin.api_post(action="userrights", user=wiki.admin, remove="suppress", token=rights)
    assert "error" not in removed, removed
    assert [kept async for kept in journey.one.findings.open()] == []
