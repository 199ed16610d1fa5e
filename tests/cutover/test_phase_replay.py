"""What another phase would have changed, request by request."""

from cutover.phase_replay import Recorded, replay
from rules.flips import Agreed
from rules.overrides import parse_overrides
from rules.phases import PhaseName as P
from rules.routes.route import Site

SITE = Site()
READ = "/w/api.php?action=wbgetentities&format=json&ids="
REQUESTS = [
    Recorded(target=f"{READ}Q1", differed=False),
    Recorded(target=f"{READ}Q2", differed=True),
    Recorded(target=f"{READ}P1", differed=False),
    Recorded(target="/wiki/Main_Page", differed=False),
]


def test_reads_that_would_move_are_counted_with_those_that_were_seen_to_differ() -> None:
    found = replay(REQUESTS, Agreed(phase=P.SHADOW_READS), Agreed(phase=P.READ_CUTOVER), SITE, 0.0)
    assert found.moved == {"answered by the store instead of the wiki": 3}
    assert (found.requests, found.differing) == (4, 1)


def test_only_a_slice_moves_where_only_a_slice_is_moved() -> None:
    held = parse_overrides([{"name": "items", "move": "back", "entity_types": ["item"]}])
    found = replay(REQUESTS, Agreed(phase=P.SHADOW_READS), Agreed(phase=P.READ_CUTOVER, overrides=held), SITE, 0.0)
    assert found.moved == {"answered by the store instead of the wiki": 1}


def test_what_begins_to_be_compared_is_told() -> None:
    found = replay(REQUESTS, Agreed(phase=P.EXPORT), Agreed(phase=P.SHADOW_READS), SITE, 0.0)
    assert (found.moved, found.differing) == ({"compared": 3}, 0)


def test_nothing_moves_between_equals() -> None:
    assert replay(REQUESTS, Agreed(phase=P.EXPORT), Agreed(phase=P.PREPARE), SITE, 0.0).moved == {}
