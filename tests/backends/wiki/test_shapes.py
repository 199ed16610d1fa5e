import json
from typing import Any

import pytest
from shared_truth import SHARED, needs_shared

from backends.wiki.shapes import page_revision, revisions_of, site_facts, titled_entity, words
from wikibase.ids import EntityType


def _recorded(name: str) -> dict[str, Any]:
    (path,) = (SHARED / "recordings" / "api").glob(f"{name}.json")
    answer: dict[str, Any] = json.loads(json.loads(path.read_text())["response"]["body"])
    return answer


@needs_shared
def test_recorded_suppressed_revisions_are_read_alike_by_whoever_asked() -> None:
    public = _recorded("380-revisions-suppressed-fv2-anon")["query"]
    anonymous = {"pages": _recorded("377-revisions-suppressed-anon")["query"]["pages"].values()}
    privileged = {"pages": _recorded("378-revisions-suppressed-admin")["query"]["pages"].values()}
    read = [[page_revision(one) for one in revisions_of(query)] for query in (anonymous, privileged)]
    assert [(one.rev_id, one.user, one.comment, one.sha1) for one in read[0]] == [
        (one.rev_id, one.user, one.comment, one.sha1) for one in read[1]
    ]
    assert [one.hidden - {"suppressed"} for one in read[0]] == [one.hidden - {"suppressed"} for one in read[1]]
    hidden = {one.rev_id: one.hidden for one in read[0]}
    assert any("text" in names for names in hidden.values())
    assert all(hidden[one["revid"]] == page_revision(one).hidden for one in revisions_of(public))


@needs_shared
def test_recorded_site_facts_name_the_entity_namespaces() -> None:
    query = _recorded("395-siteinfo")["query"]
    facts = site_facts(query)
    assert facts.entity_namespaces == {EntityType.ITEM: 120, EntityType.PROPERTY: 122}
    assert facts.namespace_names[120] == "Item"
    assert facts.script_path == "/w"


def test_the_id_of_a_request_is_no_part_of_an_error() -> None:
    said = [f"[{number:024x}] Exception caught: Unknown cluster" for number in (7, 8)]
    assert {words("internal_api_error_X", info) for info in said} == {
        "internal_api_error_X: Exception caught: Unknown cluster"
    }


@pytest.mark.parametrize(
    ("title", "of_type", "entity_id"),
    [
        ("Item:Q42", EntityType.ITEM, "Q42"),
        ("Q42", EntityType.ITEM, "Q42"),
        ("Property:P1", EntityType.PROPERTY, "P1"),
        ("Item:P1", EntityType.ITEM, None),
        ("Item:q42", EntityType.ITEM, None),
        ("Item:Sandbox", EntityType.ITEM, None),
        ("Main Page", EntityType.ITEM, None),
    ],
)
def test_a_title_names_an_entity_only_as_wikibase_writes_it(
    title: str, of_type: EntityType, entity_id: str | None
) -> None:
    assert titled_entity(title, of_type) == entity_id
