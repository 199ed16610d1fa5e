"""What an export will take: requests, bytes, money, time. Pure arithmetic on counts, with the prices as parameters."""

from dataclasses import asdict, dataclass
from typing import Any

from export.source import WikiCounts

PACKED_SHARE = 0.16
"""Bytes of a snapshot for each byte of text (docs/scale.md)."""

ENVELOPE_BYTES = 350
"""Bytes of a snapshot besides its content, packed (docs/scale.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What S3 costs, in the operator's currency."""

    puts_1000: float = 0.005
    gb_month: float = 0.023


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """`put_requests`: one for each revision. `packed_bytes`, `duration_s` None: not enough is known."""

    entities: int | None
    revisions: int | None
    text_bytes: int | None
    exact: bool
    put_requests: int | None
    packed_bytes: int | None
    requests_cost: float | None
    month_cost: float | None
    duration_s: float | None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)


def estimate(counts: WikiCounts, prices: Prices, *, revisions_per_s: float = 0.0) -> Estimate:
    """Return what exporting so much takes; `revisions_per_s` 0: not known."""
    revisions, text_bytes = counts.revisions, counts.text_bytes
    packed = None
    if revisions is not None and text_bytes is not None:
        packed = round(text_bytes * PACKED_SHARE) + revisions * ENVELOPE_BYTES
    return Estimate(
        entities=counts.entities,
        revisions=revisions,
        text_bytes=text_bytes,
        exact=counts.exact,
        put_requests=revisions,
        packed_bytes=packed,
        requests_cost=None if revisions is None else round(revisions / 1000 * prices.puts_1000, 2),
        month_cost=None if packed is None else round(packed / 1e9 * prices.gb_month, 2),
        duration_s=None if revisions is None or revisions_per_s <= 0 else round(revisions / revisions_per_s, 1),
    )


def words(one: Estimate) -> list[str]:
    """Return it in lines for people."""
    about = "" if one.exact else "about "
    lines = [f"{about}{_number(one.revisions)} revisions of {_number(one.entities)} entities"]
    if one.text_bytes is not None and one.packed_bytes is not None:
        lines.append(f"{about}{one.text_bytes / 1e9:,.2f} GB of text, {one.packed_bytes / 1e9:,.2f} GB of snapshots")
    if one.put_requests is not None:
        costs = f"S3, when it is used: {one.put_requests:,} PUT requests, {one.requests_cost:,.2f} once"
        lines.append(costs + (f", {one.month_cost:,.2f} each month" if one.month_cost is not None else ""))
    if one.duration_s is not None:
        lines.append(f"{one.duration_s / 3600:,.1f} hours at the pace that was asked for")
    return lines


def _number(value: int | None) -> str:
    return "an unknown number of" if value is None else f"{value:,}"
