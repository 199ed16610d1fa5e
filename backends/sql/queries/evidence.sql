-- What parity is proven with: strata, different tuples, mutants, ages, the watermark. Unsharded, in the ledger.

-- name: epoch_basis
SELECT epoch, basis FROM epoch_bases WHERE epoch = :epoch

-- name: epoch_basis_put [sqlite]
INSERT INTO epoch_bases (epoch, basis) VALUES (:epoch, :basis)
ON CONFLICT (epoch) DO UPDATE SET basis = excluded.basis

-- name: epoch_basis_put [mysql]
INSERT INTO epoch_bases (epoch, basis) VALUES (:epoch, :basis) ON DUPLICATE KEY UPDATE basis = VALUES(basis)

-- name: epoch_totals
SELECT epoch, outcome, reason, SUM(seen) AS seen FROM verdict_counts GROUP BY epoch, outcome, reason
ORDER BY epoch, outcome, reason LIMIT :size

-- name: stratum_count_add [sqlite]
INSERT INTO stratum_counts (epoch, stratum, standing, seen, first_at_ms, last_at_ms)
VALUES (:epoch, :stratum, :standing, :seen, :first_at_ms, :last_at_ms)
ON CONFLICT (epoch, stratum, standing) DO UPDATE SET seen = seen + excluded.seen, last_at_ms = excluded.last_at_ms

-- name: stratum_count_add [mysql]
INSERT INTO stratum_counts (epoch, stratum, standing, seen, first_at_ms, last_at_ms)
VALUES (:epoch, :stratum, :standing, :seen, :first_at_ms, :last_at_ms)
ON DUPLICATE KEY UPDATE seen = seen + VALUES(seen), last_at_ms = VALUES(last_at_ms)

-- name: stratum_counts
SELECT stratum, standing, seen, first_at_ms, last_at_ms FROM stratum_counts WHERE epoch = :epoch
ORDER BY stratum, standing LIMIT :size

-- name: compared_tuple_put [sqlite]
INSERT INTO compared_tuples (epoch, tuple_key, stratum, failed) VALUES (:epoch, :tuple_key, :stratum, :failed)
ON CONFLICT (epoch, tuple_key) DO UPDATE SET failed = MAX(failed, excluded.failed)

-- name: compared_tuple_put [mysql]
INSERT INTO compared_tuples (epoch, tuple_key, stratum, failed) VALUES (:epoch, :tuple_key, :stratum, :failed)
ON DUPLICATE KEY UPDATE failed = GREATEST(failed, VALUES(failed))

-- name: compared_tuples_size
SELECT COUNT(*) AS tuples FROM compared_tuples WHERE epoch = :epoch

-- name: compared_tuple_totals
SELECT stratum, COUNT(*) AS tuples, SUM(failed) AS failed FROM compared_tuples WHERE epoch = :epoch
GROUP BY stratum ORDER BY stratum

-- name: compared_tuples_forget
DELETE FROM compared_tuples WHERE epoch < :epoch

-- name: verdict_entities_size
SELECT COUNT(*) AS entities FROM verdict_entities WHERE epoch = :epoch

-- name: verdict_entities_forget
DELETE FROM verdict_entities WHERE epoch < :epoch

-- name: mutant_trial_add [sqlite]
INSERT INTO mutant_trials (epoch, operator, tried, caught, not_applicable, unclear, detect_ms, detect_ms_max, last_at_ms)
VALUES (:epoch, :operator, :tried, :caught, :not_applicable, :unclear, :detect_ms, :detect_ms, :last_at_ms)
ON CONFLICT (epoch, operator) DO UPDATE SET tried = tried + excluded.tried, caught = caught + excluded.caught,
    not_applicable = not_applicable + excluded.not_applicable, unclear = unclear + excluded.unclear,
    detect_ms = detect_ms + excluded.detect_ms, detect_ms_max = MAX(detect_ms_max, excluded.detect_ms),
    last_at_ms = excluded.last_at_ms

-- name: mutant_trial_add [mysql]
INSERT INTO mutant_trials (epoch, operator, tried, caught, not_applicable, unclear, detect_ms, detect_ms_max, last_at_ms)
VALUES (:epoch, :operator, :tried, :caught, :not_applicable, :unclear, :detect_ms, :detect_ms, :last_at_ms)
ON DUPLICATE KEY UPDATE tried = tried + VALUES(tried), caught = caught + VALUES(caught),
    not_applicable = not_applicable + VALUES(not_applicable), unclear = unclear + VALUES(unclear),
    detect_ms_max = GREATEST(detect_ms_max, VALUES(detect_ms)), detect_ms = detect_ms + VALUES(detect_ms),
    last_at_ms = VALUES(last_at_ms)

-- name: mutant_trials
SELECT operator, tried, caught, not_applicable, unclear, detect_ms, detect_ms_max, last_at_ms
FROM mutant_trials WHERE epoch = :epoch ORDER BY operator LIMIT :size

-- name: mismatch_age_add [sqlite]
INSERT INTO mismatch_ages (epoch, entity_id, revision, surface, reason, seen, first_at_ms, last_at_ms, cleared_at_ms)
VALUES (:epoch, :entity_id, :revision, :surface, :reason, 1, :at_ms, :at_ms, 0)
ON CONFLICT (epoch, entity_id, revision, surface) DO UPDATE SET reason = excluded.reason, seen = seen + 1,
    first_at_ms = MIN(first_at_ms, excluded.first_at_ms), last_at_ms = MAX(last_at_ms, excluded.last_at_ms),
    cleared_at_ms = 0

-- name: mismatch_age_add [mysql]
INSERT INTO mismatch_ages (epoch, entity_id, revision, surface, reason, seen, first_at_ms, last_at_ms, cleared_at_ms)
VALUES (:epoch, :entity_id, :revision, :surface, :reason, 1, :at_ms, :at_ms, 0)
ON DUPLICATE KEY UPDATE reason = VALUES(reason), seen = seen + 1, first_at_ms = LEAST(first_at_ms, VALUES(first_at_ms)),
    last_at_ms = GREATEST(last_at_ms, VALUES(last_at_ms)), cleared_at_ms = 0

-- name: mismatch_age_touch
UPDATE mismatch_ages SET reason = :reason, seen = seen + 1, last_at_ms = :at_ms, cleared_at_ms = 0
WHERE epoch = :epoch AND entity_id = :entity_id AND revision = :revision AND surface = :surface

-- name: mismatch_age_clear
UPDATE mismatch_ages SET cleared_at_ms = :at_ms
WHERE epoch = :epoch AND entity_id = :entity_id AND revision = :revision AND surface = :surface
    AND cleared_at_ms = 0 AND last_at_ms <= :at_ms

-- name: mismatch_ages_size
SELECT COUNT(*) AS ages, COALESCE(SUM(CASE WHEN cleared_at_ms = 0 THEN 1 ELSE 0 END), 0) AS standing
FROM mismatch_ages WHERE epoch = :epoch

-- name: mismatch_ages_oldest
SELECT entity_id, revision, surface, reason, seen, first_at_ms, last_at_ms, cleared_at_ms
FROM mismatch_ages WHERE epoch = :epoch AND cleared_at_ms = 0
ORDER BY first_at_ms, entity_id, revision, surface LIMIT :size

-- name: mismatch_ages_forget_cleared
DELETE FROM mismatch_ages WHERE cleared_at_ms > 0

-- name: mismatch_ages_forget
DELETE FROM mismatch_ages WHERE epoch < :epoch

-- name: watermark_put [sqlite]
INSERT INTO watermarks (name, through_ms, revision, written_at_ms)
VALUES (:name, :through_ms, :revision, :written_at_ms)
ON CONFLICT (name) DO UPDATE SET through_ms = MAX(through_ms, excluded.through_ms),
    revision = MAX(revision, excluded.revision), written_at_ms = excluded.written_at_ms

-- name: watermark_put [mysql]
INSERT INTO watermarks (name, through_ms, revision, written_at_ms)
VALUES (:name, :through_ms, :revision, :written_at_ms)
ON DUPLICATE KEY UPDATE through_ms = GREATEST(through_ms, VALUES(through_ms)),
    revision = GREATEST(revision, VALUES(revision)), written_at_ms = VALUES(written_at_ms)

-- name: watermark
SELECT name, through_ms, revision, written_at_ms FROM watermarks WHERE name = :name

-- name: findings_of_epoch
SELECT COUNT(*) AS findings FROM findings f LEFT JOIN finding_closings c
    ON c.entity_id = f.entity_id AND c.kind = f.kind AND c.revision = f.revision
WHERE f.epoch = :epoch AND (c.closed_at_ms IS NULL OR c.closed_at_ms < f.last_at_ms)
