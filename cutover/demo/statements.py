"""What the write modules do to an entity. Pure: an entity goes in, a changed copy comes out (wikibase.md 2.1, 3.6)."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha1
from typing import Any

from cutover.demo.php import stored_json
from cutover.demo.world import Entity

Json = Any
Part = tuple[str, ...]

_SNAK_CLASS = {
    "value": r"Wikibase\DataModel\Snak\PropertyValueSnak",
    "somevalue": r"Wikibase\DataModel\Snak\PropertySomeValueSnak",
    "novalue": r"Wikibase\DataModel\Snak\PropertyNoValueSnak",
}
_EDGES = re.compile(r"^[\s\u200b\ufeff]+|[\s\u200b\ufeff]+$")


class BadDataError(ValueError):
    """The data of an edit is not of the shape it must have. `code` is the API's."""

    def __init__(self, code: str, info: str) -> None:
        super().__init__(info)
        self.code = code


def clean_term(text: str) -> str:
    """Trim a term and bring it to NFC."""
    return unicodedata.normalize("NFC", _EDGES.sub("", text))


def with_term(entity: Entity, key: str, language: str, value: str) -> Entity:
    """Set a label or description; an empty value removes it."""
    terms = {code: term for code, term in entity[key].items() if value or code != language}
    if value:
        terms[language] = {"language": language, "value": value}
    return {**entity, key: terms}


def with_aliases(
    entity: Entity, language: str, *, add: Sequence[str], remove: Sequence[str], replace: Sequence[str] | None
) -> Entity:
    """Change the aliases of one language."""
    had = [alias["value"] for alias in entity["aliases"].get(language, ())]
    kept = [text for text in (had if replace is None else replace) if text not in remove]
    values = [text for text in dict.fromkeys([*kept, *add]) if text]
    aliases = {code: group for code, group in entity["aliases"].items() if values or code != language}
    if values:
        aliases[language] = [{"language": language, "value": text} for text in values]
    return {**entity, "aliases": aliases}


def with_data(entity: Entity, data: Mapping[str, Json], new_guid: Callable[[], str]) -> Entity:
    """Apply wbeditentity's data. Unknown keys are ignored. Raises BadDataError."""
    for key in ("labels", "descriptions"):
        for language, term in _entries(data.get(key), "language"):
            entity = with_term(
                entity, key, language, "" if "remove" in term else clean_term(str(term.get("value", "")))
            )
    for language, group in _alias_groups(data.get("aliases")):
        entity = _with_alias_group(entity, language, group)
    for site, link in _entries(data.get("sitelinks"), "site"):
        links = {name: one for name, one in entity.get("sitelinks", {}).items() if name != site}
        if "remove" not in link and link.get("title"):
            had = entity.get("sitelinks", {}).get(site, {})
            badges = link.get("badges", had.get("badges", []))
            links[site] = {"site": site, "title": link["title"].replace("_", " "), "badges": badges}
        entity = {**entity, "sitelinks": links}
    for statement in _statements(data.get("claims")):
        entity = with_statement(entity, statement, new_guid)
    return entity


def _entries(given: Json, name: str) -> Iterator[tuple[str, Mapping[str, Json]]]:
    if given is None or given == []:
        return
    if not isinstance(given, dict | list):
        raise BadDataError("not-recognized-array", "An array was expected, but not found.")
    pairs = given.items() if isinstance(given, dict) else ((one.get(name, ""), one) for one in given)
    for key, one in pairs:
        if not isinstance(one, dict) or one.get(name, key) != key:
            word = "language" if name == "language" else "site"
            raise BadDataError(f"inconsistent-{word}", f"Inconsistent {word} detected.")
        yield key, one


def _alias_groups(given: Json) -> Iterator[tuple[str, list[Json]]]:
    groups: dict[str, list[Json]] = {}
    pairs = given.items() if isinstance(given, dict) else [("", given or [])]
    for key, group in pairs:
        for one in group if isinstance(group, list) else [group]:
            groups.setdefault(key or one.get("language", ""), []).append(one)
        if key and not group:
            groups[key] = []
    yield from groups.items()


def _with_alias_group(entity: Entity, language: str, group: list[Json]) -> Entity:
    values = [(clean_term(one.get("value", "")), one) for one in group]
    plain = [text for text, one in values if "add" not in one and "remove" not in one]
    return with_aliases(
        entity,
        language,
        add=[text for text, one in values if "add" in one],
        remove=[text for text, one in values if "remove" in one],
        replace=plain if plain or not group else None,
    )


def _statements(given: Json) -> Iterator[Mapping[str, Json]]:
    groups = given.values() if isinstance(given, dict) else [given or []]
    for group in groups:
        yield from group


def with_statement(entity: Entity, statement: Mapping[str, Json], new_guid: Callable[[], str]) -> Entity:
    """Add, replace (same GUID) or remove a statement."""
    claims = {prop: list(group) for prop, group in entity.get("claims", {}).items()}
    guid = statement.get("id")
    place = next(
        ((p, at) for p, group in claims.items() for at, one in enumerate(group) if guid and one.get("id") == guid), None
    )
    if "remove" in statement:
        if place:
            del claims[place[0]][place[1]]
        return {**entity, "claims": {prop: group for prop, group in claims.items() if group}}
    if "mainsnak" not in statement:
        raise BadDataError("invalid-claim", "Invalid claim.")
    stored = stored_statement(statement, str(guid or new_guid()))
    if place:
        claims[place[0]][place[1]] = stored
    else:
        claims.setdefault(stored["mainsnak"]["property"], []).append(stored)
    return {**entity, "claims": claims}


def stored_statement(statement: Mapping[str, Json], guid: str) -> dict[str, Json]:
    """Return a statement in the stored order of keys, hashes filled in."""
    out: dict[str, Json] = {"mainsnak": stored_snak(statement["mainsnak"]), "type": "statement"}
    qualifiers = statement.get("qualifiers")
    if qualifiers:
        grouped = _grouped(qualifiers)
        out |= {"qualifiers": grouped, "qualifiers-order": statement.get("qualifiers-order") or list(grouped)}
    out |= {"id": guid, "rank": statement.get("rank", "normal")}
    references = [_reference(one) for one in statement.get("references") or ()]
    return {**out, **({"references": references} if references else {})}


def _grouped(snaks: Json) -> dict[str, list[Json]]:
    flat = [one for group in snaks.values() for one in group] if isinstance(snaks, dict) else snaks
    groups: dict[str, list[Json]] = {}
    for one in flat:
        groups.setdefault(one["property"], []).append(stored_snak(one))
    return groups


def _reference(reference: Mapping[str, Json]) -> dict[str, Json]:
    snaks = _grouped(reference["snaks"])
    hashes = sorted(one["hash"] for group in snaks.values() for one in group)
    digest = sha1("|".join(hashes).encode(), usedforsecurity=False).hexdigest()
    return {"hash": digest, "snaks": snaks, "snaks-order": reference.get("snaks-order") or list(snaks)}


def stored_snak(snak: Mapping[str, Json]) -> dict[str, Json]:
    """Return a snak in the stored form. The hash is Wikibase's own for strings and snaks without value only."""
    out: dict[str, Json] = {"snaktype": snak["snaktype"], "property": snak["property"]}
    value = snak.get("datavalue") if snak["snaktype"] == "value" else None
    out["hash"] = sha1(_hashed(out["snaktype"], out["property"], value).encode(), usedforsecurity=False).hexdigest()
    return out if value is None else {**out, "datavalue": {"value": value["value"], "type": value["type"]}}


def _hashed(kind: str, prop: str, value: Json) -> str:
    if value is None:
        return _custom(_SNAK_CLASS[kind], prop)
    is_string = value["type"] == "string"
    inner = _custom(r"DataValues\StringValue", value["value"]) if is_string else stored_json(value)
    return _custom(_SNAK_CLASS[kind], f'a:2:{{i:0;s:{len(prop)}:"{prop}";i:1;{inner}}}')


def _custom(name: str, data: str) -> str:
    return f'C:{len(name)}:"{name}":{len(data.encode())}:{{{data}}}'


def parts(entity: Entity) -> dict[Part, Json]:
    """Return what an edit can conflict over: terms by language, links by site, statements by GUID (wikibase.md 5.2)."""
    found: dict[Part, Json] = {}
    for key in ("labels", "descriptions", "aliases", "sitelinks"):
        found |= {(key, name): one for name, one in entity.get(key, {}).items()}
    for group in entity.get("claims", {}).values():
        found |= {("claims", one.get("id", "")): one for one in group}
    return found


def changed_parts(before: Entity, after: Entity) -> set[Part]:
    """Return the parts in which two states differ."""
    first, second = parts(before), parts(after)
    return {part for part in first.keys() | second.keys() if first.get(part) != second.get(part)}
