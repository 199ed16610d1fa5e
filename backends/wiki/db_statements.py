"""The statements that read a wiki's database, made for the columns it has. Pure.

Rules
- Keyset paging only; every statement is bounded by LIMIT or by a list of ids, and follows an index of MediaWiki's own.
- Parameters are `%s`; `{ids}` stands for a list of them. Prefix and names of databases were checked before.
- The comment of a revision was in revision_comment_temp until 1.40, its actor in revision_actor_temp until 1.37. Rows
  of both kinds may stand side by side: a 0 in the revision's own column means the other table.
"""

from dataclasses import dataclass
from typing import Any

from backends.wiki.db_columns import Columns

_REVISION = """
SELECT r.rev_id, r.rev_page, r.rev_parent_id, r.rev_timestamp, r.rev_minor_edit, r.rev_deleted, {rev_len}, {rev_sha1},
  a.actor_name, c.comment_text
FROM {p}revision r {temps}
LEFT JOIN {p}actor a ON a.actor_id = {rev_actor}
LEFT JOIN {p}comment c ON c.comment_id = {rev_comment}
"""

_ARCHIVED = """
SELECT r.ar_rev_id, r.ar_page_id, r.ar_parent_id, r.ar_timestamp, r.ar_minor_edit, r.ar_deleted, {ar_len}, {ar_sha1},
  a.actor_name, c.comment_text
FROM {p}archive r
LEFT JOIN {p}actor a ON a.actor_id = r.ar_actor
LEFT JOIN {p}comment c ON c.comment_id = r.ar_comment_id
"""

_PAGE = """
SELECT page_id, page_namespace, page_title, page_latest, page_is_redirect, {page_model} FROM {p}page
"""

_PAGES_AFTER = _PAGE + "WHERE page_id > %s ORDER BY page_id LIMIT %s"
_PAGES_WITHIN = _PAGE + "WHERE page_id >= %s AND page_id < %s ORDER BY page_id LIMIT %s"
_PAGES_BY_ID = _PAGE + "WHERE page_id IN ({ids})"
_PAGES_BY_TITLE = _PAGE + "WHERE page_namespace = %s AND page_title IN ({ids})"

_REVISIONS_OF_PAGE = (
    _REVISION
    + """WHERE r.rev_page = %s AND r.rev_timestamp >= %s AND (r.rev_timestamp > %s OR r.rev_id > %s)
ORDER BY r.rev_timestamp, r.rev_id LIMIT %s"""
)
_REVISIONS_OF_PAGES = _REVISION + "WHERE r.rev_page IN ({ids}) ORDER BY r.rev_page, r.rev_timestamp, r.rev_id LIMIT %s"
_REVISIONS_BY_ID = _REVISION + "WHERE r.rev_id IN ({ids}) ORDER BY r.rev_id"
_REVISIONS_AFTER = _REVISION + "WHERE r.rev_id > %s ORDER BY r.rev_id LIMIT %s"

_ARCHIVED_OF_TITLE = (
    _ARCHIVED
    + """WHERE r.ar_namespace = %s AND r.ar_title = %s AND r.ar_timestamp >= %s
  AND (r.ar_timestamp > %s OR r.ar_rev_id > %s)
ORDER BY r.ar_timestamp, r.ar_rev_id LIMIT %s"""
)
_ARCHIVED_OF_TITLES = (
    _ARCHIVED.replace("c.comment_text\n", "c.comment_text, r.ar_title\n")
    + """WHERE r.ar_namespace = %s AND r.ar_title IN ({ids})
ORDER BY r.ar_title, r.ar_timestamp, r.ar_rev_id LIMIT %s"""
)
_ARCHIVED_WITHIN = """
SELECT DISTINCT ar_title FROM {p}archive WHERE ar_namespace = %s AND ar_title >= %s AND (%s = '' OR ar_title < %s)
ORDER BY ar_title LIMIT %s
"""
_ARCHIVED_TITLES = """
SELECT DISTINCT ar_title FROM {p}archive WHERE ar_namespace = %s AND ar_title > %s ORDER BY ar_title LIMIT %s
"""

_SLOTS = """
SELECT s.slot_revision_id, r.role_name, s.slot_origin, s.slot_content_id, c.content_size, {content_sha1}, m.model_name,
  c.content_address
FROM {p}slots s
LEFT JOIN {p}slot_roles r ON r.role_id = s.slot_role_id
LEFT JOIN {p}content c ON c.content_id = s.slot_content_id
LEFT JOIN {p}content_models m ON m.model_id = c.content_model
WHERE s.slot_revision_id IN ({ids})
"""

_TAGS = """
SELECT t.ct_rev_id, d.ctd_name FROM {p}change_tag t JOIN {p}change_tag_def d ON d.ctd_id = t.ct_tag_id
WHERE t.ct_rev_id IN ({ids}) ORDER BY t.ct_rev_id, t.ct_tag_id
"""

_BOTS = "SELECT rc_this_oldid, rc_bot FROM {p}recentchanges WHERE rc_this_oldid IN ({ids}) {of_edits}"

_COUNTS = "SELECT rev_page, COUNT(*) FROM {p}revision WHERE rev_page IN ({ids}) GROUP BY rev_page"
_ARCHIVED_COUNTS = """
SELECT ar_title, COUNT(*) FROM {p}archive WHERE ar_namespace = %s AND ar_title IN ({ids}) GROUP BY ar_title
"""
# CAST: the sum of a column is a DECIMAL, which the driver cannot give as bytes.
_WEIGHT_WITHIN = """
SELECT COUNT(DISTINCT page_id), COUNT(*), CAST(COALESCE(SUM({weight}), 0) AS SIGNED)
FROM {p}page JOIN {p}revision r ON r.rev_page = page_id
WHERE page_id >= %s AND page_id < %s AND {of_entities}
"""
_MAX_PAGE_ID = "SELECT MAX(page_id) FROM {p}page"
_MAX_LOG_ID = "SELECT MAX(log_id) FROM {p}logging"
_MAX_REV_ID = "SELECT (SELECT MAX(rev_id) FROM {p}revision), (SELECT MAX(ar_rev_id) FROM {p}archive)"

# What is larger than allowed stays where it is: its length comes alone.
_TEXTS = "SELECT old_id, old_flags, IF(LENGTH(old_text) <= %s, old_text, NULL) FROM {p}text WHERE old_id IN ({ids})"
_CUR_TEXTS = "SELECT cur_id, '', IF(LENGTH(cur_text) <= %s, cur_text, NULL) FROM {p}cur WHERE cur_id IN ({ids})"
_BLOBS = "SELECT blob_id, '', IF(LENGTH(blob_text) <= %s, blob_text, NULL) FROM {table} WHERE blob_id IN ({ids})"

NOW = "SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y%m%d%H%i%s')"
REPLICA_STATUS = ("SHOW REPLICA STATUS", "SHOW SLAVE STATUS")
HEARTBEAT = "SELECT CAST(TIMESTAMPDIFF(SECOND, MAX(ts), UTC_TIMESTAMP()) AS SIGNED) FROM {table}"

ENTITY_MODELS = ("wikibase-item", "wikibase-property", "wikibase-lexeme", "EntitySchema")
"""Content models of pages that hold one entity each."""

COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
INDEXED = "SELECT column_name FROM information_schema.statistics WHERE table_schema = %s AND seq_in_index = 1"


@dataclass(frozen=True, slots=True)
class Statements:
    """All statements for one wiki. `bots` and `cur_texts` are None where the wiki has nothing to ask."""

    pages_after: str
    pages_within: str
    pages_by_id: str
    pages_by_title: str
    revisions_of_page: str
    revisions_of_pages: str
    revisions_by_id: str
    revisions_after: str
    archived_of_title: str
    archived_of_titles: str
    archived_within: str
    archived_titles: str
    slots: str
    tags: str
    bots: str | None
    counts: str
    archived_counts: str
    weight_within: str
    max_page_id: str
    max_log_id: str | None
    max_rev_id: str
    texts: str
    cur_texts: str | None


def statements(columns: Columns) -> Statements:
    """Return the statements for the columns that a wiki has."""
    names = _names(columns)

    def filled(template: str) -> str:
        return _fill(template, names)

    return Statements(
        pages_after=filled(_PAGES_AFTER),
        pages_within=filled(_PAGES_WITHIN),
        pages_by_id=filled(_PAGES_BY_ID),
        pages_by_title=filled(_PAGES_BY_TITLE),
        revisions_of_page=filled(_REVISIONS_OF_PAGE),
        revisions_of_pages=filled(_REVISIONS_OF_PAGES),
        revisions_by_id=filled(_REVISIONS_BY_ID),
        revisions_after=filled(_REVISIONS_AFTER),
        archived_of_title=filled(_ARCHIVED_OF_TITLE),
        archived_of_titles=filled(_ARCHIVED_OF_TITLES),
        archived_within=filled(_ARCHIVED_WITHIN),
        archived_titles=filled(_ARCHIVED_TITLES),
        slots=filled(_SLOTS),
        tags=filled(_TAGS),
        # Without an index on it the question would read all of recentchanges.
        bots=filled(_BOTS) if columns.has("recentchanges", "rc_bot") and "rc_this_oldid" in columns.indexed else None,
        counts=filled(_COUNTS),
        archived_counts=filled(_ARCHIVED_COUNTS),
        weight_within=filled(_WEIGHT_WITHIN),
        max_page_id=filled(_MAX_PAGE_ID),
        max_log_id=filled(_MAX_LOG_ID) if columns.has("logging", "log_id") else None,
        max_rev_id=filled(_MAX_REV_ID),
        texts=filled(_TEXTS),
        cur_texts=filled(_CUR_TEXTS) if columns.has("cur", "cur_text") else None,
    )


def blobs(database: str, table: str) -> str:
    """Return the statement that reads blobs of an external cluster. Both names were checked."""
    return _fill(_BLOBS, {"table": f"`{database}`.`{table}`"})


def with_ids(statement: str, count: int) -> str:
    """Return the statement for so many ids."""
    return statement.replace("{ids}", ", ".join(("%s",) * count))


def _fill(template: str, names: dict[str, Any]) -> str:
    return template.format_map({**names, "ids": "{ids}"}).strip()


def _names(columns: Columns) -> dict[str, str]:
    p = columns.prefix
    temps, rev_comment, rev_actor = [], "r.rev_comment_id", "r.rev_actor"
    if columns.has("revision_comment_temp"):
        temps.append(f"LEFT JOIN {p}revision_comment_temp tc ON tc.revcomment_rev = r.rev_id")
        own = columns.has("revision", "rev_comment_id")
        rev_comment = _own_or(rev_comment if own else None, "tc.revcomment_comment_id")
    if columns.has("revision_actor_temp"):
        temps.append(f"LEFT JOIN {p}revision_actor_temp ta ON ta.revactor_rev = r.rev_id")
        own = columns.has("revision", "rev_actor")
        rev_actor = _own_or(rev_actor if own else None, "ta.revactor_actor")
    return {
        "p": p,
        "temps": " ".join(temps),
        "rev_comment": rev_comment,
        "rev_actor": rev_actor,
        "of_entities": _of_entities(columns),
        "weight": "r.rev_len" if columns.has("revision", "rev_len") else "0",
        "rev_len": "r.rev_len" if columns.has("revision", "rev_len") else "NULL",
        "rev_sha1": "r.rev_sha1" if columns.has("revision", "rev_sha1") else "NULL",
        "ar_len": "r.ar_len" if columns.has("archive", "ar_len") else "NULL",
        "ar_sha1": "r.ar_sha1" if columns.has("archive", "ar_sha1") else "NULL",
        "content_sha1": "c.content_sha1" if columns.has("content", "content_sha1") else "NULL",
        "page_model": "page_content_model" if columns.has("page", "page_content_model") else "NULL",
        "of_edits": _of_edits(columns),
    }


def _own_or(own: str | None, temp: str) -> str:
    return f"COALESCE(NULLIF({own}, 0), {temp})" if own else temp


def _of_entities(columns: Columns) -> str:
    """Return what leaves out pages that hold no entity; those without a model have their namespace's."""
    default = "page_namespace IN ({ids})"
    if not columns.has("page", "page_content_model"):
        return default
    models = ", ".join(f"'{model}'" for model in ENTITY_MODELS)
    return f"(page_content_model IN ({models}) OR page_content_model IS NULL AND {default})"


def _of_edits(columns: Columns) -> str:
    """Return what leaves out log entries and categorisations, which name a revision too."""
    if columns.has("recentchanges", "rc_source"):
        return "AND rc_source IN ('mw.edit', 'mw.new')"
    return "AND rc_type IN (0, 1)" if columns.has("recentchanges", "rc_type") else ""
