"""Which wiki is followed, and with which limits: as the configuration says, like the export's `opening`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
    wiki = config.wiki
    changes: DatabaseChanges | ApiChanges
    if wiki.database:
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
            query_timeout_s=wiki.database_timeout_s,
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
    """Return the limits that the configuration sets."""
    asked = config.follower
    return FollowSettings(
        entities_at_once=asked.entities_at_once,
        rules=GapRules(
            margin_s=asked.transaction_margin_s,
            bound_s=asked.transaction_max_s,
            first_look_s=asked.gap_first_look_s,
            look_every_max_s=asked.gap_look_max_s,
            gaps_max=asked.gaps_max,
        ),
        stream=StreamPace(
            batch=asked.batch,
            look_again_s=asked.look_again_s,
            rewind_s=asked.rewind_s,
            back_ids=asked.back_ids,
            user_entities_max=asked.user_entities_max,
        ),
        pace=FollowPace(
            poll_s=asked.poll_s,
            wakes=asked.calls,
            retry_s=asked.retry_s,
            retry_max_s=asked.retry_max_s,
            tries_finding=asked.tries_finding,
            say_s=asked.say_s,
            failed_s=asked.failed_s,
        ),
        sweep=SweepPace(
            period_s=asked.sweep_period_s,
            batch=asked.sweep_batch,
            settle_s=asked.sweep_settle_s,
            recent=asked.sweep_recent,
            recent_every_s=asked.sweep_recent_every_s,
        ),
    )
