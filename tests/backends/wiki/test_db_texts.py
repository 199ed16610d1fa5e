"""Texts are fetched in few statements, each row once; rows of kinds that the dataset lacks are in a real table here."""

from typing import Any, cast

import pytest
from fakes.db_sessions import ScriptedServer
from fakes.php import concatenated, diff_blob, gzdeflate, md5, serialize, stub
from fakes.wiki_copies import WikiCopy, wiki_copy

from backends.errors import UnavailableError
from backends.wiki.database import WikiDatabase
from backends.wiki.db_connection import ReadOnlyServer
from backends.wiki.db_texts import Shelf, TextReader
from wikibase.php_values import PhpObject
from wikibase.stored_text import Decoding
from wikibase.unreadable import Reason, Unreadable

TEXTS = [b"text %d" % number for number in range(30)]


def reader(
    rows: dict[int, tuple[bytes, bytes]], blobs: dict[int, bytes], **options: Any
) -> tuple[TextReader, Any, Any]:
    texts = ScriptedServer(lambda _, params: [(one, *rows[one]) for one in params[1:] if one in rows])
    cluster = ScriptedServer(lambda _, params: [(one, b"", blobs[one]) for one in params[1:] if one in blobs])
    shelf = Shelf(cast("ReadOnlyServer", texts), "IN ({ids})")
    clusters = {"c1": Shelf(cast("ReadOnlyServer", cluster), "IN ({ids})")}
    return TextReader(shelf, None, clusters, Decoding(), **options), texts.one, cluster.one


async def test_a_row_is_fetched_once_however_many_texts_are_in_it() -> None:
    rows = {number + 1: (b"object,utf-8", stub(100, md5(text))) for number, text in enumerate(TEXTS)}
    rows[100] = (b"object,utf-8,external", b"DB://c1/7")
    one, texts, cluster = reader(rows, {7: concatenated(TEXTS)}, rows_max=1000)
    addresses = [f"tt:{number + 1}" for number in range(30)]
    assert await one.read(addresses) == dict(zip(addresses, TEXTS, strict=True))
    assert [len(params) - 1 for _, params in texts.asked] == [30, 1]
    assert [len(params) - 1 for _, params in cluster.asked] == [1]
    await one.read(addresses)
    assert [len(params) - 1 for _, params in texts.asked] == [30, 1, 30]  # the blob is still open
    assert len(cluster.asked) == 1


async def test_rows_are_fetched_some_at_a_time() -> None:
    one, texts, _ = reader({number + 1: (b"utf-8", text) for number, text in enumerate(TEXTS)}, {}, rows_max=7)
    assert len(await one.read(f"tt:{number + 1}" for number in range(30))) == 30
    assert [len(params) - 1 for _, params in texts.asked] == [7, 7, 7, 7, 2]


async def test_nothing_is_asked_for_what_cannot_be_there() -> None:
    one, texts, cluster = reader({1: (b"external", b"DB://c9/1")}, {})
    found = await one.read(["", "bad:x", "es:DB://c9/1", "tt:1"])
    assert [cast("Unreadable", text).reason for text in found.values()] == [
        Reason.BAD_ADDRESS,
        Reason.MARKED_BAD,
        Reason.UNKNOWN_CLUSTER,
        Reason.UNKNOWN_CLUSTER,
    ]
    assert (len(texts.asked), len(cluster.asked)) == (1, 0)
    assert await one.read([]) == {}


async def test_an_outage_writes_no_text_off() -> None:
    def out(statement: str, params: tuple[Any, ...]) -> list[Any]:
        raise UnavailableError("out")

    shelf = Shelf(cast("ReadOnlyServer", ScriptedServer(out)), "IN ({ids})")
    with pytest.raises(UnavailableError):
        await TextReader(shelf, None, {}, Decoding()).read(["tt:1"])


def odd_rows() -> dict[int, tuple[str, bytes]]:
    latin = "Café".encode("cp1252")
    return {
        90001: ("", latin),
        90002: ("gzip", gzdeflate(latin)),
        90003: ("utf-8,object", serialize(PhpObject("historyblobcurstub", {"mCurId": 5}))),
        90004: ("utf-8,object", serialize(PhpObject("HistoryBlobCurStub", {"mCurId": 6}))),
        90005: ("utf-8,object", serialize(concatenated([b"serialised twice"]))),
        90006: ("utf-8,object,gzip", gzdeflate(diff_blob([b"first", b"first and second"], 1))),
        90007: ("utf-8,object", stub(90006, "0")),
        90008: ("utf-8", b"x" * 5000),
        90009: ("utf-8,gzip", gzdeflate(b"x" * 5000)),
        90010: ("object", stub(90011, md5(latin))),
        90011: ("object,utf-8", concatenated([latin])),
        90012: ("utf-8,object", stub(90007, "0")),
        90013: ("external,utf-8", b"http://somewhere/else"),
    }


@pytest.fixture
def odd_copy() -> WikiCopy:
    values = ", ".join(f"({old_id}, '{flags}', x'{text.hex()}')" for old_id, (flags, text) in odd_rows().items())
    return wiki_copy(
        "wikidb_a_odd",
        f"""
        INSERT INTO text (old_id, old_flags, old_text) VALUES {values};
        CREATE TABLE cur (cur_id INT UNSIGNED NOT NULL PRIMARY KEY, cur_text MEDIUMBLOB NOT NULL);
        INSERT INTO cur VALUES (5, 'the text of 2005');
        """,
    )


@pytest.mark.services
async def test_rows_that_hardly_any_wiki_has_are_read_from_a_real_table(odd_copy: WikiCopy) -> None:
    database = await WikiDatabase.open(
        odd_copy.reader, odd_copy.database, legacy_encoding="windows-1252", text_bytes_max=1000
    )
    found = await database.texts(f"tt:{old_id}" for old_id in odd_rows())
    await database.close()
    assert {address: text for address, text in found.items() if isinstance(text, bytes)} == {
        "tt:90001": "Café".encode(),
        "tt:90002": "Café".encode(),
        "tt:90003": b"the text of 2005",
        "tt:90005": b"serialised twice",
        "tt:90006": b"first and second",
        "tt:90007": b"first",
        "tt:90010": "Café".encode(),
        "tt:90011": "Café".encode("cp1252"),
    }
    assert {address: text.reason for address, text in found.items() if isinstance(text, Unreadable)} == {
        "tt:90004": Reason.NO_TEXT_ROW,
        "tt:90008": Reason.TOO_LARGE,
        "tt:90009": Reason.TOO_LARGE,
        "tt:90012": Reason.STUB_OF_STUB,
        "tt:90013": Reason.UNKNOWN_STORE,
    }
