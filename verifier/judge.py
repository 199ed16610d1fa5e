"""The judge: one sample in, verdicts and findings out. Takes nobody's word for what the request was.

It recognises the request itself, reads the answer, and compares each entity with the same revision in the store, in
the same part of it (invariant 8). What cannot be settled yet is named in `JudgeResult.again`, to be judged again
later; on the last attempt it is settled as what it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from rules.case import Case, without_bodies
from rules.normalise import Rule
from rules.projection import Part, part_of
from rules.routes.recognise import recognise
from rules.routes.route import EntityRead, EntityWrite, NotOurs, Request, Site, Surface
from rules.sample import STORE, Sample
from rules.strata import Stratum, age_class, format_class, route_shape, size_class
from rules.verdict import Finding, Outcome, Verdict
from verifier import rest_v1
from verifier.bodies import BODY_BYTES_MAX, NoBody, json_body
from verifier.cases import KEEPING, TOO_MANY, Keeping, case_of
from verifier.compare import Bench, Judgement, Question, judge_entity
from verifier.missing import judge_missing
from verifier.sides import StoreSide, WikiSide
from wikibase.answers import AnsweredEntity, Presence, entities_in
from wikibase.ids import EntityId, entity_type

_FORM_TYPE = "application/x-www-form-urlencoded"
_NOT_FOUND = 404
_OK = 200
_NOT_MODIFIED = 304
_TARGET_CHARS_MAX = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of judging one sample."""

    body_bytes_max: int = BODY_BYTES_MAX
    margin_s: float = 5.0  # clocks: a head older than the request by more than this was the head when it was answered
    attempts_max: int = 6  # after so many attempts an open case is settled as it stands
    confirmations: int = 2  # so many attempts must see a wrong head before it is called one


@dataclass(frozen=True, slots=True)
class JudgeResult:
    """What came of a sample. `again`: keys of those verdicts (by `Verdict.key`) that are worth another attempt."""

    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...] = ()
    again: frozenset[str] = frozenset()
    cases: tuple[Case, ...] = ()  # of the verdicts that are mismatches


async def judge(
    sample: Sample,
    *,
    store: StoreSide,
    wiki: WikiSide,
    site: Site,
    now: Callable[[], float],
    limits: Limits = Limits(),
    rules: tuple[Rule, ...] = (),
    keeping: Keeping = KEEPING,
    attempt: int = 1,
    only: frozenset[str] | None = None,
) -> JudgeResult:
    """Judge a sample. `only`: the keys of an earlier attempt that are still open; the others are not looked at again.

    Raises nothing of the two sides: what they raise becomes a verdict.
    """
    answer = read_answer(sample, site, limits.body_bytes_max)
    if isinstance(answer, Unread):
        return _settled(sample, now, answer)
    bench = Bench(
        store=store,
        wiki=wiki,
        started_at=sample.started_at,
        margin_s=limits.margin_s,
        last=attempt >= limits.attempts_max,
        confirmed=attempt >= limits.confirmations,
        rules=rules,
        today=datetime.fromtimestamp(now(), UTC).date(),
        by_store=sample.answered_by == STORE,
    )
    verdicts: list[Verdict] = []
    findings: list[Finding] = []
    again: set[str] = set()
    cases: list[Case] = []
    for answered in answer.entities:
        if only is not None and answered.key not in only:
            continue
        judgement = await _judge_one(bench, answer, answered)
        verdict = _verdict(sample, now, answer, judgement, answered)
        verdicts.append(verdict)
        findings += [replace(finding, found_at=verdict.judged_at) for finding in judgement.findings]
        if judgement.open and not bench.last:
            again.add(verdict.key)
        elif (case := case_of(sample, verdict, judgement, keeping)) is not None:
            cases.append(case if len(cases) < keeping.of_a_sample_max else without_bodies(case, TOO_MANY))
    return JudgeResult(tuple(verdicts), tuple(findings), frozenset(again), tuple(cases))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRead:
    """An answer as the judge reads it. `size_bytes`: of plain JSON, for each entity in it."""

    read: EntityRead
    entities: tuple[AnsweredEntity, ...]
    size_bytes: int
    reduced: bool = False  # of the REST API v1, which leaves parts of values out

    @property
    def surface(self) -> str:
        """The surface of the request."""
        return self.read.surface.value

    def part_of(self, answered: AnsweredEntity) -> Part:
        """Return the part of an entity that was asked for, as far as the surface tells it."""
        part = part_of(self.read.surface, self.read.projection, answered)
        return replace(part, reduced=True) if self.reduced else part


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Why there is nothing to judge entity by entity. `read` is None where the request was no entity read."""

    surface: str
    why: NoBody
    read: EntityRead | None = None


def read_answer(sample: Sample, site: Site, body_bytes_max: int) -> AnswerRead | Unread:
    """Recognise the request of a sample and read its answer."""
    read = recognise(_request(sample), site)
    if isinstance(read, NotOurs):
        return Unread(surface="", why=_left(f"not_ours_{read.reason}"))
    if isinstance(read, EntityWrite):
        return Unread(surface=read.surface, why=_left("write"))
    if not isinstance(read, EntityRead):
        return Unread(surface="", why=_left("needs_body"))
    found = _answered(sample, read, body_bytes_max)
    if isinstance(found, NoBody):
        return Unread(surface=read.surface, why=found, read=read)
    return found


async def _judge_one(bench: Bench, answer: AnswerRead, answered: AnsweredEntity) -> Judgement:
    read = answer.read
    if answered.presence is Presence.UNREADABLE:
        return Judgement(Outcome.NOT_COMPARED, "wiki_unreadable")
    if answered.presence is Presence.NO_CONTENT:
        return Judgement(Outcome.NOT_COMPARED, "no_content")
    if answered.asked is None and answered.presence is Presence.MISSING:
        return Judgement(Outcome.NOT_COMPARED, "title_missing" if answered.key.startswith("-") else "foreign_id")
    question = Question(
        answered=answered,
        part=answer.part_of(answered),
        pinned=read.revision,
        head_read=read.revision is None and read.surface is not Surface.REVISIONS,
        follow_redirects=read.projection.follow_redirects,
        surface=str(read.surface),
    )
    if answered.presence is Presence.MISSING:
        return await judge_missing(bench, question)
    return await judge_entity(bench, question)


def _answered(sample: Sample, read: EntityRead, bytes_max: int) -> AnswerRead | NoBody:
    """Return the entities of an answer, or why there are none."""
    if sample.status == _NOT_FOUND and read.surface is Surface.ENTITYDATA and len(read.entities) == 1:
        asked = read.entities[0]
        missing = AnsweredEntity(key=asked, presence=Presence.MISSING, asked=asked, revision=read.revision)
        return AnswerRead(read=read, entities=(missing,), size_bytes=0)
    if sample.status != _OK:
        reason = "not_modified" if sample.status == _NOT_MODIFIED else f"status_{sample.status}"
        return _left(reason)
    body = json_body(sample, read, bytes_max=bytes_max)
    if isinstance(body, NoBody):
        return body
    etag, modified = sample.header("etag"), _iso(sample.header("last-modified"))
    answer = entities_in(read.surface, body.json, asked=read.entities, etag=etag, modified=modified)
    if reduced := answer.reason == rest_v1.REASON:
        answer = rest_v1.v1_answer(body.json, asked=read.entities, etag=etag, modified=modified)
    if answer.reason:
        return _left(answer.reason, answer.detail)
    size_bytes = body.size_bytes // len(answer.entities)
    return AnswerRead(read=read, entities=answer.entities, size_bytes=size_bytes, reduced=reduced)


def _left(reason: str, detail: str = "") -> NoBody:
    return NoBody(Outcome.NOT_COMPARED, reason, detail)


def _request(sample: Sample) -> Request:
    headers = dict(sample.request_headers)
    return Request(
        method=sample.method,
        target=sample.target,
        # A sample keeps the form as urlencoded parameters, whatever it was sent as.
        content_type=headers.get("content-type") if sample.form is None else _FORM_TYPE,
        accept=headers.get("accept"),
        body=sample.form or b"",  # a form too large to keep was shed, so none means none
    )


def _iso(http_date: str | None) -> str | None:
    if not http_date:
        return None
    try:
        parsed = parsedate_to_datetime(http_date)
    except ValueError:
        return None
    return parsed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _verdict(
    sample: Sample,
    now: Callable[[], float],
    answer: AnswerRead | Unread,
    judgement: Judgement,
    answered: AnsweredEntity | None,
) -> Verdict:
    entity_id: EntityId | None = (answered.served or answered.asked) if answered else None
    form = "" if sample.form is None else f" {sample.form.decode('utf-8', 'replace')}"
    read = answer.read
    return Verdict(
        sample_id=sample.sample_id,
        outcome=judgement.outcome,
        phase=sample.phase,
        surface=str(answer.surface),
        key=answered.key if answered else "",
        entity_id=entity_id,
        entity_type=entity_type(entity_id).value if entity_id else None,
        revision=judgement.revision if judgement.revision is not None else (answered.revision if answered else None),
        reason=judgement.reason,
        detail=judgement.detail,
        rules=judgement.rules,
        target=f"{sample.target}{form}"[:_TARGET_CHARS_MAX],
        judged_at=now(),
        observed_at=sample.started_at,
        stratum=None if read is None else _stratum(read, answer, judgement, answered),
        shape="" if read is None else route_shape(read),
    )


def _stratum(
    read: EntityRead, answer: AnswerRead | Unread, judgement: Judgement, answered: AnsweredEntity | None
) -> Stratum:
    entity_id = (answered.served or answered.asked) if answered else None
    return Stratum(
        entity_type=entity_type(entity_id).value if entity_id else "",
        surface=read.surface.value,
        size=size_class(answer.size_bytes) if isinstance(answer, AnswerRead) else "",
        age=age_class((answered.modified if answered else None) or judgement.made_at),
        format=format_class(read),
    )


def _settled(sample: Sample, now: Callable[[], float], answer: Unread) -> JudgeResult:
    judgement = Judgement(answer.why.outcome, answer.why.reason, detail=answer.why.detail)
    return JudgeResult((_verdict(sample, now, answer, judgement, None),))
