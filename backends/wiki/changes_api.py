"""What changed in a wiki, by the ids it gives out, as its Action API shows it to anybody.

Revisions are asked for by their very ids, 50 at a time: so imports are seen too, which recent changes do not list, and
a hole is looked at again in the same way. The log can only be listed by time: what is looked for is found in the part
that begins at `since`. Deleted revisions, and entries of the log that are hidden, are not to be seen here. The wiki's
servers may answer one after the other, each with its own lag, and nobody says which transactions are under way.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from backends.errors import UnavailableError
from backends.wiki.action_api import ActionApi
from backends.wiki.changes_shapes import (
    LOG,
    RANGES_MAX,
    REVISIONS,
    Change,
    Looked,
    Moment,
    PageHead,
    PageHeads,
    Range,
    changed_users,
    logged_entities,
)
from backends.wiki.shapes import SiteFacts, site_facts, titled_entity
from wikibase.ids import EntityId, EntityType, entity_type

BATCH_MAX = 50
"""What the Action API takes at once from anybody (wikibase.md 0.2)."""

AHEAD = 50
"""So many ids above the highest known one are tried: an import makes revisions that no list begins with."""

_CONTINUATIONS_MAX = 10_000


class ApiChanges:
    """The changes of a wiki over HTTP."""

    def __init__(self, api: ActionApi) -> None:
        self._api = api
        self._facts: SiteFacts | None = None

    async def after(self, stream: str, mark: int, *, since: str, size: int) -> Sequence[Change]:
        """Return the next changes with ids above the mark. `since`: when what the mark names was stamped, or before."""
        if stream == LOG:
            found = [one async for one in self._log(since) if one.number > mark]
            return sorted(found, key=lambda one: one.number)[:size]
        last = await self._last_revision()
        first, end = mark + 1, max(last, mark) + AHEAD
        while first <= end:
            ids = range(first, min(first + min(size, BATCH_MAX), end + 1))
            found = await self._by_id(ids)
            if found:
                return found
            first = ids[-1] + 1
        return []

    async def among(self, stream: str, ranges: Sequence[Range], *, since: str, size: int) -> Sequence[Looked]:
        """Return the changes in each of those ranges (at most 100), looking at no more than `size` ids of each."""
        if stream == LOG:
            found = [one async for one in self._log(since)]
            return [
                Looked((low, high), [one for one in found if low <= one.number <= high])
                for low, high in ranges[:RANGES_MAX]
            ]
        covered = [(low, min(high, low + size - 1)) for low, high in ranges[:RANGES_MAX]]
        waiting = [number for low, high in covered for number in range(low, high + 1)]
        changes: list[Change] = []
        for start in range(0, len(waiting), BATCH_MAX):
            changes += await self._by_id(waiting[start : start + BATCH_MAX])
        return [Looked((low, high), [one for one in changes if low <= one.number <= high]) for low, high in covered]

    async def first(self, stream: str, since: str, *, above: int) -> int | None:
        """Return the lowest id above another whose row is stamped at that time or soon after; None: there is none."""
        if stream == LOG:
            answer = await self._query(list="logevents", ledir="newer", lestart=since, leprop="ids", lelimit="50")
            ids = [one["logid"] for one in answer.get("logevents", ())]
        else:
            answer = await self._query(
                list="allrevisions", arvdir="newer", arvstart=since, arvprop="ids", arvlimit=str(BATCH_MAX)
            )
            ids = [one["revid"] for page in answer.get("allrevisions", ()) for one in page.get("revisions", ())]
        return min((one for one in ids if one > above), default=None)

    async def moment(self, *, with_transactions: bool) -> Moment:
        """Return the present moment, as far as the lists of what is newest tell."""
        del with_transactions
        answer = await self._query(meta="siteinfo", siprop="general", list="logevents", leprop="ids", lelimit="50")
        log = max((one["logid"] for one in answer.get("logevents", ())), default=0)
        return Moment(now=answer["general"]["time"], last={REVISIONS: await self._last_revision(), LOG: log})

    async def heads(self, *, after: str | None, size: int) -> PageHeads:
        """Return the next heads by namespace and title."""
        facts = await self._site()
        spaces = sorted(facts.entity_namespaces.items(), key=lambda pair: pair[1])
        number, _, title = (after or f"{spaces[0][1] if spaces else 0}|").partition("|")
        for place, (of_type, namespace) in enumerate(spaces):
            if namespace != int(number):
                continue
            params = {
                "generator": "allpages",
                "gapnamespace": str(namespace),
                "gaplimit": str(min(size, BATCH_MAX)),
                "prop": "info",
            }
            answer = await self._call(params | ({"gapcontinue": title, "continue": "gapcontinue||"} if title else {}))
            found = _heads(answer.get("query", {}), {namespace: of_type})
            more = answer.get("continue", {}).get("gapcontinue")
            if more is not None:
                return PageHeads(found, f"{namespace}|{more}")
            return PageHeads(found, f"{spaces[place + 1][1]}|" if place + 1 < len(spaces) else None)
        return PageHeads((), None)

    async def heads_of(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, PageHead]:
        """Return the heads of those entities that have a page."""
        facts = await self._site()
        types = {namespace: of_type for of_type, namespace in facts.entity_namespaces.items()}
        titles = [title for one in entity_ids if (title := _title(facts, one)) is not None]
        found: dict[EntityId, PageHead] = {}
        for start in range(0, len(titles), BATCH_MAX):
            query = await self._query(titles="|".join(titles[start : start + BATCH_MAX]), prop="info")
            found |= {one.entity_id: one for one in _heads(query, types)}
        return found

    async def entities_of_user(
        self, user: str, *, after: str | None, size: int
    ) -> tuple[Sequence[EntityId], str | None]:
        """Return some of the entities with live revisions of a user, and where the next ones begin."""
        facts = await self._site()
        types = {namespace: of_type for of_type, namespace in facts.entity_namespaces.items()}
        params = {"list": "usercontribs", "ucuser": user, "uclimit": str(min(size, BATCH_MAX)), "ucprop": "ids|title"}
        params["ucnamespace"] = "|".join(map(str, types))
        answer = await self._call(params | ({"uccontinue": after, "continue": "-||"} if after else {}))
        listed = answer.get("query", {}).get("usercontribs", ())
        named = [titled_entity(one["title"], types[one["ns"]]) for one in listed if one["ns"] in types]
        found = dict.fromkeys(one for one in named if one is not None)
        return list(found), answer.get("continue", {}).get("uccontinue")

    async def close(self) -> None:
        """Close the connections. Calling it twice is harmless."""
        await self._api.close()

    async def _by_id(self, ids: Sequence[int]) -> list[Change]:
        """Return those of at most 50 revisions that are live."""
        facts = await self._site()
        types = {namespace: of_type for of_type, namespace in facts.entity_namespaces.items()}
        query = await self._query(prop="revisions", revids="|".join(map(str, ids)), rvprop="ids|timestamp")
        found: list[Change] = []
        for page in query.get("pages", ()):
            of_type = types.get(page.get("ns", -1))
            own = titled_entity(page["title"], of_type) if of_type is not None else None
            found += [
                Change(
                    number=one["revid"],
                    at=one["timestamp"],
                    entity_ids=(own,) if own else (),
                    rev_id=one["revid"] if own else None,
                )
                for one in page.get("revisions", ())
            ]
        return sorted(found, key=lambda one: one.number)

    async def _last_revision(self) -> int:
        answer = await self._query(
            list="recentchanges|allrevisions",
            rcprop="ids",
            rctype="edit|new",
            rclimit=str(BATCH_MAX),
            arvprop="ids",
            arvlimit=str(BATCH_MAX),
        )
        ids = [one.get("revid", 0) for one in answer.get("recentchanges", ())]
        ids += [one["revid"] for page in answer.get("allrevisions", ()) for one in page.get("revisions", ())]
        return max(ids, default=0)

    async def _log(self, since: str) -> AsyncIterator[Change]:
        facts = await self._site()
        params = {
            "list": "logevents",
            "ledir": "newer",
            "lestart": since,
            "leprop": "ids|title|type|timestamp|details",
            "lelimit": "max",
        }
        more: Mapping[str, str] = {}
        for _ in range(_CONTINUATIONS_MAX):
            answer = await self._call({**params, **more})
            for raw in answer.get("query", {}).get("logevents", ()):
                yield _logged(facts.entity_namespaces, raw)
            if "continue" not in answer:
                return
            more = {key: str(value) for key, value in answer["continue"].items()}
        raise UnavailableError(f"the wiki's log continues without end: {more}")

    async def _site(self) -> SiteFacts:
        if self._facts is None:
            answer = await self._query(meta="siteinfo", siprop="general|namespaces|namespacealiases")
            self._facts = site_facts(answer)
        return self._facts

    async def _query(self, **params: str) -> dict[str, Any]:
        query: dict[str, Any] = (await self._call(params)).get("query", {})
        return query

    async def _call(self, params: Mapping[str, str]) -> dict[str, Any]:
        return await self._api.call({"action": "query", **params})


def _logged(namespaces: Mapping[EntityType, int], raw: Mapping[str, Any]) -> Change:
    # An entry whose page is hidden has no title; its parameters are plain JSON, quoted here as PHP would.
    title = raw.get("title", "")
    words = "".join(f's:0:"{value}";' for value in _strings(raw.get("params", {})))
    namespace = raw.get("ns", -1)
    return Change(
        number=raw["logid"],
        at=raw["timestamp"],
        entity_ids=logged_entities(namespaces, namespace, title.rpartition(":")[2], raw.get("logpage", 0), words),
        users=changed_users(
            raw.get("type", ""),
            raw.get("action", ""),
            title.partition(":")[2],
            f's:10:"5::newuser";s:0:"{raw["params"]["newuser"]}"' if "newuser" in raw.get("params", {}) else "",
        ),
    )


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _strings(one)]


def _title(facts: SiteFacts, entity_id: EntityId) -> str | None:
    namespace = facts.entity_namespaces.get(entity_type(entity_id))
    if namespace is None:
        return None
    name = facts.namespace_names.get(namespace)
    return f"{name}:{entity_id}" if name else str(entity_id)


def _heads(query: Mapping[str, Any], types: Mapping[int, EntityType]) -> list[PageHead]:
    found = []
    for page in query.get("pages", ()):
        of_type = types.get(page.get("ns", -1))
        entity_id = titled_entity(page["title"], of_type) if of_type is not None else None
        if entity_id is not None and page.get("lastrevid"):
            found.append(PageHead(entity_id=entity_id, page_id=page["pageid"], rev_id=page["lastrevid"]))
    return found
