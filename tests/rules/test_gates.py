"""Gates fail closed, say what is missing, and come to the same result again from their evidence."""

import itertools
from pathlib import Path

import orjson
import pytest
import yaml

from rules.gates import Criterion, Fact, GateFileError, bundle, digest, judge, judge_again, parse_gates
from rules.parity_gate import Result
from rules.phases import PhaseName as P

SHIPPED = Path(__file__).resolve().parents[2] / "rules" / "gates.yaml"
PASS, FAIL, UNKNOWN = Result.PASS, Result.FAIL, Result.UNKNOWN
MOST, LEAST = Criterion(fact="x", at_most=10), Criterion(fact="x", at_least=10)
SAME = Criterion(fact="x", equals="pass")
FRESH = Criterion(fact="x", at_most=10, age_max_s=60)


@pytest.mark.parametrize(
    ("criterion", "fact", "expected"),
    [
        (MOST, Fact(value=10), PASS),
        (MOST, Fact(value=10.5), FAIL),
        (MOST, Fact(value="few"), UNKNOWN),
        (MOST, Fact(why="the verifier is down"), UNKNOWN),
        (MOST, None, UNKNOWN),
        (LEAST, Fact(value=10), PASS),
        (LEAST, Fact(value=9), UNKNOWN),
        (SAME, Fact(value="pass"), PASS),
        (SAME, Fact(value="fail"), FAIL),
        (SAME, Fact(value="unknown"), UNKNOWN),
        (FRESH, Fact(value=1, age_s=60), PASS),
        (FRESH, Fact(value=1, age_s=61), UNKNOWN),
        (FRESH, Fact(value=1, age_s=-5), UNKNOWN),
    ],
)
def test_what_a_fact_says_about_a_criterion(criterion: Criterion, fact: Fact | None, expected: Result) -> None:
    gate = judge(P.EXPORT, [criterion], {} if fact is None else {"x": fact})
    assert gate.result is expected
    assert gate.judged[0].reason


@pytest.mark.parametrize("results", list(itertools.product((PASS, FAIL, UNKNOWN), repeat=2)))
def test_one_that_is_not_passed_is_enough(results: tuple[Result, Result]) -> None:
    facts = {PASS: Fact(value=1), FAIL: Fact(value=11), UNKNOWN: Fact(why="?")}
    criteria = [Criterion(fact=name, at_most=10) for name in "ab"]
    gate = judge(P.EXPORT, criteria, {name: facts[one] for name, one in zip("ab", results, strict=True)})
    assert gate.result is (FAIL if FAIL in results else UNKNOWN if UNKNOWN in results else PASS)


def test_a_gate_without_criteria_is_not_open() -> None:
    assert judge(P.EXPORT, [], {}).result is UNKNOWN


def test_a_gate_says_what_is_missing() -> None:
    """invariant 9: in words, with numbers."""
    fact = Fact(value="unknown", missing=("needs 12,431 more comparisons of lexemes older than 2015",))
    gate = judge(P.READ_CUTOVER, [Criterion(fact="parity", equals="pass")], {"parity": fact})
    assert gate.open_points() == [
        "unknown: parity: not proven yet",
        "  needs 12,431 more comparisons of lexemes older than 2015",
    ]
    assert (
        judge(P.READ_CUTOVER, [Criterion(fact="parity", equals="pass")], {"parity": Fact(value="pass")})
        .judged[0]
        .missing
        == ()
    )


def test_no_phase_can_be_reached_on_nothing() -> None:
    """Every shipped gate, without a single fact: none is open."""
    gates = parse_gates(yaml.safe_load(SHIPPED.read_text("utf-8")))
    assert set(gates) == set(P)
    assert {judge(to, criteria, {}).result for to, criteria in gates.items()} == {UNKNOWN}


def test_one_fact_that_is_not_known_keeps_every_shipped_gate_shut() -> None:
    gates = parse_gates(yaml.safe_load(SHIPPED.read_text("utf-8")))
    for to, criteria in gates.items():
        good = {
            one.fact: Fact(value=one.equals if one.equals is not None else one.at_most or one.at_least or 0)
            for one in criteria
        }
        assert judge(to, criteria, good).result is (PASS if criteria else UNKNOWN)
        for one in criteria:
            assert judge(to, criteria, {**good, one.fact: Fact(why="?")}).result is UNKNOWN


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ([], "expected phases"),
        ({"shadow": []}, "no phase is called 'shadow'"),
        ({"export": "x"}, "expected a list"),
        ({"export": [{"at_most": 1}]}, "expected `fact`"),
        ({"export": [{"fact": "x"}]}, "exactly one of"),
        ({"export": [{"fact": "x", "at_most": 1, "equals": 2}]}, "exactly one of"),
        ({"export": [{"fact": "x", "atmost": 1}]}, "no such field"),
        ({"export": [{"fact": "x", "at_most": "1"}]}, "expected a number"),
        ({"export": [{"fact": "x", "equals": [1]}]}, "expected a text"),
    ],
)
def test_a_wrong_file_is_refused_by_name(plain: object, message: str) -> None:
    with pytest.raises(GateFileError, match=message):
        parse_gates(plain)


def test_the_evidence_is_the_same_bytes_for_the_same_facts_and_gives_the_same_result_again() -> None:
    criteria = [Criterion(fact="x", at_most=10, because="why"), Criterion(fact="y", equals=True)]
    facts = {"y": Fact(why="?", missing=("a", "b")), "x": Fact(value=3, age_s=1.5)}
    gate = judge(P.EXPORT, criteria, facts)
    first = bundle(gate, criteria, facts, {"made_at": "now"})
    second = bundle(gate, criteria, dict(reversed(facts.items())), {"made_at": "now"})
    assert first == second
    assert digest(first) == digest(second)
    assert judge_again(first) == gate
    tampered = orjson.loads(first)
    tampered["facts"]["y"] = {"value": True}
    changed = orjson.dumps(tampered, option=orjson.OPT_SORT_KEYS)
    assert digest(changed) != digest(first)
    assert judge_again(changed).result.value != tampered["result"]
