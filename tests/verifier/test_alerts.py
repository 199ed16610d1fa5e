"""Alerts over a real webhook: sent, grouped, never in the way."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fakes.waiting import until as wait_until

from rules.verdict import Finding
from verifier.alerts import Alerts


def finding(kind: str = "head_behind", n: int = 1) -> Finding:
    return Finding(kind=kind, entity_id=f"Q{n}", revision=n, detail="late", found_at=float(n))


class Hook:
    """A webhook that remembers what it was sent."""

    def __init__(self, status: int = 200, *, hangs: bool = False) -> None:
        self.bodies: list[dict[str, Any]] = []
        self._status = status
        self._hangs = hangs
        self.released = asyncio.Event()
        app = web.Application()
        app.router.add_post("/hook", self._take)
        self.server = TestServer(app)

    async def _take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        if self._hangs:
            await self.released.wait()
        return web.Response(status=self._status)


async def send(alerts: Alerts, *batches: list[Finding], until: Callable[[], bool]) -> None:
    stop = asyncio.Event()
    async with alerts, asyncio.TaskGroup() as group:
        group.create_task(alerts.run(stop))
        for batch in batches:
            alerts.tell([], batch)
        await wait_until(until)
        stop.set()


async def test_an_alert_is_logged_and_posted(caplog: pytest.LogCaptureFixture) -> None:
    hook = Hook()
    async with hook.server:
        alerts = Alerts(webhook=str(hook.server.make_url("/hook")))
        with caplog.at_level(logging.WARNING):
            await send(alerts, [finding(), finding(n=2)], until=lambda: alerts.sent == 1)
    (body,) = hook.bodies
    assert (body["group"], body["count"], body["first_at"], body["last_at"]) == ("head_behind", 2, 1.0, 2.0)
    assert body["lines"] == ["Q1 revision 1: late", "Q2 revision 2: late"]
    assert "head_behind: 2" in caplog.text


async def test_what_comes_within_the_pace_is_told_at_the_end() -> None:
    hook = Hook()
    async with hook.server:
        alerts = Alerts(webhook=str(hook.server.make_url("/hook")), every_s=1000.0)
        stop = asyncio.Event()
        async with alerts, asyncio.TaskGroup() as group:
            group.create_task(alerts.run(stop))
            alerts.tell([], [finding()])
            await wait_until(lambda: alerts.sent == 1)
            alerts.tell([], [finding(n=2), finding(n=3)])
            stop.set()
    assert [body["count"] for body in hook.bodies] == [1, 2]


@pytest.mark.parametrize("status", [404, 500])
async def test_a_webhook_that_refuses_is_counted(status: int) -> None:
    hook = Hook(status)
    async with hook.server:
        alerts = Alerts(webhook=str(hook.server.make_url("/hook")))
        await send(alerts, [finding()], until=lambda: alerts.failed == 1)


async def test_a_webhook_that_is_not_there_is_counted() -> None:
    alerts = Alerts(webhook="http://127.0.0.1:1/hook")
    await send(alerts, [finding()], until=lambda: alerts.failed == 1)


async def test_a_webhook_that_hangs_stops_nobody_and_the_queue_is_bounded() -> None:
    hook = Hook(hangs=True)
    async with hook.server:
        alerts = Alerts(webhook=str(hook.server.make_url("/hook")), webhook_timeout_s=0.2, waiting_max=5)
        stop = asyncio.Event()
        async with alerts, asyncio.TaskGroup() as group:
            group.create_task(alerts.run(stop))
            alerts.tell([], [finding()])
            await wait_until(lambda: hook.bodies)
            alerts.tell([], [finding(n=n) for n in range(20)])
            assert alerts.dropped == 15
            stop.set()
        hook.released.set()
    assert alerts.failed == 2
