"""Who gives way when there is no room: never the rare."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.shedding import gives_way, has_room, line_of

lines = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40), min_size=1)


@given(lines, st.sampled_from("abcdefg"))
def test_the_longest_line_gives_way_and_never_a_shorter_one(waiting: dict[str, int], newcomer: str) -> None:
    loser = gives_way(waiting, newcomer)
    own = waiting.get(newcomer, 0)
    if loser == newcomer:
        assert own + 1 >= max(waiting.values())
    else:
        assert waiting[loser] == max(waiting.values())
        assert waiting[loser] > own + 1


def test_under_any_flood_everybody_keeps_an_equal_share() -> None:
    waiting: dict[str, int] = {}
    total, most = 0, 30
    for step in range(3000):
        line = "flood" if step % 100 else "rare"  # a hundred to one
        if total >= most:
            loser = gives_way(waiting, line)
            if loser == line:
                continue
            waiting[loser] -= 1
            total -= 1
        waiting[line] = waiting.get(line, 0) + 1
        total += 1
    assert waiting == {"flood": 15, "rare": 15}


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 100), st.integers(1, 10))
def test_room_is_never_given_beyond_what_there_is(own: int, others: int, most: int, wanted: int) -> None:
    if has_room(own, own + others, most, wanted):
        assert own + others + wanted <= most


@given(st.lists(st.sampled_from("aaaaaaaab"), max_size=400), st.integers(10, 100))
def test_a_newcomer_always_finds_room_beside_one_flood(arrivals: list[str], most: int) -> None:
    held = {"a": 0, "b": 0}
    for line in arrivals:
        if has_room(held[line], sum(held.values()), most):
            held[line] += 1
    assert has_room(0, held["a"], most)
    assert held["a"] <= 0.8 * most + 1


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (b"/w/api.php?action=wbgetentities&ids=Q1", "wbgetentities"),
        (b"/wiki/Special:EntityData/Q1.json", "entitydata"),
        (b"/w/rest.php/wikibase/v0/entities/items/Q1", "rest"),
        (b"/w/api.php?action=query&prop=revisions&titles=Item:Q1", "revisions"),
        (b"/w/api.php", ""),
    ],
)
def test_a_target_is_put_in_line_by_a_glance(target: bytes, line: str) -> None:
    assert line_of(target) == line
