"""Fetches stored texts by their content addresses: text rows, external clusters, history blobs (wikibase.md 4.3).

What to fetch and what to do with it is decided in `wikibase.stored_text`; here are the queries. A row that is not
there is a fact about the revision; a server that is not there is an error, and no text is written off because of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backends.wiki.db_connection import ReadOnlyServer
from backends.wiki.db_rows import text_of
from backends.wiki.db_statements import with_ids
from wikibase.stored_text import (
    CurRow,
    Decoding,
    ExternalBlob,
    Source,
    Stored,
    TextRow,
    Wanted,
    decode,
    find,
    from_opened,
)
from wikibase.unreadable import Reason, Unreadable

_FETCHES_MAX = 8  # a stub's row, its URL, the blob's row, its URL: four; more would be an error of ours


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where rows of one kind are: the server, and the statement that reads (id, flags, text) for `{ids}`."""

    server: ReadOnlyServer
    statement: str


class TextReader:
    """Reads texts. `clusters`: the shelf of each external cluster by name."""

    def __init__(
        self,
        texts: Shelf,
        cur_texts: Shelf | None,
        clusters: Mapping[str, Shelf],
        decoding: Decoding,
        *,
        rows_max: int = 20,
    ) -> None:
        """`rows_max`: how many rows are fetched, and held undecoded, at once."""
        self._texts = texts
        self._cur_texts = cur_texts
        self._clusters = clusters
        self._decoding = decoding
        self._rows_max = rows_max

    async def read(self, addresses: Iterable[str]) -> dict[str, bytes | Unreadable]:
        """Return the text at each address, or why there is none. Raises UnavailableError, RefusedError."""
        found: dict[str, bytes | Unreadable] = {}
        open_ones: dict[str, bytes | Wanted | Unreadable] = {address: find(address) for address in addresses}
        for _ in range(_FETCHES_MAX):
            wanted: dict[str, Wanted] = {}
            for address, so_far in open_ones.items():
                one = self._refused(so_far)
                if isinstance(one, Wanted):
                    wanted[address] = one
                else:
                    found[address] = one
            if not wanted:
                return found
            open_ones = await self._advance(wanted)
        raise AssertionError(f"texts that never come to an end: {list(open_ones)[:3]}")

    def _refused(self, one: bytes | Wanted | Unreadable) -> bytes | Wanted | Unreadable:
        if not isinstance(one, Wanted):
            return one
        source = one.source
        if isinstance(source, ExternalBlob) and source.cluster not in self._clusters:
            return Unreadable(Reason.UNKNOWN_CLUSTER, source.cluster)
        if isinstance(source, CurRow) and self._cur_texts is None:
            return Unreadable(Reason.NO_TEXT_ROW, f"cur:{source.cur_id}, and there is no table cur")
        return one

    async def _advance(self, wanted: Mapping[str, Wanted]) -> dict[str, bytes | Wanted | Unreadable]:
        """Take every text one fetch further: rows of a kind together, each row once."""
        shelves: dict[str, dict[Source, list[str]]] = {}
        for address, one in wanted.items():
            shelves.setdefault(_shelf_name(one.source), {}).setdefault(one.source, []).append(address)
        out: dict[str, bytes | Wanted | Unreadable] = {}
        for name, sources in shelves.items():
            for group in _groups(list(sources), self._rows_max):
                out |= await self._advance_group(name, {source: sources[source] for source in group}, wanted)
        return out

    async def _advance_group(
        self, name: str, sources: Mapping[Source, Sequence[str]], wanted: Mapping[str, Wanted]
    ) -> dict[str, bytes | Wanted | Unreadable]:
        out: dict[str, bytes | Wanted | Unreadable] = {}
        unopened: list[Source] = []
        for source, addresses in sources.items():
            for address in addresses:
                known = from_opened(wanted[address], self._decoding)
                if known is not None:
                    out[address] = known
            if any(address not in out for address in addresses):
                unopened.append(source)
        rows = await self._rows(name, unopened) if unopened else {}
        for source in unopened:
            for address in sources[source]:
                if address not in out:
                    out[address] = decode(wanted[address], rows.get(_row_id(source)), self._decoding)
        return out

    async def _rows(self, name: str, sources: Sequence[Source]) -> dict[int, Stored]:
        shelf = self._shelf(name)
        ids = [_row_id(source) for source in sources]
        async with shelf.server.session() as session:
            rows = await session.rows(with_ids(shelf.statement, len(ids)), self._decoding.bytes_max, *ids)
        return {row_id: Stored(text, text_of(flags)) for row_id, flags, text in rows}

    def _shelf(self, name: str) -> Shelf:
        if name == _TEXT:
            return self._texts
        if name == _CUR:
            assert self._cur_texts is not None
            return self._cur_texts
        return self._clusters[name.removeprefix(_CLUSTER)]


_TEXT, _CUR, _CLUSTER = "text", "cur", "DB://"


def _shelf_name(source: Source) -> str:
    match source:
        case TextRow():
            return _TEXT
        case CurRow():
            return _CUR
        case ExternalBlob(cluster, _):
            return f"{_CLUSTER}{cluster}"


def _row_id(source: Source) -> int:
    match source:
        case TextRow(row_id) | CurRow(row_id):
            return row_id
        case ExternalBlob(_, row_id):
            return row_id


def _groups(sources: Sequence[Source], size: int) -> Iterable[Sequence[Source]]:
    for start in range(0, len(sources), size):
        yield sources[start : start + size]
