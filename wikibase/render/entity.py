"""The parts of an entity as answers show them, made of canonical content (wikibase.md 3.1, 3.3).

What Wikibase derives is added here: hashes of snaks and references, the data types of properties (wherever the
property exists), addresses of site links. Keys come in Wikibase's order; maps by language and site have none in the
store and are sorted. Raises DeclinedError for what cannot be known.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from wikibase.hashes import snak_hash
from wikibase.render.facts import RenderingFacts
from wikibase.render.outcome import Decline, DeclinedError
from wikibase.render.php_json import number
from wikibase.values import BY_TYPE, is_decoded

Json = Any
Content = Mapping[str, Json]
DataTypes = Mapping[str, str | None]
"""Data type by property id; None: there is no such property (any more)."""


@dataclass(frozen=True, slots=True)
class Known:
    """What statements are rendered with: data types of all their properties, and the wiki's entity types.

    A value that names an entity of another type is one that the wiki does not decode.
    """

    data_types: DataTypes
    entity_types: frozenset[str]


def known(data_types: DataTypes, facts: RenderingFacts) -> Known:
    """Return what statements of a wiki are rendered with."""
    types = {"item", "property", *facts.namespaces}
    return Known(data_types, frozenset(types | {"form", "sense"} if "lexeme" in types else types))


_ORDER_OF_VALUE: Mapping[str, tuple[str, ...]] = {
    "wikibase-entityid": ("entity-type", "numeric-id", "id"),
    "time": ("time", "timezone", "before", "after", "precision", "calendarmodel"),
    "quantity": ("amount", "unit", "upperBound", "lowerBound"),
    "globecoordinate": ("latitude", "longitude", "altitude", "precision", "globe"),
    "monolingualtext": ("text", "language"),
}
_KEYS_OF_VALUE = {kind: frozenset(order) for kind, order in _ORDER_OF_VALUE.items()}
# PHP's rawurlencode, less what MediaWiki's wfUrlencode turns back.
_BARE_IN_URL = "/:;@$!*(),~-_."


def properties_of(content: Content) -> frozenset[str]:
    """Return the properties of all snaks."""
    return frozenset(snak["property"] for snak in _snaks_of(content.get("claims") or {}))


def properties_of_statement(statement: Content) -> frozenset[str]:
    """Return the properties of all snaks of one statement."""
    return frozenset(snak["property"] for snak in _snaks_of({"": [statement]}))


def claims_json(content: Content, with_: Known) -> dict[str, Json]:
    """Return the statements by property, in the order of their first appearance."""
    claims = content.get("claims") or {}
    order = content.get("claims-order") or claims
    return {prop: [statement_json(one, with_) for one in claims[prop]] for prop in order if claims.get(prop)}


def statement_json(statement: Content, with_: Known) -> dict[str, Json]:
    """Return one statement."""
    out: dict[str, Json] = {"mainsnak": snak_json(statement["mainsnak"], with_), "type": "statement"}
    if qualifiers := statement.get("qualifiers"):
        order = statement.get("qualifiers-order") or list(qualifiers)
        out["qualifiers"] = _grouped(qualifiers, order, with_)
        out["qualifiers-order"] = order
    if (guid := statement.get("id")) is not None:
        out["id"] = guid
    out["rank"] = statement.get("rank", "normal")
    if references := statement.get("references"):
        out["references"] = [_reference(one, with_) for one in references]
    if len(statement.keys() - _STATEMENT_KEYS):
        raise DeclinedError(Decline.VALUE_UNDECODED, "a statement with parts that are not known")
    return out


_STATEMENT_KEYS = frozenset({"mainsnak", "type", "id", "rank", "qualifiers", "qualifiers-order", "references"})


_SNAK_TYPES = frozenset({"value", "somevalue", "novalue"})


def snak_json(snak: Content, with_: Known) -> dict[str, Json]:
    """Return one snak with hash and data type."""
    kind, prop = snak["snaktype"], snak["property"]
    found = snak_hash(snak) if kind in _SNAK_TYPES else None
    if found is None:
        raise DeclinedError(Decline.VALUE_UNDECODED, str(prop))
    out: dict[str, Json] = {"snaktype": kind, "property": prop, "hash": found}
    if kind == "value":
        out["datavalue"] = _datavalue(snak["datavalue"], with_)
    data_type = with_.data_types[prop]
    if data_type is not None:
        out["datatype"] = data_type
    return out


def terms_json(terms: Content, languages: Iterable[str] | None = None) -> dict[str, Json]:
    """Return labels, descriptions or aliases, only those in some languages where they are given."""
    if languages is None:
        return {code: _term(terms[code]) for code in sorted(terms)}
    return {code: _term(terms[code]) for code in languages if code in terms}


def sitelinks_json(
    links: Content, facts: RenderingFacts, *, urls: bool, sites: frozenset[str] | None = None
) -> dict[str, Json]:
    """Return the site links by site, sorted; `sites` keeps only some."""
    out: dict[str, Json] = {}
    for site in sorted(links):
        if sites is None or site in sites:
            link = links[site]
            out[site] = {"site": link["site"], "title": link["title"], "badges": link["badges"]}
            if urls:
                out[site]["url"] = page_url(facts, site, link["title"])
            if len(link) > 3:  # noqa: PLR2004  site, title, badges
                raise DeclinedError(Decline.VALUE_UNDECODED, "a site link with parts that are not known")
    return out


def page_url(facts: RenderingFacts, site: str, title: str) -> str:
    """Return the address of a page on a site. Raises DeclinedError where the site's address is not known."""
    path = facts.site_urls.get(site)
    if path is None:
        raise DeclinedError(Decline.SITE_UNKNOWN, site)
    return path.replace("$1", title_in_url(title))


def title_in_url(title: str) -> str:
    """Return a page title as it stands in addresses."""
    return quote(title.strip(_PHP_SPACE).replace(" ", "_"), safe=_BARE_IN_URL, encoding="utf-8")


_PHP_SPACE = " \t\n\r\0\x0b"


def _snaks_of(claims: Mapping[str, Iterable[Content]]) -> Iterator[Content]:
    for group in claims.values():
        for statement in group:
            yield statement["mainsnak"]
            for snaks in (statement.get("qualifiers") or {}).values():
                yield from snaks
            for reference in statement.get("references") or ():
                for snaks in reference["snaks"].values():
                    yield from snaks


def _grouped(groups: Mapping[str, Iterable[Content]], order: Iterable[str], with_: Known) -> dict[str, Json]:
    return {prop: [snak_json(snak, with_) for snak in groups[prop]] for prop in order}


def _reference(reference: Content, with_: Known) -> dict[str, Json]:
    order = reference.get("snaks-order") or list(reference["snaks"])
    snaks = _grouped(reference["snaks"], order, with_)
    if reference.keys() - _REFERENCE_KEYS:
        raise DeclinedError(Decline.VALUE_UNDECODED, "a reference with parts that are not known")
    hashes = [snak["hash"] for group in snaks.values() for snak in group]
    return {"hash": _reference_hash(hashes), "snaks": snaks, "snaks-order": order}


_REFERENCE_KEYS = frozenset({"snaks", "snaks-order"})


def _reference_hash(hashes: list[str]) -> str:
    """Return the hash of a reference from those of its snaks (wikibase.md 3.7)."""
    return hashlib.sha1("|".join(sorted(hashes)).encode(), usedforsecurity=False).hexdigest()


def _datavalue(datavalue: Content, with_: Known) -> dict[str, Json]:
    kind, value = datavalue["type"], datavalue["value"]
    if len(datavalue) != 2:  # noqa: PLR2004  type and value
        raise DeclinedError(Decline.VALUE_UNDECODED, "a value with parts that are not known")
    if kind == "string" and type(value) is str:
        return {"value": value, "type": kind}
    if kind in BY_TYPE and is_decoded(kind, value):
        return {"value": _ordered(kind, value, with_), "type": kind}
    if kind in BY_TYPE:
        raise DeclinedError(Decline.VALUE_UNDECODED, str(kind))
    return {"value": _undecoded(value), "type": kind, "error": f'Type "{kind}" is unsupported'}


def _ordered(kind: str, value: Content, with_: Known) -> Json:
    order = _ORDER_OF_VALUE[kind]
    foreign = kind == "wikibase-entityid" and value["entity-type"] not in with_.entity_types
    if foreign or not value.keys() <= _KEYS_OF_VALUE[kind]:
        raise DeclinedError(Decline.VALUE_UNDECODED, kind)
    fields = {key: value[key] for key in order if key in value}
    if kind == "globecoordinate":
        return {key: number(one) for key, one in fields.items()}
    return fields


def _undecoded(value: Json) -> Json:
    """Return a value of a type that is not known, if it looks the same in every formatversion.

    Truth values, nothing, and what is empty do not: they are declined, and so are keys with a meaning to MediaWiki.
    """
    if type(value) is dict and value and not any(key[:1] == "_" for key in value):
        return {key: _undecoded(one) for key, one in value.items()}
    if type(value) is list and value:
        return [_undecoded(one) for one in value]
    if type(value) is str or type(value) is int or type(value) is float:
        return number(value) if type(value) is float else value
    raise DeclinedError(Decline.VALUE_UNDECODED, "a value of a type that is not known")


def _term(term: Json) -> Json:
    if type(term) is list:
        return [_term(one) for one in term]
    if len(term) != 2:  # noqa: PLR2004  language and value
        raise DeclinedError(Decline.VALUE_UNDECODED, "a term with parts that are not known")
    return {"language": term["language"], "value": term["value"]}


TERMS: tuple[str, ...] = ("labels", "descriptions", "aliases")
