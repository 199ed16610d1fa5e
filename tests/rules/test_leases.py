"""Leases: nobody needs another's clock."""

from rules.leases import ControlLimits, Lookout, holds

LIMITS = ControlLimits(lease_s=3.0, margin_s=1.0)


def test_a_lease_that_was_never_confirmed_does_not_hold() -> None:
    assert not holds(None, 5.0, 3.0)


def test_a_lease_holds_for_its_time_and_no_longer() -> None:
    assert holds(10.0, 12.9, 3.0)
    assert not holds(10.0, 13.0, 3.0)


def test_whoever_watches_waits_longer_than_the_lease_from_when_it_first_saw_the_beat() -> None:
    lookout = Lookout(LIMITS)
    assert lookout.look({"a": 7}, 100.0) == frozenset()
    assert lookout.look({"a": 7}, 103.9) == frozenset()
    assert lookout.look({"a": 7}, 104.0) == {"a"}
    assert lookout.look({"a": 8}, 104.1) == frozenset(), "it came back"


def test_a_worker_that_left_is_forgotten() -> None:
    lookout = Lookout(LIMITS)
    lookout.look({"a": 1, "b": 1}, 0.0)
    lookout.look({"b": 1}, 1.0)
    assert lookout.look({"a": 1, "b": 1}, 4.0) == {"b"}, "a counts anew"


def test_several_beats_fit_into_a_lease() -> None:
    assert LIMITS.beat_s * 3 < LIMITS.lease_s
