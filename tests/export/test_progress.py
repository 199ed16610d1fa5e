import io
import sys

import pytest

from export.outcome import ExportResult
from export.progress import shown_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_revisions_and_entities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with shown_progress() as progress:
        progress(ExportResult(revisions=41, entities=7))
        progress(ExportResult(revisions=42, entities=8))
        shown = sys.stderr
    assert isinstance(shown, Terminal)
    assert "42 revisions" in shown.getvalue()
    assert "entities=8" in shown.getvalue()


def test_a_file_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with shown_progress() as progress:
        progress(ExportResult(revisions=42))
    assert sys.stderr.getvalue() == ""


def test_the_time_left_is_known_where_the_total_is_and_what_was_done_before_is_no_pace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with shown_progress(total=100) as progress:
        progress(ExportResult(revisions=60, changed=10))
        progress(ExportResult(revisions=80, changed=30))
        shown = sys.stderr
    assert isinstance(shown, Terminal)
    assert "80/100" in shown.getvalue()
    assert "80%" in shown.getvalue()
