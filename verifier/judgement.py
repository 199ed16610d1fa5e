"""What judging one entity works with, and what it comes to: plain values that the parts of the judge share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rules.normalise import Rule
from rules.projection import Part
from rules.verdict import Finding, Outcome
from verifier.sides import StoreSide, WikiSide
from wikibase.answers import AnsweredEntity

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What one attempt at a sample works with. `by_store`: the answer is the store's own, not the wiki's."""

    store: StoreSide
    wiki: WikiSide
    started_at: float
    margin_s: float
    last: bool
    confirmed: bool
    rules: tuple[Rule, ...] = ()
    today: date = date.max  # rules have expired by then; who gives rules gives the day
    by_store: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One entity of an answer, and how it was asked for."""

    answered: AnsweredEntity
    part: Part
    pinned: int | None
    head_read: bool
    follow_redirects: bool
    surface: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What a mismatch was found between. `wiki`: the entity as answered; `store`: canonical, the same part.

    `public`: the wiki was read again at this revision, and shows it to anybody. `reread` says in words what it gave.
    """

    wiki: Content
    store: Content | None
    wiki_digest: str | None
    store_digest: str | None
    public: bool
    reread: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one comparison came to. `open`: worth another attempt."""

    outcome: Outcome
    reason: str = ""
    detail: str = ""
    revision: int | None = None
    rules: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    open: bool = False
    made_at: str | None = None  # when the revision was made, as the store says (ISO 8601)
    sides: Sides | None = None  # of a mismatch
