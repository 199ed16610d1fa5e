"""An entity as the REST API v1 would answer it (wikibase.md 1.4), from its canonical form: every value decodable."""

from typing import Any

Json = Any

_DATA_TYPES = {
    "string": "string",
    "wikibase-entityid": "wikibase-item",
    "time": "time",
    "quantity": "quantity",
    "globecoordinate": "globe-coordinate",
    "monolingualtext": "monolingualtext",
}
_SAID = {
    "time": ("time", "precision", "calendarmodel"),
    "quantity": ("amount", "unit"),
    "globecoordinate": ("latitude", "longitude", "precision", "globe"),
    "monolingualtext": ("language", "text"),
}


def as_rest_v1(content: dict[str, Json]) -> dict[str, Json]:
    """Return the answer to a GET of an item or property."""
    out: dict[str, Json] = {"id": content["id"], "type": content["type"]}
    for key in ("labels", "descriptions"):
        out[key] = {language: term["value"] for language, term in content[key].items()}
    out["aliases"] = {language: [one["value"] for one in group] for language, group in content["aliases"].items()}
    order = content.get("claims-order", [])
    out["statements"] = {prop: [_statement(one) for one in content["claims"][prop]] for prop in order}
    if "sitelinks" in content:
        out["sitelinks"] = {
            site: {"title": link["title"], "badges": link["badges"], "url": f"https://{site}.example/"}
            for site, link in content["sitelinks"].items()
        }
    if "datatype" in content:
        out["data_type"] = content["datatype"]
    return out


def _statement(statement: dict[str, Json]) -> dict[str, Json]:
    return {
        "id": statement.get("id"),
        "rank": statement["rank"],
        "qualifiers": _parts(statement.get("qualifiers", {}), statement.get("qualifiers-order", [])),
        "references": [
            {"hash": "0" * 40, "parts": _parts(one["snaks"], one["snaks-order"])}
            for one in statement.get("references", ())
        ],
        **_part(statement["mainsnak"]),
    }


def _parts(snaks: dict[str, Json], order: list[str]) -> list[Json]:
    return [_part(snak) for prop in order for snak in snaks[prop]]


def _part(snak: dict[str, Json]) -> dict[str, Json]:
    prop: dict[str, Json] = {"id": snak["property"], "data_type": "string"}
    value: dict[str, Json] = {"type": snak["snaktype"]}
    if snak["snaktype"] == "value":
        kind, held = snak["datavalue"]["type"], snak["datavalue"]["value"]
        prop["data_type"] = _DATA_TYPES[kind]
        if kind == "string":
            value["content"] = held
        elif kind == "wikibase-entityid":
            value["content"] = held["id"]
        else:
            value["content"] = {name: held[name] for name in _SAID[kind]}
    return {"property": prop, "value": value}
