from datetime import UTC, datetime

import pytest

from cutover.demo.records import COMMENT_BIT, TEXT_BIT, USER_BIT
from cutover.demo.world import PAGES_TOUCHED, SITES_TOUCHED, EntityMissingError, EntityUnreadableError, World


def label(language, text):
    def change(entity):
        entity["labels"][language] = {"language": language, "value": text}
        return entity

    return change


def test_the_recorded_wiki_has_the_counts_of_its_description(world):
    assert (world.entity_count, world.revision_count) == (82, 1299)
    assert world.datatypes["P12"] == "tabular-data"
    assert "P13" not in world.datatypes
    assert world.site_links["frwiki", "Üfeld 56"] == "Q1"


def test_an_edit_adds_a_revision_behind_the_head(world):
    before = world.head("Q1")
    rev_id = world.edit("Q1", label("nl", "een"), user="Bob", comment="c", tags=("t",))
    after = world.head("Q1")
    assert (after.rev_id, after.parent_id, after.user, after.user_id) == (rev_id, before.rev_id, "Bob", 4)
    assert world.content(after)["labels"]["nl"]["value"] == "een"
    assert world.history(after.page_id)[-1] == after
    assert world.revision_count == 1300
    assert world.changes[-1].rev_id == rev_id


def test_an_edit_without_a_difference_adds_nothing(world):
    head = world.head("Q5").rev_id
    assert world.edit("Q5", lambda entity: entity) == head
    assert "Q5" not in world.touched


def test_ids_of_new_entities_and_revisions_follow_the_recorded_counters(world):
    assert world.create_item({"en": "x"}) == "Q76"
    assert world.head("Q76").rev_id == 1341
    assert world.create({"type": "property", "datatype": "string"})[0] == "P15"
    assert world.datatypes["P15"] == "string"


def test_a_number_that_an_import_took_is_passed_over(empty_world):
    world = empty_world
    first = [world.create_item() for _ in range(3)]
    assert first == ["Q1", "Q2", "Q3"]
    assert (world.entity_count, world.revision_count) == (3, 3)


def test_time_never_runs_back_behind_the_newest_revision():
    world = World.load(clock=lambda: datetime(2001, 1, 1, tzinfo=UTC))
    rev_id = world.edit("Q1", label("nl", "een"))
    assert world.revisions[rev_id].timestamp == "2026-09-25T13:26:58Z"


def test_a_redirect_replaces_the_content(world):
    item = world.create_item({"en": "x"})
    world.redirect(item, "Q1")
    assert world.content(world.head(item)) == {"entity": item, "redirect": "Q1"}
    assert world.head(item).size == 53  # "Q1" is a letter shorter than the observed "Q10"


def test_what_was_touched_is_told(world):
    world.edit("Q1", label("nl", "een"))
    assert world.touched == {"Q1"}
    world.edit(
        "Q66", lambda entity: {**entity, "sitelinks": {"enwiki": {"site": "enwiki", "title": "T", "badges": []}}}
    )
    assert SITES_TOUCHED in world.touched
    assert PAGES_TOUCHED not in world.touched
    assert world.site_links["enwiki", "T"] == "Q66"


def test_a_deleted_page_is_gone_until_it_is_undeleted(world):
    count = world.revision_count
    links = dict(world.site_links)
    log_id = world.delete("Item:Q1", reason="r")
    with pytest.raises(EntityMissingError):
        world.head("Q1")
    assert world.revision_count == count - 7
    assert ("frwiki", "Üfeld 56") not in world.site_links
    assert (world.changes[-1].log_id, world.changes[-1].log_action) == (log_id, "delete")
    assert world.undelete("Item:Q1") == 7
    assert world.head("Q1").rev_id == 371
    assert world.site_links == links
    assert world.changes[-1].log_action == "restore"
    assert world.undelete("Item:Q1") == 0


def test_deleting_what_is_not_there_is_an_error(world):
    with pytest.raises(EntityMissingError):
        world.delete("Item:Q34")


def test_hidden_parts_are_forgotten(world):
    world.hide(27, TEXT_BIT | COMMENT_BIT | USER_BIT)
    hidden = world.revisions[27]
    assert (hidden.text, hidden.sha1, hidden.comment, hidden.user, hidden.user_id) == (None,) * 5
    assert hidden.deleted_bits == 7
    assert "Q1" in world.touched


def test_an_unreadable_head_cannot_be_read_or_edited(world):
    with pytest.raises(EntityUnreadableError):
        world.content(world.head("Q74"))
    with pytest.raises(EntityUnreadableError):
        world.edit("Q74", lambda entity: entity)


def test_breaks_are_taken_in_order(world):
    world.break_next(2, 503)
    assert [world.take_break() for _ in range(3)] == [503, 503, None]


def test_content_is_a_copy(world):
    world.content(world.head("Q1"))["labels"].clear()
    assert world.content(world.head("Q1"))["labels"]


def test_a_page_of_the_namespace_that_holds_wikitext_is_no_entity(world):
    page = world.page("Item:Sandbox")
    assert page is not None
    assert world.entity_of(page) is None
    with pytest.raises(EntityMissingError):
        world.head("Q10000")
