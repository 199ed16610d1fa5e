-- Cases, closings of findings, the wiki against itself. Unsharded, in the ledger.

-- name: case_put [sqlite]
INSERT INTO cases (case_id, epoch, entity_id, revision, surface, reason, detail, facts, wiki_body, store_body,
    kept_bytes, located, seen, first_at_ms, last_at_ms, checks, due_at_ms, closed_at_ms, closed_by)
VALUES (:case_id, :epoch, :entity_id, :revision, :surface, :reason, :detail, :facts, :wiki_body, :store_body,
    :kept_bytes, '', 1, :at_ms, :at_ms, 0, :due_at_ms, 0, '')
ON CONFLICT (case_id) DO UPDATE SET epoch = excluded.epoch, reason = excluded.reason, detail = excluded.detail,
    facts = excluded.facts, wiki_body = excluded.wiki_body, store_body = excluded.store_body,
    kept_bytes = excluded.kept_bytes, seen = seen + 1, last_at_ms = MAX(last_at_ms, excluded.last_at_ms),
    closed_at_ms = 0, closed_by = ''

-- name: case_put [mysql]
INSERT INTO cases (case_id, epoch, entity_id, revision, surface, reason, detail, facts, wiki_body, store_body,
    kept_bytes, located, seen, first_at_ms, last_at_ms, checks, due_at_ms, closed_at_ms, closed_by)
VALUES (:case_id, :epoch, :entity_id, :revision, :surface, :reason, :detail, :facts, :wiki_body, :store_body,
    :kept_bytes, '', 1, :at_ms, :at_ms, 0, :due_at_ms, 0, '')
ON DUPLICATE KEY UPDATE epoch = VALUES(epoch), reason = VALUES(reason), detail = VALUES(detail),
    facts = VALUES(facts), wiki_body = VALUES(wiki_body), store_body = VALUES(store_body),
    kept_bytes = VALUES(kept_bytes), seen = seen + 1, last_at_ms = GREATEST(last_at_ms, VALUES(last_at_ms)),
    closed_at_ms = 0, closed_by = ''

-- name: case_by_id
SELECT case_id, epoch, entity_id, revision, surface, reason, detail, facts, wiki_body, store_body, kept_bytes, located,
    seen, first_at_ms, last_at_ms, checks, due_at_ms, closed_at_ms, closed_by
FROM cases WHERE case_id = :case_id

-- name: cases_latest
SELECT case_id, epoch, entity_id, revision, surface, reason, detail, facts, kept_bytes, located,
    seen, first_at_ms, last_at_ms, checks, due_at_ms, closed_at_ms, closed_by
FROM cases ORDER BY last_at_ms DESC, case_id LIMIT :size

-- name: cases_due
SELECT case_id, epoch, entity_id, revision, surface, reason, detail, facts, kept_bytes, located,
    seen, first_at_ms, last_at_ms, checks, due_at_ms, closed_at_ms, closed_by
FROM cases WHERE closed_at_ms = 0 AND due_at_ms <= :now_ms ORDER BY due_at_ms, case_id LIMIT :size

-- name: cases_size
SELECT COUNT(*) AS cases, COALESCE(SUM(CASE WHEN closed_at_ms = 0 THEN 1 ELSE 0 END), 0) AS standing,
    COALESCE(SUM(kept_bytes), 0) AS kept_bytes
FROM cases

-- name: cases_oldest
SELECT case_id, kept_bytes FROM cases
ORDER BY CASE WHEN closed_at_ms = 0 THEN 1 ELSE 0 END, last_at_ms, case_id LIMIT :size

-- name: case_forget
DELETE FROM cases WHERE case_id = :case_id

-- name: cases_forget_before
DELETE FROM cases WHERE last_at_ms < :before_ms

-- name: case_looked_at
UPDATE cases SET located = :located, checks = checks + 1, due_at_ms = :due_at_ms WHERE case_id = :case_id

-- name: case_close
UPDATE cases SET closed_at_ms = :at_ms, closed_by = :closed_by
WHERE case_id = :case_id AND closed_at_ms = 0 AND last_at_ms <= :at_ms

-- name: case_withhold
UPDATE cases SET detail = :detail, facts = :facts, wiki_body = :nothing, store_body = :nothing, kept_bytes = 0
WHERE case_id = :case_id

-- name: case_ids_of_revision
SELECT case_id, facts FROM cases WHERE revision = :revision AND kept_bytes > 0 LIMIT :size

-- name: finding_close [sqlite]
INSERT INTO finding_closings (entity_id, kind, revision, closed_at_ms, closed_by)
VALUES (:entity_id, :kind, :revision, :at_ms, :closed_by)
ON CONFLICT (entity_id, kind, revision) DO UPDATE SET closed_at_ms = excluded.closed_at_ms,
    closed_by = excluded.closed_by

-- name: finding_close [mysql]
INSERT INTO finding_closings (entity_id, kind, revision, closed_at_ms, closed_by)
VALUES (:entity_id, :kind, :revision, :at_ms, :closed_by)
ON DUPLICATE KEY UPDATE closed_at_ms = VALUES(closed_at_ms), closed_by = VALUES(closed_by)

-- name: noise_count_add [sqlite]
INSERT INTO noise_counts (epoch, surface, compared, differed, unread, last_at_ms)
VALUES (:epoch, :surface, :compared, :differed, :unread, :at_ms)
ON CONFLICT (epoch, surface) DO UPDATE SET compared = compared + excluded.compared,
    differed = differed + excluded.differed, unread = unread + excluded.unread, last_at_ms = excluded.last_at_ms

-- name: noise_count_add [mysql]
INSERT INTO noise_counts (epoch, surface, compared, differed, unread, last_at_ms)
VALUES (:epoch, :surface, :compared, :differed, :unread, :at_ms)
ON DUPLICATE KEY UPDATE compared = compared + VALUES(compared), differed = differed + VALUES(differed),
    unread = unread + VALUES(unread), last_at_ms = VALUES(last_at_ms)

-- name: noise_counts
SELECT surface, compared, differed, unread, last_at_ms FROM noise_counts WHERE epoch = :epoch
ORDER BY surface LIMIT :size
