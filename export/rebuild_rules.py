"""What can be concluded about an entity from snapshots that the journal does not know yet. Pure.

The journal is exact; what came after its last segment is not: a snapshot alone does not say whether its revision was
committed. The rules lean towards what was acknowledged and what is hidden, and everything they assume is named:

- The wiki's revisions are taken as their snapshots tell them, the last in order as the head. Of two snapshots of one
  revision the one without content wins: what is hidden must not come back by a rebuild.
- The store's revisions are taken as a chain from the head on. Where several follow the same parent, one committed
  and the others lost: the one with the longer chain after it is the one that was built upon. Where nothing was built
  on any of them, none is taken, and each is named.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backends.ledger.ids import is_store_made
from backends.ledger.revision_rows import Head
from wikibase.revision import Revision


@dataclass(slots=True)
class Conclusion:
    """What to take in, which revision is the head then, and what was assumed or left open, in words."""

    taken: list[Revision] = field(default_factory=list)
    head_rev_id: int | None = None
    assumed: list[str] = field(default_factory=list)


def conclude(head: Head | None, unknown: Sequence[Revision]) -> Conclusion:
    """Return what follows from the snapshots of one entity that the rebuilt index has no rows of.

    `head`: as the journal has it, None when it does not know the entity.
    """
    made_by_wiki = [one for one in unknown if not is_store_made(one.rev_id)]
    made_by_store = [one for one in unknown if is_store_made(one.rev_id)]
    found = Conclusion(head_rev_id=head.rev_id if head else None)
    position = head.position if head else -1
    if made_by_wiki:
        found.taken = sorted(_one_each(made_by_wiki, found), key=lambda one: (one.position, one.rev_id))
        found.assumed += [f"revision {one.rev_id} of the wiki was committed" for one in found.taken]
        last = found.taken[-1]
        if last.position > position:
            found.head_rev_id, position = last.rev_id, last.position
            found.assumed.append(f"revision {last.rev_id} is the head")
    _follow(found, made_by_store, position)
    return found


def _one_each(revisions: Sequence[Revision], found: Conclusion) -> list[Revision]:
    """Return one snapshot of each revision."""
    by_id: dict[int, Revision] = {}
    for one in revisions:
        other = by_id.setdefault(one.rev_id, one)
        if other is not one:
            found.assumed.append(f"of several snapshots of revision {one.rev_id} the one that shows least is current")
            if one.content is None:
                by_id[one.rev_id] = one
    return list(by_id.values())


def _follow(found: Conclusion, made: Sequence[Revision], position: int) -> None:
    children: Mapping[int, list[Revision]] = defaultdict(list)
    for one in _one_each(made, found):
        children[one.parent_id].append(one)
    depth = _depths(children)
    while following := [one for one in children[found.head_rev_id or 0] if one.position > position]:
        deepest = max(depth[one.rev_id] for one in following)
        best = [one for one in following if depth[one.rev_id] == deepest]
        if len(best) > 1:
            ids = ", ".join(str(one.rev_id) for one in sorted(best, key=lambda one: one.rev_id))
            found.assumed.append(f"of the revisions {ids}, all on top of {found.head_rev_id}, none was committed")
            return
        (one,) = best
        found.taken.append(one)
        found.assumed.append(f"revision {one.rev_id} was committed, and is the head or lies below it")
        found.head_rev_id, position = one.rev_id, one.position


def _depths(children: Mapping[int, Sequence[Revision]]) -> dict[int, int]:
    """Return how long the longest chain is that each revision begins. Ids grow along a chain, so highest first."""
    depth: dict[int, int] = {}
    for one in sorted((one for some in children.values() for one in some), key=lambda one: -one.rev_id):
        depth[one.rev_id] = 1 + max((depth.get(child.rev_id, 0) for child in children.get(one.rev_id, ())), default=0)
    return depth
