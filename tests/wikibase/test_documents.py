"""Documents of any shape: recognised by themselves, or refused by name; never anything else, whatever the bytes."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikibase.documents import Read, Shape, read_document, read_lines, recognise
from wikibase.errors import NotAnEntityError

ITEM = '{"type":"item","id":"Q%d"}'


def ids(found: Any) -> list[str]:
    return [one.reading.entity_id for one in found]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (ITEM % 1, ["Q1"]),
        ("\ufeff" + ITEM % 1, ["Q1"]),
        (json.dumps(json.loads(ITEM % 1), indent=2), ["Q1"]),
        ("\n\n" + ITEM % 1 + "\n" + ITEM % 2 + "\n\n", ["Q1", "Q2"]),
        ("[\n" + ITEM % 1 + ",\n" + ITEM % 2 + "\n]\n", ["Q1", "Q2"]),
        ("[\r\n" + ITEM % 1 + "\r\n]\r\n", ["Q1"]),
        ("[\n]\n", []),
        ("[" + ITEM % 1 + "," + ITEM % 2 + "]", ["Q1", "Q2"]),
        (json.dumps([json.loads(ITEM % 1)], indent=1), ["Q1"]),
        ('{"entities":[],"success":1}', []),
    ],
)
def test_documents_and_lines_are_told_apart(document: str, expected: list[str]) -> None:
    assert ids(read_document(document)) == expected
    assert ids(read_document(document.encode())) == expected


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "no JSON"),
        (b"   \n ", "no JSON"),
        (b'{"a":', "line 1 column 6 .char 5."),
        (b"[1,2]", "element 0: no JSON object: 1"),
        (b"5", "no JSON object: 5"),
        (b"{}", "of no known shape: an empty object"),
        (b'{"error":{"code":"x"}}', "of no known shape"),
        (b'{"type":"item","id":"Q1"}\n{"type":"item",}\n', "line 2: no JSON: .*: column 15"),
        (b'{"type":"item","id":"Q1"}\n{"x":1}\n', "line 2: of no known shape"),
        (b'[{"type":"item","id":"Q1"},{}]', "element 1: of no known shape"),
        (b'{"claims":{}}', "none of which has an id"),
        (b'{"claims":{"P1":[{"mainsnak":{"snaktype":"novalue","property":"P1"}}]}}', "none of which has an id"),
        (b'{"success":1,"redirect":"Q2"}', "without an entity or a statement"),
        (b'{"query":{"general":{}}}', "no revision"),
        (b'{"entities":5}', "of no known shape"),
        (b'{"entities":{"Q1":5}}', "entitydata: TypeError"),
        (b'{"id":"Q1","type":"item","claims":{"P1":[{}]}}', "a part is missing: 'mainsnak'"),
        (b'{"id":"X1","labels":{"en":"x"}}', "names no entity"),
        (b"<html></html>", "of <html>"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><mediawiki/>', "a DOCTYPE"),
        (b"<mediawiki>", "no XML: no element found: line 1"),
        (b"<", "no XML"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(document: bytes, words: str) -> None:
    with pytest.raises(NotAnEntityError, match=words):
        list(read_document(document))


def test_insisting_on_another_shape_is_refused() -> None:
    with pytest.raises(NotAnEntityError, match="of the shape entity, not legacy"):
        list(read_document(ITEM % 1, Shape.LEGACY))
    with pytest.raises(NotAnEntityError, match="of the shape xml, not legacy"):
        list(read_document("<mediawiki/>", Shape.LEGACY))


def test_lines_that_cannot_be_read_are_told_and_the_others_are_read() -> None:
    refused: list[str] = []
    lines = [f"{ITEM % 1}\n".encode(), b"{nonsense}\n", b"\n", f"{ITEM % 2}\n".encode(), b"{}\n"]
    found = list(read_lines(lines, refused=lambda error: refused.append(str(error)[:7])))
    assert ids(found) == ["Q1", "Q2"]
    assert refused == ["line 2:", "line 5:"]


def test_lines_are_read_as_they_come() -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield f"{ITEM % taken}\n".encode()

    found = read_lines(endless())
    assert [next(found).reading.entity_id for _ in range(5)] == ["Q1", "Q2", "Q3", "Q4", "Q5"]
    assert taken <= 6


def test_a_reading_knows_its_shape() -> None:
    (read,) = read_document(ITEM % 1)
    assert isinstance(read, Read)
    assert read.shape is Shape.ENTITY
    assert recognise({"entity": "Q1", "redirect": "Q2"}) is Shape.REDIRECT


KEYS = (
    "entities success query pages revisions slots main * content contentmodel texthidden entity redirect id type claims"
    " statements labels aliases mainsnak snaktype property datavalue rank value claim pageinfo P1 Q1 en title pageid"
    " missing label m q g refs serializationVersion forms senses sitelinks lastrevid data_type"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["Q1", "item", "P1", "L1-F1", "x", "Q1$a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5),
    max_leaves=25,
)


@given(JSON)
def test_any_json_gives_readings_or_the_named_error(value: Any) -> None:
    try:
        for read in read_document(json.dumps(value)):
            assert isinstance(read.reading.entity_id, str)
    except NotAnEntityError as error:
        refused = str(error)
        assert len(refused) < 400


PIECES = (
    "<mediawiki> </mediawiki> <page> </page> <title> </title> <id> </id> 12 <revision> </revision> <text> </text>"
    " <content> </content> <model> </model> wikibase-item <text/> &quot; {} ] x <role> </role> <!-- --> <![CDATA[ ]]>"
)
XML = st.lists(
    st.sampled_from([*PIECES.split(), '{"type":"item","id":"Q1"}', "<text deleted='deleted'/>", "\x00", "\ud800"]),
    max_size=25,
)


@given(st.binary(max_size=80) | XML.map(lambda parts: "<mediawiki>" + "".join(parts)))
def test_any_bytes_give_readings_or_the_named_error(document: Any) -> None:
    try:
        list(read_document(document))
    except NotAnEntityError:
        return


@pytest.mark.parametrize(
    "document",
    [
        b"[" * 2_000_000,
        b'{"type":"item","id":"Q1","x":' + b"[" * 900 + b"]" * 900 + b"}",
        b"{" * 100_000 + b"\n" + b"}" * 100_000,
        b"<mediawiki>" + b"<page>" * 200_000,
        b'{"type":"item","id":"Q1","x":"' + b"y" * 10_000_000,
        b"\n" * 2_000_000,
        b'{"type":"item","id":"Q1","claims":' + b"[" * 600 + b"]" * 600 + b"}",
        b'{"type":"lexeme","id":"L1","forms":' + b'[{"id":"L1-F1","forms":' * 300 + b"0" + b"}]" * 300 + b"}",
    ],
    ids=[
        "lists",
        "a deep part",
        "braces in lines",
        "elements",
        "an unfinished text",
        "lines",
        "claims",
        "forms in forms",
    ],
)
def test_bombs_are_refused_at_once(document: bytes) -> None:
    started = time.perf_counter()
    with pytest.raises(NotAnEntityError) as refused:
        list(read_document(document))
    assert len(str(refused.value)) < 400
    assert time.perf_counter() - started < 5


def test_ten_megabytes_of_text_and_a_flat_list_of_qualifiers_take_no_time() -> None:
    started = time.perf_counter()
    long = {"type": "item", "id": "Q1", "labels": {"en": {"language": "en", "value": "é" * 10_000_000}}}
    snaks = [{"snaktype": "value", "property": "P1", "datavalue": {"type": "bad", "value": n}} for n in range(30_000)]
    statement = {"mainsnak": snaks[0], "type": "statement", "id": "x", "rank": "normal", "qualifiers": snaks * 2}
    wide = {"type": "item", "id": "Q2", "claims": [statement]}
    found = list(read_document(json.dumps([long, wide])))
    assert len(found[1].reading.content["claims"]["P1"][0]["qualifiers"]["P1"]) == 30_000
    assert time.perf_counter() - started < 10
