"""Cases as values: ids, what of a request is kept, what is cut and how that is said."""

import json

from fakes.samples import sample

from rules.case import BODY_BYTES_MAX, Case, Kept, case_id_of, exchange_of, facts_of, kept_body, without_bodies
from rules.verdict import Outcome, Verdict

VERDICT = Verdict(sample_id="s1", outcome=Outcome.MISMATCH, phase="p", surface="rest", entity_id="Q1", revision=7)


def test_the_same_thing_is_the_same_case() -> None:
    assert case_id_of("Q1", 7, "rest") == case_id_of("Q1", 7, "rest")
    others = {case_id_of("Q2", 7, "rest"), case_id_of("Q1", 8, "rest"), case_id_of("Q1", 7, "entitydata")}
    assert len(others | {case_id_of("Q1", 7, "rest")}) == 4


def test_only_what_shapes_an_answer_is_kept_of_a_request() -> None:
    told = exchange_of(
        sample(
            "/w/api.php?ids=Q1",
            {},
            request_headers=(("accept", "*/*"), ("cookie", "secret"), ("x-forwarded-for", "203.0.113.7")),
            response_headers=(("x-request-id", "203.0.113.7"),),
            form=b"a" * 20_000,
        ),
        "ab",
    )
    assert told.headers == (("accept", "*/*"),)
    assert (told.form, told.request_id, told.body_sha256) == (b"", None, "ab")


def test_the_id_of_a_request_is_the_clients_own_or_the_wikis() -> None:
    wikis = (("x-request-id", "0a1b2c3d4e5f60718293"),)
    assert exchange_of(sample("/", {}, response_headers=wikis), None).request_id == "0a1b2c3d4e5f60718293"
    own = sample("/", {}, response_headers=wikis, request_id="from-the-client-0001")
    assert exchange_of(own, None).request_id == "from-the-client-0001"


def test_a_body_that_is_cut_says_so() -> None:
    assert kept_body({"id": "Q1"}) == Kept(b'{"id":"Q1"}', 11)
    cut = kept_body({"id": "Q" * 100}, 20)
    assert (len(cut.text), cut.size_bytes, cut.words()) == (20, 109, "20 of 109 bytes: cut")
    assert kept_body(None).words() == "not kept: there is none"
    assert BODY_BYTES_MAX >= 1 << 20


def test_the_facts_are_plain_json_and_hold_no_body() -> None:
    case = Case(
        case_id="c",
        verdict=VERDICT,
        exchange=exchange_of(sample("/x", {}), None),
        wiki=Kept(b"words of the body", 17),
        store=Kept(b"words of the body", 17),
    )
    text = json.dumps(facts_of(case))
    assert "words of the body" not in text
    bare = without_bodies(case, "no room")
    assert (bare.wiki.text, bare.store.words(), bare.wiki.size_bytes) == (b"", "not kept: no room", 17)
