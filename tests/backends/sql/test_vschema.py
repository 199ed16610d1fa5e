"""On which shard a row lies, worked out without Vitess; and that everything a write needs lies on one."""

import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.ledger.authority import lane
from backends.sql.statements import book
from backends.sql.vitess import ALLOW_SCATTER, vitess_book
from backends.sql.vschema import FILES, columns, keyspace_id, role_of, shard_of, shard_param, vschema, wanted
from wikibase.ids import EntityId

BY_ENTITY = {"revisions", "heads", "outbox", "write_keys", "purges", "journaled"}


def split(shards: int) -> list[str]:
    """Key ranges of equal size, as Vitess writes them."""
    edges = ["", *(f"{256 * number // shards:02x}" for number in range(1, shards)), ""]
    return [f"{begin}-{end}" for begin, end in itertools.pairwise(edges)]


def test_every_table_of_the_index_has_its_keyspace() -> None:
    named = {name for role in ("revisions", "control") for name in vschema(role).tables}
    assert named == {*columns("index"), "schema_steps"}


def test_tables_of_the_ledger_are_not_sharded() -> None:
    assert not set(columns("ledger")) & set(vschema("revisions").tables)
    assert set(columns("ledger")) <= set(wanted("control", "ledger").tables)


def test_the_files_are_what_vitess_reads() -> None:
    for role in ("revisions", "control"):
        raw = orjson.loads((FILES / f"{role}.json").read_bytes())
        assert raw["sharded"] == (role == "revisions")
        for table in raw["tables"].values():
            for column in table.get("column_vindexes", []):
                assert column["name"] in raw["vindexes"]


def test_a_key_is_the_first_column_of_its_primary_key() -> None:
    for table, key in vschema("revisions").tables.items():
        assert key is not None
        assert columns("index")[table][0] == key.column


def test_what_one_write_changes_is_keyed_by_the_entity() -> None:
    tables = vschema("revisions").tables
    assert {table for table, key in tables.items() if key and key.column == "entity_id"} == BY_ENTITY


@given(st.from_regex(r"[QPL][1-9][0-9]{0,9}", fullmatch=True), st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128, 256]))
def test_the_lane_of_an_entity_lies_on_its_shard(entity_id: str, shards: int) -> None:
    ranges = split(shards)
    of_entity = shard_of(keyspace_id("binary_md5", entity_id), ranges)
    assert shard_of(keyspace_id("binary", lane(EntityId(entity_id))), ranges) == of_entity


def test_each_statement_on_a_sharded_table_names_its_key_or_says_that_it_walks() -> None:
    without = set()
    mysql = book("mysql")
    for name in mysql.names():
        text = mysql[name].text
        if role_of(text) == "revisions" and shard_param(mysql[name]) is None and ALLOW_SCATTER not in text:
            without.add(name)
    # Lists of keys: each is asked of its own shard.
    assert without == {"heads_of_ids", "head_revisions_of_ids", "journaled_of_ids", "revision_entities_of_ids"}


@pytest.mark.parametrize(
    ("place", "shards", "shard"),
    [
        (b"\x7f\xff", ["-80", "80-"], "-80"),
        (b"\x80", ["-80", "80-"], "80-"),
        (b"\x00", ["-"], "-"),
        (b"\x55", ["0"], "0"),
        (b"\x40\x00", ["-40", "40-8080", "8080-"], "40-8080"),
        (b"\x80\x80", ["-40", "40-8080", "8080-"], "8080-"),
    ],
)
def test_a_place_belongs_to_one_range(place: bytes, shards: list[str], shard: str) -> None:
    assert shard_of(place, shards) == shard


def test_a_place_that_no_shard_has_is_named() -> None:
    with pytest.raises(ValueError, match="80- holds 01"):
        shard_of(b"\x01", ["80-"])


def test_the_parameter_of_the_key_is_found_in_each_form() -> None:
    mysql = book("mysql")
    found = {
        name: known[1] if (known := shard_param(mysql[name])) else None
        for name in ("head_insert", "head_update", "redirect_put", "authority_raise", "page_put", "ids_take", "heads")
    }
    assert found == {
        "head_insert": "entity_id",
        "head_update": "entity_id",
        "redirect_put": "redirect_target",
        "authority_raise": "lane",
        "page_put": "page_id",
        "ids_take": None,
        "heads": None,
    }


def test_vitess_is_asked_for_an_answer_of_its_own_and_told_what_may_scatter() -> None:
    statements = vitess_book()
    assert statements["head"].text.startswith("SELECT /*vt+ CONSOLIDATOR=disabled */ entity_id")
    assert statements["heads"].text.startswith("SELECT /*vt+ ALLOW_SCATTER CONSOLIDATOR=disabled */ entity_id")
    assert statements["heads"].text.endswith("ORDER BY heads.entity_id LIMIT :size")
    assert statements["history_back"].text.endswith(
        "ORDER BY revisions.position DESC, revisions.rev_id DESC LIMIT :size"
    )
    for name in statements.names():
        assert statements[name].params == book("mysql")[name].params
        assert statements[name].text.startswith("SELECT /*vt+ ") or not statements[name].text.startswith("SELECT")
