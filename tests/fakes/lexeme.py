"""A lexeme with everything, made up: forms, senses, statements of every value type on each of them."""

from typing import Any


def _snak(prop: str, kind: str, value: Any) -> dict[str, Any]:
    return {"snaktype": "value", "property": prop, "datavalue": {"value": value, "type": kind}}


TIME = {
    "time": "+2013-04-05T00:00:00Z",
    "timezone": 0,
    "before": 0,
    "after": 0,
    "precision": 11,
    "calendarmodel": "http://www.wikidata.org/entity/Q1985727",
}
COORDINATE = {
    "latitude": 52.516666666667,
    "longitude": 13.383333333333,
    "altitude": None,
    "precision": 0.0002777,
    "globe": "http://www.wikidata.org/entity/Q2",
}
QUANTITY = {"amount": "+1.50", "unit": "1", "upperBound": "+1.55", "lowerBound": "+1.45"}
SNAKS = (
    _snak("P1", "string", "plain"),
    _snak("P2", "wikibase-entityid", {"entity-type": "item", "numeric-id": 5, "id": "Q5"}),
    _snak("P3", "time", TIME),
    _snak("P4", "quantity", QUANTITY),
    _snak("P5", "globecoordinate", COORDINATE),
    _snak("P6", "monolingualtext", {"text": "bonjour", "language": "fr"}),
    {"snaktype": "somevalue", "property": "P7"},
    {"snaktype": "novalue", "property": "P8"},
)


def _statement(owner: str, number: int, snak: dict[str, Any]) -> dict[str, Any]:
    qualifiers = {"P9": [_snak("P9", "string", "q")], "P8": [{"snaktype": "novalue", "property": "P8"}]}
    reference = {"snaks": {"P11": [_snak("P11", "string", "r")], "P12": [_snak("P12", "string", "s")]}}
    return {
        "mainsnak": snak,
        "type": "statement",
        "id": f"{owner}$0000000{number}-aaaa-4bbb-8ccc-ddddddddddd{number}",
        "rank": "normal",
        "qualifiers": qualifiers,
        "qualifiers-order": ["P9", "P8"],
        "references": [
            reference | {"snaks-order": ["P11", "P12"]},
            {"snaks": {"P11": [_snak("P11", "string", "other")]}, "snaks-order": ["P11"]},
        ],
    }


def _claims(owner: str, count: int) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    for number, snak in enumerate(SNAKS[:count]):
        claims[snak["property"]] = [_statement(owner, number, snak)]
    claims["P1"].append(_statement(owner, 9, _snak("P1", "string", "second")))
    return claims


def _terms(**texts: str) -> dict[str, Any]:
    return {language: {"language": language, "value": text} for language, text in texts.items()}


LEXEME: dict[str, Any] = {
    "type": "lexeme",
    "id": "L1",
    "lemmas": _terms(de="Haus", en="house"),
    "lexicalCategory": "Q1084",
    "language": "Q188",
    "claims": _claims("L1", 8),
    "forms": [
        {
            "id": f"L1-F{number}",
            "representations": _terms(de=f"Häuser{number}"),
            "grammaticalFeatures": ["Q110786", "Q146786"],
            "claims": _claims(f"L1-F{number}", 2),
        }
        for number in (1, 2)
    ],
    "senses": [
        {"id": f"L1-S{number}", "glosses": _terms(en=f"a building {number}"), "claims": {}} for number in (1, 2)
    ],
}

ITEM: dict[str, Any] = {
    "type": "item",
    "id": "Q5",
    "labels": _terms(en="Café one", de="Café eins"),
    "descriptions": _terms(en="a place"),
    "aliases": {"en": [{"language": "en", "value": text} for text in ("alpha", "beta", "gamma")]},
    "claims": _claims("Q5", 8),
    "sitelinks": {"enwiki": {"site": "enwiki", "title": "One", "badges": ["Q17437796", "Q17437798"]}},
}

PROPERTY: dict[str, Any] = {
    "type": "property",
    "id": "P5",
    "datatype": "string",
    "labels": _terms(en="width"),
    "descriptions": {},
    "aliases": {},
    "claims": {},
}

REDIRECT: dict[str, Any] = {"entity": "Q7", "redirect": "Q5"}
