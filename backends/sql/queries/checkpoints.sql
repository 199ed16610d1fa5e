-- Checkpoints of long jobs. Unsharded: the key is the name of the job.

-- name: checkpoint
SELECT state, updated_at FROM checkpoints WHERE name = :name

-- name: checkpoint_put [sqlite]
INSERT INTO checkpoints (name, state, updated_at) VALUES (:name, :state, :updated_at)
ON CONFLICT (name) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at

-- name: checkpoint_put [mysql]
INSERT INTO checkpoints (name, state, updated_at) VALUES (:name, :state, :updated_at)
ON DUPLICATE KEY UPDATE state = VALUES(state), updated_at = VALUES(updated_at)

-- name: checkpoint_delete
DELETE FROM checkpoints WHERE name = :name

-- name: checkpoints
SELECT name, state, updated_at FROM checkpoints WHERE name > :after ORDER BY name LIMIT :size
