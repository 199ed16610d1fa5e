"""The `phase:` line: changed alone."""

from pathlib import Path

import pytest

from backends.config_file import ConfigError, example, read_config
from cutover.phase_file import with_phase, write_phase

KEPT = "# mine\nwiki:\n  url: http://127.0.0.1:1  # a comment\n  # phase: no\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"phase: prepare\n{KEPT}", f"phase: export\n{KEPT}"),
        (f'phase: "prepare"   # so far\n{KEPT}', f"phase: export   # so far\n{KEPT}"),
        (f"{KEPT}phase : 'prepare'\n", f"{KEPT}phase : export\n"),
        (KEPT, f"phase: export\n{KEPT}"),
        ("phase: prepare", "phase: export"),
    ],
)
def test_only_that_line_is_changed(before: str, after: str) -> None:
    assert with_phase(before, "export", "x") == after


def test_the_example_can_be_changed() -> None:
    changed = with_phase(example(), "shadow_reads", "x").splitlines()
    different = [pair for pair in zip(example().splitlines(), changed, strict=True) if pair[0] != pair[1]]
    assert different == [("phase: prepare", "phase: shadow_reads")]


@pytest.mark.parametrize("text", ["phase: prepare\nphase: export\n", "{phase: prepare}\n"])
def test_what_cannot_be_changed_by_one_line_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        with_phase(text, "export", "x")


def test_the_file_is_replaced_as_a_whole_and_what_was_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"phase: prepare\n{KEPT}")
    path.chmod(0o640)
    undo = write_phase(path, "export")
    assert undo is not None
    assert read_config(path).phase == "export"
    assert undo.read_text() == f"phase: prepare\n{KEPT}"
    assert path.stat().st_mode & 0o777 == 0o640
    assert write_phase(path, "export") is None
    assert sorted(one.name for one in tmp_path.iterdir()) == ["c.yaml", "c.yaml.undo"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "c.yaml", tmp_path / "link.yaml"
    path.write_text("phase: prepare\n")
    link.symlink_to(path)
    write_phase(link, "export")
    assert link.is_symlink()
    assert read_config(path).phase == "export"
