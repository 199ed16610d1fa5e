"""Documents that hold entities, in any shape in which a revision is met: the shape is recognised by itself.

`read_document` takes a JSON document, JSON lines (a JSON dump is one) or XML, and yields each entity or revision in
canonical form with what the document tells of the revision. Shapes and how they are known: docs/canonical-form.md.
A document, or a part of it, that cannot be read is a NotAnEntityError that says where and why. Texts that are hidden
or missing are no errors: they come without content, with the reason.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Any

from wikibase import readings
from wikibase.errors import NotAnEntityError
from wikibase.json_text import parse_json, shown
from wikibase.legacy import is_legacy
from wikibase.readings import Reading
from wikibase.xml_pages import XmlText, read_xml

Json = Any

_BOM = b"\xef\xbb\xbf"


class Shape(StrEnum):
    """Where a document comes from. The words are those of `cutover canonical --shape`."""

    ENTITY = "entity"  # stored text, a line of a JSON dump, our own canonical form
    LEGACY = "legacy"  # stored text of 2012-2014
    REDIRECT = "redirect"
    SCHEMA = "schema"
    WBGETENTITIES = "wbgetentities"
    ENTITYDATA = "entitydata"
    EDIT = "edit"  # the answer of a write module
    WBGETCLAIMS = "wbgetclaims"
    REVISIONS = "revisions"  # prop=revisions, prop=deletedrevisions, list=allrevisions, list=alldeletedrevisions
    REST_V0 = "rest-v0"
    REST_V1 = "rest-v1"
    XML = "xml"


@dataclass(frozen=True, slots=True)
class Read:
    """One entity or revision of a document, and the shape that told it."""

    shape: Shape
    reading: Reading = field(repr=False)


def read_document(document: bytes | str, shape: Shape | None = None) -> Iterator[Read]:
    """Yield what a document holds. `shape` insists: what is of another one is a NotAnEntityError."""
    data = document.encode("utf-8", "surrogatepass") if isinstance(document, str) else document
    yield from read_lines(iter(data.splitlines(keepends=True)), shape)


def read_lines(
    lines: Iterable[bytes],
    shape: Shape | None = None,
    *,
    refused: Callable[[NotAnEntityError], None] | None = None,
) -> Iterator[Read]:
    """Yield what a document holds that comes line by line. JSON lines and XML are read as they come.

    `refused` is told of a line or a revision that cannot be read, and the reading goes on; without it the error is
    raised. What is broken as a whole is raised in any case.
    """
    rest = iter(lines)
    head = list(_until_two_lines(rest))
    if head:
        head[0] = head[0].removeprefix(_BOM)
    if head and head[0].lstrip()[:1] == b"<":
        yield from _xml(chain([head[0].lstrip()], head[1:], rest), shape, refused)
    elif len(head) > 1 and _are_json_lines(head):
        for number, line in enumerate(chain(head, rest), 1):
            with _telling(refused):
                yield from _json_line(line, number, shape)
    else:
        yield from read_value(parse_json(b"".join(chain(head, rest))), shape)


@contextmanager
def _telling(refused: Callable[[NotAnEntityError], None] | None) -> Iterator[None]:
    try:
        yield
    except NotAnEntityError as error:
        if refused is None:
            raise
        refused(error)


def read_value(value: Json, shape: Shape | None = None) -> Iterator[Read]:
    """Yield what a parsed document holds. It is taken to pieces. A list holds documents."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            try:
                yield from _document(one, shape)
            except NotAnEntityError as error:
                raise NotAnEntityError(f"element {place}: {error}") from error
        return
    yield from _document(value, shape)


def recognise(value: Json) -> Shape:
    """Return the shape of a parsed document. Raises NotAnEntityError where it has none that is known."""
    if not isinstance(value, dict):
        raise NotAnEntityError(f"no JSON object: {shown(value)}")
    for shape, has in _MARKS:
        if has(value):
            return shape
    raise NotAnEntityError(f"of no known shape: {shown(value)}")


def _document(value: Json, shape: Shape | None) -> Iterator[Read]:
    found = recognise(value)
    if shape is not None and found is not shape:
        raise NotAnEntityError(f"of the shape {found}, not {shape}")
    try:
        for reading in _READERS[found](value):
            yield Read(found, reading)
    except NotAnEntityError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        what = "a part is missing:" if isinstance(error, KeyError) else f"{type(error).__name__}:"
        raise NotAnEntityError(f"{found}: {what} {str(error)[:200]}") from error


def _json_line(line: bytes, number: int, shape: Shape | None) -> Iterator[Read]:
    """Yield what one of JSON lines holds: nothing for the brackets of a dump. Errors name the line."""
    text = line.strip().removesuffix(b",")
    if text in (b"", b"[", b"]"):
        return
    try:
        yield from read_value(parse_json(text), shape)
    except NotAnEntityError as error:
        raise NotAnEntityError(f"line {number}: {str(error).replace(': line 1 column', ': column')}") from error


def _xml(
    lines: Iterable[bytes], shape: Shape | None, refused: Callable[[NotAnEntityError], None] | None
) -> Iterator[Read]:
    if shape not in (None, Shape.XML):
        raise NotAnEntityError(f"of the shape {Shape.XML}, not {shape}")
    for text in read_xml(lines):
        with _telling(refused):
            yield from _xml_text(text)


def _xml_text(text: XmlText) -> Iterator[Read]:
    try:
        for reading in readings.of_xml(text):
            yield Read(Shape.XML, reading)
    except NotAnEntityError as error:
        raise NotAnEntityError(f"line {text.line}: revision {text.rev_id}: {error}") from error


def _until_two_lines(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Take lines until two of them hold something."""
    found = 0
    for line in lines:
        yield line
        found += bool(line.strip())
        if found > 1:
            return


def _are_json_lines(head: list[bytes]) -> bool:
    """Tell JSON lines from a document in several lines: each line is a value, or the bracket of a dump."""
    held = [line.strip().removesuffix(b",") for line in head if line.strip()]
    if len(held) < 2:  # noqa: PLR2004  it takes two lines
        return False
    return (held[0] == b"[" or _is_object(held[0])) and (held[1] == b"]" or _is_object(held[1]))


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(parse_json(text), dict)
    except NotAnEntityError:
        return text[:1] == b"{" and text[-1:] == b"}"  # a broken line among lines, to be named with its number


def _is_statement_map(value: Mapping[str, Json]) -> bool:
    return bool(value) and all(key[:1] == "P" and isinstance(group, list) for key, group in value.items())


def _first_statement(value: Mapping[str, Json]) -> Json:
    groups = value if _is_statement_map(value) else value.get("statements")
    for group in groups.values() if isinstance(groups, dict) else ():
        if isinstance(group, list) and group:
            return group[0]
    return value


def _has_v1_statement(value: Mapping[str, Json]) -> bool:
    one = _first_statement(value)
    return isinstance(one, dict) and "rank" in one and isinstance(one.get("property"), dict)


def _is_rest(value: Mapping[str, Json]) -> bool:
    terms = [value[key] for key in ("labels", "descriptions") if isinstance(value.get(key), dict)]
    if any(isinstance(text, str) for group in terms for text in group.values()):
        return True
    if isinstance(aliases := value.get("aliases"), dict):
        groups = [group for group in aliases.values() if isinstance(group, list) and group]
        if groups and isinstance(groups[0][0], str):
            return True
    return "statements" in value and value.get("type") in ("item", "property") and "claims" not in value


_MARKS = (
    (Shape.REVISIONS, lambda value: isinstance(value.get("query"), dict)),
    (Shape.WBGETENTITIES, lambda value: "entities" in value and "success" in value),
    (Shape.ENTITYDATA, lambda value: isinstance(value.get("entities"), dict | list)),
    (Shape.EDIT, lambda value: "success" in value or "nochange" in value or isinstance(value.get("pageinfo"), dict)),
    (Shape.REDIRECT, lambda value: value.get("redirect") is not None and "entity" in value),
    (Shape.SCHEMA, lambda value: "serializationVersion" in value),
    (Shape.LEGACY, is_legacy),
    (Shape.REST_V1, _has_v1_statement),
    (Shape.REST_V0, lambda value: "mainsnak" in value or _is_statement_map(value) or _is_rest(value)),
    (Shape.WBGETCLAIMS, lambda value: "claims" in value and not {"id", "type"} & value.keys()),
    (Shape.ENTITY, lambda value: "id" in value),
)
"""How each shape is known, the first that fits."""

_READERS = {
    Shape.ENTITY: readings.of_entity,
    Shape.LEGACY: readings.of_entity,
    Shape.REDIRECT: readings.of_entity,
    Shape.SCHEMA: readings.of_entity,
    Shape.WBGETENTITIES: readings.of_entities,
    Shape.ENTITYDATA: readings.of_entities,
    Shape.EDIT: readings.of_edit,
    Shape.WBGETCLAIMS: readings.of_claims,
    Shape.REVISIONS: readings.of_revisions,
    Shape.REST_V0: readings.of_rest,
    Shape.REST_V1: readings.of_rest,
}
