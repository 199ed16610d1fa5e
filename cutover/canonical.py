"""`cutover canonical`: the canonical form, or its digest, of anything that holds an entity.

Reads a file or standard input: stored text, an answer of an API, JSON lines, a JSON dump, an XML dump. Prints one line
for each entity or revision. Exit 2 when something cannot be read, with the line or the offset and the reason; lines of
JSON and revisions of XML that can be read are printed all the same. docs/canonical-form.md says what is printed.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from wikibase.canonical import FORM, canonical_bytes, digest
from wikibase.documents import Read, Shape, read_lines
from wikibase.errors import NotAnEntityError
from wikibase.opaque import opaque_values

STANDARD_INPUT = "-"
LINE_BYTES_MAX = 512 * 1024 * 1024
"""The longest line that is read: an entity is some megabytes, an answer with fifty of them some hundred."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", nargs="?", default=STANDARD_INPUT, metavar="FILE", help="- is standard input")
    parser.add_argument("--digest", action="store_true", help=f"print digest and entity id (canonical form {FORM})")
    parser.add_argument("--shape", choices=[str(shape) for shape in Shape], help="insist on the shape of what is read")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    with ExitStack() as stack:
        try:
            if options.file == STANDARD_INPUT:
                source = sys.stdin.buffer
            else:
                source = stack.enter_context(Path(options.file).open("rb"))
            return _Printing(options).all_of(source)
        except NotAnEntityError as error:
            return _refuse(options.file, str(error))
        except BrokenPipeError:  # whoever reads has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except OSError as error:
            return _refuse(options.file, error.strerror or str(error))
        except MemoryError:
            return _refuse(options.file, "too large to be held in memory as one document")


class _Printing:
    """What one run has printed and counted."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._name: str = options.file
        self._shape = Shape(options.shape) if options.shape else None
        self._with_digest: bool = options.digest
        self._printed = self._parts = self._refused = 0
        self._opaque: Counter[str] = Counter()

    def all_of(self, source: BinaryIO) -> int:
        """Print what a file holds. Returns the exit code. Raises NotAnEntityError, OSError."""
        for read in read_lines(_lines(source), self._shape, refused=self._refuse):
            self._print(read)
        sys.stdout.buffer.flush()
        if self._parts:
            self._say(f"{self._parts} of {self._printed} are parts of an entity: the document holds no more")
        if self._opaque:
            kinds = ", ".join(f"{count} of type {kind}" for kind, count in self._opaque.most_common())
            self._say(f"values that Wikibase does not decode, kept as they are: {kinds}")
        if not self._printed and not self._refused:
            return _refuse(self._name, "there is no content of an entity in it")
        return 2 if self._refused else 0

    def _print(self, read: Read) -> None:
        reading = read.reading
        if reading.content is None:
            where = "" if reading.rev_id is None else f" at revision {reading.rev_id}"
            self._say(f"{reading.entity_id}{where}: no content: {reading.reason}")
            return
        written = canonical_bytes(reading.content)
        if self._with_digest:
            written = f"{digest(written)} {reading.entity_id}".encode(errors="backslashreplace")
        sys.stdout.buffer.write(written + b"\n")
        self._printed += 1
        self._parts += not reading.whole
        self._opaque.update(opaque_values(reading.content))

    def _refuse(self, error: NotAnEntityError) -> None:
        self._refused += 1
        _refuse(self._name, str(error))

    def _say(self, text: str) -> None:
        print(f"cutover canonical: {self._name}: {text}", file=sys.stderr)


def _lines(source: BinaryIO) -> Iterator[bytes]:
    while line := source.readline(LINE_BYTES_MAX + 1):
        if len(line) > LINE_BYTES_MAX:
            raise NotAnEntityError(f"a line of more than {LINE_BYTES_MAX} bytes")
        yield line


def _refuse(name: str, why: str) -> int:
    sys.stdout.flush()
    print(f"cutover canonical: {name}: {why}", file=sys.stderr)
    return 2
