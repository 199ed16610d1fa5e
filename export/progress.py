"""The progress of an export on a terminal: a bar where somebody watches, nothing where nobody does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from export.history import Progress, no_progress
from export.outcome import ExportResult


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Yield a callback that draws revisions, rate and bytes on stderr when that is a terminal."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    with tqdm(unit=" revisions", desc="export", dynamic_ncols=True) as bar:

        def draw(result: ExportResult) -> None:
            bar.set_postfix(entities=result.entities, missing=result.missing, MB=result.wiki_bytes >> 20, refresh=False)
            bar.update(result.revisions - bar.n)

        yield draw
