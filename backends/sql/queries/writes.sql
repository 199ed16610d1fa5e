-- The right to write (by lane), keys of writes (by entity_id), ids (unsharded), allotments (by their key).

-- name: authority_held
-- Inside a transaction; held until its end: a claim waits for every write that was confirmed before it.
SELECT epoch FROM authority WHERE lane = :lane

-- name: authority_held [mysql]
SELECT epoch FROM authority WHERE lane = :lane LOCK IN SHARE MODE

-- name: authority_lanes
-- Walks every shard: for claims, never for a write.
SELECT /*vt+ ALLOW_SCATTER */ lane, epoch FROM authority WHERE lane >= :first ORDER BY lane LIMIT :size

-- name: authority_insert
INSERT INTO authority (lane, epoch) VALUES (:lane, :epoch)

-- name: authority_take
UPDATE authority SET epoch = :epoch WHERE lane = :lane AND epoch = :seen

-- name: authority_raise
UPDATE authority SET epoch = :epoch WHERE lane = :lane AND epoch < :epoch

-- name: write_key
SELECT request, generation, rev_id FROM write_keys WHERE entity_id = :entity_id AND write_key = :write_key

-- name: write_key_insert
INSERT INTO write_keys (entity_id, write_key, request, generation, rev_id, made_at_ms)
VALUES (:entity_id, :write_key, :request, :generation, :rev_id, :made_at_ms)

-- name: write_keys_forget
DELETE FROM write_keys WHERE entity_id = :entity_id AND made_at_ms < :before_ms

-- name: ids_next
SELECT next_id FROM ids WHERE name = :name

-- name: ids_insert
INSERT INTO ids (name, next_id) VALUES (:name, :next_id)

-- name: ids_take
UPDATE ids SET next_id = :next_id WHERE name = :name AND next_id = :seen

-- name: allotment
SELECT request, entity_id, rev_id FROM allotments WHERE write_key = :write_key

-- name: allotment_insert
INSERT INTO allotments (write_key, request, entity_id, rev_id, made_at_ms)
VALUES (:write_key, :request, :entity_id, :rev_id, :made_at_ms)
