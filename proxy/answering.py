"""Reads answered by the store, within a time of their own; whatever goes wrong, the wiki answers as it always did.

A client notices nothing of a store that is slow, broken or behind: the request goes on to the wiki, and the reason is
counted. After failures in a row the store is left alone for a while (the breaker). What the fence holds back, what is
not rendered and what finds no turn goes to the wiki without having been tried.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol

from backends.config import ReadsConfig
from backends.errors import BackendError
from proxy.reads.request import ReadRequest
from proxy.wire.exchange import Exchange
from proxy.wire.head import RequestHead
from rules.routes.route import EntityRead
from wikibase.render.outcome import Answer, Declined

_log = logging.getLogger(__name__)

FAILURES = frozenset({"timeout", "store_error", "broken"})
"""The reasons that are the store's fault."""

Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Answers(Protocol):
    """Who makes answers from what the store has."""

    async def answer(self, asked: ReadRequest, read: EntityRead) -> Answer | Declined:
        """Return the wiki's own answer, or why it is left to the wiki. Raises backends.errors."""


class ReadFence(Protocol):
    """Who knows which revisions clients were told of (invariant 6)."""

    async def clears(self, read: EntityRead) -> bool:
        """Tell whether the store has everything that a client may expect of these entities."""


class Breaker(Protocol):
    """Who remembers how the store has been doing."""

    def allows(self) -> bool:
        """Tell whether the store may be tried."""

    def succeeded(self) -> None:
        """Learn that it worked."""

    def failed(self) -> None:
        """Learn that it did not."""


class StoreReads:
    """Carries out a read that the phase gives to the store."""

    def __init__(
        self,
        answers: Answers,
        fence: ReadFence,
        breaker: Breaker,
        limits: ReadsConfig,
        spawn: Spawn,
    ) -> None:
        self._answers = answers
        self._fence = fence
        self._breaker = breaker
        self._limits = limits
        self._spawn = spawn
        self.under_way = 0

    def take(
        self,
        exchange: Exchange,
        asked: ReadRequest,
        read: EntityRead,
        *,
        answered: Callable[[Answer], None],
        otherwise: Callable[[str], None],
    ) -> None:
        """Try the store. `otherwise(reason)` sends the request to the wiki; one of the two is called, once.

        Neither is called when the client leaves before.
        """
        if self.under_way >= self._limits.at_once_max:
            otherwise("busy")
        elif not self._breaker.allows():
            otherwise("breaker_open")
        else:
            self.under_way += 1
            self._spawn(self._carry_out(exchange, asked, read, answered, otherwise))

    async def _carry_out(
        self,
        exchange: Exchange,
        asked: ReadRequest,
        read: EntityRead,
        answered: Callable[[Answer], None],
        otherwise: Callable[[str], None],
    ) -> None:
        head = exchange.head
        try:
            made = await self._made(asked, read)
        finally:
            self.under_way -= 1
        if exchange.head is not head:
            return  # the client left, or its connection is at the next request
        if isinstance(made, Answer):
            answered(made)
        else:
            otherwise(made)

    async def _made(self, asked: ReadRequest, read: EntityRead) -> Answer | str:
        try:
            async with asyncio.timeout(self._limits.answer_timeout_s):
                if not await self._fence.clears(read):
                    return "fenced"
                made = await self._answers.answer(asked, read)
        except TimeoutError:
            return self._failed("timeout", read, f"no answer within {self._limits.answer_timeout_s:g} s")
        except BackendError as error:
            return self._failed("store_error", read, str(error))
        except Exception:  # noqa: BLE001 - a mistake of ours must not cost a client its answer
            _log.exception("a read could not be made from the store", extra={"action": "read_broken"})
            return self._failed("broken", read, "see the log")
        self._breaker.succeeded()
        return made if isinstance(made, Answer) else f"declined_{made.reason}"

    def _failed(self, reason: str, read: EntityRead, detail: str) -> str:
        self._breaker.failed()
        _log.warning(
            "the wiki answers a read of %s: %s", ",".join(read.entities[:3]), detail, extra={"action": "read_fell_back"}
        )
        return reason


def framed(answer: Answer, head: RequestHead) -> bytes:
    """Return an answer as bytes for the client."""
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", f"Date: {formatdate(usegmt=True)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if answer.status != HTTPStatus.NOT_MODIFIED and head.method != b"HEAD":
        lines.append(f"Content-Length: {len(answer.body)}")
    if not (head.keep_alive and head.minor):
        lines.append("Connection: close")
    body = b"" if head.method == b"HEAD" else answer.body
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Answer"
