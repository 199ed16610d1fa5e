"""Entities made up by hypothesis, in the shape of wbgetentities, and the dresses that other shapes put on them."""

import copy
import itertools
import random
import uuid
from typing import Any

from hypothesis import strategies as st

LANGUAGES = ("en", "de", "fr", "zh-hans")
PROPERTIES = ("P1", "P2", "P31", "P625")
SITES = ("enwiki", "dewiki")

texts = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=8)
numbers = st.floats(min_value=-360, max_value=360, allow_nan=False)
ids = st.integers(1, 2**31 - 1)


def _datavalue(kind: str, value: Any) -> dict[str, Any]:
    return {"value": value, "type": kind}


datavalues = st.one_of(
    texts.map(lambda text: _datavalue("string", text)),
    ids.map(
        lambda n: _datavalue("wikibase-entityid", {"entity-type": "item", "numeric-id": n, "id": f"Q{n}"}),
    ),
    st.tuples(texts, st.sampled_from(LANGUAGES)).map(
        lambda two: _datavalue("monolingualtext", {"text": two[0], "language": two[1]})
    ),
    st.decimals(-1000, 1000, places=2).map(lambda n: _datavalue("quantity", {"amount": f"{n:+}", "unit": "1"})),
    st.tuples(st.integers(1, 9999), st.integers(9, 11)).map(
        lambda two: _datavalue(
            "time",
            {
                "time": f"+{two[0]:04d}-01-01T00:00:00Z",
                "timezone": 0,
                "before": 0,
                "after": 0,
                "precision": two[1],
                "calendarmodel": "http://www.wikidata.org/entity/Q1985727",
            },
        )
    ),
    st.tuples(numbers, numbers).map(
        lambda two: _datavalue(
            "globecoordinate",
            {
                "latitude": two[0],
                "longitude": two[1],
                "altitude": None,
                "precision": 0.0001,
                "globe": "http://www.wikidata.org/entity/Q2",
            },
        )
    ),
    texts.map(lambda text: _datavalue("never-heard-of", {"x": [1, text, None], "y": 1.0})),
)


# Strategies are made once, here: to make them anew for each entity takes longer than to draw from them.
_BARE_SNAKS = st.one_of(
    datavalues.map(lambda value: {"snaktype": "value", "datavalue": value}),
    st.sampled_from(("somevalue", "novalue")).map(lambda kind: {"snaktype": kind}),
)
_BARE_LISTS = st.lists(st.tuples(st.sampled_from(PROPERTIES), _BARE_SNAKS), min_size=1, max_size=3, unique_by=repr)
_RANKS = st.sampled_from(("normal", "preferred", "deprecated"))
_TERMS = st.dictionaries(st.sampled_from(LANGUAGES), texts, max_size=3)
_ALIASES = st.dictionaries(st.sampled_from(LANGUAGES), st.lists(texts, min_size=1, max_size=3, unique=True), max_size=2)
_LINKS = st.dictionaries(st.sampled_from(SITES), texts, max_size=2)


def _snak(prop: str, bare: dict[str, Any]) -> dict[str, Any]:
    kind = bare["snaktype"]
    return {"snaktype": kind, "property": prop, "hash": "0" * 40, **copy.deepcopy(bare), "datatype": "string"}


def _grouped(bare: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for prop, one in bare:
        out.setdefault(prop, []).append(_snak(prop, one))
    return out


_SNAK_MAPS = _BARE_LISTS.map(_grouped)
_STATEMENT = st.tuples(
    _BARE_SNAKS,
    st.none() | _SNAK_MAPS,
    st.integers(0, 2**32),
    _RANKS,
    st.none() | st.lists(_SNAK_MAPS, min_size=1, max_size=2, unique_by=repr),
)
_STATEMENTS = st.lists(
    st.tuples(st.sampled_from(PROPERTIES), st.lists(_STATEMENT, min_size=1, max_size=3)),
    max_size=3,
    unique_by=lambda group: group[0],
)


def _statement(prop: str, drawn: tuple[Any, ...], place: int) -> dict[str, Any]:
    main, qualifiers, guid, rank, references = drawn
    out: dict[str, Any] = {"mainsnak": _snak(prop, main), "type": "statement"}
    if qualifiers is not None:
        out["qualifiers"] = qualifiers
        out["qualifiers-order"] = list(qualifiers)
    out |= {"id": f"Q1${uuid.UUID(int=64 * guid + place)}", "rank": rank}
    if references is not None:
        out["references"] = [{"hash": "1" * 40, "snaks": one, "snaks-order": list(one)} for one in references]
    return out


def _terms(drawn: dict[str, str]) -> dict[str, Any]:
    return {language: {"language": language, "value": text} for language, text in drawn.items()}


def _item(drawn: tuple[Any, ...]) -> dict[str, Any]:
    labels, descriptions, aliases, claims, links = drawn
    places = itertools.count()  # no two statements have one id
    return {
        "type": "item",
        "id": "Q1",
        "labels": _terms(labels),
        "descriptions": _terms(descriptions),
        "aliases": {
            language: [{"language": language, "value": text} for text in group] for language, group in aliases.items()
        },
        "claims": {prop: [_statement(prop, one, next(places)) for one in group] for prop, group in claims},
        "sitelinks": {site: {"site": site, "title": title, "badges": []} for site, title in links.items()},
    }


_ITEMS = st.tuples(_TERMS, _TERMS, _ALIASES, _STATEMENTS, _LINKS).map(_item)


def items() -> st.SearchStrategy[dict[str, Any]]:
    """Return items with up to three properties of up to three statements, and a few terms and site links."""
    return _ITEMS


def as_stored(item: dict[str, Any]) -> dict[str, Any]:
    """Dress an item as MediaWiki stores it: `[]` for every empty map, no datatype of snaks."""
    out = {key: value or [] if isinstance(value, dict) else value for key, value in copy.deepcopy(item).items()}
    _drop(out, "datatype")
    return out


def as_answered(item: dict[str, Any]) -> dict[str, Any]:
    """Dress an item as EntityData answers it: page info in front, urls in the site links."""
    out = copy.deepcopy(item)
    for link in out["sitelinks"].values():
        link["url"] = f"https://{link['site']}.example/"
    return {"pageid": 7, "ns": 120, "title": "Item:Q1", "lastrevid": 12, "modified": "2020-01-01T00:00:00Z", **out}


def with_other_hashes(item: dict[str, Any]) -> dict[str, Any]:
    """Take every hash away, as dumps and older data classes differ in them."""
    out = copy.deepcopy(item)
    _drop(out, "hash")
    return out


def with_keys_shuffled(value: Any, seed: int) -> Any:
    """Reorder the keys of every JSON object but those whose order readers see: statements, qualifiers, snaks."""
    dice = random.Random(seed)

    def shuffled(one: Any, key: str) -> Any:
        if isinstance(one, list):
            return [shuffled(part, "") for part in one]
        if not isinstance(one, dict):
            return one
        names = list(one)
        if key != "claims":
            dice.shuffle(names)
        return {name: shuffled(one[name], name) for name in names}

    return shuffled(value, "")


def _drop(value: Any, name: str) -> None:
    if isinstance(value, list):
        for part in value:
            _drop(part, name)
    elif isinstance(value, dict):
        value.pop(name, None)
        for part in value.values():
            _drop(part, name)
