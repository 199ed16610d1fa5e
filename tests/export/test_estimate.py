from export.estimate import Prices, estimate, words
from export.source import WikiCounts

WIKI = WikiCounts(entities=1_000_000, revisions=20_000_000, text_bytes=400_000_000_000, exact=False)


def test_requests_money_and_time_follow_from_the_counts() -> None:
    one = estimate(WIKI, Prices(puts_1000=0.01, gb_month=0.02), revisions_per_s=1000)
    assert one.put_requests == 20_000_000
    assert one.requests_cost == 200.0
    assert one.packed_bytes is not None
    assert one.month_cost == round(one.packed_bytes / 1e9 * 0.02, 2)
    assert one.duration_s == 20_000
    assert one.as_json()["entities"] == 1_000_000


def test_what_is_not_known_is_not_estimated() -> None:
    one = estimate(WikiCounts(entities=None, revisions=None, text_bytes=None), Prices())
    assert (one.put_requests, one.packed_bytes, one.requests_cost, one.month_cost, one.duration_s) == (None,) * 5
    assert words(one) == ["about an unknown number of revisions of an unknown number of entities"]


def test_people_are_told_what_is_a_guess() -> None:
    said = words(estimate(WIKI, Prices(), revisions_per_s=1000))
    assert said[0] == "about 20,000,000 revisions of 1,000,000 entities"
    assert "20,000,000 PUT requests, 100.00 once" in said[2]
    assert said[3].startswith("5.6 hours")
    exact = WikiCounts(entities=1, revisions=2, text_bytes=3, exact=True)
    assert words(estimate(exact, Prices()))[0] == "2 revisions of 1 entities"
