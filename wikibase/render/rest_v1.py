"""The REST API v1 (from 1.44): what is there, of items and properties (wikibase.md 1.4).

Written from the documentation and the software's source of January 2025; no running v1 was at hand to compare with,
so `RenderingFacts.rest_versions` leaves it out unless it is named. Rendered are answers with data and 304. Redirects,
errors, whatever is missing, fallback to other languages, and quantities with bounds (versions differ) are the wiki's.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wikibase.ids import EntityId, EntityType, entity_type, parse_entity_id
from wikibase.render.conditions import is_known
from wikibase.render.entity import (
    Content,
    Known,
    page_url,
    properties_of,
    properties_of_statement,
    statement_json,
)
from wikibase.render.facts import RenderingFacts
from wikibase.render.found import Found, content_of
from wikibase.render.http_dates import http_date_of
from wikibase.render.outcome import Answer, Decline, DeclinedError
from wikibase.render.php_json import print_json, print_rest

Json = Any

_FIELDS: Mapping[EntityType, tuple[str, ...]] = {
    EntityType.ITEM: ("type", "labels", "descriptions", "aliases", "statements", "sitelinks"),
    EntityType.PROPERTY: ("type", "data_type", "labels", "descriptions", "aliases", "statements"),
}
_LEFT_OUT = {"time": ("before", "after", "timezone"), "globecoordinate": ("altitude",)}
_CODE = re.compile(r"[a-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestCall:
    """What a request asks for. `part`: the path below the entity, () for the entity itself. `fields`: `_fields`.

    `property_id`: only its statements. Names of `headers` are in lower case.
    """

    entity_id: EntityId
    part: tuple[str, ...]
    headers: Mapping[str, str]
    fields: tuple[str, ...]
    property_id: EntityId | None = None


def read_call(
    entity_id: EntityId, part: tuple[str, ...], headers: Mapping[str, str], values: Mapping[str, str]
) -> RestCall:
    """Return what a request asks for. Raises DeclinedError for what is not rendered."""
    known_fields = _FIELDS[entity_type(entity_id)]
    fields = tuple(values["_fields"].split(",")) if "_fields" in values else known_fields
    allowed = {(): {"_fields"}, ("statements",): {"property"}}.get(part, set())
    if values.keys() - allowed or not set(fields) <= set(known_fields):
        raise DeclinedError(Decline.PARAMETER, "REST")
    if part and (part[0] not in _PARTS or (part[0] == "sitelinks" and "sitelinks" not in known_fields)):
        raise DeclinedError(Decline.SURFACE, "a part that is not rendered")
    for header in ("if-match", "if-unmodified-since"):
        if header in headers:
            raise DeclinedError(Decline.HEADER, header)
    if not headers.get("user-agent"):
        raise DeclinedError(Decline.HEADER, "User-Agent")
    property_id = None
    if "property" in values:
        property_id = parse_entity_id(values["property"])
        if property_id is None or property_id != values["property"] or property_id[0] != "P":
            raise DeclinedError(Decline.VALUE, "property")
    return RestCall(entity_id=entity_id, part=part, headers=headers, fields=fields, property_id=property_id)


def used_properties(asked: RestCall, content: Content) -> frozenset[str]:
    """Return the properties whose data types an answer needs."""
    if asked.part[:1] == ("statements",):
        if len(asked.part) == 1:
            return properties_of(content)
        return properties_of_statement(_statement_of(asked, content))
    return properties_of(content) if not asked.part and "statements" in asked.fields else frozenset()


def data_answer(asked: RestCall, found: Found, known: Known, facts: RenderingFacts) -> Answer:
    """Return the answer made of a head. Raises DeclinedError for redirects and for what is not there."""
    content = content_of(found)
    revision = found.revision
    tag = f'"{revision.rev_id}"'
    nosniff = ("X-Content-Type-Options", "nosniff")
    if is_known(asked.headers, str(revision.rev_id), revision.timestamp):
        return Answer(304, (nosniff, ("ETag", tag)), b"", (found.mark,))
    renderer = _Renderer(asked, content, known, facts)
    shown = renderer.whole() if not asked.part else _PARTS[asked.part[0]](renderer)
    bare_slashes = not asked.part or asked.part[0] == "sitelinks"
    body = print_json(shown, ascii_only=True) if bare_slashes else print_rest(shown)
    changed = ("Last-Modified", http_date_of(revision.timestamp))
    return Answer(200, (("Content-Type", "application/json"), nosniff, changed, ("ETag", tag)), body, (found.mark,))


@dataclass(frozen=True, slots=True)
class _Renderer:
    asked: RestCall
    content: Content
    known: Known
    facts: RenderingFacts

    def whole(self) -> Json:
        fields: dict[str, Callable[[], Json]] = {
            "type": lambda: entity_type(self.asked.entity_id).value,
            "data_type": lambda: self.content["datatype"],
            "labels": lambda: self._texts("labels"),
            "descriptions": lambda: self._texts("descriptions"),
            "aliases": self._aliases,
            "statements": self._statements,
            "sitelinks": self._sitelinks,
        }
        shown = {name: make() for name, make in fields.items() if name in self.asked.fields}
        return {**shown, "id": self.content["id"]}

    def labels(self) -> Json:
        return self._one_or_all("labels", self._texts("labels"))

    def descriptions(self) -> Json:
        return self._one_or_all("descriptions", self._texts("descriptions"))

    def aliases(self) -> Json:
        return self._one_or_all("aliases", self._aliases())

    def sitelinks(self) -> Json:
        return self._one_or_all("sitelinks", self._sitelinks())

    def statements(self) -> Json:
        if len(self.asked.part) > 1:
            return self._statement(_statement_of(self.asked, self.content))
        return self._statements()

    def _one_or_all(self, name: str, shown: Mapping[str, Json]) -> Json:
        if len(self.asked.part) == 1:
            return shown
        code = self.asked.part[1]
        if code not in shown or _CODE.fullmatch(code) is None:
            raise DeclinedError(Decline.ERROR, f"no {name} of that code")
        return shown[code]

    def _texts(self, name: str) -> dict[str, Json]:
        terms = self.content.get(name) or {}
        return {code: terms[code]["value"] for code in sorted(terms)}

    def _aliases(self) -> dict[str, Json]:
        groups = self.content.get("aliases") or {}
        return {code: [one["value"] for one in groups[code]] for code in sorted(groups)}

    def _sitelinks(self) -> dict[str, Json]:
        links = self.content.get("sitelinks") or {}
        return {
            site: {
                "title": links[site]["title"],
                "badges": links[site]["badges"],
                "url": page_url(self.facts, site, links[site]["title"]),
            }
            for site in sorted(links)
        }

    def _statements(self) -> dict[str, Json]:
        claims = self.content.get("claims") or {}
        order = self.content.get("claims-order") or claims
        return {
            prop: [self._statement(one) for one in claims[prop]]
            for prop in order
            if claims.get(prop) and self.asked.property_id in (None, prop)
        }

    def _statement(self, statement: Content) -> dict[str, Json]:
        whole = statement_json(statement, self.known)
        if "id" not in whole:
            raise DeclinedError(Decline.ERROR, "a statement without id")
        return {
            "id": whole["id"],
            "rank": whole["rank"],
            "qualifiers": _pairs(whole.get("qualifiers", {})),
            "references": [{"hash": one["hash"], "parts": _pairs(one["snaks"])} for one in whole.get("references", ())],
            **_pair(whole["mainsnak"]),
        }


_PARTS: Mapping[str, Callable[[_Renderer], Json]] = {
    "labels": _Renderer.labels,
    "descriptions": _Renderer.descriptions,
    "aliases": _Renderer.aliases,
    "sitelinks": _Renderer.sitelinks,
    "statements": _Renderer.statements,
}


def _statement_of(asked: RestCall, content: Content) -> Content:
    for group in (content.get("claims") or {}).values():
        for one in group:
            if one.get("id") == asked.part[1]:
                return one  # type: ignore[no-any-return]  # canonical content
    raise DeclinedError(Decline.ERROR, "no such statement")


def _pairs(groups: Mapping[str, Iterable[Content]]) -> list[Json]:
    return [_pair(snak) for snaks in groups.values() for snak in snaks]


def _pair(snak: Content) -> dict[str, Json]:
    """Return property and value of a snak that has been rendered with its data type."""
    value: dict[str, Json] = {"type": snak["snaktype"]}
    if snak["snaktype"] == "value":
        value["content"] = _value(snak["datavalue"])
    return {"property": {"id": snak["property"], "data_type": snak.get("datatype")}, "value": value}


def _value(datavalue: Content) -> Json:
    kind, value = datavalue["type"], datavalue["value"]
    if "error" in datavalue or (kind == "quantity" and "upperBound" in value):
        raise DeclinedError(Decline.VALUE_UNDECODED, str(kind))
    if kind == "wikibase-entityid":
        return value["id"]
    left_out = _LEFT_OUT.get(kind)
    return {key: one for key, one in value.items() if key not in left_out} if left_out else value
