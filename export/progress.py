"""The progress of an export on a terminal: a bar where somebody watches, nothing where nobody does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from export.history import Progress, no_progress
from export.outcome import ExportResult


@contextmanager
def shown_progress(total: int | None = None) -> Iterator[Progress]:
    """Yield a callback that draws revisions, rate, time left and bytes on stderr when that is a terminal.

    `total`: how many revisions there are, about; None: not known, and so is the time left. What others had done
    before this process came does not count towards its rate.
    """
    if not sys.stderr.isatty():
        yield no_progress
        return
    with tqdm(total=total, unit=" revisions", desc="export", dynamic_ncols=True) as bar:
        seen = False

        def draw(result: ExportResult) -> None:
            nonlocal seen
            if not seen:
                seen, bar.initial = True, max(result.revisions - result.changed, 0)
                bar.n = bar.initial
            bar.set_postfix(entities=result.entities, missing=result.missing, MB=result.wiki_bytes >> 20, refresh=False)
            bar.update(result.revisions - bar.n)

        yield draw
