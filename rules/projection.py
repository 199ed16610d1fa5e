"""The part of an entity that an answer holds, cut out of canonical content in the same way (wikibase.md 1.1.1).

A partial answer can then be compared with the same part of what the store has. Both sides are canonical forms.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from rules.routes.route import Projection, Surface
from wikibase.answers import AnsweredEntity
from wikibase.rest_v1 import reduced

Json = Any
Content = Mapping[str, Json]

TERM_FIELDS = ("labels", "descriptions", "aliases")
STATEMENT_FIELDS = ("claims", "statements")

_FIELDS_OF_PROP: Mapping[str, tuple[str, ...]] = {
    "labels": ("labels",),
    "descriptions": ("descriptions",),
    "aliases": ("aliases",),
    "claims": ("claims", "claims-order", "statements", "statements-order"),
    "sitelinks": ("sitelinks",),
    "sitelinks/urls": ("sitelinks",),
}
_CHOSEN_BY_PROPS = frozenset(field for fields in _FIELDS_OF_PROP.values() for field in fields)
_ALWAYS = frozenset({"id", "type"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What of an entity is compared. None: all of it. `fields` are keys of the canonical form beside id and type."""

    fields: frozenset[str] | None = None
    chosen_by_props: bool = False  # fields that `props` has no word for (a lexeme's lemmas) are there whatever it says
    languages: frozenset[str] | None = None
    language_fallback: bool = False
    sites: frozenset[str] | None = None
    property_id: str | None = None
    rank: str | None = None
    statement: str | None = None
    references: bool = True
    reduced: bool = False  # without what the REST API v1 never tells of a value

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is cut away."""
        return self == _WHOLE


_WHOLE = Part()


def part_of(surface: str, projection: Projection, answered: AnsweredEntity) -> Part:
    """Return the part that this entity of an answer was asked for."""
    if answered.whole or answered.content is None:
        return _WHOLE
    if answered.by_fields or surface == Surface.REST:
        return _rest_part(projection, answered.content)
    if surface == Surface.WBGETCLAIMS:
        return _claims_part(projection)
    if surface != Surface.WBGETENTITIES:
        return _WHOLE
    fields = None
    if projection.props is not None:
        fields = frozenset(field for prop in projection.props for field in _FIELDS_OF_PROP.get(prop, ()))
    return Part(
        fields=fields,
        chosen_by_props=bool(projection.props),
        languages=_filter(projection.languages, _languages_in(answered.content)),
        language_fallback=projection.language_fallback,
        sites=_filter(projection.site_filter, (answered.content.get("sitelinks") or {}).keys()),
    )


def project(content: Content, part: Part) -> Content:
    """Return that part of a canonical entity. Redirects and schemas have no parts."""
    if part.is_whole or "redirect" in content or "serializationVersion" in content:
        return content
    out = {key: value for key, value in content.items() if _keeps(part, key)}
    if part.reduced:
        out = reduced(out)
    if part.languages is not None:
        for field in TERM_FIELDS:
            if field in out:
                out[field] = {key: value for key, value in out[field].items() if key in part.languages}
    if part.sites is not None and "sitelinks" in out:
        out["sitelinks"] = {key: value for key, value in out["sitelinks"].items() if key in part.sites}
    if part.property_id or part.rank or part.statement or not part.references:
        for field in STATEMENT_FIELDS:
            if field in out:
                _cut_statements(out, field, part)
    return out


def without_fallback(answered: Content, stored: Content, whole: Content) -> tuple[Content, bool]:
    """Take terms out of an answer that only the wiki's language fallback put there; tell whether there were any.

    `stored` is the same part of what the store has, `whole` all of it. A term stays when the store has one in the
    language asked for, or has another text in the language that the answer names.
    """
    answer, taken = dict(answered), False
    for field in ("labels", "descriptions"):
        if field not in answer:
            continue
        direct, known = stored.get(field) or {}, whole.get(field) or {}
        kept = {}
        for language, term in answer[field].items():
            converted = "source-language" in term  # into another script: the text is nowhere in the store
            if language not in direct and (converted or _text(known.get(term.get("language"))) == term.get("value")):
                taken = True
            else:
                kept[language] = term
        answer[field] = kept
    return answer, taken


def _text(term: Json) -> Json:
    return term.get("value") if isinstance(term, dict) else None


def _rest_part(projection: Projection, content: Content) -> Part:
    fields = set(content) - _ALWAYS
    if "claims" in fields:
        fields.add("claims-order")
    statement = projection.statement
    if len(projection.part) == 2 and projection.part[0] == "statements":  # noqa: PLR2004  statements/GUID
        statement = projection.part[1]
    if isinstance(claims := content.get("claims"), list) and len(claims) == 1:
        # The entity part of a GUID may be asked for in any case; what came is the stored spelling (READS: REST v0).
        found = claims[0].get("id")
        if statement is None or str(found).upper() == statement.upper():
            statement = found
    return Part(fields=frozenset(fields), statement=statement, property_id=projection.property_id)


def _claims_part(projection: Projection) -> Part:
    fields = frozenset(_FIELDS_OF_PROP["claims"])
    references = projection.props is None or "references" in projection.props
    if projection.statement is not None:  # rank and property are then not looked at
        return Part(fields=fields, statement=projection.statement, references=references)
    return Part(fields=fields, property_id=_upper(projection.property_id), rank=projection.rank, references=references)


def _upper(text: str | None) -> str | None:
    return text.upper() if text else None


def _languages_in(content: Content) -> frozenset[str]:
    return frozenset(language for field in TERM_FIELDS for language in (content.get(field) or {}))


def _filter(asked: tuple[str, ...] | None, shown: Collection[str]) -> frozenset[str] | None:
    """Return what is filtered by, None for no filter.

    Values that the wiki does not know are ignored, and without a known one there is no filter (recording 302); which
    it knows is its configuration, but an answer that shows more than was asked for gives it away.
    """
    if asked is None:
        return None
    wanted = frozenset(asked)
    return wanted if wanted.issuperset(shown) else None


def _keeps(part: Part, key: str) -> bool:
    if key in _ALWAYS or part.fields is None or key in part.fields:
        return True
    return part.chosen_by_props and key not in _CHOSEN_BY_PROPS


def _cut_statements(out: dict[str, Json], field: str, part: Part) -> None:
    kept: dict[str, list[Json]] = {}
    for property_id, group in out[field].items():
        if part.property_id is not None and property_id != part.property_id:
            continue
        chosen = [one for one in group if _chosen(one, part)]
        if not part.references:
            chosen = [{key: value for key, value in one.items() if key != "references"} for one in chosen]
        if chosen:
            kept[property_id] = chosen
    order = out.pop(f"{field}-order", ())
    out[field] = kept
    if kept:
        out[f"{field}-order"] = [property_id for property_id in order if property_id in kept]


def _chosen(statement: Content, part: Part) -> bool:
    if part.statement is not None and statement.get("id") != part.statement:
        return False
    return part.rank is None or statement.get("rank") == part.rank
