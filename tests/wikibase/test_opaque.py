"""Values that Wikibase does not decode are counted, wherever they stand."""

from typing import Any

from wikibase.canonical import canonical_entity
from wikibase.opaque import opaque_values


def snak(kind: Any, value: Any) -> dict[str, Any]:
    return {"snaktype": "value", "property": "P1", "datavalue": {"type": kind, "value": value}}


def statement(*snaks: dict[str, Any]) -> dict[str, Any]:
    main, qualifier, reference = snaks
    return {
        "mainsnak": main,
        "type": "statement",
        "rank": "normal",
        "qualifiers": [qualifier],
        "references": [{"snaks": [reference]}],
    }


def test_unknown_types_and_refused_values_are_counted_by_type() -> None:
    fine, none = snak("string", "x"), {"snaktype": "novalue", "property": "P1"}
    claims = [
        statement(snak("bad", 1), snak("time", {"time": "x"}), snak(None, 1)),
        statement(fine, none, snak("bad", {})),
    ]
    item = canonical_entity({"type": "item", "id": "Q1", "claims": claims})
    assert opaque_values(item) == {"bad": 2, "time": 1, "null": 1}
    form = {"id": "L1-F1", "claims": [statement(snak("bad", 1), fine, fine)]}
    assert opaque_values(canonical_entity({"type": "lexeme", "id": "L1", "forms": [form]})) == {"bad": 1}
    media = {"type": "mediainfo", "id": "M1", "statements": [statement(snak("bad", 1), fine, fine)]}
    assert opaque_values(canonical_entity(media)) == {"bad": 1}


def test_redirects_and_schemas_have_none() -> None:
    assert opaque_values({"entity": "Q1", "redirect": "Q2"}) == {}
    assert opaque_values({"serializationVersion": "3.0", "labels": {"claims": "x"}}) == {}
