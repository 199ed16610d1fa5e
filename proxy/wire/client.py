"""Connections of clients: reads requests one after another and relays each to the wiki.

One `ClientConnection` serves one exchange at a time; pipelined requests wait in a bounded buffer. What to
do with a request is the handler's decision (`Handler.begin`); what to observe is the tap's. Nothing here
knows what a wiki is.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from backends.config import ProxyConfig as Limits
from proxy.wire.chunks import NO_BODY, ChunkScanner, LengthScanner, body_scanner
from proxy.wire.exchange import Delay, Handler, Holding, Tap
from proxy.wire.head import CHUNKED, UNTIL_CLOSE, RequestHead, ResponseHead, WireError, find_head_end, read_request_head
from proxy.wire.upstream import WikiConnection, WikiPool

_REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS"})


class ClientConnection(asyncio.Protocol):
    """One client's connection, and the exchange that it is in."""

    def __init__(self, handler: Handler, pool: WikiPool, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._pool = pool
        self._limits = limits
        self._loop = loop
        self._buffer = b""
        self._body_scanner: ChunkScanner | LengthScanner = NO_BODY
        self._body_done = True
        self._held: list[bytes] = []  # body that came before the wiki's connection did
        self._holding: Holding | None = None
        self._delay: Delay | None = None
        self._answer_head = b""  # to be written with the first piece of the body
        self._request = b""  # as sent to the wiki, kept while it may be repeated
        self._wiki: WikiConnection | None = None
        self._connecting = 0  # number of the exchange that waits for a connection
        self._exchange = 0
        self._paused = False  # we do not read from the client
        self._slow = False  # the client does not read from us
        self._close_after = False
        self._lingering = False
        self.transport: asyncio.Transport | None = None
        self.head: RequestHead | None = None  # of the exchange under way
        self.response: ResponseHead | None = None
        self.status = 0
        self.tap: Tap | None = None
        self.peer = ""
        self.started_at = 0.0
        self.deadline = 0.0

    # --- asyncio's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register."""
        self.transport = tcp = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        tcp.set_write_buffer_limits(high=self._limits.buffer_bytes_max)
        self.deadline = self._loop.time() + self._limits.head_timeout_s
        if not self._handler.opened(self):
            tcp.write(self._handler.refusal(self, 503, "too many clients are connected"))
            self._linger()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what was under way: a client that is gone must not cost the wiki work."""
        _ = exc
        self._handler.closed(self)
        if self.head is not None:
            self._finish("client_gone")
        self._drop_wiki()

    def eof_received(self) -> bool:
        """Treat a half-closed client as gone, as web servers do."""
        return False

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        if self._lingering:
            return
        try:
            if self.head is None:
                self._read_requests(data)
            elif not self._body_done:
                self._read_body(data)
            else:  # pipelined: the next request while this one is answered
                self._buffer += data
                self._bound_buffer()
        except WireError as error:
            self._refuse(error.status, error.reason)

    def pause_writing(self) -> None:
        """Pass the client's slowness on to the wiki."""
        self._slow = True
        if self._wiki is not None:
            self._wiki.pause_answer()

    def resume_writing(self) -> None:
        """Let the wiki go on."""
        self._slow = False
        if self._wiki is not None:
            self._wiki.resume_answer()

    # --- requests -------------------------------------------------------------------------------------------------

    def _read_requests(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        if data[:2] == b"\r\n":
            data = data.lstrip(b"\r\n")  # RFC 9112 2.2: empty lines before a request are ignored
        end = find_head_end(data, self._limits.head_bytes_max)
        if end < 0:
            self._buffer = data
            return
        self._buffer = b""
        self.started_at = self._loop.time()
        head = read_request_head(data[:end])
        self.head = head
        self._exchange += 1
        self.response, self.status, self.tap, self._answer_head = None, 0, None, b""
        self._body_scanner = body_scanner(head.body, 400)
        self._body_done = head.body == 0
        self._close_after = not head.keep_alive or not head.minor
        self.deadline = self.started_at + self._limits.answer_timeout_s
        rest = data[end + 4 :]
        self._handler.begin(self, head)
        if not rest or self._lingering:
            return
        if self.head is not None and not self._body_done:
            self._read_body(rest)
            return
        self._buffer = rest
        self._bound_buffer()
        if self.head is None:  # answered at once
            self._loop.call_soon(self._read_buffered)

    def _read_buffered(self) -> None:
        """Turn to the next pipelined request, unless new bytes have brought that about already."""
        if self._buffer and self.head is None and self.transport is not None and not self.transport.is_closing():
            self.data_received(b"")

    def _read_body(self, data: bytes) -> None:
        taken = self._body_scanner.scan(data)
        self._body_done = self._body_scanner.done
        piece = data if taken == len(data) else data[:taken]
        if self.tap is not None:
            self.tap.request_body(piece)
        if self._wiki is not None:
            self._wiki.request_sent = self._body_done
            self._wiki.send(piece)
        else:
            self._held.append(piece)
            if self._holding is None or not self._holding.takes(len(piece)):
                self._pause()
        limits = self._limits
        self.deadline = self._loop.time() + (limits.answer_timeout_s if self._body_done else limits.idle_timeout_s)
        if self._holding is not None and (self._body_done or self._holding.left < 0):
            self._loop.call_soon(self._tell_held, self._holding)
        if self._body_done and taken < len(data):
            self._buffer += data[taken:]
            self._bound_buffer()

    def _bound_buffer(self) -> None:
        if len(self._buffer) > self._limits.head_bytes_max:
            self._pause()

    def _pause(self) -> None:
        if not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and self.transport is not None and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()

    # --- what the handler may order -------------------------------------------------------------------------------

    def forward(self, request: bytes) -> None:
        """Send the exchange under way to the wiki; `request` is its whole head with the empty line."""
        assert self.head is not None
        self._request = request
        self._ask(fresh=False)

    def hold(self, bytes_max: int, then: Callable[[bytes | None], None]) -> None:
        """Keep the request's body until it is whole, then call `then` with it as framed; with None: it is larger."""
        self._holding = Holding(bytes_max, then)
        if self._body_done:
            self._loop.call_soon(self._tell_held, self._holding)

    def _tell_held(self, holding: Holding) -> None:
        if holding is self._holding:  # else the exchange is over
            self._holding = None
            holding.then(b"".join(self._held) if holding.left >= 0 else None)

    def delay_answer(self, bytes_max: int, then: Callable[[bytes | None], None]) -> None:
        """Keep the wiki's answer from the client until `release_answer`."""
        self._delay = Delay(bytes_max, then)

    def release_answer(self) -> None:
        """Give the client what was kept of the wiki's answer, and the rest as it comes."""
        delay, self._delay = self._delay, None
        if delay is None or self.head is None or self.transport is None:
            return
        self.transport.writelines(delay.kept)
        if delay.ended:
            self._end()

    def answer(self, response: bytes, status: int, *, close: bool = False) -> None:
        """Answer the exchange under way without the wiki. `response` is whole, head and body."""
        self.status = status
        self._close_after |= close
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(response)
        if not self._body_done:
            self._finish("answered")
            self._linger()
            return
        self._finish("answered")
        self._next()

    def _ask(self, *, fresh: bool) -> None:
        assert self.head is not None
        safe = self.head.method in _REPEATABLE and self.head.body == 0
        number = self._connecting = self._exchange
        self._pool.take(safe=safe, fresh=fresh, then=lambda wiki, reason: self._connected(number, wiki, reason))

    def _connected(self, number: int, wiki: WikiConnection | None, reason: str) -> None:
        if self.head is None or number != self._exchange or number != self._connecting:
            if wiki is not None:
                self._pool.give_back(wiki)
            return
        self._connecting = 0
        if wiki is None:
            self._fail(reason, sent=False)
            return
        self._wiki = wiki
        wiki.ask(self, self.head.method, b"".join([self._request, *self._held]) if self._held else self._request)
        wiki.request_sent = self._body_done
        self._held.clear()
        if self._slow:
            wiki.pause_answer()
        if not self._body_done:
            self._resume()

    # --- the wiki's side (proxy.wire.upstream.Answered) -----------------------------------------------------------

    def wiki_interim(self, raw: bytes) -> None:
        """Pass a 1xx on to clients that know of such."""
        if self.head is not None and self.head.minor and self.transport is not None:
            self.transport.write(raw)

    def wiki_head(self, head: ResponseHead) -> None:
        """Pass the head of the answer on, less what belongs to the wiki's connection."""
        assert self.head is not None
        assert self.transport is not None
        self.response, self.status = head, head.status
        self._request = b""
        self._close_after |= head.body == UNTIL_CLOSE or (head.body == CHUNKED and not self.head.minor)
        fields = self._handler.response_fields(self, head)
        closing = b"Connection: close\r\n" if self._close_after else b""
        answer = b"HTTP/1.1 %d %b\r\n%b%b\r\n" % (head.status, head.reason, fields, closing)
        if self._delay is not None:
            self._delay.kept.append(answer)
        elif head.body:
            self._answer_head = answer
            # It waits for the body's first piece until after the next poll: one system call instead of two.
            self._loop.call_soon(self._loop.call_soon, self._flush_head)
        else:
            self.transport.write(answer)
        self.deadline = self._loop.time() + self._limits.idle_timeout_s

    def wiki_body(self, piece: bytes) -> None:
        """Pass a piece of the answer's body on."""
        assert self.transport is not None
        if self._delay is not None:
            self._delay.kept.append(piece)
            if not self._delay.takes(len(piece)):
                self._delay.then(None)
        elif self._answer_head:
            self.transport.writelines((self._answer_head, piece))
            self._answer_head = b""
        else:
            self.transport.write(piece)
        if self.tap is not None:
            self.tap.response_body(piece)
        self.deadline = self._loop.time() + self._limits.idle_timeout_s

    def _flush_head(self) -> None:
        if self._answer_head and self.transport is not None:
            self.transport.write(self._answer_head)
            self._answer_head = b""

    def wiki_end(self) -> None:
        """Finish the exchange and turn to the next request."""
        self._flush_head()  # an empty body until the connection's end
        self._wiki = None
        if self._delay is not None:
            self._delay.ended = True
            self.deadline = self._loop.time() + self._limits.answer_timeout_s
            if self._delay.left >= 0:
                self._delay.then(b"".join(self._delay.kept[1:]))
            return
        self._end()

    def _end(self) -> None:
        early = not self._body_done
        self._finish("ok")
        if early:  # the wiki answered before it had the whole request: nothing more can be told apart here
            self._linger()
        else:
            self._next()

    def wiki_broken(self, reason: str, *, answered: bool) -> None:
        """Repeat what can be repeated unseen, else tell the client."""
        wiki, self._wiki = self._wiki, None
        if self.head is None:
            return
        if self.response is not None:  # half an answer: only a broken connection tells the client so
            self._finish("wiki_failed")
            if self.transport is not None:
                self.transport.abort()
            return
        reused = wiki is not None and wiki.used > 1
        if reused and not answered and self.head.method in _REPEATABLE and self.head.body == 0:
            self._ask(fresh=True)
            return
        self._fail(reason, sent=True)

    def wiki_pause(self) -> None:
        """Stop reading the request's body."""
        self._pause()

    def wiki_resume(self) -> None:
        """Read the request's body again."""
        self._resume()

    # --- ends -----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Enforce the deadline. Called each second."""
        if now < self.deadline or self.transport is None:
            return
        if self.transport.is_closing():  # closed, but the client does not take the last bytes
            self.transport.abort()
        elif self._lingering or self.head is None:
            if self._buffer and not self._lingering:
                self._refuse(408, "the request's head did not arrive in time")
            else:
                self.transport.close()
        elif self.response is not None or not self._body_done:
            self._finish("idle")
            self._drop_wiki()
            self.transport.abort()
        else:
            self._drop_wiki()
            self._fail(f"the wiki did not answer within {self._limits.answer_timeout_s:g} s", sent=True)

    def drain(self) -> None:
        """Close when idle; else close after the exchange under way."""
        self._close_after = True
        if self.head is None and self.transport is not None:
            self.transport.close()

    def cut(self) -> None:
        """Close now, whatever is under way."""
        if self.transport is not None:
            self.transport.abort()

    def elapsed_s(self) -> float:
        """Return the seconds since the exchange under way began."""
        return self._loop.time() - self.started_at

    def _fail(self, reason: str, *, sent: bool) -> None:
        self.status, response = self._handler.failure(self, reason, sent=sent)
        assert self.transport is not None
        self.transport.write(response)
        self._finish("wiki_failed")
        self._linger()

    def _refuse(self, status: int, reason: str) -> None:
        assert self.transport is not None
        self.status = status
        if self.response is None:
            self.transport.write(self._handler.refusal(self, status, reason))
        self._drop_wiki()
        if self.head is not None:
            self._finish("refused")
        self._linger()

    def _finish(self, outcome: str) -> None:
        self._handler.end(self, outcome)
        self.head, self.tap = None, None
        self._connecting = 0
        self._held.clear()
        self._holding = self._delay = None

    def _drop_wiki(self) -> None:
        if self._wiki is not None:
            wiki, self._wiki = self._wiki, None
            wiki.abandon()

    def _next(self) -> None:
        assert self.transport is not None
        if self._close_after:
            self.transport.close()
            return
        self.deadline = self._loop.time() + self._limits.keepalive_s
        self._resume()
        if self._buffer:
            self._loop.call_soon(self._read_buffered)

    def _linger(self) -> None:
        """Close so that the client can still read the answer: discard what it sends, for a moment."""
        assert self.transport is not None
        self._lingering = True
        self.deadline = self._loop.time() + self._limits.linger_s
        self._resume()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
