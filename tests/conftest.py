"""What all tests share: the event loop of production."""

from collections.abc import Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, object]:
    return {"uvloop": uvloop.new_event_loop}
