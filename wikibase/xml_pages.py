"""Revisions in MediaWiki's XML: Special:Export and dumps, format 0.10 and 0.11 (wikibase.md 4.7).

Read as it comes, one revision in memory at a time. Texts may be hidden (`deleted="deleted"`) or left out (stub
dumps); from 0.11 on a revision may have further slots (`<content>`). A DOCTYPE is refused: no dump has one, and it is
what entity bombs need. Raises NotAnEntityError with the line for anything that is not well-formed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

from wikibase.errors import NotAnEntityError

MAIN = "main"

_ROOT = "mediawiki"
_OF_PAGE = frozenset({"title", "ns", "id"})
_OF_REVISION = frozenset({"id", "parentid", "timestamp", "model", "format"})
_OF_CONTENT = frozenset({"role", "model", "format"})


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlText:
    """The text of one slot of one revision, None where it is hidden or not in the file: `reason` says which."""

    title: str
    page_id: int | None
    role: str
    rev_id: int | None
    parent_id: int | None
    timestamp: str | None
    model: str | None
    text: str | None
    reason: str
    line: int


def read_xml(chunks: Iterable[bytes]) -> Iterator[XmlText]:
    """Yield the texts of a file that comes in pieces."""
    reader = _Reader()
    for chunk in chunks:
        yield from reader.feed(chunk, last=False)
    yield from reader.feed(b"", last=True)
    if not reader.seen_root:
        raise NotAnEntityError("XML, but no <mediawiki> in it")


class _Reader:
    """What expat calls. The path of open elements says what a text belongs to."""

    def __init__(self) -> None:
        self.seen_root = False
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._path: list[str] = []
        self._characters_of: list[str] | None = None
        self._page: dict[str, str] = {}
        self._revision: dict[str, str] = {}
        self._content: dict[str, str] = {}
        self._done: list[XmlText] = []

    def feed(self, chunk: bytes, *, last: bool) -> list[XmlText]:
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            raise NotAnEntityError(f"no XML: {error}") from error
        done, self._done = self._done, []
        return done

    def _refuse(self, *_: object) -> NoReturn:
        raise NotAnEntityError(f"line {self._parser.CurrentLineNumber}: a DOCTYPE, which no dump of MediaWiki has")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._path.append(name)
        if len(self._path) == 1:
            if name != _ROOT:
                raise NotAnEntityError(f"XML, but of <{name[:40]}>, not of <mediawiki>")
            self.seen_root = True
        elif name == "page":
            self._page = {}
        elif name == "revision":
            self._revision = {}
        elif name == "content":
            self._content = {}
        elif name == "text":
            self._fields()["text-line"] = str(self._parser.CurrentLineNumber)
            if "deleted" in attributes:
                self._fields()["reason"] = "texthidden"
            elif "location" in attributes or "id" in attributes:
                self._fields()["reason"] = "stub"
        self._characters_of = []

    def _characters(self, text: str) -> None:
        if self._characters_of is not None:
            self._characters_of.append(text)

    def _end(self, name: str) -> None:
        text = "".join(self._characters_of) if self._characters_of is not None else ""
        self._characters_of = None
        self._path.pop()
        above = self._path[-1] if self._path else ""
        if above == "page" and name in _OF_PAGE:
            self._page[name] = text
        elif above == "revision" and name in _OF_REVISION:
            self._revision[name] = text
        elif above == "content" and name in _OF_CONTENT:
            self._content[name] = text
        elif name == "text" and above in ("revision", "content"):
            fields = self._revision if above == "revision" else self._content
            fields["text"] = text
        elif name == "content" and above == "revision":
            self._put(self._content, self._content.get("role", ""))
        elif name == "revision":
            self._put(self._revision, MAIN)
            self._revision = {}

    def _fields(self) -> dict[str, str]:
        return self._content if len(self._path) > 1 and self._path[-2] == "content" else self._revision

    def _put(self, fields: Mapping[str, str], role: str) -> None:
        reason, text = fields.get("reason", ""), fields.get("text")
        if not reason and not text:
            reason = "no_text"
        self._done.append(
            XmlText(
                title=self._page.get("title", ""),
                page_id=_number(self._page.get("id")),
                role=role,
                rev_id=_number(self._revision.get("id")),
                parent_id=_number(self._revision.get("parentid")),
                timestamp=self._revision.get("timestamp"),
                model=fields.get("model"),
                text=None if reason else text,
                reason=reason,
                line=_number(fields.get("text-line")) or self._parser.CurrentLineNumber,
            )
        )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 20 else None  # noqa: PLR2004
