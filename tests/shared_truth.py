"""Where the recordings of a real Wikibase lie, when they are at hand (beside the checkout)."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"

needs_shared = pytest.mark.skipif(
    not (SHARED / "recordings" / "api").is_dir(), reason="the recordings (../shared) are not beside this checkout"
)
