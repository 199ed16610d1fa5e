"""A request and an answer as values, and the headers every MediaWiki answer carries (wikibase-observed.md 6)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cutover.demo.forms import Form

PRIVATE = "private, must-revalidate, max-age=0"
EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"
HTML = "text/html; charset=UTF-8"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request. `target` is the request line's, `path` its decoded path, header names are lower-case."""

    method: str
    target: str
    path: str
    query: str
    headers: Mapping[str, str]
    form: Form
    body: bytes = b""

    @property
    def values(self) -> Mapping[str, str]:
        """The parameters, those of the body over those of the query."""
        return self.form.values


class Refusal(Exception):  # noqa: N818  it carries an answer, not an error
    """An answer that ends the work on a request at once."""

    def __init__(self, answer: "Answer") -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, headers (without framing, Date and X-Request-Id) and body. `chunked`: sent without Content-Length."""

    status: int = 200
    headers: Headers = ()
    body: bytes = b""
    chunked: bool = True
    reason: str | None = None


def error_page(
    status: int, title: str, text: str, headers: Headers = (("Access-Control-Allow-Origin", "*"),)
) -> Answer:
    """Return the small HTML page with which MediaWiki reports an HTTP error (recordings 407, 438)."""
    shown = re.sub(r"[&<>\"']", lambda found: _ENTITIES[found[0]], text)
    page = f"<html><head><title>{title}</title></head>\n<body><h1>{title}</h1><p>{shown}</p></body></html>\n"
    content_type = ("Content-Type", "text/html; charset=utf-8")
    return Answer(status=status, headers=(content_type, *headers), body=f"<!DOCTYPE html>\n{page}".encode())


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#039;"}
