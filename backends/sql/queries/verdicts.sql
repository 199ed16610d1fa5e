-- Verdicts, findings, epochs and what was shed. Unsharded, in the ledger.

-- name: epoch_latest
SELECT epoch, opened_at_ms, why FROM epochs ORDER BY epoch DESC LIMIT 1

-- name: epochs
SELECT epoch, opened_at_ms, why FROM epochs WHERE epoch > :after ORDER BY epoch LIMIT :size

-- name: epoch_insert
INSERT INTO epochs (epoch, opened_at_ms, why) VALUES (:epoch, :opened_at_ms, :why)

-- name: verdict_count_add [sqlite]
INSERT INTO verdict_counts (epoch, phase, surface, entity_type, outcome, reason, seen, first_at_ms, last_at_ms)
VALUES (:epoch, :phase, :surface, :entity_type, :outcome, :reason, :seen, :first_at_ms, :last_at_ms)
ON CONFLICT (epoch, phase, surface, entity_type, outcome, reason)
DO UPDATE SET seen = seen + excluded.seen, last_at_ms = excluded.last_at_ms

-- name: verdict_count_add [mysql]
INSERT INTO verdict_counts (epoch, phase, surface, entity_type, outcome, reason, seen, first_at_ms, last_at_ms)
VALUES (:epoch, :phase, :surface, :entity_type, :outcome, :reason, :seen, :first_at_ms, :last_at_ms)
ON DUPLICATE KEY UPDATE seen = seen + VALUES(seen), last_at_ms = VALUES(last_at_ms)

-- name: verdict_counts
SELECT epoch, phase, surface, entity_type, outcome, reason, seen, first_at_ms, last_at_ms
FROM verdict_counts WHERE epoch = :epoch
ORDER BY phase, surface, entity_type, outcome, reason LIMIT :size

-- name: verdict_entity_add [sqlite]
INSERT INTO verdict_entities (epoch, entity_id, entity_type, compared, failed)
VALUES (:epoch, :entity_id, :entity_type, :compared, :failed)
ON CONFLICT (epoch, entity_id) DO UPDATE SET compared = compared + excluded.compared, failed = failed + excluded.failed

-- name: verdict_entity_add [mysql]
INSERT INTO verdict_entities (epoch, entity_id, entity_type, compared, failed)
VALUES (:epoch, :entity_id, :entity_type, :compared, :failed)
ON DUPLICATE KEY UPDATE compared = compared + VALUES(compared), failed = failed + VALUES(failed)

-- name: verdict_entity_totals
SELECT entity_type, COUNT(*) AS entities, SUM(CASE WHEN failed > 0 THEN 1 ELSE 0 END) AS failed
FROM verdict_entities WHERE epoch = :epoch GROUP BY entity_type ORDER BY entity_type

-- name: verdict_detail_put [sqlite]
INSERT INTO verdict_details (outcome, detail_id, epoch, sample_id, phase, surface, entity_id, entity_type, revision,
    reason, detail, rules, target, judged_at_ms, observed_at_ms)
VALUES (:outcome, :detail_id, :epoch, :sample_id, :phase, :surface, :entity_id, :entity_type, :revision,
    :reason, :detail, :rules, :target, :judged_at_ms, :observed_at_ms)
ON CONFLICT (outcome, detail_id) DO NOTHING

-- name: verdict_detail_put [mysql]
INSERT INTO verdict_details (outcome, detail_id, epoch, sample_id, phase, surface, entity_id, entity_type, revision,
    reason, detail, rules, target, judged_at_ms, observed_at_ms)
VALUES (:outcome, :detail_id, :epoch, :sample_id, :phase, :surface, :entity_id, :entity_type, :revision,
    :reason, :detail, :rules, :target, :judged_at_ms, :observed_at_ms)
ON DUPLICATE KEY UPDATE outcome = VALUES(outcome)

-- name: verdict_details
SELECT outcome, detail_id, epoch, sample_id, phase, surface, entity_id, entity_type, revision, reason, detail, rules,
    target, judged_at_ms, observed_at_ms
FROM verdict_details WHERE outcome = :outcome AND detail_id < :before ORDER BY detail_id DESC LIMIT :size

-- name: verdict_detail_nth
SELECT detail_id FROM verdict_details WHERE outcome = :outcome ORDER BY detail_id DESC LIMIT 1 OFFSET :keep

-- name: verdict_details_withhold
UPDATE verdict_details SET detail = :detail WHERE outcome = :outcome AND revision = :revision

-- name: verdict_details_forget
DELETE FROM verdict_details WHERE outcome = :outcome AND detail_id <= :upto

-- name: finding_add [sqlite]
INSERT INTO findings (entity_id, kind, revision, epoch, detail, seen, first_at_ms, last_at_ms)
VALUES (:entity_id, :kind, :revision, :epoch, :detail, 1, :at_ms, :at_ms)
ON CONFLICT (entity_id, kind, revision)
DO UPDATE SET epoch = excluded.epoch, detail = excluded.detail, seen = seen + 1, last_at_ms = excluded.last_at_ms

-- name: finding_add [mysql]
INSERT INTO findings (entity_id, kind, revision, epoch, detail, seen, first_at_ms, last_at_ms)
VALUES (:entity_id, :kind, :revision, :epoch, :detail, 1, :at_ms, :at_ms)
ON DUPLICATE KEY UPDATE epoch = VALUES(epoch), detail = VALUES(detail), seen = seen + 1, last_at_ms = VALUES(last_at_ms)

-- name: findings
SELECT f.entity_id AS entity_id, f.kind AS kind, f.revision AS revision, f.epoch AS epoch, f.detail AS detail,
    f.seen AS seen, f.first_at_ms AS first_at_ms, f.last_at_ms AS last_at_ms,
    CASE WHEN c.closed_at_ms >= f.last_at_ms THEN c.closed_at_ms ELSE 0 END AS closed_at_ms, c.closed_by AS closed_by
FROM findings f LEFT JOIN finding_closings c
    ON c.entity_id = f.entity_id AND c.kind = f.kind AND c.revision = f.revision
WHERE f.entity_id > :after_entity OR (f.entity_id = :after_entity AND f.kind > :after_kind)
    OR (f.entity_id = :after_entity AND f.kind = :after_kind AND f.revision > :after_revision)
ORDER BY f.entity_id, f.kind, f.revision LIMIT :size

-- name: findings_total
SELECT COUNT(*) AS findings FROM findings f LEFT JOIN finding_closings c
    ON c.entity_id = f.entity_id AND c.kind = f.kind AND c.revision = f.revision
WHERE c.closed_at_ms IS NULL OR c.closed_at_ms < f.last_at_ms

-- name: shed_add [sqlite]
INSERT INTO shed_counts (epoch, reason, seen) VALUES (:epoch, :reason, :seen)
ON CONFLICT (epoch, reason) DO UPDATE SET seen = seen + excluded.seen

-- name: shed_add [mysql]
INSERT INTO shed_counts (epoch, reason, seen) VALUES (:epoch, :reason, :seen)
ON DUPLICATE KEY UPDATE seen = seen + VALUES(seen)

-- name: shed_counts
SELECT reason, seen FROM shed_counts WHERE epoch = :epoch ORDER BY reason LIMIT :size
