-- Parts of long jobs with their leases, and the list of what could not be read. Unsharded.

-- name: job_part_insert
INSERT INTO job_parts (job, number, spec, state, owner, lease_until_ms, version, progress)
VALUES (:job, :number, :spec, 'open', '', 0, 0, NULL)

-- name: job_parts_free
SELECT number, spec, version, progress, owner FROM job_parts
WHERE job = :job AND state = 'open' AND lease_until_ms <= :now_ms AND number % :shards = :shard
ORDER BY number LIMIT :size

-- name: job_part_take
UPDATE job_parts SET owner = :owner, lease_until_ms = :lease_until_ms, version = version + 1
WHERE job = :job AND number = :number AND version = :version AND state = 'open'

-- name: job_part_keep
UPDATE job_parts SET lease_until_ms = :lease_until_ms, version = version + 1
WHERE job = :job AND number = :number AND version = :version

-- name: job_part_progress
UPDATE job_parts
SET lease_until_ms = :lease_until_ms, version = version + 1, progress = :progress, state = :state
WHERE job = :job AND number = :number AND version = :version

-- name: job_parts_open
SELECT COUNT(*) AS parts FROM job_parts WHERE job = :job AND state = 'open' AND number % :shards = :shard

-- name: job_parts
SELECT number, state, owner, lease_until_ms, progress FROM job_parts
WHERE job = :job AND number > :after ORDER BY number LIMIT :size

-- name: job_parts_forget
DELETE FROM job_parts WHERE job = :job

-- name: unreadable_put [sqlite]
INSERT INTO unreadable_revisions (entity_id, rev_id, reason, seen_at) VALUES (:entity_id, :rev_id, :reason, :seen_at)
ON CONFLICT (entity_id, rev_id) DO UPDATE SET reason = excluded.reason, seen_at = excluded.seen_at

-- name: unreadable_put [mysql]
INSERT INTO unreadable_revisions (entity_id, rev_id, reason, seen_at) VALUES (:entity_id, :rev_id, :reason, :seen_at)
ON DUPLICATE KEY UPDATE reason = VALUES(reason), seen_at = VALUES(seen_at)

-- name: unreadable_revisions
SELECT entity_id, rev_id, reason, seen_at FROM unreadable_revisions
WHERE entity_id >= :after_entity AND (entity_id > :after_entity OR rev_id > :after_rev_id)
ORDER BY entity_id, rev_id LIMIT :size

-- name: unreadable_forget
DELETE FROM unreadable_revisions WHERE entity_id = :entity_id AND rev_id = :rev_id
