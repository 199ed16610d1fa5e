import json
from hashlib import sha1

import pytest
import zstandard
from shared_truth import SHARED, needs_shared

from cutover.demo.php import serialized_length, stored_json
from cutover.demo.records import COMMENT_BIT, TEXT_BIT, USER_BIT, packed_lines, read_packed
from cutover.demo.world import DATA

PACKED_BYTES_MAX = 1_500_000


@pytest.fixture(scope="module")
def packed():
    return read_packed(DATA / "wiki.jsonl.zst")


def test_stored_texts_have_the_recorded_sha1_but_those_of_the_legacy_years(packed):
    entities = [one for one in packed.revisions if one.text is not None and one.model != "wikitext"]
    wrong = [one for one in entities if sha1(one.text.encode(), usedforsecurity=False).hexdigest() != one.slot_sha1]
    legacy = [one for one in wrong if one.timestamp < "2015"]
    figures = f"{len(entities) - len(wrong)} of {len(entities)} texts have their sha1, {len(legacy)} others are legacy"
    print(figures)  # noqa: T201  the figure is asked for
    # The one later is a redirect written as [type, number] (README of the dataset).
    assert [one.rev_id for one in wrong if one not in legacy] == [160]
    assert (len(entities) - len(wrong), len(wrong)) == (1183, 102)


def test_sizes_are_those_of_php_serialize(packed):
    modern = [one for one in packed.revisions if one.text and one.model != "wikitext" and len(one.text) < 100_000]
    wrong = [
        one.rev_id
        for one in modern
        if sha1(one.text.encode(), usedforsecurity=False).hexdigest() == one.slot_sha1
        and serialized_length(json.loads(one.text)) != (one.slot_size or one.size)
    ]
    assert wrong == []


def test_texts_survive_reading_and_writing(packed):
    changed = [
        one.rev_id
        for one in packed.revisions
        if one.text and one.text[0] == "{" and len(one.text) < 50_000 and stored_json(json.loads(one.text)) != one.text
    ]
    assert changed == []


def test_nothing_that_is_hidden_lies_in_the_file(packed):
    hidden = [one for one in packed.revisions if one.deleted_bits]
    assert len(hidden) == 69
    for one in hidden:
        assert not (one.deleted_bits & TEXT_BIT and (one.text or one.sha1))
        assert not (one.deleted_bits & COMMENT_BIT and one.comment)
        assert not (one.deleted_bits & USER_BIT and (one.user or one.user_id))


@needs_shared
def test_no_archived_revision_and_no_hidden_text_is_packed(packed):
    import gzip  # noqa: PLC0415  only where the recordings are

    known = {one.rev_id for one in packed.revisions}
    raw = b"\n".join(json.dumps(line).encode() for line in packed_lines(DATA / "wiki.jsonl.zst"))
    lines = gzip.decompress((SHARED / "datasets/wiki-a/truth/revisions.jsonl.gz").read_bytes()).splitlines()
    truth = [json.loads(line) for line in lines]
    assert {one["rev_id"] for one in truth if one["state"] == "archived"} & known == set()
    assert {one["rev_id"] for one in truth if one["state"] != "archived"} <= known
    for one in truth:
        if one["state"] == "text_hidden":
            assert json.dumps(stored_json(one["privileged"]["content"])).encode() not in raw


def test_the_files_stay_small():
    assert (DATA / "wiki.jsonl.zst").stat().st_size < PACKED_BYTES_MAX
    assert (DATA / "reads.jsonl.zst").stat().st_size < PACKED_BYTES_MAX


def test_a_file_that_is_no_packed_wiki_is_refused(tmp_path):
    path = tmp_path / "other.zst"
    path.write_bytes(zstandard.compress(b'{"page":{}}\n'))
    with pytest.raises(ValueError, match="first line"):
        read_packed(path)
