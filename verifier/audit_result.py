"""What an audit of the store against the wiki looked at and found, for people and for gates."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from backends.ledger.findings import AuditFinding
from rules.parity import Bound

EXAMPLES_MAX = 1000
"""The most findings that one result carries; the ledger has them all."""


@dataclass(slots=True)
class AuditResult:
    """What an audit looked at and found. `bound`: of the share of wrong revisions, where they were drawn by chance.

    `witnessed`: the revisions whose text had the SHA-1 that both sides keep. `strata`: how many were looked at in each.
    """

    audit: str
    entities: int = 0
    revisions: int = 0
    witnessed: set[int] = field(default_factory=set)
    found: Counter[str] = field(default_factory=Counter)
    findings: list[AuditFinding] = field(default_factory=list)
    strata: Counter[str] = field(default_factory=Counter)
    bound: Bound | None = None

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.found

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "audit": self.audit,
            "clean": self.is_clean,
            "entities": self.entities,
            "revisions": self.revisions,
            "witnessed_by_sha1": len(self.witnessed),
            "found": dict(self.found),
            "strata": dict(self.strata),
            "bound": None if self.bound is None else {"rate": self.bound.upper, "text": self.bound.text()},
            "findings": [
                {
                    "entity_id": one.entity_id,
                    "kind": one.kind,
                    "rev_id": one.rev_id or None,
                    "detail": one.detail,
                    "repair": one.repair,
                }
                for one in self.findings
            ],
        }
