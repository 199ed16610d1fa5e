import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.source import Span
from export.spans import page_spans, sampled_windows, title_spans
from wikibase.ids import EntityType


@given(st.integers(0, 5000), st.integers(1, 700))
def test_every_page_id_lies_in_exactly_one_span(max_page_id: int, size: int) -> None:
    ids = [number for span in page_spans(max_page_id, size) for number in range(int(span.low), int(span.high))]
    assert ids == list(range(1, max_page_id + 1))


@given(st.integers(1, 2000), st.text(max_size=12))
def test_every_title_lies_in_exactly_one_span(parts: int, title: str) -> None:
    for of_type in (EntityType.ITEM, EntityType.LEXEME, EntityType.MEDIAINFO, None):
        spans = title_spans("titles", 120, of_type, parts=parts)
        key = title.encode()
        own = [one for one in spans if one.low.encode() <= key and (not one.high or key < one.high.encode())]
        assert len(own) == 1


@pytest.mark.parametrize(("parts", "spans"), [(1, 1), (2, 9), (9, 9), (10, 90), (90, 90), (91, 900), (10_000, 900)])
def test_a_namespace_is_divided_into_about_so_many(parts: int, spans: int) -> None:
    made = title_spans("archive", 120, EntityType.ITEM, parts=parts)
    assert len(made) == spans
    assert made[0].low == made[-1].high == ""
    numbers = [number for number in range(1, 5000) if made[-1].low <= f"Q{number}"]
    assert 0 < len(numbers) < 5000


def test_a_span_says_what_it_is_of() -> None:
    [one] = title_spans("archive", 122, EntityType.PROPERTY)
    assert one == Span(kind="archive", low="", high="", namespace=122)


@given(st.integers(0, 10**9), st.integers(1, 50), st.integers(1, 1000))
def test_a_sample_is_bounded_and_small_wikis_are_counted_whole(max_page_id: int, windows: int, size: int) -> None:
    found = sampled_windows(max_page_id, windows=windows, size=size)
    assert len(found) <= windows + 1
    covered = sum(high - low for low, high in found)
    assert covered <= (windows + 1) * size
    if max_page_id <= windows * size:
        assert covered == max_page_id
