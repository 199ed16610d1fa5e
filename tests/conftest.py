"""What all tests share: the event loop of production, and how hard properties are tried.

`--hypothesis-profile=nightly` (`make test-long`) tries each property 10,000 times.
"""

from collections.abc import Mapping

import uvloop
from hypothesis import HealthCheck, settings

# Machines are shared: a slow moment is no failure. Speed is measured in bench/.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", settings.get_profile("default"), max_examples=10_000)
settings.load_profile("default")


def pytest_asyncio_loop_factories() -> Mapping[str, object]:
    return {"uvloop": uvloop.new_event_loop}
