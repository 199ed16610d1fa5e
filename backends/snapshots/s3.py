"""Snapshots in an S3 bucket: created once by a conditional write, never overwritten.

obstore carries the data (docs/decisions/0006-s3-clients.md). S3 has put a body on disk, whole or not at all, before
it answers. A write that the server refuses because the key exists is no error: the caller reads what is there.

Where the server has no conditional writes (asked at opening, `s3_probe`) a key is looked at before it is written, one
writer of a key at a time within this process. Two processes could still both write; their contents are equal then,
because the key holds the content's digest, and the one that finds other bytes than its own afterwards says False.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from backends.errors import CorruptError, RefusedError, UnavailableError
from backends.snapshots.s3_errors import answer_of, translated
from backends.snapshots.s3_place import Credentials, S3Place, data_client
from backends.snapshots.s3_probe import RESERVED, Capabilities, probe

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)+")
_KEYS_AT_ONCE = 1000
_LOCKS = 64
_NOT_FOUND = 404
_ALPHABET = "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
"""The characters of a key in S3's order; "/" comes before "0"."""
_AFTER_ALL = "~"
"""Sorts after every character of a key."""

T = TypeVar("T")


class S3Snapshots:
    """A part of a bucket. Implements `backends.snapshots.base.Snapshots`. Made by `open`."""

    def __init__(
        self,
        place: S3Place,
        client: S3Store,
        capabilities: Capabilities,
        *,
        requests_max: int,
        timeout_s: float,
        body_bytes_max: int,
    ) -> None:
        self.place = place
        self.capabilities = capabilities
        self._client = client
        self._timeout_s = timeout_s
        self._body_bytes_max = body_bytes_max
        self._turns = asyncio.Semaphore(requests_max)
        self._locks = [asyncio.Lock() for _ in range(_LOCKS)]
        self._closed = False

    @classmethod
    async def open(
        cls,
        place: S3Place,
        *,
        requests_max: int = 32,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 5.0,
        body_bytes_max: int = 256 * 1024 * 1024,
    ) -> "S3Snapshots":
        """Open a bucket that exists, and ask what its server can do.

        `requests_max`: requests (and so connections) at once. `timeout_s`: for a turn and the whole request.
        `body_bytes_max`: no larger object is read. Raises RefusedError (no credentials, wrong ones, no bucket, no
        trusted TLS, a wrong clock), UnavailableError.
        """
        credentials = Credentials()
        client = data_client(
            place, credentials, requests_max=requests_max, timeout_s=timeout_s, connect_timeout_s=connect_timeout_s
        )
        capabilities = await probe(place, client, credentials, timeout_s=timeout_s, connect_timeout_s=connect_timeout_s)
        return cls(
            place,
            client,
            capabilities,
            requests_max=requests_max,
            timeout_s=timeout_s,
            body_bytes_max=body_bytes_max,
        )

    async def create(self, key: str, body: bytes) -> bool:
        """Write an object under a new key; False when it exists. Raises RefusedError, UnavailableError.

        After an UnavailableError the object may be there or not: creating it again tells.
        """
        path = self._path(key)
        match self.capabilities.conditional_put:
            case True:
                return await self._run(f"creating {key}", lambda: self._create_only(path, body))
            case False:
                return await self._run(f"creating {key}", lambda: self._look_and_create(path, body))
            case None:
                raise RefusedError(f"{self.place}: these credentials were not allowed to write at opening")

    async def read(self, key: str) -> bytes:
        """Return the bytes of an object.

        Raises NotFoundError, RefusedError, UnavailableError (also for an answer that breaks off), CorruptError for
        an object of a size that no snapshot has.
        """
        path = self._path(key)
        return await self._run(f"reading {key}", lambda: self._read(path))

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Yield every key that begins with the prefix, a page of 1000 at a time. Raises RefusedError, UnavailableError.

        Relies on S3's promise that keys come in order, and says so when they do not.
        """
        folder = (self.place.prefix + prefix).rpartition("/")[0] or None
        offset = _shortly_before(self.place.prefix + prefix)
        walk = aiter(obstore.list(self._client, folder, offset=offset, chunk_size=_KEYS_AT_ONCE))
        last = ""
        while page := await self._run("listing", lambda: anext(walk, None)):
            for found in page:
                key = found["path"].removeprefix(self.place.prefix)
                if not _KEY.fullmatch(key):  # the probes, and what others have put here
                    if key.startswith(prefix) and not key.startswith(RESERVED):
                        yield key
                    continue
                if key <= last:
                    raise UnavailableError(f"{self.place}: the server lists {key} after {last}: not in order")
                last = key
                if key.startswith(prefix):
                    yield key
                elif key > prefix:
                    return

    async def close(self) -> None:
        """Refuse further work; idle connections end by themselves. Calling it twice is harmless."""
        self._closed = True

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise RefusedError(f"{key!r} cannot be the key of a snapshot")
        return self.place.prefix + key

    async def _create_only(self, path: str, body: bytes) -> bool:
        try:
            await obstore.put_async(self._client, path, body, mode="create", use_multipart=False)
        except AlreadyExistsError as error:
            answer = answer_of(error)
            if answer.is_conflict:
                raise UnavailableError(f"{self.place}: two writes of {path} met; nobody knows who won") from None
            return False
        return True

    async def _look_and_create(self, path: str, body: bytes) -> bool:
        async with self._locks[hash(path) % _LOCKS]:
            if await self._tag(path) is not None:
                return False
            written = await obstore.put_async(self._client, path, body, mode="overwrite", use_multipart=False)
            return await self._tag(path) == written["e_tag"]

    async def _tag(self, path: str) -> str | None:
        """Return the entity tag of an object, None when there is none."""
        try:
            return (await obstore.head_async(self._client, path))["e_tag"] or ""
        except FileNotFoundError as error:
            if answer_of(error).status == _NOT_FOUND:
                return None
            raise

    async def _read(self, path: str) -> bytes:
        found = await obstore.get_async(self._client, path)
        size = found.meta["size"]
        if size > self._body_bytes_max:
            raise CorruptError(f"{self.place}: {path} has {size} bytes; at most {self._body_bytes_max} are read")
        body = bytes(await found.bytes_async())
        if len(body) != size:
            raise UnavailableError(f"{self.place}: {path}: {len(body)} bytes came of {size}")
        return body

    async def _run(self, doing: str, work: Callable[[], Awaitable[T]]) -> T:
        if self._closed:
            raise UnavailableError(f"{self.place}: the snapshots are closed")
        try:
            async with asyncio.timeout(self._timeout_s), self._turns:
                return await work()
        except TimeoutError:
            raise UnavailableError(f"{self.place}: {doing}: no answer within {self._timeout_s:g} s") from None
        except (BaseError, OSError) as error:
            raise translated(f"{self.place}: {doing}", error) from None


def _shortly_before(path: str) -> str | None:
    """Return a name that sorts before everything that begins with the path, and after most of what does not.

    None when there is none, or for a whole folder.
    """
    place = _ALPHABET.find(path[-1]) if path else -1
    return path[:-1] + _ALPHABET[place - 1] + _AFTER_ALL if place > 0 else None
