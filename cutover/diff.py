"""`cutover diff`: what is different between two documents that hold entities, whatever their shapes.

Reads what `cutover canonical` reads, from files or standard input. Two documents with one entity each are compared
with one another; of others, what has the same id (and revision, where an id comes more than once). Exit 0 equal,
1 different, 2 cannot be read. Standard error says what was cut or made coarser, so that output stays readable as JSON.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rules.difference import Difference, difference
from rules.difference_jsondiff import machine_difference
from rules.difference_parts import same
from rules.patch import patch_of
from wikibase.documents import Shape, read_document
from wikibase.errors import NotAnEntityError
from wikibase.json_text import write_json
from wikibase.readings import Reading

STANDARD_INPUT = "-"
DOCUMENT_BYTES_MAX = 512 * 1024 * 1024
"""The largest document that is read: it is held in memory."""

CHANGES_SHOWN = 1_000
TEXT_CHARS_MAX = 1_000_000

Json = Any
Content = Mapping[str, Json]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("a", metavar="A", help="a file; - is standard input")
    parser.add_argument("b", metavar="B", help="a file; - is standard input")
    parser.add_argument(
        "--format",
        choices=tuple(_FORMS),
        default="words",
        help="words (default), patch (JSON Patch, RFC 6902: leads from A to B), json (the notation of jsondiff)",
    )
    parser.add_argument("--shape", choices=[str(shape) for shape in Shape], help="insist on the shape of both")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    shape = Shape(options.shape) if options.shape else None
    try:
        sides = sides_of(options.a, options.b, shape)
    except NotAnEntityError as error:
        print(f"cutover diff: {error}", file=sys.stderr)
        return 2
    one_each = set(sides) == {""}
    differing = {key: pair for key, pair in sides.items() if not _equal(*pair)}
    told = {key: _FORMS[options.format](*pair, _place(key)) for key, pair in differing.items()}
    if options.format == "words":
        _print("".join(_words(key, text) for key, text in told.items()).encode(errors="backslashreplace"))
    else:
        nothing: Json = [] if options.format == "patch" else {}
        _print(write_json(told.get("", nothing) if one_each else told) + b"\n")
    return int(bool(differing))


def sides_of(a: str, b: str, shape: Shape | None = None) -> dict[str, tuple[Content | None, Content | None]]:
    """Return what is to be compared, by a name for each pair: "" where both documents hold one entity.

    None: one side does not have it. Raises NotAnEntityError, which names the document.
    """
    if a == b == STANDARD_INPUT:
        raise NotAnEntityError("only one side can be standard input")
    left, right = read_side(a, shape), read_side(b, shape)
    if len(left) == len(right) == 1:
        return {"": (left[0].content, right[0].content)}
    before, after = _by_name(left), _by_name(right)
    return {name: (before.get(name), after.get(name)) for name in {**before, **after}}


def read_side(name: str, shape: Shape | None = None) -> list[Reading]:
    """Return the entities of a document, each with content. Raises NotAnEntityError, which names the document."""
    try:
        found = [read.reading for read in read_document(_bytes_of(name), shape)]
    except NotAnEntityError as error:
        raise NotAnEntityError(f"{name}: {error}") from error
    for reading in found:
        if reading.content is None:
            raise NotAnEntityError(f"{name}: {reading.entity_id}: no content: {reading.reason}")
        if not reading.whole:
            print(f"cutover: {name}: {reading.entity_id}: a part of an entity, compared as it is", file=sys.stderr)
    if not found:
        raise NotAnEntityError(f"{name}: there is no content of an entity in it")
    return found


def _bytes_of(name: str) -> bytes:
    try:
        if name == STANDARD_INPUT:
            data = sys.stdin.buffer.read(DOCUMENT_BYTES_MAX + 1)
        else:
            with Path(name).open("rb") as source:
                data = source.read(DOCUMENT_BYTES_MAX + 1)
    except OSError as error:
        raise NotAnEntityError(error.strerror or str(error)) from error
    except MemoryError as error:
        raise NotAnEntityError("too large to be held in memory") from error
    if len(data) > DOCUMENT_BYTES_MAX:
        raise NotAnEntityError(f"larger than {DOCUMENT_BYTES_MAX} bytes")
    return data


def _by_name(readings: list[Reading]) -> dict[str, Content]:
    often = {entity_id for entity_id, count in Counter(one.entity_id for one in readings).items() if count > 1}
    out: dict[str, Content] = {}
    for place, one in enumerate(readings):
        name = one.entity_id
        if name in often:
            name = f"{name}@{one.rev_id if one.rev_id is not None else place}"
        out[name if name not in out else f"{name} ({place})"] = one.content or {}
    return out


def _equal(first: Content | None, second: Content | None) -> bool:
    return first is not None and second is not None and same(first, second)


def _in_words(first: Content | None, second: Content | None, _place: str) -> Json:
    if first is None or second is None:
        return "only in B" if first is None else "only in A"
    found: Difference = difference(first, second, changes_max=CHANGES_SHOWN)
    return found.text(TEXT_CHARS_MAX)


def _as_patch(first: Content | None, second: Content | None, place: str) -> Json:
    patch = patch_of(first, second)
    if patch.coarse:
        print(f"cutover diff: {place}too much differs: parts are replaced as a whole", file=sys.stderr)
    return list(patch.operations)


def _as_jsondiff(first: Content | None, second: Content | None, place: str) -> Json:
    found = machine_difference(first, second)
    if found.cut_total:
        named = f"{found.cut_total} lists are replaced as a whole, among them {', '.join(found.cut)}"
        print(f"cutover diff: {place}too much for jsondiff: {named}", file=sys.stderr)
    return found.as_json


def _words(name: str, text: str) -> str:
    if not name:
        return f"{text}\n"
    return "".join(f"{name}: {line}\n" for line in text.splitlines())


def _place(name: str) -> str:
    return f"{name}: " if name else ""


def _print(text: bytes) -> None:
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


_FORMS: Mapping[str, Callable[[Content | None, Content | None, str], Json]] = {
    "words": _in_words,
    "patch": _as_patch,
    "json": _as_jsondiff,
}
