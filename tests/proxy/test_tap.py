"""The tap: bounded by exchange and by worker."""

from proxy.tap import Budget, Observation
from proxy.wire.head import read_request_head

HEAD = read_request_head(b"GET /a HTTP/1.1\r\nHost: w")


def observation(budget: Budget, *, form_max: int = 10, body_max: int = 100) -> Observation:
    return Observation(HEAD, 1.0, "shadow_reads", budget, form_max, body_max)


def test_it_keeps_what_passes_and_counts_it_against_the_workers_budget() -> None:
    budget = Budget(1000)
    seen = observation(budget)
    seen.request_body(b"form")
    seen.response_body(b"an")
    seen.response_body(b"swer")
    assert (seen.form, seen.body, budget.held, seen.too_much) == ([b"form"], [b"an", b"swer"], 10, "")
    seen.let_go("written")
    assert budget.held == 0


def test_a_long_answer_a_long_form_and_a_full_worker_are_let_go_of_with_their_reason() -> None:
    for feed, reason in (
        (lambda seen: seen.response_body(b"x" * 101), "body_too_large"),
        (lambda seen: seen.request_body(b"x" * 11), "form_too_large"),
    ):
        budget = Budget(1000)
        seen = observation(budget)
        seen.response_body(b"first")
        feed(seen)
        seen.response_body(b"later")
        assert (seen.too_much, seen.body, budget.held) == (reason, [], 0)
    budget = Budget(6)
    first, second = observation(budget), observation(budget)
    first.response_body(b"12345")
    second.response_body(b"12")
    assert (first.too_much, second.too_much, budget.held) == ("", "memory", 5)
