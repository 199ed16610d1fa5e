"""The house checks itself: file length, test twins, config parity, diagram parity, no addresses of registries."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from backends.config import Config
from backends.config_file import example, parse_config
from cutover.phases_page import table

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("wikibase", "rules", "backends", "proxy", "verifier", "export", "events", "cutover")
LINES_MAX = 420
FUNCTION_LINES_MAX = 70
FORBIDDEN_WORDS = {"manager", "helper", "helpers", "util", "utils", "common", "service", "core", "data"}

# Wiring and pure declarations are tested by what they wire: where, so that nobody has to search.
TESTED_BY = {
    "backends/config.py": "tests/backends/test_config_file.py",
    "backends/connect.py": "tests/cutover/test_verbs.py",
    "backends/errors.py": "tests/backends/sql/test_sqlite.py",
    "backends/ledger/revision_rows.py": "tests/backends/ledger/test_revisions.py",
    "backends/snapshots/base.py": "tests/suites/snapshots_suite.py",
    "backends/sql/base.py": "tests/suites/database_suite.py",
    "backends/wiki/changes_shapes.py": "tests/backends/wiki/test_changes_database.py",
    "backends/wiki/changes_statements.py": "tests/backends/wiki/test_changes_database.py",
    "cutover/canonical.py": "tests/cutover/test_canonical_verb.py",
    "cutover/config.py": "tests/cutover/test_serve.py",
    "cutover/demo/back_door.py": "tests/cutover/demo/test_run.py",
    "cutover/demo/damage.py": "tests/cutover/demo/test_run.py",
    "cutover/demo/drive.py": "tests/cutover/demo/test_run.py",
    "cutover/demo/stage.py": "tests/cutover/demo/test_run.py",
    "cutover/dump.py": "tests/cutover/test_show.py",
    "cutover/export.py": "tests/cutover/test_verbs.py",
    "cutover/options.py": "tests/cutover/test_serve.py",
    "cutover/phase_shown.py": "tests/cutover/test_phase.py",
    "cutover/phases_page.py": "tests/test_house.py",
    "cutover/report.py": "tests/cutover/test_verbs.py",
    "cutover/store_side.py": "tests/journeys/test_read_cutover.py",
    "cutover/worker.py": "tests/journeys/test_read_cutover.py",
    "cutover/verifier.py": "tests/cutover/test_verbs.py",
    "cutover/verify.py": "tests/cutover/test_follow.py",
    "cutover/version.py": "tests/cutover/test_verbs.py",
    "cutover/watch.py": "tests/cutover/test_serve.py",
    "export/api_source.py": "tests/export/test_history.py",
    "export/changes.py": "tests/export/test_follow.py",
    "export/follow_bring.py": "tests/export/test_follow.py",
    "export/follow_opening.py": "tests/cutover/test_follow.py",
    "export/follow_rounds.py": "tests/journeys/test_read_cutover.py",
    "export/follow_stream.py": "tests/export/test_follow.py",
    "export/follow_wiring.py": "tests/export/test_follow.py",
    "export/fsck_entity.py": "tests/export/test_fsck.py",
    "export/fsck_repair.py": "tests/export/test_fsck.py",
    "export/fsck_result.py": "tests/export/test_fsck.py",
    "export/source.py": "tests/export/test_entity.py",
    "proxy/admin.py": "tests/proxy/test_handler.py",
    "proxy/deciding.py": "tests/proxy/test_answering.py",
    "proxy/sampler.py": "tests/proxy/test_handler.py",
    "proxy/watching.py": "tests/proxy/test_answering.py",
    "proxy/wire/exchange.py": "tests/proxy/wire/test_client.py",
    "rules/routes/action_api.py": "tests/rules/routes/test_recorded.py",
    "rules/routes/api_writes.py": "tests/rules/routes/test_recorded.py",
    "rules/routes/entitydata.py": "tests/rules/routes/test_recorded.py",
    "rules/routes/pages.py": "tests/rules/routes/test_recognise.py",
    "rules/routes/reasons.py": "tests/rules/routes/test_recognise.py",
    "rules/routes/rest.py": "tests/rules/routes/test_recorded.py",
    "rules/routes/revisions.py": "tests/rules/routes/test_recorded.py",
    "rules/sample.py": "tests/backends/ledger/test_spool.py",
    "rules/verdict.py": "tests/verifier/test_judge.py",
    "verifier/audit_entity.py": "tests/verifier/test_audit.py",
    "verifier/audit_result.py": "tests/verifier/test_audit.py",
    "verifier/audit_sample.py": "tests/verifier/test_audit.py",
    "verifier/audit_wiki.py": "tests/verifier/test_audit.py",
    "verifier/heads.py": "tests/verifier/test_compare.py",
    "verifier/held.py": "tests/verifier/test_run.py",
    "verifier/judgement.py": "tests/verifier/test_compare.py",
    "verifier/sides.py": "tests/verifier/test_judge.py",
    "wikibase/errors.py": "tests/wikibase/test_canonical.py",
    "wikibase/revision.py": "tests/backends/snapshots/test_envelope.py",
}


def sources() -> list[Path]:
    return sorted(
        path.relative_to(ROOT)
        for floor in FLOORS
        for path in (ROOT / floor).rglob("*.py")
        if path.name != "__init__.py" and "__pycache__" not in path.parts
    )


def test_no_file_is_longer_than_one_can_read() -> None:
    paths = [*sources(), *(p.relative_to(ROOT) for p in (ROOT / "tests").rglob("*.py"))]
    long = {str(path): n for path in paths if (n := len((ROOT / path).read_text("utf-8").splitlines())) > LINES_MAX}
    assert long == {}


def test_no_function_is_longer_than_a_page() -> None:
    long = {}
    for path in sources():
        for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    long[f"{path}:{node.name}"] = length
    assert long == {}


def test_every_file_says_what_it_is() -> None:
    silent = [str(path) for path in sources() if not ast.get_docstring(ast.parse((ROOT / path).read_text("utf-8")))]
    assert silent == []


def test_every_source_file_has_its_test() -> None:
    without = [
        str(path)
        for path in sources()
        if str(path) not in TESTED_BY and not path.name.startswith("__") and not twins(path)
    ]
    assert without == []


def twins(path: Path) -> list[Path]:
    folder = ROOT / "tests" / path.parent
    return [
        found
        for found in (folder / f"test_{path.name}", folder.parent / f"test_{path.parent.name}.py")
        if found.is_file()
    ]


def test_the_list_of_files_without_a_twin_holds_no_ghosts() -> None:
    assert [path for pair in TESTED_BY.items() for path in pair if not (ROOT / path).is_file()] == []


def test_no_file_is_called_after_nothing() -> None:
    assert [str(path) for path in sources() if set(path.stem.split("_")) & FORBIDDEN_WORDS] == []


def test_the_example_config_is_the_typed_config() -> None:
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    assert text == example()
    assert parse_config(text, "config.example.yaml") == Config()


def test_the_page_of_phases_is_drawn_from_the_table() -> None:
    page = (ROOT / "docs" / "phases.md").read_text("utf-8")
    assert table() in page


def test_the_readme_names_every_folder_and_word() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [floor for floor in FLOORS if f"{floor}/" not in readme] == []
    words = "wiki store snapshot index head canonical digest route phase plan flip gate verdict follower fence epoch"
    assert [word for word in words.split() if f"**{word}" not in readme] == []


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    return [ROOT / name for name in listing.stdout.split("\0") if name]


# What a package client writes when it was told where to look: an option, a simple index, a resolved address.
ADDRESS = re.compile(
    "index" + r"[-_]url|https?://[^\s\"']*/simp" + r"le([/\"'\s]|$)|\"reso" + r"lved\": \"http", re.IGNORECASE
)


def test_no_file_names_a_registry() -> None:
    found = []
    for path in tracked():
        if path.suffix in {".zst", ".png"} or not path.is_file() or path == Path(__file__):
            continue
        text = path.read_text("utf-8", errors="replace")
        if ADDRESS.search(text):
            found.append(str(path.relative_to(ROOT)))
    assert found == []


@pytest.mark.parametrize("name", ["requirements.lock"])
def test_the_lock_holds_names_and_hashes_only(name: str) -> None:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    assert [line for line in lines if "://" in line] == []
    assert any("--hash=sha256:" in line for line in lines)
