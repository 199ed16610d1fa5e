"""Against the real software: the canonical form of the stored text is that of every form of the same revision.

Everything that was recorded is read; what holds an entity is compared with the stored text of its revision, and
counted by shape. Answers to a filter (props, languages, sites) must be a part of it.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

import orjson
from fakes.parts import is_part_of
from fakes.rest_v1 import as_rest_v1
from shared_truth import SHARED, needs_shared

from wikibase.canonical import canonical_bytes, canonical_of_text
from wikibase.documents import Read, Shape, read_document
from wikibase.errors import NotAnEntityError
from wikibase.opaque import opaque_values
from wikibase.rest_v1 import reduced

WIKI_A = SHARED / "datasets" / "wiki-a"
FILTERS = {"props", "languages", "sitefilter", "property", "rank", "claim", "_fields"}

Content = dict[str, Any]

EQUAL_RECORDED = {
    "edit part": 52,
    "edit whole": 30,
    "entitydata whole": 27,
    "rest-v0 part": 7,
    "rest-v0 whole": 4,
    "revisions fv1 whole": 66,
    "revisions fv2 whole": 8,
    "wbgetclaims part": 4,
    "wbgetentities fv1 part": 77,
    "wbgetentities fv1 whole": 58,
    "wbgetentities fv2 part": 1,
    "wbgetentities fv2 whole": 53,
}
EQUAL_WIKI_A = {
    "entitydata whole": 95,
    "rest-v0 part": 15,
    "rest-v0 whole": 27,
    "revisions fv1 whole": 22,
    "revisions fv2 whole": 70,
    "wbgetclaims part": 35,
    "wbgetentities fv1 part": 99,
    "wbgetentities fv1 whole": 328,
    "wbgetentities fv2 part": 152,
    "wbgetentities fv2 whole": 111,
}


@dataclass(frozen=True)
class Exchange:
    name: str
    parameters: dict[str, str]
    etag: str | None
    body: str


def recorded() -> Iterator[Exchange]:
    for path in sorted((SHARED / "recordings" / "api").glob("*.json")):
        pair = json.loads(path.read_text("utf-8"))
        request, response = pair["request"], pair["response"]
        form = request.get("form")
        headers = {name.lower(): value for name, value in response["headers"]}
        parameters = {**(request.get("query") or {}), **(form if isinstance(form, dict) else {})}
        yield Exchange(path.name, parameters, headers.get("etag"), response["body"])


def reads_of_wiki_a() -> Iterator[Exchange]:
    with gzip.open(WIKI_A / "reads.jsonl.gz") as lines:
        for line in lines:
            pair = orjson.loads(line)
            request, response = pair["request"], pair["response"]
            query = urlsplit(request["target"]).query
            parameters = dict(parse_qsl(f"{query}&{request['body'] or ''}", keep_blank_values=True))
            headers = {name.lower(): value for name, value in response["headers"]}
            if response.get("body"):
                yield Exchange(request["target"], parameters, headers.get("etag"), response["body"])


def stored_texts() -> dict[int, Content]:
    index = json.loads((SHARED / "recordings" / "revisions" / "INDEX.json").read_text("utf-8"))
    return {
        row["rev_id"]: canonical_of_text((SHARED / "recordings" / "revisions" / row["file"]).read_bytes())
        for row in index
        if str(row["model"]).startswith("wikibase-")
    }


def truth_of_wiki_a() -> dict[int, Content]:
    with gzip.open(WIKI_A / "truth" / "revisions.jsonl.gz") as lines:
        rows = [orjson.loads(line) for line in lines]
    return {row["rev_id"]: canonical_of_text(orjson.dumps(row["content"])) for row in rows if row["content"]}


def compare(exchanges: Iterator[Exchange], told: dict[int, Content]) -> tuple[Counter[str], list[str]]:
    """Return how many were equal by shape, and what was not."""
    equal: Counter[str] = Counter()
    unequal: list[str] = []
    for exchange, read in readings(exchanges):
        one = read.reading
        rev_id = revision_of(exchange, read, told)
        if rev_id is None:
            unequal.append(f"{read.shape} {exchange.name}")
        elif rev_id in told and one.content is not None:
            whole = one.whole and not FILTERS & exchange.parameters.keys()
            same = one.content == told[rev_id] if whole else is_part_of(one.content, told[rev_id])
            if same:
                equal[f"{read.shape}{_format(read.shape, exchange)} {'whole' if whole else 'part'}"] += 1
            else:
                unequal.append(f"{read.shape} {exchange.name} {one.entity_id}@{rev_id}")
    return equal, unequal


def readings(exchanges: Iterator[Exchange]) -> Iterator[tuple[Exchange, Read]]:
    """Yield what the answers hold that hold entities."""
    for exchange in exchanges:
        if "languagefallback" in exchange.parameters:
            continue  # with it terms of other languages stand under the language that was asked for
        if (
            exchange.parameters.get("action") == "wbgetclaims"
            and exchange.parameters.get("props", "references") != "references"
        ):
            continue  # the references of the statements are left out
        try:
            found = list(read_document(exchange.body))
        except NotAnEntityError:
            continue
        for read in found:
            if read.reading.content is not None:
                yield exchange, read


def revision_of(exchange: Exchange, read: Read, told: dict[int, Content]) -> int | None:
    """Return the revision of a reading. Statements alone tell none: one that has them all is as good as another."""
    if read.shape is Shape.WBGETCLAIMS:
        content = read.reading.content or {}
        return next((rev_id for rev_id in told if is_part_of(content, told[rev_id])), None)
    if read.shape is Shape.REST_V0 and exchange.etag:
        return int(exchange.etag.strip('"'))
    return read.reading.rev_id or 0


def _format(shape: Shape, exchange: Exchange) -> str:
    if shape not in (Shape.WBGETENTITIES, Shape.REVISIONS):
        return ""
    return " fv1" if exchange.parameters.get("formatversion", "1") == "1" else " fv2"


@needs_shared
def test_every_recorded_answer_is_the_stored_text_of_its_revision() -> None:
    equal, unequal = compare(recorded(), stored_texts())
    assert unequal == []
    assert equal == EQUAL_RECORDED


@needs_shared
def test_every_read_of_wiki_a_is_what_the_software_says_of_the_revision() -> None:
    equal, unequal = compare(reads_of_wiki_a(), truth_of_wiki_a())
    assert unequal == []
    assert equal == EQUAL_WIKI_A


@needs_shared
def test_samples_of_wiki_a_are_one_in_every_form() -> None:
    told, equal = truth_of_wiki_a(), Counter[str]()
    for line in (WIKI_A / "truth" / "samples.jsonl").read_bytes().splitlines():
        sample = orjson.loads(line)
        forms = {name: sample[name] for name in ("entitydata", "wbgetentities_of_the_entity") if sample[name]}
        if sample["stored_form"] is not None:
            forms["stored text"] = sample["stored_form"]
        for name, form in forms.items():
            try:
                found = list(read_document(orjson.dumps(form)))
            except NotAnEntityError:
                assert "entities" not in form
                continue
            for read in found:
                rev_id = sample["rev_id"] if name == "stored text" else read.reading.rev_id
                if read.reading.content is not None and rev_id in told:
                    assert canonical_bytes(read.reading.content) == canonical_bytes(told[rev_id]), (rev_id, name)
                    equal[name] += 1
    assert equal == {"entitydata": 48, "stored text": 56, "wbgetentities_of_the_entity": 16}


@needs_shared
def test_the_answers_of_edits_are_the_revisions_they_made() -> None:
    """An edit that was patched onto a newer revision is answered with base + edit, not with what was stored."""
    equal: Counter[str] = Counter()
    altered = []
    with gzip.open(SHARED / "recordings" / "edits" / "given.jsonl.gz") as lines:
        for line in lines:
            step = orjson.loads(line)
            body, after = step["response"]["body"], step.get("after") or {}
            if body is None or "conflict-patched" in body:
                continue
            try:
                found = list(read_document(body))
            except NotAnEntityError:
                continue
            for read in found:
                one = read.reading
                told = after.get(one.entity_id) or {}
                if one.content is None or not told.get("stored") or told["lastrevid"] != one.rev_id:
                    continue
                stored = canonical_of_text(told["stored"])
                kind = "whole" if one.whole else "part"
                if one.content == stored or (not one.whole and is_part_of(one.content, stored)):
                    equal[kind] += 1
                else:
                    altered.append(canonical_bytes(one.content).decode())
    # The output layer of the API replaces control characters and composes to NFC (edits, surprise 7).
    assert [text for text in altered if "\ufffd" not in text and "\u00c5" not in text] == []
    assert len(altered) == 5
    assert equal == {"part": 1068, "whole": 396}


@needs_shared
def test_every_stored_text_is_one_in_a_dump_and_in_an_export() -> None:
    equal: Counter[str] = Counter()
    texts = stored_as_text()
    for read in read_document(dump_of(texts)):
        assert canonical_bytes(read.reading.content) in {
            canonical_bytes(canonical_of_text(text)) for text in texts.values()
        }
        equal["dump"] += 1
    for read in read_document(export_of(texts)):
        assert read.reading.rev_id is not None
        assert canonical_bytes(read.reading.content) == canonical_bytes(canonical_of_text(texts[read.reading.rev_id]))
        equal["export"] += 1
    assert equal == {"dump": 293, "export": 297}


def stored_as_text() -> dict[int, str]:
    index = json.loads((SHARED / "recordings" / "revisions" / "INDEX.json").read_text("utf-8"))
    return {
        row["rev_id"]: (SHARED / "recordings" / "revisions" / row["file"]).read_text("utf-8")
        for row in index
        if str(row["model"]).startswith("wikibase-")
    }


def dump_of(texts: dict[int, str]) -> str:
    """Return a JSON dump of the texts that are no redirects, as PHP writes it."""
    lines = [
        json.dumps({**entity, "lastrevid": 5})
        for text in texts.values()
        if "redirect" not in (entity := json.loads(text))
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def export_of(texts: dict[int, str]) -> str:
    """Return the texts as Special:Export gives them."""
    revisions = "".join(
        f"<revision><id>{rev_id}</id><model>wikibase-item</model><format>application/json</format>"
        f'<text bytes="1" xml:space="preserve">{escape(text)}</text></revision>\n'
        for rev_id, text in texts.items()
    )
    return f'<mediawiki xml:lang="en">\n<page><title>Item:Q1</title><id>1</id>\n{revisions}</page></mediawiki>'


@needs_shared
def test_every_revision_of_wiki_a_is_one_in_rest_v1_but_for_what_that_leaves_out() -> None:
    equal = 0
    for content in truth_of_wiki_a().values():
        if "redirect" in content or opaque_values(content):
            continue
        (read,) = read_document(orjson.dumps(as_rest_v1(content)))
        assert canonical_bytes(read.reading.content) == canonical_bytes(reduced(content))
        equal += 1
    assert equal == 1274
