"""The statements that follow a wiki's database, made for the columns it has. Pure. The rules are `db_statements`'s."""

from dataclasses import dataclass

from backends.wiki.db_columns import Columns

_REVISIONS_AFTER = """
SELECT rev_id, rev_page, rev_timestamp FROM {p}revision WHERE rev_id > %s ORDER BY rev_id LIMIT %s
"""
_REVISIONS_WITHIN = """
SELECT rev_id, rev_page, rev_timestamp FROM {p}revision WHERE rev_id >= %s AND rev_id <= %s ORDER BY rev_id LIMIT %s
"""
_ARCHIVED_AFTER = """
SELECT ar_rev_id, ar_page_id, ar_timestamp, ar_namespace, ar_title FROM {p}archive
WHERE ar_rev_id > %s ORDER BY ar_rev_id LIMIT %s
"""
_ARCHIVED_WITHIN = """
SELECT ar_rev_id, ar_page_id, ar_timestamp, ar_namespace, ar_title FROM {p}archive
WHERE ar_rev_id >= %s AND ar_rev_id <= %s ORDER BY ar_rev_id LIMIT %s
"""
_LOG = """
SELECT log_id, log_timestamp, log_type, log_action, log_namespace, log_title, log_page, log_params FROM {p}logging
"""
_LOG_AFTER = _LOG + "WHERE log_id > %s ORDER BY log_id LIMIT %s"
_LOG_WITHIN = _LOG + "WHERE log_id >= %s AND log_id <= %s ORDER BY log_id LIMIT %s"

_FIRST_REVISION = "SELECT MIN(rev_id) FROM {p}revision WHERE rev_timestamp >= %s AND rev_id > %s"
_FIRST_LOG = "SELECT MIN(log_id) FROM {p}logging WHERE log_timestamp >= %s AND log_id > %s"

# CAST: of mixed kinds a DECIMAL is made, which the driver cannot give as bytes.
_MAX_REVISION = """
SELECT CAST(GREATEST(
  COALESCE((SELECT MAX(rev_id) FROM {p}revision), 0), COALESCE((SELECT MAX(ar_rev_id) FROM {p}archive), 0)
) AS SIGNED)
"""
_MAX_LOG = "SELECT CAST(COALESCE(MAX(log_id), 0) AS SIGNED) FROM {p}logging"

_PAGES_OF_USER = """
SELECT DISTINCT r.rev_page FROM {p}actor a {join} WHERE a.actor_name = %s AND r.rev_page > %s
ORDER BY r.rev_page LIMIT %s
"""

NOW = "SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y%m%d%H%i%s'), UNIX_TIMESTAMP(), @@hostname, @@port, @@global.read_only"
UPTIME = "SHOW GLOBAL STATUS LIKE 'Uptime'"
CLUSTER = "SHOW GLOBAL VARIABLES LIKE 'wsrep_on'"
# A transaction that became a writing one has another trx_id than before, so thread and start name it; one that was
# prepared for two-phase commit and has no thread any more is named by its id. Our own tells how fresh the list is.
TRANSACTIONS = """
SELECT trx_mysql_thread_id, CAST(trx_started AS CHAR), IF(trx_mysql_thread_id = 0, CAST(trx_id AS CHAR), ''),
trx_mysql_thread_id = CONNECTION_ID(), CAST(UNIX_TIMESTAMP(trx_started) AS SIGNED)
FROM information_schema.innodb_trx WHERE trx_is_read_only = 0 OR trx_mysql_thread_id = CONNECTION_ID()
"""
SECONDS = "SELECT CAST(UNIX_TIMESTAMP() AS SIGNED)"


@dataclass(frozen=True, slots=True)
class ChangeStatements:
    """All statements for one wiki."""

    revisions_after: str
    revisions_within: str
    archived_after: str
    archived_within: str
    log_after: str
    log_within: str
    first_revision: str
    first_log: str
    max_revision: str
    max_log: str
    pages_of_user: str


def change_statements(columns: Columns) -> ChangeStatements:
    """Return the statements for the columns that a wiki has."""
    names = {"p": columns.prefix, "join": _join_of_actor(columns)}

    def filled(template: str) -> str:
        return template.format_map(names).strip()

    return ChangeStatements(
        revisions_after=filled(_REVISIONS_AFTER),
        revisions_within=filled(_REVISIONS_WITHIN),
        archived_after=filled(_ARCHIVED_AFTER),
        archived_within=filled(_ARCHIVED_WITHIN),
        log_after=filled(_LOG_AFTER),
        log_within=filled(_LOG_WITHIN),
        first_revision=filled(_FIRST_REVISION),
        first_log=filled(_FIRST_LOG),
        max_revision=filled(_MAX_REVISION),
        max_log=filled(_MAX_LOG),
        pages_of_user=filled(_PAGES_OF_USER),
    )


def _join_of_actor(columns: Columns) -> str:
    p = columns.prefix
    if columns.has("revision_actor_temp"):
        return (
            f"JOIN {p}revision_actor_temp t ON t.revactor_actor = a.actor_id"
            f" JOIN {p}revision r ON r.rev_id = t.revactor_rev"
        )
    return f"JOIN {p}revision r ON r.rev_actor = a.actor_id"
