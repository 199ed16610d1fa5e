"""From a mismatch to a case that somebody can look into: the request, both bodies, what reading again gave.

Bodies are of the one entity that differs, never of the others in the same answer, and only of what the wiki still
shows to anybody. Bounded: so many cases of one sample, so many bytes of each body.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from rules.case import BODY_BYTES_MAX, Case, Kept, case_id_of, exchange_of, kept_body, without_bodies
from rules.sample import Sample
from rules.verdict import Outcome, Verdict
from verifier.bodies import plain_bytes
from verifier.judgement import Judgement

OF_A_SAMPLE_MAX = 8
"""How many cases of one sample are kept with their bodies."""

NOT_PUBLIC = "the wiki did not show the revision when it was read again"
TOO_MANY = "there are many in the same answer"
NO_ROOM = "too many at once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How much of a case is kept."""

    body_bytes_max: int = BODY_BYTES_MAX
    of_a_sample_max: int = OF_A_SAMPLE_MAX
    rules_version: str = "none"


KEEPING = Keeping()


def case_of(sample: Sample, verdict: Verdict, judgement: Judgement, keeping: Keeping) -> Case | None:
    """Return the case of a verdict, None where it is no mismatch of an entity."""
    if verdict.outcome is not Outcome.MISMATCH or verdict.entity_id is None:
        return None
    sides = judgement.sides
    wiki = store = Kept(why="not read again")
    if sides is not None and sides.public:
        wiki, store = kept_body(sides.wiki, keeping.body_bytes_max), kept_body(sides.store, keeping.body_bytes_max)
    elif sides is not None:
        wiki = store = Kept(why=NOT_PUBLIC)
    return Case(
        case_id=case_id_of(verdict.entity_id, verdict.revision, verdict.surface),
        verdict=verdict,
        exchange=exchange_of(sample, _sha256(sample)),
        wiki=wiki,
        store=store,
        wiki_digest=sides.wiki_digest if sides else None,
        store_digest=sides.store_digest if sides else None,
        reread=sides.reread if sides else "",
        rules_version=keeping.rules_version,
    )


def bounded(cases: Iterable[Case], bytes_max: int) -> list[Case]:
    """Return the cases, one of each, those beyond so many bytes of bodies without theirs."""
    kept: dict[str, Case] = {}
    held = 0
    for case in cases:
        size = len(case.wiki.text) + len(case.store.text)
        fits = held + size <= bytes_max
        held += size if fits else 0
        kept[case.case_id] = case if fits else without_bodies(case, NO_ROOM)
    return [kept[case_id] for case_id in sorted(kept)]


def _sha256(sample: Sample) -> str | None:
    plain = plain_bytes(sample)
    return hashlib.sha256(plain).hexdigest() if isinstance(plain, bytes) else None
