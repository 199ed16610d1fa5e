"""The test vectors of canonical form 1 (docs/canonical-form.md): each folder of tests/cases/canonical is one."""

from pathlib import Path

import pytest

from wikibase.canonical import canonical_bytes, canonical_entity, digest
from wikibase.documents import Shape, read_document
from wikibase.errors import NotAnEntityError
from wikibase.json_text import parse_json
from wikibase.statements import canonical_statements

CASES = Path(__file__).resolve().parents[1] / "cases" / "canonical"
SPECIFICATION = Path(__file__).resolve().parents[2] / "docs" / "canonical-form.md"

INPUTS = [
    (folder.name, *line.split())
    for folder in sorted(CASES.iterdir())
    for line in (folder / "shapes").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize(("case", "name", "shape"), INPUTS, ids=str)
def test_every_input_of_a_case_yields_its_canonical_bytes_and_digest(case: str, name: str, shape: str) -> None:
    folder = CASES / case
    found = [one.reading for one in read_document((folder / name).read_bytes(), Shape(shape))]
    read = [one for one in found if one.content is not None]
    assert b"".join(canonical_bytes(one.content) + b"\n" for one in read) == (folder / "canonical.json").read_bytes()
    digests = [f"{digest(canonical_bytes(one.content))} {one.entity_id}" for one in read]
    assert digests == (folder / "digest").read_text("utf-8").splitlines()


@pytest.mark.parametrize(("case", "name", "shape"), INPUTS, ids=str)
def test_the_shape_is_recognised_and_no_other_is_accepted(case: str, name: str, shape: str) -> None:
    document = (CASES / case / name).read_bytes()
    assert {one.shape for one in read_document(document)} == {Shape(shape)}
    for other in set(Shape) - {Shape(shape)}:
        with pytest.raises(NotAnEntityError):
            list(read_document(document, other))


@pytest.mark.parametrize("case", sorted({case for case, _, _ in INPUTS}))
def test_canonical_bytes_are_their_own_canonical_form(case: str) -> None:
    for line in (CASES / case / "canonical.json").read_bytes().splitlines():
        parsed = parse_json(line)
        partial = case.startswith("part-")
        assert canonical_bytes(canonical_entity(parsed, partial=partial)) == line


def test_the_inputs_of_a_case_are_all_listed_and_each_case_is_named_in_the_specification() -> None:
    listed = {f"{case}/{name}" for case, name, _ in INPUTS}
    assert {f"{path.parent.name}/{path.name}" for path in CASES.glob("*/input*")} == listed
    text = SPECIFICATION.read_text("utf-8")
    assert [case for case, _, _ in INPUTS if f"`{case}`" not in text] == []


def test_cases_that_say_another_content_have_another_digest() -> None:
    first = [(folder / "digest").read_text("utf-8").split()[0] for folder in CASES.iterdir()]
    # Half of "json-lines" is "item-without-anything".
    assert len(set(first)) == len(first) - 1


def test_an_order_that_only_the_list_tells_is_not_the_order_of_the_map() -> None:
    groups = {"P1": [{"mainsnak": {"snaktype": "novalue", "property": "P1"}}]}
    assert canonical_statements(groups)[1] == ["P1"]
