"""Plans: the whole product of phases and routes."""

import itertools

import pytest

from rules.overrides import Kind, effective_phase, parse_overrides
from rules.phases import PHASES, Phase
from rules.plan import Plan, Side, must_recognise_first, plan, slice_of
from rules.routes.route import EntityRead, EntityWrite, NotOurs, Route, Surface
from wikibase.ids import EntityId

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


@pytest.mark.parametrize(("phase", "route"), list(itertools.product(PHASES, (READ, WRITE))))
@pytest.mark.parametrize("move", ["back", "forward"])
def test_a_slice_gets_the_plan_of_a_neighbouring_phase_or_its_own(phase: Phase, route: Route, move: str) -> None:
    overrides = parse_overrides([{"name": "x", "move": move, "header": "X-Canary: 1"}])
    assert isinstance(route, EntityRead | EntityWrite)
    acting = effective_phase(phase, overrides, slice_of(route, {"x-canary": "1"}), 0.0)
    places = list(PHASES)
    assert abs(places.index(acting) - places.index(phase)) <= 1
    assert plan(acting, route) in EXPECTED[acting.name]
    assert effective_phase(phase, overrides, slice_of(route, {}), 0.0) is phase


def test_what_overrides_see_of_a_route() -> None:
    q1 = EntityId("Q1")
    told = slice_of(EntityRead(surface=Surface.REST, entities=(q1,)), {"a": "b"})
    assert (told.kind, told.entities, told.known, told.headers) == (Kind.READ, (q1,), True, {"a": "b"})
    assert not slice_of(EntityRead(surface=Surface.REST, entities=(q1,), by_title=(("a", "b"),)), {}).known
    assert (slice_of(WRITE, {}).kind, slice_of(WRITE, {}).known) == (Kind.WRITE, False)
