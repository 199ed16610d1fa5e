"""How much the long tests do: everything with CUTOVER_LONG=1 (`make test-long`), an honest part without."""

import os

LONG = os.environ.get("CUTOVER_LONG") == "1"


def effort(usual: int, long: int) -> int:
    """Return the count for this run."""
    return long if LONG else usual
