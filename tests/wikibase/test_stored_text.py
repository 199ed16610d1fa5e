"""From address and rows to the text, by every rule of wikibase.md 4.3; rows are a dictionary here."""

from collections.abc import Mapping

import pytest
from fakes.php import concatenated, diff_blob, gzdeflate, md5, serialize, stub
from hypothesis import given
from hypothesis import strategies as st

from wikibase.php_values import PhpObject
from wikibase.stored_text import (
    CurRow,
    Decoding,
    ExternalBlob,
    Source,
    Stored,
    TextRow,
    Wanted,
    decode,
    find,
    from_opened,
    split_flags,
)
from wikibase.unreadable import Reason, Unreadable

TEXT = '{"entity":"Q1","redirect":"Q2","ü":1}'.encode()
OTHER = b"other"
BLOB = ExternalBlob("c1", 5)

Rows = Mapping[Source, Stored]


def read(address: str, rows: Rows, how: Decoding | None = None) -> bytes | Unreadable:
    how = how or Decoding()
    one: bytes | Wanted | Unreadable = find(address)
    for _ in range(5):
        if not isinstance(one, Wanted):
            return one
        known = from_opened(one, how)
        one = decode(one, rows.get(one.source), how) if known is None else known
    raise AssertionError("more than five fetches")


def row(flags: str, text: bytes, old_id: int = 1) -> dict[Source, Stored]:
    return {TextRow(old_id): Stored(text, flags)}


@pytest.mark.parametrize("flags", ["utf-8", "utf8", "", "nonsense,utf-8"])
def test_a_plain_text_is_as_it_stands(flags: str) -> None:
    assert read("tt:1", row(flags, TEXT)) == TEXT


@pytest.mark.parametrize("flags", ["gzip", "utf-8,gzip", "gzip,utf8"])
def test_gzip_is_raw_deflate(flags: str) -> None:
    assert read("tt:1", row(flags, gzdeflate(TEXT))) == TEXT


@pytest.mark.parametrize("name", ["no-such-encoding", "windows-1252//TRANSLIT", "hex"])
def test_an_encoding_that_is_none_is_refused_before_a_text_needs_it(name: str) -> None:
    with pytest.raises(ValueError, match="legacy_encoding"):
        Decoding(legacy_encoding=name)


def test_a_legacy_encoding_is_converted_where_no_flag_says_utf8() -> None:
    how = Decoding(legacy_encoding="windows-1252")
    latin = "Café".encode("cp1252") + b"\x81"  # a byte that the encoding does not have
    assert read("tt:1", row("", latin), how) == "Café".encode()
    assert read("tt:1", row("gzip", gzdeflate(latin)), how) == "Café".encode()
    assert read("tt:1", row("utf-8", TEXT), how) == TEXT
    assert read("tt:1", row("utf8", TEXT), how) == TEXT


@pytest.mark.parametrize(
    ("flags", "stored"),
    [
        ("external,utf-8", TEXT),
        ("utf-8,gzip,external", gzdeflate(TEXT)),
        ("object,utf-8,external", concatenated([TEXT, OTHER])),
        ("gzip,object,external,utf-8", gzdeflate(diff_blob([OTHER, TEXT], 1))),
    ],
)
def test_an_external_row_names_a_blob_and_its_flags_say_how_it_is_packed(flags: str, stored: bytes) -> None:
    for url in (b"DB://c1/5", b"db://c1/5"):
        assert read("tt:1", row(flags, url) | {BLOB: Stored(stored)}) == TEXT


@pytest.mark.parametrize(("blob", "item"), [(concatenated([OTHER, TEXT]), md5(TEXT)), (diff_blob([OTHER, TEXT]), "1")])
def test_the_item_in_an_external_url_is_one_text_of_a_blob(blob: bytes, item: str) -> None:
    rows = row("external,utf-8", f"DB://c1/5/{item}".encode()) | {BLOB: Stored(blob)}
    assert read("tt:1", rows) == TEXT
    assert read(f"es:DB://c1/5/{item}?flags=utf-8", rows) == TEXT


def test_an_item_that_is_packed_itself_is_unpacked_after_it_is_found() -> None:
    inner = gzdeflate(TEXT)
    assert read(f"es:DB://c1/5/{md5(inner)}?flags=utf-8,gzip", {BLOB: Stored(concatenated([inner]))}) == TEXT
    nested = concatenated([TEXT, OTHER])
    rows = {BLOB: Stored(concatenated([OTHER, nested]))}
    assert read(f"es:DB://c1/5/{md5(nested)}?flags=object,utf-8", rows) == TEXT


@pytest.mark.parametrize("query", ["?flags=utf-8,gzip", "?flags=utf-8%2Cgzip", "?x=1&flags=gzip"])
def test_an_address_of_later_versions_carries_its_own_flags(query: str) -> None:
    assert read(f"es:DB://c1/5{query}", {BLOB: Stored(gzdeflate(TEXT))}) == TEXT


def test_an_address_without_flags_is_in_the_legacy_encoding() -> None:
    how = Decoding(legacy_encoding="latin-1")
    assert read("es:DB://c1/5", {BLOB: Stored(b"\xe9")}, how) == "é".encode()


def test_a_stub_leads_to_an_item_of_another_rows_blob() -> None:
    rows = row("object,utf-8", stub(9, md5(TEXT)))
    for flags, stored in (
        ("object,utf-8", concatenated([OTHER, TEXT])),
        ("object", serialize(concatenated([OTHER, TEXT]))),  # serialised twice
        ("gzip,object", gzdeflate(concatenated([OTHER, TEXT]))),
    ):
        assert read("tt:1", rows | row(flags, stored, 9)) == TEXT


def test_a_stub_leads_through_an_external_row() -> None:
    rows = row("object,utf-8", stub(9, md5(TEXT))) | row("external,object,gzip", b"DB://c1/5", 9)
    assert read("tt:1", rows | {BLOB: Stored(gzdeflate(concatenated([OTHER, TEXT])))}) == TEXT


def test_the_stubs_own_flags_decide_about_the_encoding() -> None:
    how = Decoding(legacy_encoding="latin-1")
    blob = row("object,utf-8", concatenated([b"\xe9"]), 9)
    assert read("tt:1", row("object", stub(9, md5(b"\xe9"))) | blob, how) == "é".encode()
    assert read("tt:1", row("object,utf-8", stub(9, md5(b"\xe9"))) | blob, how) == b"\xe9"


def test_a_text_of_2005_may_be_in_the_table_cur() -> None:
    cur = serialize(PhpObject("HistoryBlobCurStub", {"mCurId": 3}))
    assert read("tt:1", row("object,utf-8", cur) | {CurRow(3): Stored(TEXT)}) == TEXT
    assert read("tt:1", row("object,utf-8", cur)) == Unreadable(Reason.NO_TEXT_ROW, "cur:3")


STUB_ROW = row("object,utf-8", stub(9, md5(TEXT)))


@pytest.mark.parametrize(
    ("address", "rows", "reason"),
    [
        ("", {}, Reason.BAD_ADDRESS),
        ("1", {}, Reason.BAD_ADDRESS),
        ("tt:", {}, Reason.BAD_ADDRESS),
        ("tt:0", {}, Reason.BAD_ADDRESS),
        ("tt:-1", {}, Reason.BAD_ADDRESS),
        ("tt:01", {}, Reason.BAD_ADDRESS),
        ("tt:1x", {}, Reason.BAD_ADDRESS),
        ("tt:١", {}, Reason.BAD_ADDRESS),
        ("tt:1 2", {}, Reason.BAD_ADDRESS),
        ("xx:1", {}, Reason.BAD_ADDRESS),
        ("es:DB://c1", {}, Reason.BAD_ADDRESS),
        ("es:DB://c1/x", {}, Reason.BAD_ADDRESS),
        ("es:DB:///5", {}, Reason.BAD_ADDRESS),
        ("es:c1/5", {}, Reason.BAD_ADDRESS),
        ("es:DB://c1/5?" + "&".join("abcdefghijk"), {}, Reason.BAD_ADDRESS),
        ("es:mwstore://backend/container/file", {}, Reason.UNKNOWN_STORE),
        ("es:DB://c1/5?flags=error", {}, Reason.ERROR_FLAG),
        ("bad:tt%3A1?reason=T1", {}, Reason.MARKED_BAD),
        ("tt:1", {}, Reason.NO_TEXT_ROW),
        ("tt:1", row("error", TEXT), Reason.ERROR_FLAG),
        ("tt:1", row("external,error", b"DB://c1/5"), Reason.ERROR_FLAG),
        ("tt:1", row("gzip", TEXT), Reason.NOT_DEFLATE),
        ("tt:1", row("gzip", b""), Reason.NOT_DEFLATE),
        ("tt:1", row("external", b""), Reason.BAD_ADDRESS),
        ("tt:1", row("external", b"DB://"), Reason.BAD_ADDRESS),
        ("tt:1", row("external", b"\xff\xfe"), Reason.BAD_ADDRESS),
        ("tt:1", row("external", b"http://x/y"), Reason.UNKNOWN_STORE),
        ("tt:1", row("external", b"DB://c1/5"), Reason.NO_BLOB),
        ("tt:1", row("external", b"DB://c1/5/k") | {BLOB: Stored(TEXT)}, Reason.NOT_PHP),
        ("tt:1", row("external", b"DB://c1/5/k") | {BLOB: Stored(concatenated([TEXT]))}, Reason.NO_ITEM),
        ("tt:1", row("external", b"DB://c1/5/") | {BLOB: Stored(concatenated([TEXT]))}, Reason.NO_ITEM),
        ("tt:1", row("object", TEXT), Reason.NOT_PHP),
        ("tt:1", row("object", serialize("text")), Reason.NOT_PHP),
        ("tt:1", STUB_ROW, Reason.NO_TEXT_ROW),
        ("tt:1", STUB_ROW | row("utf-8", TEXT, 9), Reason.NOT_HISTORY_BLOB),
        ("tt:1", STUB_ROW | row("object", stub(1, "x"), 9), Reason.STUB_OF_STUB),
        ("tt:1", row("object", stub(1, "x")), Reason.STUB_OF_STUB),
        ("tt:1", STUB_ROW | row("object", concatenated([OTHER]), 9), Reason.NO_ITEM),
        ("tt:1", STUB_ROW | row("object,external", b"DB://c1/5", 9), Reason.NO_BLOB),
        ("tt:1", {TextRow(1): Stored(None, "utf-8")}, Reason.TOO_LARGE),
        ("tt:1", row("utf-8", bytes(2000)), Reason.TOO_LARGE),
        ("tt:1", row("gzip", gzdeflate(bytes(2000))), Reason.TOO_LARGE),
    ],
)
def test_a_text_that_cannot_be_had_has_a_named_reason(address: str, rows: Rows, reason: Reason) -> None:
    found = read(address, rows, Decoding(bytes_max=1000))
    assert isinstance(found, Unreadable)
    assert found.reason is reason
    assert len(found.detail) <= 200


def test_neighbours_in_an_opened_blob_need_no_fetch() -> None:
    how = Decoding()
    rows = row("object,utf-8", concatenated([TEXT, OTHER]), 9)
    assert read("tt:1", rows | row("object,utf-8", stub(9, md5(TEXT))), how) == TEXT
    assert read("tt:2", row("object,utf-8", stub(9, md5(OTHER)), 2), how) == OTHER
    gone = read("tt:3", row("object,utf-8", stub(9, "no such"), 3), how)
    assert gone == Unreadable(Reason.NO_ITEM, "item 'no such'")


ADDRESSES = st.text(max_size=30) | st.sampled_from(["tt:1", "es:DB://c1/5/k?flags=gzip", "es:DB://c1/5?flags=object"])
FLAGS = st.lists(st.sampled_from(["utf-8", "gzip", "object", "external", "error", ""]), max_size=4).map(",".join)
BYTES = st.binary(max_size=60) | st.sampled_from(
    [b"DB://c1/5", b"DB://c1/5/k", stub(1, "k"), stub(9, "k"), concatenated([b"k"]), diff_blob([b"k"]), gzdeflate(b"k")]
)
STORED = st.builds(Stored, BYTES | st.none(), FLAGS)


@given(ADDRESSES, STORED, STORED, STORED)
def test_any_address_and_rows_give_bytes_or_a_reason_after_few_fetches(
    address: str, first: Stored, second: Stored, blob: Stored
) -> None:
    rows = {TextRow(1): first, TextRow(9): second, BLOB: blob}
    assert isinstance(read(address, rows, Decoding(legacy_encoding="cp1252", bytes_max=500)), bytes | Unreadable)


def test_flags_are_words_between_commas() -> None:
    assert split_flags("") == ()
    assert list(split_flags("utf-8,gzip")) == ["utf-8", "gzip"]
