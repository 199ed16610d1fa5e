"""Which wiki is followed, and with which limits: as the configuration says, like the export's `opening`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from backends.config import Config
from backends.ledger.wakes import Bell
from backends.sql.dsn import parse_dsn, tls_of
from backends.wiki.action_api import ActionApi
from backends.wiki.changes_api import ApiChanges
from backends.wiki.changes_database import DatabaseChanges
from backends.wiki.db_connection import Server
from export.changes import Changes
from export.follow import FollowPace
from export.follow_rules import GapRules
from export.follow_stream import StreamPace
from export.follow_sweep import SweepPace
from export.follow_wiring import FollowSettings
from export.opening import PASSWORD, entity_namespaces, namespace_models


@asynccontextmanager
async def opened_changes(config: Config) -> AsyncIterator[Changes]:
    """Open what the wiki says of its changes: its database where one is named, else its API. Raises backends.errors."""
    wiki: Any = config.wiki
    changes: DatabaseChanges | ApiChanges
    if getattr(wiki, "database", ""):
        dsn = parse_dsn(wiki.database)
        changes = await DatabaseChanges.open(
            Server(
                user=dsn.user,
                password=os.environ.get(PASSWORD, ""),
                host=dsn.host,
                port=dsn.port,
                unix_socket=dsn.socket,
                tls=tls_of(dsn),
            ),
            dsn.database,
            namespaces=entity_namespaces(config),
            prefix=dsn.prefix,
            namespace_models=namespace_models(config),
            query_timeout_s=float(getattr(wiki, "database_timeout_s", 60.0)),
        )
    else:
        changes = ApiChanges(
            ActionApi(
                f"{wiki.url.rstrip('/')}{wiki.script_paths[0]}/api.php",
                user_agent=wiki.user_agent,
                timeout_s=wiki.api_timeout_s,
                retries=wiki.api_tries_max - 1,
                patience_s=wiki.api_patience_s,
                maxlag_s=wiki.api_maxlag_s,
                concurrency=wiki.api_requests_max,
            )
        )
    try:
        yield changes
    finally:
        await changes.close()


def bell_of(config: Config) -> Bell:
    """Return the bell that the follower of this store listens to, on this machine."""
    return Bell(Path(config.store.path))


def settings_of(config: Config) -> FollowSettings:
    """Return the limits that the configuration sets; what it does not name is as usual."""
    asked: Any = getattr(config, "follower", None)

    def value(name: str, usual: Any) -> Any:
        return getattr(asked, name, usual)

    rules, stream, pace, sweep = GapRules(), StreamPace(), FollowPace(), SweepPace()
    return FollowSettings(
        entities_at_once=value("entities_at_once", 4),
        rules=GapRules(
            margin_s=value("transaction_margin_s", rules.margin_s),
            bound_s=value("transaction_max_s", rules.bound_s),
            first_look_s=value("gap_first_look_s", rules.first_look_s),
            look_every_max_s=value("gap_look_max_s", rules.look_every_max_s),
            gaps_max=value("gaps_max", rules.gaps_max),
        ),
        stream=StreamPace(
            batch=value("batch", stream.batch),
            look_again_s=value("look_again_s", stream.look_again_s),
            rewind_s=value("rewind_s", stream.rewind_s),
            back_ids=value("back_ids", stream.back_ids),
            user_entities_max=value("user_entities_max", stream.user_entities_max),
        ),
        pace=FollowPace(
            poll_s=value("poll_s", pace.poll_s),
            wakes=value("calls", pace.wakes),
            retry_s=value("retry_s", pace.retry_s),
            retry_max_s=value("retry_max_s", pace.retry_max_s),
            tries_finding=value("tries_finding", pace.tries_finding),
            say_s=value("say_s", pace.say_s),
            failed_s=value("failed_s", pace.failed_s),
        ),
        sweep=SweepPace(
            period_s=value("sweep_period_s", sweep.period_s),
            batch=value("sweep_batch", sweep.batch),
            settle_s=value("sweep_settle_s", sweep.settle_s),
            recent=value("sweep_recent", sweep.recent),
            recent_every_s=value("sweep_recent_every_s", sweep.recent_every_s),
        ),
    )
