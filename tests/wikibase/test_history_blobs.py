"""History blobs of every class give their texts, or say why not, in bounded memory."""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from random import Random
from struct import pack

import pytest
from fakes.php import concatenated, diff, diff_blob, gzdeflate, md5, serialize, stub, xdiff_checksum
from hypothesis import given
from hypothesis import strategies as st

from wikibase.history_blobs import (
    CurStub,
    HistoryBlob,
    OpenedBlobs,
    Stub,
    base_checksum,
    inflate,
    open_history_blob,
    patch,
)
from wikibase.php_values import PhpObject
from wikibase.unreadable import Reason, UnreadableTextError

MB = 1024 * 1024
TEXTS = st.lists(st.binary(max_size=600), min_size=1, max_size=6, unique=True)


def opened(text: bytes, *, bytes_max: int = MB) -> HistoryBlob:
    blob = open_history_blob(text, bytes_max=bytes_max)
    assert not isinstance(blob, Stub | CurStub)
    return blob


def refusal(text: bytes, key: str | None = None, *, bytes_max: int = MB) -> Reason:
    with pytest.raises(UnreadableTextError) as raised:
        opened(text, bytes_max=bytes_max).item(key)
    return raised.value.unreadable.reason


def packed_diffs(info: bytes, *, name: str = "DiffHistoryBlob") -> bytes:
    return serialize(PhpObject(name, {"mCompressed": info}))


def reason_or_text(read: Callable[[], bytes]) -> Reason | bytes:
    try:
        return read()
    except UnreadableTextError as error:
        return error.unreadable.reason


@given(TEXTS)
def test_a_concatenated_blob_gives_each_text_by_its_md5(texts: list[bytes]) -> None:
    blob = opened(concatenated(texts, len(texts) - 1))
    assert [blob.item(md5(text)) for text in texts] == texts
    assert blob.item(None) == texts[-1]


def test_a_concatenated_blob_may_be_uncompressed_and_named_in_any_case() -> None:
    fields = {"mVersion": 0, "mCompressed": False, "mItems": {"0a": "text", "12": "more"}, "mDefaultHash": "0a"}
    blob = opened(serialize(PhpObject("CONCATENATEDgziphistoryblob", fields)))
    assert (blob.item(None), blob.item("12")) == (b"text", b"more")


@given(TEXTS, st.randoms(use_true_random=False))
def test_a_diff_blob_gives_each_text_by_its_number_in_any_order(texts: list[bytes], random: Random) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)
    written = diff_blob(texts, len(texts) // 2, order=order)
    for numbers in (range(len(texts)), range(len(texts) - 1, -1, -1)):
        blob = opened(written)
        assert [blob.item(str(number)) for number in numbers] == [texts[number] for number in numbers]
    assert opened(written).item(None) == texts[len(texts) // 2]


def test_a_diff_blob_of_the_first_format_begins_with_its_first_text() -> None:
    info = {"base": b"one", "diffs": [diff(b"one", b"one two")], "default": 1}
    blob = opened(packed_diffs(gzdeflate(serialize(info)), name="diffhistoryblob"))
    assert (blob.item("0"), blob.item("1"), blob.item(None)) == (b"one", b"one two", b"one two")


def test_an_empty_diff_blob_has_no_text() -> None:
    empty = packed_diffs(gzdeflate(serialize(False)))
    assert refusal(empty) is Reason.NO_ITEM


def test_a_diff_blob_damaged_late_still_gives_the_texts_before() -> None:
    info = {"diffs": [diff(b"", b"one"), diff(b"another base", b"two")], "map": "0,1", "default": 0}
    blob = opened(packed_diffs(gzdeflate(serialize(info))))
    assert blob.item(None) == b"one"
    with pytest.raises(UnreadableTextError, match="bad-diff: made for another base"):
        blob.item("1")


def test_stubs_say_where_the_text_is() -> None:
    assert open_history_blob(stub("15", "ab"), bytes_max=MB) == Stub(15, "ab")
    assert open_history_blob(stub(15, "ab", name="historyblobstub"), bytes_max=MB) == Stub(15, "ab")
    cur = serialize(PhpObject("HistoryBlobCurStub", {"mCurId": 9}))
    assert open_history_blob(cur, bytes_max=MB) == CurStub(9)


def test_a_blob_serialised_twice_is_read() -> None:
    assert opened(serialize(concatenated([b"text"]))).item(None) == b"text"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (b"", Reason.NOT_PHP),
        (b"plain text", Reason.NOT_PHP),
        (serialize(["list"]), Reason.NOT_HISTORY_BLOB),
        (serialize(serialize(serialize(1))), Reason.NOT_HISTORY_BLOB),
        (serialize(PhpObject("SomethingElse", {})), Reason.NOT_HISTORY_BLOB),
        (serialize(PhpObject("ConcatenatedGzipHistoryBlob", {})), Reason.NOT_HISTORY_BLOB),
        (serialize(PhpObject("HistoryBlobStub", {"*mOldId": "x", "*mHash": ""})), Reason.NOT_HISTORY_BLOB),
        (serialize(PhpObject("HistoryBlobStub", {"*mOldId": "1"})), Reason.NOT_HISTORY_BLOB),
        (packed_diffs(b"not deflate"), Reason.NOT_DEFLATE),
        (packed_diffs(gzdeflate(b"x")), Reason.NOT_PHP),
        (packed_diffs(gzdeflate(serialize({"a": 1}))), Reason.NOT_HISTORY_BLOB),
        (packed_diffs(gzdeflate(serialize({"diffs": ["x"], "map": "a"}))), Reason.NOT_HISTORY_BLOB),
        (packed_diffs(gzdeflate(serialize({"diffs": [1], "map": "0"}))), Reason.NOT_HISTORY_BLOB),
        (packed_diffs(gzdeflate(serialize({"diffs": {1: "x"}, "map": "0"}))), Reason.NOT_HISTORY_BLOB),
    ],
)
def test_what_is_no_history_blob_says_so(written: bytes, reason: Reason) -> None:
    assert refusal(written) is reason


@pytest.mark.parametrize("key", ["", "0", "none of them", "-1", "99999999999999999999", "é"])
def test_an_item_that_is_not_there_is_named(key: str) -> None:
    assert refusal(concatenated([b"text"]), key) is Reason.NO_ITEM
    if key != "0":
        assert refusal(diff_blob([b"text"]), key) is Reason.NO_ITEM


@given(st.binary(max_size=3000))
def test_the_checksum_is_that_of_mediawikis_php(text: bytes) -> None:
    assert base_checksum(text).to_bytes(4, "little") == xdiff_checksum(text)


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_a_diff_makes_the_text_from_its_base(base: bytes, text: bytes) -> None:
    assert patch(base, diff(base, text), bytes_max=MB) == text


@given(st.binary(min_size=1, max_size=50), st.binary(max_size=50), st.integers(0, 255))
def test_a_diff_for_another_base_is_refused(base: bytes, text: bytes, byte: int) -> None:
    other = base[:-1] + bytes((base[-1] ^ (byte or 1),))
    with pytest.raises(UnreadableTextError, match="another base"):
        patch(other, diff(base, text), bytes_max=MB)


HEADER = xdiff_checksum(b"base") + pack("<I", 4)


@pytest.mark.parametrize(
    "operations",
    [
        b"\0",
        b"\4aaaaaaaa",
        b"\1",
        b"\1\5abc",
        b"\2" + pack("<I", 0),
        b"\2" + pack("<II", 3, 2),
        b"\2" + pack("<II", 0xFFFFFFFF, 1),
        b"\3" + pack("<I", 0xFFFFFFFF) + b"abc",
        b"\3abc",
    ],
)
def test_an_operation_that_reaches_beyond_its_bytes_is_refused(operations: bytes) -> None:
    with pytest.raises(UnreadableTextError, match="bad-diff"):
        patch(b"base", HEADER + operations, bytes_max=MB)


@given(st.binary(max_size=120))
def test_any_operations_give_a_text_or_a_reason(operations: bytes) -> None:
    found = reason_or_text(lambda: patch(b"base", HEADER + operations, bytes_max=200))
    assert found in (Reason.BAD_DIFF, Reason.TOO_LARGE) or len(found) <= 200


@given(st.binary(max_size=200))
def test_any_bytes_inflate_to_a_text_or_a_reason(deflated: bytes) -> None:
    found = reason_or_text(lambda: inflate(deflated, bytes_max=1000))
    assert found in (Reason.NOT_DEFLATE, Reason.TOO_LARGE) or len(found) <= 1000


def test_bytes_after_deflate_data_are_passed_over_and_a_cut_is_not() -> None:
    deflated = gzdeflate(b"text" * 100)
    assert inflate(deflated + b"more", bytes_max=1000) == b"text" * 100
    for cut in range(len(deflated)):
        with pytest.raises(UnreadableTextError, match="not-deflate"):
            inflate(deflated[:cut], bytes_max=1000)


def peak_bytes(written: bytes, key: str | None, reason: Reason) -> int:
    tracemalloc.start()
    try:
        assert refusal(written, key) is reason
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_bombs_of_each_kind_stay_within_their_bound() -> None:
    zeros = gzdeflate(bytes(100 * MB))  # 100 KB
    fields = {"mVersion": 0, "mCompressed": True, "mItems": zeros, "mDefaultHash": "a"}
    assert peak_bytes(serialize(PhpObject("ConcatenatedGzipHistoryBlob", fields)), None, Reason.TOO_LARGE) < 4 * MB
    assert peak_bytes(packed_diffs(zeros), None, Reason.TOO_LARGE) < 4 * MB
    # Each diff copies its base twice: 1 KB doubles thirty times.
    texts, diffs = bytes(1000), [diff(b"", bytes(1000))]
    for _ in range(10):
        diffs.append(xdiff_checksum(texts) + pack("<I", len(texts)) + pack("<BII", 2, 0, len(texts)) * 2)
        texts *= 2
    info = {"diffs": diffs, "map": ",".join(["0", *["1"] * 10]), "default": 10}
    doubling = packed_diffs(gzdeflate(serialize(info)))
    assert peak_bytes(doubling, None, Reason.TOO_LARGE) < 4 * MB


def test_opened_blobs_are_few_and_the_last_ones() -> None:
    kept = OpenedBlobs(2)
    blobs = [opened(concatenated([b"%d" % number])) for number in range(3)]
    kept.keep("a", blobs[0])
    kept.keep("b", blobs[1])
    assert kept.get("a") is blobs[0]
    kept.keep("c", blobs[2])
    assert kept.get("b") is None
    assert (kept.get("a"), kept.get("c")) == (blobs[0], blobs[2])


@given(st.data())
def test_a_blob_with_one_changed_byte_gives_a_text_or_a_reason(data: st.DataObject) -> None:
    written = bytearray(
        data.draw(st.sampled_from([concatenated([b"a", b"b"]), diff_blob([b"a", b"ab"]), stub(1, "a")]))
    )
    written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UnreadableTextError):
        blob = open_history_blob(bytes(written), bytes_max=1000)
        if not isinstance(blob, Stub | CurStub):
            assert len(blob.item(None)) <= 1000
