-- Orders to destroy a content, and how far the journal is. Sharded by entity_id.

-- name: purges_of_entity
SELECT entity_id, rev_id, digest, reason, ordered_by, ordered_at, done_at
FROM purges WHERE entity_id = :entity_id ORDER BY rev_id, digest LIMIT 1000

-- name: purges_to_do
-- Walks every shard: for sweeps.
SELECT /*vt+ ALLOW_SCATTER */ entity_id, rev_id, digest, reason, ordered_by, ordered_at, done_at
FROM purges WHERE entity_id > :after AND done_at IS NULL ORDER BY entity_id LIMIT :size

-- name: purge_put [sqlite]
INSERT INTO purges (entity_id, rev_id, digest, reason, ordered_by, ordered_at, done_at)
VALUES (:entity_id, :rev_id, :digest, :reason, :ordered_by, :ordered_at, :done_at)
ON CONFLICT (entity_id, rev_id, digest) DO UPDATE SET done_at = COALESCE(excluded.done_at, done_at)

-- name: purge_put [mysql]
INSERT INTO purges (entity_id, rev_id, digest, reason, ordered_by, ordered_at, done_at)
VALUES (:entity_id, :rev_id, :digest, :reason, :ordered_by, :ordered_at, :done_at)
ON DUPLICATE KEY UPDATE done_at = COALESCE(VALUES(done_at), done_at)

-- name: purge_done
UPDATE purges SET done_at = :done_at
WHERE entity_id = :entity_id AND rev_id = :rev_id AND digest = :digest AND done_at IS NULL

-- name: journaled_of_ids
SELECT entity_id, generation FROM journaled WHERE entity_id IN (:entity_ids)

-- name: journaled_put [sqlite]
INSERT INTO journaled (entity_id, generation) VALUES (:entity_id, :generation)
ON CONFLICT (entity_id) DO UPDATE SET generation = excluded.generation WHERE excluded.generation > generation

-- name: journaled_put [mysql]
INSERT INTO journaled (entity_id, generation) VALUES (:entity_id, :generation)
ON DUPLICATE KEY UPDATE generation = GREATEST(generation, VALUES(generation))
