"""Entities made up by hypothesis, in the shape of wbgetentities, and the dresses that other shapes put on them."""

import copy
import random
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


@st.composite
def snaks(draw: st.DrawFn, prop: str | None = None) -> dict[str, Any]:
    kind = draw(st.sampled_from(("value", "value", "value", "somevalue", "novalue")))
    out = {"snaktype": kind, "property": prop or draw(st.sampled_from(PROPERTIES)), "hash": "0" * 40}
    if kind == "value":
        out["datavalue"] = draw(datavalues)
    return {**out, "datatype": "string"}


@st.composite
def snak_maps(draw: st.DrawFn) -> dict[str, Any]:
    props = draw(st.lists(st.sampled_from(PROPERTIES), min_size=1, max_size=3, unique=True))
    return {prop: draw(st.lists(snaks(prop), min_size=1, max_size=2, unique_by=repr)) for prop in props}


@st.composite
def statements(draw: st.DrawFn, prop: str) -> dict[str, Any]:
    guid = f"Q1${draw(st.uuids())}"
    out: dict[str, Any] = {"mainsnak": draw(snaks(prop)), "type": "statement"}
    if draw(st.booleans()):
        out["qualifiers"] = draw(snak_maps())
        out["qualifiers-order"] = list(out["qualifiers"])
    out |= {"id": guid, "rank": draw(st.sampled_from(("normal", "preferred", "deprecated")))}
    if draw(st.booleans()):
        found = draw(st.lists(snak_maps(), min_size=1, max_size=2, unique_by=repr))
        out["references"] = [{"hash": "1" * 40, "snaks": one, "snaks-order": list(one)} for one in found]
    return out


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    def terms() -> dict[str, Any]:
        found = draw(st.dictionaries(st.sampled_from(LANGUAGES), texts, max_size=3))
        return {language: {"language": language, "value": text} for language, text in found.items()}

    aliases = draw(
        st.dictionaries(st.sampled_from(LANGUAGES), st.lists(texts, min_size=1, max_size=3, unique=True), max_size=2)
    )
    props = draw(st.lists(st.sampled_from(PROPERTIES), max_size=3, unique=True))
    links = draw(st.dictionaries(st.sampled_from(SITES), texts, max_size=2))
    return {
        "type": "item",
        "id": "Q1",
        "labels": terms(),
        "descriptions": terms(),
        "aliases": {
            language: [{"language": language, "value": text} for text in group] for language, group in aliases.items()
        },
        "claims": {prop: draw(st.lists(statements(prop), min_size=1, max_size=3)) for prop in props},
        "sitelinks": {site: {"site": site, "title": title, "badges": []} for site, title in links.items()},
    }


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
