"""`cutover mismatch`: the cases that the verifier kept, and everything about one of them.

Without an id: the latest, one a line. With an id (or the beginning of one): both requests as curl, the difference in
words, since when in its history, how to mend it. `--body` prints one side's body as it was kept, `--recheck` looks
now whether it still differs, and closes the case if not. What is not public any more is not shown. Exit 0 done (with
`--recheck`: equal, or hidden), 1 it still differs, 2 there is no such case, 3 it cannot be told now.
"""

import argparse
import asyncio
import getpass
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson

from backends.config import Config
from backends.connect import opened_ledger, opened_store, opened_wiki, verdicts
from backends.errors import BackendError
from backends.ledger.cases import Cases, KeptCase
from backends.rule_files import SHIPPED, load_rules
from cutover.options import add_config_options, config_of
from rules.case import facts_of
from rules.reproduce import Compared, Place, repair_command, reproduction
from verifier.casework import Casework
from verifier.paced_wiki import PacedWiki
from verifier.rejudge import Again, Now
from wikibase.ids import EntityId, page_entity
from wikibase.revision import State

LISTED = 50
_EXITS = {Now.EQUAL: 0, Now.HIDDEN: 0, Now.DIFFERS: 1, Now.UNKNOWN: 3}
_PUBLIC = frozenset({State.VISIBLE, State.REDIRECT, State.MISSING})
_SIDES = ("wiki", "store")
NOT_SHOWN = "not shown: the store cannot say that the revision is public"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_options(parser)
    parser.add_argument("id", nargs="?", metavar="ID", help="a case; without it: the latest")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="one JSON object (a list without an id)")
    how.add_argument("--curl", action="store_true", help="only what can be pasted into a shell")
    how.add_argument("--body", choices=_SIDES, help="one side's body, as it was kept")
    how.add_argument("--recheck", action="store_true", help="look now whether it still differs; close it if not")


def run(options: argparse.Namespace) -> int:
    """Run the verb. Raises ConfigError, backends.errors."""
    config = config_of(options)
    if options.id is None:
        return asyncio.run(_list(config, as_json=options.json))
    if options.recheck:
        return asyncio.run(_recheck(config, options.id))
    return show(config, options.id, as_json=options.json, only_curl=options.curl, body=options.body)


def show(
    config: Config, case_id: str, *, as_json: bool = False, only_curl: bool = False, body: str | None = None
) -> int:
    """Print one case. Returns the exit code."""
    found = asyncio.run(_found(config, case_id))
    if found is None:
        print(f"cutover mismatch: there is no case {case_id!r}; without an id the latest are listed", file=sys.stderr)
        return 2
    one, public = found
    if body is not None:
        kept = getattr(one.case, body)
        sys.stdout.buffer.write(kept.text + b"\n" if kept.text and public else b"")
        sys.stdout.buffer.flush()
        if not public or kept.why:
            print(f"cutover mismatch: {kept.words() if public else NOT_SHOWN}", file=sys.stderr)
        return 0
    if as_json:
        text = orjson.dumps(json_of(one, public=public), option=orjson.OPT_INDENT_2).decode() + "\n"
    else:
        text = curls(config, one, public=public) if only_curl else told(config, one, public=public)
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()
    return 0


def told(config: Config, one: KeptCase, *, public: bool) -> str:
    """Return everything about a case, to read and to paste."""
    case = one.case
    entity_id = case.verdict.entity_id or ""
    lines = [
        f"case {case.case_id}, {_standing(one)}, seen {one.seen} times, {_day(one.first_at)} to {_day(one.last_at)}",
        f"in its history: {one.located or 'not looked at yet'}",
        f"read again: {case.reread or 'no'}",
        *(f"the {side}'s body: {getattr(case, side).words() if public else NOT_SHOWN}" for side in _SIDES),
        f"the bodies: cutover mismatch {case.case_id} --body wiki (or store)",
        f"to mend it: {repair_command(entity_id)}; then: cutover mismatch {case.case_id} --recheck",
    ]
    return curls(config, one, public=public) + "".join(f"# {line}\n" for line in lines)


def curls(config: Config, one: KeptCase, *, public: bool) -> str:
    """Return both requests as curl commands, with what they gave in comments."""
    case = one.case
    verdict = case.verdict if public else replace(case.verdict, detail=NOT_SHOWN)
    place = Place(wiki_url=config.wiki.url, article_path=config.wiki.article_path)
    compared = Compared(
        wiki_digest=case.wiki_digest,
        store_digest=case.store_digest,
        rules_version=case.rules_version,
        form=case.form,
    )
    return reproduction(verdict, case.exchange, place, compared)


def json_of(one: KeptCase, *, public: bool, bodies: bool = True) -> dict[str, Any]:
    """Return a case as plain values. Bodies are JSON texts, perhaps cut."""
    case = one.case
    out: dict[str, Any] = {
        "id": case.case_id,
        "entity": case.verdict.entity_id,
        "revision": case.verdict.revision,
        "surface": case.verdict.surface,
        "reason": case.verdict.reason,
        "epoch": one.epoch,
        "seen": one.seen,
        "first_at": one.first_at,
        "last_at": one.last_at,
        "closed_at": one.closed_at,
        "closed_by": one.closed_by or None,
        "located": one.located or None,
        "repair": repair_command(case.verdict.entity_id or ""),
    }
    if not bodies:
        return out
    out |= {"detail": case.verdict.detail if public else NOT_SHOWN, **facts_of(case)}
    for side in _SIDES:
        kept = getattr(case, side)
        out[f"{side}_body"] = kept.text.decode("utf-8", "replace") if public else NOT_SHOWN
    return out


async def _list(config: Config, *, as_json: bool) -> int:
    async with opened_ledger(config) as ledger:
        cases = await Cases(ledger).latest(size=LISTED)
        total, standing, _ = await Cases(ledger).size()
    if as_json:
        sys.stdout.buffer.write(orjson.dumps([json_of(one, public=False, bodies=False) for one in cases]) + b"\n")
        return 0
    for one in cases:
        print(line(one))
    print(f"{total} cases, {standing} of them differ still")
    return 0


def line(one: KeptCase) -> str:
    """Return a case in one line: nothing of its content is in it."""
    verdict = one.case.verdict
    what = f"{verdict.entity_id} revision {verdict.revision} by {verdict.surface}: {verdict.reason}"
    return f"{one.case_id}  {_day(one.last_at)}  {what}, seen {one.seen}, {_standing(one)}" + (
        f"; {one.located}" if one.located else ""
    )


async def _found(config: Config, case_id: str) -> tuple[KeptCase, bool] | None:
    """Return a case and whether it is public still, None when there is none of that id."""
    async with opened_ledger(config) as ledger:
        one = await _case(Cases(ledger), case_id)
    return None if one is None else (one, await _is_public(config, one))


async def _case(cases: Cases, case_id: str) -> KeptCase | None:
    if (one := await cases.get(case_id)) is not None:
        return one
    begun: Sequence[KeptCase] = [each for each in await cases.latest(size=1000) if each.case_id.startswith(case_id)]
    return await cases.get(begun[0].case_id) if len(begun) == 1 else None


async def _is_public(config: Config, one: KeptCase) -> bool:
    """Tell whether the store says that the revision may be shown. What it does not know is not shown."""
    verdict = one.case.verdict
    if verdict.entity_id is None or verdict.revision is None:
        return False
    try:
        async with opened_store(config) as store:
            entry = await store.index.entry(page_entity(EntityId(verdict.entity_id)), verdict.revision)
    except BackendError:
        return False
    return entry is not None and entry.state in _PUBLIC


async def _recheck(config: Config, case_id: str) -> int:
    rules = load_rules(Path(config.verifier.rules) if config.verifier.rules else SHIPPED).rules
    async with opened_ledger(config) as ledger, opened_store(config) as store, opened_wiki(config) as wiki:
        found = verdicts(ledger, config)
        one = await _case(found.cases, case_id)
        if one is None:
            print(f"cutover mismatch: there is no case {case_id!r}", file=sys.stderr)
            return 2
        paced = PacedWiki(wiki, clock=time.monotonic)
        work = Casework(
            verdicts=found,
            again=lambda: Again(store=store, wiki=paced, history=store.index, rules=rules, today=_today()),
            history=store.index,
            clock=time.time,
        )
        now = await work.recheck(one, f"{getpass.getuser()}, with cutover mismatch --recheck")
        after = await found.cases.get(one.case_id)
    print(f"{one.case_id}: {_WORDS[now]}" + (f", {_standing(after)}" if after is not None else ""))
    return _EXITS[now]


_WORDS = {
    Now.EQUAL: "the store has what the wiki has stored",
    Now.DIFFERS: "it still differs",
    Now.HIDDEN: "the wiki hides the revision: there is nothing to compare any more",
    Now.UNKNOWN: "it cannot be told now",
}


def _standing(one: KeptCase) -> str:
    if one.closed_at is None:
        return "differs still"
    return f"closed {_day(one.closed_at)} by {one.closed_by}"


def _today() -> date:
    return datetime.now(UTC).date()


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
