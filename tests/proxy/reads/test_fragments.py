"""Pieces of answers that are remembered within a bound."""

from proxy.reads.fragments import BYTES_PER_PIECE, Fragments


def test_a_piece_is_made_once_and_the_bound_holds() -> None:
    fragments = Fragments(3 * (BYTES_PER_PIECE + 10))
    made: list[int] = []

    def make(number: int) -> bytes:
        made.append(number)
        return b"x" * 10

    for number in (1, 2, 1, 3, 1, 4, 1, 2):
        assert fragments(("key", number), lambda number=number: make(number)) == b"x" * 10  # type: ignore[misc]
        assert fragments.kept_bytes <= 3 * (BYTES_PER_PIECE + 10)
    assert made == [1, 2, 3, 4, 2]  # the least used one was forgotten
    assert (fragments.hits, fragments.made) == (3, 5)


def test_what_is_larger_than_the_bound_is_not_kept() -> None:
    fragments = Fragments(100)
    assert fragments("key", lambda: b"y" * 200) == b"y" * 200
    assert fragments.kept_bytes == 0
