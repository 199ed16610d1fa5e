"""The wiki's database, read from a real MariaDB: every revision of the dataset is what the real software says it is.

Once as MediaWiki 1.39 wrote it, and once in each shape that other versions have.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from fakes.wiki_copies import DATASET, NAMESPACE_MODELS, WikiCopy, wiki_copy
from fakes.wiki_truth import TYPE_OF_NAMESPACE, said_by_database, said_by_truth, told_by_the_software

from backends.errors import NotFoundError, RefusedError
from backends.wiki.database import Cluster, WikiDatabase
from wikibase.ids import EntityId
from wikibase.unreadable import Reason, Unreadable
from wikibase.wiki_sha1 import text_sha1

pytestmark = pytest.mark.services

COMMENTS_MOVED = """
UPDATE revision JOIN revision_comment_temp ON revcomment_rev = rev_id SET rev_comment_id = revcomment_comment_id;
DROP TABLE revision_comment_temp;
"""
SHAPES: dict[str, Callable[[], WikiCopy]] = {
    "as 1.39 wrote it": wiki_copy,
    "addresses es: of later versions": lambda: wiki_copy("wikidb_a_es", overlay()),
    "comments in place, as in 1.40, tables with a prefix": lambda: wiki_copy(
        "wikidb_a_140",
        COMMENTS_MOVED + "ALTER TABLE recentchanges DROP COLUMN rc_type, DROP COLUMN rc_new;",
        prefix="mw_",
    ),
    "half moved, actors and comments, as 1.35 to 1.39 may be": lambda: wiki_copy(
        "wikidb_a_half",
        """
        UPDATE revision JOIN revision_comment_temp ON revcomment_rev = rev_id
        SET rev_comment_id = revcomment_comment_id WHERE rev_id % 2;
        DELETE FROM revision_comment_temp WHERE revcomment_rev % 2;
        CREATE TABLE revision_actor_temp (revactor_rev INT UNSIGNED NOT NULL, revactor_actor BIGINT UNSIGNED NOT NULL,
        revactor_timestamp BINARY(14) NOT NULL, revactor_page INT UNSIGNED NOT NULL,
        PRIMARY KEY (revactor_rev, revactor_actor));
        INSERT INTO revision_actor_temp
        SELECT rev_id, rev_actor, rev_timestamp, rev_page FROM revision WHERE rev_id % 3;
        UPDATE revision SET rev_actor = 0 WHERE rev_id % 3;
        """,
    ),
    "no sha1 of revisions": lambda: wiki_copy(
        "wikidb_a_sha1",
        COMMENTS_MOVED + "ALTER TABLE revision DROP COLUMN rev_sha1; ALTER TABLE archive DROP COLUMN ar_sha1;",
        prefix="my_wiki_",
    ),
    "no content model on any page": lambda: wiki_copy(
        "wikidb_a_models", "UPDATE page SET page_content_model = NULL; ALTER TABLE page DROP COLUMN page_content_model;"
    ),
}


def overlay() -> str:
    return (DATASET / "overlay-es-addresses.sql").read_text().replace("USE wikidb_a;", "")


@asynccontextmanager
async def opened(copy: WikiCopy, **options: Any) -> AsyncIterator[WikiDatabase]:
    known: dict[str, Any] = {"clusters": copy.clusters, "namespace_models": NAMESPACE_MODELS}
    database = await WikiDatabase.open(copy.reader, copy.database, prefix=copy.prefix, **(known | options))
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database() -> AsyncIterator[WikiDatabase]:
    async with opened(wiki_copy()) as one:
        yield one


@pytest.mark.parametrize("shape", SHAPES)
async def test_every_revision_is_what_the_software_says(shape: str) -> None:
    async with opened(SHAPES[shape](), withheld=True) as database:
        said = await said_by_database(database)
    truth = {rev_id: said_by_truth(line) for rev_id, line in told_by_the_software().items()}
    if shape == "no sha1 of revisions":
        truth[1227]["sha1"] = None  # without slots there is nothing to make it from
    assert len(said) == len(truth) == 1323
    differing = {
        rev_id: {key: (line[key], said[rev_id][key]) for key in line if line[key] != said[rev_id][key]}
        for rev_id, line in truth.items()
        if any(line[key] != said[rev_id][key] for key in line)
    }
    assert differing == {}
    assert {rev_id for rev_id, one in said.items() if one["error"]} == {
        rev_id for rev_id, line in truth.items() if line["state"] == "missing"
    }
    assert Counter(one["error"].split(":")[0] for one in said.values() if one["error"]) == {
        Reason.NO_TEXT_ROW: 2,
        Reason.ERROR_FLAG: 1,
        Reason.MARKED_BAD: 1,
        Reason.NOT_DEFLATE: 1,
        Reason.NO_BLOB: 1,
        Reason.UNKNOWN_CLUSTER: 1,
        Reason.NO_SLOT: 1,
        "not-an-entity": 1,
    }


async def test_every_text_has_the_sha1_that_the_wiki_keeps_of_it(database: WikiDatabase) -> None:
    checked = 0
    for rev_ids in (range(1, 700), range(700, 1400)):
        revisions = await database.revisions_by_id(list(rev_ids))
        texts = await database.stored_texts(list(revisions.values()))
        for rev_id, text in texts.items():
            if isinstance(text, bytes):
                assert text_sha1(text) == revisions[rev_id].slots["main"].sha1
                checked += 1
    assert checked > 1299 - 9


async def test_the_second_slot_has_its_own_text(database: WikiDatabase) -> None:
    [one] = (await database.revisions_by_id([1338])).values()
    assert sorted(one.slots) == ["main", "notes"]
    texts = await database.stored_texts([one], "notes")
    assert isinstance(texts[1338], bytes)
    assert texts[1338] != (await database.stored_texts([one]))[1338]
    gone = await database.stored_texts([one], "mediainfo")
    assert gone[1338] == Unreadable(Reason.NO_SLOT, "no slot mediainfo")


async def test_pages_are_those_that_hold_an_entity_with_their_heads(database: WikiDatabase) -> None:
    heads = [orjson.loads(line) for line in (DATASET / "truth" / "heads.jsonl").read_bytes().splitlines()]
    living = {one["entity_id"]: one for one in heads if one["status"] not in ("deleted", "never_created")}
    pages = (await database.pages(size=1000)).pages
    assert {page.entity_id: page.head_rev_id for page in pages} == {
        entity_id: one["head_rev_id"] for entity_id, one in living.items()
    }
    assert {page.entity_id for page in pages if page.is_redirect} == {
        entity_id for entity_id, one in living.items() if one["status"] == "redirect"
    }
    assert {page.role for page in pages} == {"main"}


async def test_pages_come_in_batches_that_are_bounded_by_what_was_looked_at(database: WikiDatabase) -> None:
    seen: list[int] = []
    after: int | None = None
    batches = 0
    while batches == 0 or after is not None:
        batch = await database.pages(after=after, size=10)
        seen += [page.page_id for page in batch.pages]
        after = batch.after
        batches += 1
    assert seen == sorted(set(seen)) == [page.page_id for page in (await database.pages(size=1000)).pages]
    assert batches > len(seen) // 10


async def test_pages_are_found_by_id_and_by_title(database: WikiDatabase) -> None:
    [by_title] = (await database.pages_by_title(120, ["Q1", "Q9999", "Sandbox"])).values()
    assert (by_title.title, by_title.entity_id, by_title.namespace) == ("Q1", "Q1", 120)
    assert await database.pages_by_id([by_title.page_id, 999_999]) == {by_title.page_id: by_title}
    assert await database.pages_by_id([]) == {}


async def test_a_history_is_that_of_the_api(database: WikiDatabase) -> None:
    [page] = (await database.pages_by_title(120, ["Q53"])).values()
    history = await database.history(page.page_id)
    truth = [line for line in told_by_the_software().values() if line["entity_id"] == "Q53"]
    truth.sort(key=lambda line: int(line["history_index"]))
    assert [one.rev_id for one in history.revisions] == [line["rev_id"] for line in truth]
    assert history.head_rev_id == next(line["rev_id"] for line in truth if line["is_head"])
    assert history.head_rev_id < max(one.rev_id for one in history.revisions)
    assert (history.title, history.content_model) == ("Q53", "wikibase-item")
    with pytest.raises(NotFoundError, match="no page 999999"):
        await database.history(999_999)


async def test_contents_are_those_of_the_api_and_what_is_hidden_stays_hidden(database: WikiDatabase) -> None:
    found = await database.revisions_by_id([948, 952, 1221, 1226, 1227, 1237])
    contents = await database.contents(list(found.values()))
    assert contents[952].text is not None
    assert contents[952].model == "wikibase-item"
    assert {rev_id: one.reason for rev_id, one in contents.items() if one.text is None} == {
        948: "texthidden",
        1221: "text-row-missing: tt:1212",
        1226: contents[1226].reason,
        1227: "slotsmissing",
        1237: "unknown-cluster: cluster99",
    }
    assert found[948].sha1 is None
    assert found[948].withheld is None


async def test_what_is_hidden_is_told_apart_to_those_who_ask() -> None:
    async with opened(wiki_copy(), withheld=True) as database:
        found = await database.revisions_by_id([948, 957, 6])
    truth = told_by_the_software()
    assert found[6].withheld is None
    for rev_id in (948, 957):
        one, told = found[rev_id], truth[rev_id]["privileged"]
        assert one.withheld is not None
        assert one.withheld.sha1 == told["sha1"]
        assert (one.user or one.withheld.user) == told["user"]
        assert (one.comment or one.withheld.comment) == told["comment"]
        assert one.sha1 is None
    assert (found[957].user, found[957].comment) == (None, None)


async def test_counts_are_those_of_the_software(database: WikiDatabase) -> None:
    counts = orjson.loads((DATASET / "truth" / "counts.json").read_bytes())["per_entity"]
    pages = (await database.pages(size=1000)).pages
    live = await database.revision_counts([page.page_id for page in pages])
    for page in pages:
        assert live[page.page_id] == counts[page.entity_id]["total_live"]
    for namespace in TYPE_OF_NAMESPACE:
        titles = (await database.archived_titles(namespace)).titles
        for title, count in (await database.archived_counts(namespace, titles)).items():
            assert count == counts[title]["archived"]


async def test_the_highest_id_counts_deleted_revisions_too(database: WikiDatabase) -> None:
    assert await database.max_rev_id() == 1340
    after = await database.revisions_after(1335)
    assert [one.rev_id for one in after] == sorted(one.rev_id for one in after)
    assert after[0].rev_id > 1335
    assert after[-1].rev_id == 1340
    assert len(await database.revisions_after(0, size=3)) == 3


CHANGES = """
INSERT INTO slot_roles (role_name) VALUES ('mediainfo');
INSERT INTO content_models (model_name) VALUES ('wikibase-mediainfo'), ('wikibase-lexeme'), ('EntitySchema');
UPDATE page SET page_title = CONCAT(page_title, ' is no item') WHERE page_namespace = 0;
UPDATE page SET page_namespace = 0 WHERE page_namespace = 120 AND page_content_model = 'wikibase-item';
UPDATE page SET page_namespace = 6, page_title = 'Some_file.jpg' WHERE page_namespace = 4;
INSERT INTO slots SELECT page_latest, (SELECT role_id FROM slot_roles WHERE role_name = 'mediainfo'),
  (SELECT slot_content_id FROM slots WHERE slot_revision_id = 6), page_latest FROM page WHERE page_namespace = 6;
UPDATE page SET page_namespace = 640, page_title = 'E7', page_content_model = 'EntitySchema' WHERE page_namespace = 10;
UPDATE page SET page_content_model = 'wikibase-item' WHERE page_title = 'Sandbox';
UPDATE page SET page_content_model = NULL, page_latest = 999999 WHERE page_title = 'Q20';
"""


async def test_entities_beside_other_pages_files_and_schemas_are_told_by_their_model() -> None:
    async with opened(wiki_copy("wikidb_a_spaces", CHANGES), namespace_models={0: "wikitext"}) as database:
        pages = (await database.pages(size=1000)).pages
        by_title = {page.title: page for page in pages}
        assert {page.namespace for page in pages if page.entity_id and page.entity_id[0] == "Q"} == {0, 120}
        file = by_title["Some file.jpg"]
        assert (file.entity_id, file.role, file.namespace) == (EntityId(f"M{file.page_id}"), "mediainfo", 6)
        [head] = (await database.revisions_by_id([file.head_rev_id])).values()
        [text] = (await database.stored_texts([head], file.role)).values()
        assert isinstance(text, bytes)
        assert by_title["E7"].entity_id == "E7"
        assert by_title["Sandbox"].entity_id is None  # an item's model under a title that is no id: told, not hidden
        assert "Q20" not in by_title  # neither the page nor its head says a model: the namespace's default
        others = (await database.pages_by_title(0, ["Main Page"])).values()
        assert not others


async def test_texts_that_move_while_they_are_read_are_found_where_they_are_now() -> None:
    copy = wiki_copy("wikidb_a_moving")
    copy.forget()
    async with opened(copy) as database:
        found = await database.revisions_by_id([238, 19, 6])
        before = await database.stored_texts(list(found.values()))
        copy.run(overlay())
        assert await database.stored_texts(list(found.values())) == before
        assert all(isinstance(text, bytes) for text in before.values())


async def test_a_wiki_that_cannot_be_read_is_refused_with_what_is_missing() -> None:
    copy = wiki_copy()
    with pytest.raises(RefusedError, match="mw_page, mw_revision"):
        await WikiDatabase.open(copy.reader, copy.database, prefix="mw_")
    with pytest.raises(RefusedError, match="denied"):
        await WikiDatabase.open(copy.reader, "mysql")
    with pytest.raises(RefusedError, match="prefix"):
        await WikiDatabase.open(copy.reader, copy.database, prefix="a`b")
    with pytest.raises(RefusedError, match="legacy encoding 'martian'"):
        await WikiDatabase.open(copy.reader, copy.database, legacy_encoding="martian")
    with pytest.raises(RefusedError, match="database name"):
        await WikiDatabase.open(copy.reader, copy.database, clusters={"cluster1": Cluster("es`a")})


async def test_a_cluster_that_may_not_be_read_is_an_error_and_no_text_is_written_off() -> None:
    copy = wiki_copy()
    clusters = {"cluster1": Cluster("mysql"), "cluster2": Cluster(copy.blobs, "no_such_table")}
    async with opened(copy, clusters=clusters) as database:
        for cluster in clusters:
            with pytest.raises(RefusedError):
                await database.texts([f"es:DB://{cluster}/1?flags=utf-8"])


async def test_a_cluster_on_a_server_of_its_own_is_asked_there() -> None:
    copy = wiki_copy("wikidb_a_es", overlay())
    apart = {name: Cluster(one.database, one.table, copy.reader) for name, one in copy.clusters.items()}
    address = "es:DB://cluster2/1?flags=utf-8,gzip"
    async with opened(copy, clusters=apart) as there, opened(copy) as here:
        assert await there.texts([address]) == await here.texts([address])
        assert isinstance((await here.texts([address]))[address], bytes)
