import pytest

from cutover.demo.statements import (
    BadDataError,
    changed_parts,
    clean_term,
    stored_snak,
    with_aliases,
    with_data,
    with_statement,
    with_term,
)

BARE = {"type": "item", "id": "Q1", "labels": {}, "descriptions": {}, "aliases": {}, "claims": {}, "sitelinks": {}}


def guid():
    return "Q1$NEW"


def string_snak(prop, text):
    return {"snaktype": "value", "property": prop, "datavalue": {"type": "string", "value": text}}


@pytest.mark.parametrize(
    ("snak", "digest"),
    [
        (string_snak("P31", "something"), "884531f6c60d8fbf3030857f2abd2086337af23c"),
        (string_snak("P2", "qualified"), "7979ff19997f8cc25524b0636f577e38753559ff"),
        ({"snaktype": "novalue", "property": "P2"}, "64baea7b9db49c64f5daf05ddf5162faa28d5e86"),
    ],
)
def test_hashes_of_strings_and_of_snaks_without_value_are_wikibases(snak, digest):
    assert stored_snak(snak)["hash"] == digest


def test_a_reference_has_the_hash_of_its_snaks():
    given = {"mainsnak": string_snak("P1", "x"), "references": [{"snaks": {"P3": [string_snak("P3", "referenced")]}}]}
    statement = with_statement(BARE, given, guid)["claims"]["P1"][0]
    assert statement["references"][0]["hash"] == "04bcde9d3f150481174687cb901bc2c1ce4da73b"
    assert list(statement) == ["mainsnak", "type", "id", "rank", "references"]


def test_terms_are_trimmed_and_composed():
    assert clean_term("\u2003Cafe\u0301  ") == "Café"


def test_an_empty_term_removes_and_a_new_one_goes_to_the_end():
    entity = with_term(with_term(BARE, "labels", "de", "d"), "labels", "en", "e")
    again = with_term(with_term(entity, "labels", "de", ""), "labels", "de", "d2")
    assert list(again["labels"]) == ["en", "de"]
    assert BARE["labels"] == {}


def test_aliases_are_set_added_and_removed():
    entity = with_aliases(BARE, "en", add=(), remove=(), replace=["a", "b", "a"])
    entity = with_aliases(entity, "en", add=["c", "b"], remove=["a"], replace=None)
    assert [one["value"] for one in entity["aliases"]["en"]] == ["b", "c"]
    assert with_aliases(entity, "en", add=(), remove=(), replace=[])["aliases"] == {}


def test_data_changes_every_part():
    data = {
        "labels": {"en": {"language": "en", "value": " x "}, "de": {"language": "de", "remove": ""}},
        "descriptions": [{"language": "en", "value": "d"}],
        "aliases": {"en": [{"language": "en", "value": "a"}]},
        "sitelinks": {"enwiki": {"site": "enwiki", "title": "A_b", "badges": ["Q1"]}},
        "claims": [{"mainsnak": string_snak("P1", "v"), "type": "statement", "rank": "preferred"}],
        "unknown": 1,
    }
    entity = with_data(with_term(BARE, "labels", "de", "weg"), data, guid)
    assert entity["labels"] == {"en": {"language": "en", "value": "x"}}
    assert entity["sitelinks"] == {"enwiki": {"site": "enwiki", "title": "A b", "badges": ["Q1"]}}
    assert entity["claims"]["P1"][0]["id"] == "Q1$NEW"
    assert entity["claims"]["P1"][0]["rank"] == "preferred"
    added = with_data(entity, {"aliases": {"en": [{"language": "en", "value": "b", "add": ""}]}}, guid)
    assert [one["value"] for one in added["aliases"]["en"]] == ["a", "b"]
    gone = with_data(
        entity,
        {"claims": [{"id": "Q1$NEW", "remove": ""}], "sitelinks": {"enwiki": {"site": "enwiki", "remove": ""}}},
        guid,
    )
    assert (gone["claims"], gone["sitelinks"]) == ({}, {})


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"labels": {"en": {"language": "de", "value": "x"}}}, "inconsistent-language"),
        ({"sitelinks": {"enwiki": {"site": "dewiki", "title": "x"}}}, "inconsistent-site"),
        ({"labels": "x"}, "not-recognized-array"),
        ({"claims": [{"rank": "normal"}]}, "invalid-claim"),
    ],
)
def test_data_of_the_wrong_shape_is_refused_with_its_code(data, code):
    with pytest.raises(BadDataError) as caught:
        with_data(BARE, data, guid)
    assert caught.value.code == code


def test_a_statement_with_a_known_id_is_replaced_in_place():
    first = with_statement(BARE, {"mainsnak": string_snak("P1", "a"), "id": "Q1$A"}, guid)
    both = with_statement(first, {"mainsnak": string_snak("P1", "b"), "id": "Q1$B"}, guid)
    after = with_statement(both, {"mainsnak": string_snak("P1", "c"), "id": "Q1$A"}, guid)
    assert [one["mainsnak"]["datavalue"]["value"] for one in after["claims"]["P1"]] == ["c", "b"]


def test_parts_that_differ_are_named():
    other = with_term(
        with_statement(BARE, {"mainsnak": string_snak("P1", "a"), "id": "Q1$A"}, guid), "labels", "en", "x"
    )
    assert changed_parts(BARE, other) == {("labels", "en"), ("claims", "Q1$A")}
