import pytest

from cutover.demo.revisions import RevisionQuery, iso_time

PLAIN = {"props": ["ids"], "roles": None, "listing": True, "limit": 3}


def ids(asked, world, page_id):
    chosen, following = asked.choose(world.history(page_id))
    return [one.rev_id for one in chosen], following and following.rev_id


def test_a_stretch_is_cut_and_names_what_follows(world):
    newest = RevisionQuery(**PLAIN, newer_first=True)
    oldest = RevisionQuery(**PLAIN, newer_first=False, start=("2013-01-03T06:36:07Z", 0))
    every = [one.rev_id for one in world.history(5)]
    assert len(every) == 7
    assert ids(newest, world, 5) == (every[:3:-1], every[3])
    assert ids(oldest, world, 5) == (every[1:4], every[4])


def test_users_and_tags_choose(world):
    by = RevisionQuery(**PLAIN, newer_first=True, user="Alice")
    chosen, _ = by.choose(world.history(39))
    assert {one.user for one in chosen} == {"Alice"}
    not_by = RevisionQuery(**PLAIN, newer_first=True, not_user="Alice", tag="bulk-import")
    assert [one.rev_id for one in not_by.choose(world.history(39))[0]] == [1007]


@pytest.mark.parametrize("text", ["20260102030405", "2026-01-02T03:04:05Z"])
def test_both_forms_of_time_are_read(text):
    assert iso_time(text) == "2026-01-02T03:04:05Z"


async def test_hidden_parts_are_flags_only(client):
    fields = {
        "action": "query",
        "prop": "revisions",
        "revids": "957|27",
        "rvprop": "ids|user|comment|sha1|content",
        "rvslots": "main",
    }
    client.world.edit("Q1", lambda entity: {**entity, "labels": {}})
    pages = (await client.api(**fields))["query"]["pages"]
    shown = pages[1]["revisions"][0]
    assert shown.pop("parentid") == client.world.revisions[957].parent_id
    hidden = dict.fromkeys(("userhidden", "sha1hidden", "commenthidden"), True)
    assert shown == {"revid": 957, **hidden, "slots": {"main": {"texthidden": True}}}
    assert pages[0]["revisions"][0]["slots"]["main"]["content"].startswith('{"type":"item"')


async def test_content_is_the_stored_text_also_after_an_edit(small):
    small.world.edit("Q1", lambda entity: {**entity, "labels": {"en": {"language": "en", "value": "ü/"}}})
    told = await small.api(
        action="query", prop="revisions", titles="Item:Q1", rvprop="content|sha1|size", rvslots="main"
    )
    (revision,) = told["query"]["pages"][0]["revisions"]
    content = revision["slots"]["main"]["content"]
    assert content == small.world.head("Q1").text
    assert '"value":"\\u00fc\\/"' in content
    assert '"descriptions":[]' in content
