-- The follower's marks, gaps and wakes, and the findings of audits. Unsharded, in the ledger.

-- name: follower_mark
SELECT mark, seen_at FROM follower_marks WHERE stream = :stream

-- name: follower_mark_put [sqlite]
INSERT INTO follower_marks (stream, mark, seen_at) VALUES (:stream, :mark, :seen_at)
ON CONFLICT (stream) DO UPDATE SET mark = excluded.mark, seen_at = excluded.seen_at

-- name: follower_mark_put [mysql]
INSERT INTO follower_marks (stream, mark, seen_at) VALUES (:stream, :mark, :seen_at)
ON DUPLICATE KEY UPDATE mark = VALUES(mark), seen_at = VALUES(seen_at)

-- name: follower_gaps
SELECT low, high, noticed_ms, noticed_at, due_ms, looks FROM follower_gaps
WHERE stream = :stream AND low > :after ORDER BY low LIMIT :size

-- name: follower_gap_put [sqlite]
INSERT INTO follower_gaps (stream, low, high, noticed_ms, noticed_at, due_ms, looks)
VALUES (:stream, :low, :high, :noticed_ms, :noticed_at, :due_ms, :looks)
ON CONFLICT (stream, low) DO UPDATE SET high = excluded.high, noticed_ms = excluded.noticed_ms,
    noticed_at = excluded.noticed_at, due_ms = excluded.due_ms, looks = excluded.looks

-- name: follower_gap_put [mysql]
INSERT INTO follower_gaps (stream, low, high, noticed_ms, noticed_at, due_ms, looks)
VALUES (:stream, :low, :high, :noticed_ms, :noticed_at, :due_ms, :looks)
ON DUPLICATE KEY UPDATE high = VALUES(high), noticed_ms = VALUES(noticed_ms),
    noticed_at = VALUES(noticed_at), due_ms = VALUES(due_ms), looks = VALUES(looks)

-- name: follower_gap_delete
DELETE FROM follower_gaps WHERE stream = :stream AND low = :low

-- name: wake_put [sqlite]
INSERT INTO wakes (entity_id, kind, due_ms, version, tries) VALUES (:entity_id, :kind, :due_ms, 1, :tries)
ON CONFLICT (entity_id, kind) DO UPDATE SET due_ms = MIN(due_ms, excluded.due_ms), version = version + 1

-- name: wake_put [mysql]
INSERT INTO wakes (entity_id, kind, due_ms, version, tries) VALUES (:entity_id, :kind, :due_ms, 1, :tries)
ON DUPLICATE KEY UPDATE due_ms = LEAST(due_ms, VALUES(due_ms)), version = version + 1

-- name: wakes_due
SELECT entity_id, kind, due_ms, version, tries FROM wakes WHERE due_ms <= :now_ms ORDER BY due_ms LIMIT :size

-- name: wakes_overdue
SELECT COUNT(*) AS wakes FROM wakes WHERE due_ms <= :now_ms

-- name: wakes_failed
SELECT COUNT(*) AS wakes FROM wakes WHERE kind = :kind OR tries > 0

-- name: wake_done
DELETE FROM wakes WHERE entity_id = :entity_id AND kind = :kind AND version = :version

-- name: wake_later
UPDATE wakes SET due_ms = :due_ms, version = version + 1, tries = tries + 1
WHERE entity_id = :entity_id AND kind = :kind AND version = :version

-- name: audit_finding_put [sqlite]
INSERT INTO audit_findings (entity_id, kind, rev_id, detail, repair, first_at, last_at, seen, closed_at)
VALUES (:entity_id, :kind, :rev_id, :detail, :repair, :seen_at, :seen_at, 1, NULL)
ON CONFLICT (entity_id, kind, rev_id) DO UPDATE SET detail = excluded.detail, repair = excluded.repair,
    last_at = excluded.last_at, seen = seen + 1, closed_at = NULL

-- name: audit_finding_put [mysql]
INSERT INTO audit_findings (entity_id, kind, rev_id, detail, repair, first_at, last_at, seen, closed_at)
VALUES (:entity_id, :kind, :rev_id, :detail, :repair, :seen_at, :seen_at, 1, NULL)
ON DUPLICATE KEY UPDATE detail = VALUES(detail), repair = VALUES(repair),
    last_at = VALUES(last_at), seen = seen + 1, closed_at = NULL

-- name: audit_findings_of
SELECT entity_id, kind, rev_id, detail, repair, first_at, last_at, seen, closed_at FROM audit_findings
WHERE entity_id = :entity_id ORDER BY kind, rev_id

-- name: audit_findings_page
SELECT entity_id, kind, rev_id, detail, repair, first_at, last_at, seen, closed_at FROM audit_findings
WHERE entity_id > :after ORDER BY entity_id, kind, rev_id LIMIT :size

-- name: audit_finding_close
UPDATE audit_findings SET closed_at = :closed_at
WHERE entity_id = :entity_id AND kind = :kind AND rev_id = :rev_id AND closed_at IS NULL
