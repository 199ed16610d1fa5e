"""Plans: the whole product of phases and routes."""

import itertools

import pytest

from rules.phases import PHASES, Phase
from rules.plan import Plan, Side, must_recognise_first, plan
from rules.routes.route import EntityRead, EntityWrite, NotOurs, Route, Surface

READ = EntityRead(surface=Surface.WBGETENTITIES, entities=())
WRITE = EntityWrite(surface=Surface.ACTION_API, module="wbeditentity")
NOT_OURS = NotOurs("static")
W, S = Side.WIKI, Side.STORE
PASS = Plan(W)

EXPECTED: dict[str, tuple[Plan, Plan]] = {
    "prepare": (PASS, PASS),
    "export": (PASS, PASS),
    "shadow_reads": (Plan(W, compared=True), PASS),
    "read_cutover": (Plan(S, compared=True), PASS),
    "dual_writes": (Plan(S, compared=True), Plan(W, compared=True, also_written_to=S)),
    "write_cutover": (Plan(S, compared=True), Plan(S, also_written_to=W)),
    "decommission": (Plan(S, compared=False), Plan(S)),
}


@pytest.mark.parametrize(("phase", "route"), list(itertools.product(PHASES, (READ, WRITE, NOT_OURS))))
def test_every_phase_has_a_plan_for_every_route(phase: Phase, route: Route) -> None:
    read, write = EXPECTED[phase.name]
    expected = {READ: read, WRITE: write, NOT_OURS: PASS}[route]
    assert plan(phase, route) == expected


def test_nothing_waits_for_recognition_while_the_wiki_answers_everything() -> None:
    assert [row.name for row in PHASES if not must_recognise_first(row)] == ["prepare", "export", "shadow_reads"]
