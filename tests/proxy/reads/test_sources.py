"""What answers are made of, read from a real store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from suites.stored import opened_store, revision

from backends.reads import CachedReads
from backends.store import Store
from proxy.reads.sources import Sources
from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId
from wikibase.render.facts import RenderingFacts
from wikibase.render.outcome import Decline, DeclinedError
from wikibase.revision import State

FACTS = RenderingFacts(server="http://x")


@dataclass
class Shelf:
    store: Store
    now: float = 0.0
    sources: dict[bool, Sources] = field(default_factory=dict)

    async def put(self, entity_id: str, rev_id: int, *, target: str | None = None, **other: Any) -> None:
        kind = "property" if entity_id[0] == "P" else "item"
        content = {"type": kind, "id": entity_id, **({"datatype": other.pop("datatype")} if kind == "property" else {})}
        values = {
            "entity_id": EntityId(entity_id),
            "content": None if target else canonical_entity(content),
            "state": State.REDIRECT if target else State.VISIBLE,
            "redirect_target": target,
            **other,
        }
        await self.store.put_history(EntityId(entity_id), [revision(rev_id, 0, **values)], rev_id, page_id=9)

    def of(self, *, absence_is_known: bool = False) -> Sources:
        if absence_is_known not in self.sources:
            reads = CachedReads(self.store, cache_bytes=1_000_000, absent_s=0)
            self.sources[absence_is_known] = Sources(
                reads,
                FACTS,
                absence_is_known=absence_is_known,
                data_types_s=300,
                absent_s=5,
                remembered_max=3,
                clock=lambda: self.now,
            )
        return self.sources[absence_is_known]


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with opened_store(tmp_path) as store:
        yield Shelf(store)


def reason(error: pytest.ExceptionInfo[DeclinedError]) -> Decline:
    return error.value.declined.reason


async def test_redirects_are_followed_as_far_as_asked(shelf: Shelf) -> None:
    for number, target in ((1, "Q2"), (2, "Q3"), (3, None)):
        await shelf.put(f"Q{number}", number, target=target)
    q1 = EntityId("Q1")
    assert list(await shelf.of().heads([q1], hops=0)) == ["Q1"]
    assert list(await shelf.of().heads([q1, q1], hops=1)) == ["Q1", "Q2"]
    heads = await shelf.of().heads([q1], hops=5)
    assert [found.mark for found in heads.values() if found] == [("Q1", 1), ("Q2", 2), ("Q3", 3)]


async def test_a_circle_of_redirects_ends(shelf: Shelf) -> None:
    await shelf.put("Q1", 1, target="Q2")
    await shelf.put("Q2", 2, target="Q1")
    assert set(await shelf.of().heads([EntityId("Q1")], hops=5)) == {"Q1", "Q2"}


async def test_what_the_store_does_not_have_is_declined_unless_it_is_known_to_be_complete(shelf: Shelf) -> None:
    missing = [EntityId("Q9")]
    with pytest.raises(DeclinedError) as error:
        await shelf.of().heads(missing, hops=1)
    assert reason(error) is Decline.NOT_IN_STORE
    assert await shelf.of(absence_is_known=True).heads(missing, hops=1) == {"Q9": None}
    await shelf.put("Q1", 1)
    with pytest.raises(DeclinedError):
        await shelf.of().revision(EntityId("Q1"), 77)
    assert await shelf.of(absence_is_known=True).revision(EntityId("Q1"), 77) is None
    assert await shelf.of(absence_is_known=True).revision(EntityId("Q9"), 1) is None


async def test_a_head_in_the_archive_is_a_deletion(shelf: Shelf) -> None:
    await shelf.put("Q1", 1, state=State.ARCHIVED)
    assert await shelf.of().heads([EntityId("Q1")], hops=0) == {"Q1": None}


async def test_a_head_without_text_is_declined(shelf: Shelf) -> None:
    await shelf.put("Q1", 1, state=State.MISSING, content=None)
    with pytest.raises(DeclinedError) as error:
        await shelf.of().heads([EntityId("Q1")], hops=0)
    assert reason(error) is Decline.UNREADABLE


async def test_a_damaged_snapshot_is_declined_and_not_shown(shelf: Shelf, tmp_path: Path) -> None:
    await shelf.put("Q1", 1)
    [path] = list((tmp_path / "snapshots").rglob("*.zst"))
    path.chmod(0o600)
    path.write_bytes(b"damaged")
    with pytest.raises(DeclinedError) as error:
        await shelf.of().heads([EntityId("Q1")], hops=0)
    assert reason(error) is Decline.UNREADABLE
    with pytest.raises(DeclinedError):
        await shelf.of().revision(EntityId("Q1"), 1)


async def test_a_revision_comes_with_the_page_that_the_entity_is_on_now(shelf: Shelf) -> None:
    await shelf.put("Q1", 1, page_id=3)
    found = await shelf.of().revision(EntityId("Q1"), 1)
    assert found is not None
    assert (found.mark, found.page_id) == (("Q1", 1), 9)


async def test_data_types_are_remembered_and_a_change_is_a_new_version(shelf: Shelf) -> None:
    sources = shelf.of(absence_is_known=True)
    await shelf.put("P1", 1, datatype="string")
    first, version = await sources.known({"P1", "P2"})
    assert first.data_types == {"P1": "string", "P2": None}
    await shelf.put("P2", 2, datatype="url")
    assert (await sources.known({"P2"}))[0].data_types == {"P2": None}  # remembered to be gone
    shelf.now = 6
    await sources.known({"P2"})
    later, newer = await sources.known({"P1", "P2"})
    assert later.data_types == {"P1": "string", "P2": "url"}
    assert newer == version + 1


async def test_the_memory_of_data_types_is_bounded(shelf: Shelf) -> None:
    for number in range(1, 6):
        await shelf.put(f"P{number}", number, datatype="string")
        await shelf.of().known({f"P{number}"})
    assert len(shelf.of()._types) <= 3
    assert (await shelf.of().known({f"P{number}" for number in range(1, 6)}))[0].data_types.keys() == {
        f"P{number}" for number in range(1, 6)
    }


async def test_a_property_that_the_store_does_not_have_is_declined(shelf: Shelf) -> None:
    for prop in ("P1", "nonsense"):
        with pytest.raises(DeclinedError):
            await shelf.of().known({prop})
