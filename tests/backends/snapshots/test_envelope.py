from dataclasses import replace

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import CorruptError
from backends.snapshots.envelope import NO_CONTENT_DIGEST, SnapshotKey, decode, encode, parse_key
from wikibase.canonical import canonical_bytes, digest
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

CONTENT = {"type": "item", "id": "Q42", "labels": {"en": {"language": "en", "value": "Zoë 😀"}}, "claims": {}}
REVISION = Revision(
    entity_id=EntityId("Q42"),
    rev_id=948,
    parent_id=942,
    position=3,
    timestamp="2019-08-14T00:07:11Z",
    state=State.VISIBLE,
    content=CONTENT,
    page_id=76,
    user="田中花子",
    comment="/* x */",
    tags=("bulk-import", "проверка"),
    minor=True,
    bot=None,
    wiki_sha1="c" * 40,
    content_model="wikibase-item",
    hidden=frozenset({"comment"}),
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "revision",
    [
        REVISION,
        replace(REVISION, content=None, state=State.TEXT_HIDDEN, user=None, hidden=frozenset({"text", "user"})),
        replace(REVISION, content=None, state=State.MISSING, error="textmissing"),
        replace(
            REVISION,
            content={"entity": "Q42", "redirect": "Q1"},
            state=State.REDIRECT,
            redirect_target=EntityId("Q1"),
        ),
        replace(REVISION, rev_id=2**40 + 1, entity_id=EntityId("L7"), bot=True),
    ],
)
def test_a_revision_comes_back_whole(revision: Revision) -> None:
    packed = encode(revision)
    assert decode(packed.body, packed.key) == revision


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_any_content_comes_back(content: dict[str, object]) -> None:
    packed = encode(replace(REVISION, content=content))
    assert decode(packed.body, packed.key).content == content


def test_equal_revisions_give_equal_bytes_whatever_the_order_of_keys() -> None:
    turned = dict(reversed(CONTENT.items()))
    assert encode(replace(REVISION, content=turned)) == encode(REVISION)


def test_the_key_says_entity_revision_and_digest() -> None:
    packed = encode(REVISION)
    sha256 = digest(canonical_bytes(CONTENT))
    assert packed.key == f"Q42/0000000000000948-{sha256}.zst"
    assert parse_key(packed.key) == SnapshotKey(EntityId("Q42"), 948, sha256)


def test_keys_sort_as_revision_ids_do() -> None:
    keys = [str(SnapshotKey(EntityId("Q1"), rev_id, "0" * 64)) for rev_id in (7, 99, 2**40, 2**53)]
    assert keys == sorted(keys)


@pytest.mark.parametrize("key", ["", "Q42", "Q42/948-ab.zst", "q42/" + "0" * 16 + "-" + "0" * 64 + ".zst", "Q0/x.zst"])
def test_what_is_no_key_is_none(key: str) -> None:
    assert parse_key(key) is None


def test_without_content_the_digest_is_that_of_null() -> None:
    assert encode(replace(REVISION, content=None)).digest == NO_CONTENT_DIGEST == digest(b"null")


def test_entities_without_a_page_of_their_own_have_no_snapshot() -> None:
    with pytest.raises(ValueError, match="L1-F1"):
        encode(replace(REVISION, entity_id=EntityId("L1-F1")))


def test_every_flipped_bit_is_noticed() -> None:
    packed = encode(REVISION)
    for place in range(len(packed.body)):
        damaged = bytearray(packed.body)
        damaged[place] ^= 1 << (place % 8)
        assert _read_or_refused(bytes(damaged), packed.key)


def _read_or_refused(body: bytes, key: str) -> bool:
    try:
        return decode(body, key) == REVISION  # a bit of the frame that means nothing
    except CorruptError as error:
        return "Q42 revision 948" in str(error)


def test_every_truncation_is_noticed() -> None:
    packed = encode(REVISION)
    for length in range(len(packed.body)):
        with pytest.raises(CorruptError):
            decode(packed.body[:length], packed.key)


def test_other_content_under_the_key_is_named_with_both_digests() -> None:
    packed = encode(REVISION)
    forged = encode(replace(REVISION, content={**CONTENT, "id": "Q43"}))
    with pytest.raises(CorruptError) as caught:
        decode(forged.body, packed.key)
    assert packed.digest in str(caught.value)
    assert forged.digest in str(caught.value)


def test_the_same_content_of_another_revision_is_noticed() -> None:
    packed = encode(REVISION)
    other = encode(replace(REVISION, rev_id=949))
    with pytest.raises(CorruptError, match="949"):
        decode(other.body, packed.key)


def test_a_frame_that_promises_too_much_is_refused_unopened() -> None:
    packed = encode(REVISION)
    bomb = zstandard.ZstdCompressor().compress(bytes(257 * 1024 * 1024))
    with pytest.raises(CorruptError, match="promises"):
        decode(bomb, packed.key)
