-- Which revisions clients were told of. Unsharded.

-- name: floor_clock
SELECT seq, forgotten, asked, passed FROM floor_clock WHERE name = :name

-- name: floor_clock_tick
UPDATE floor_clock SET seq = seq + 1, asked = asked + :asked WHERE name = :name

-- name: floor_clock_forget
UPDATE floor_clock SET forgotten = :forgotten WHERE name = :name AND forgotten < :forgotten

-- name: floor_clock_pass
UPDATE floor_clock SET passed = :passed WHERE name = :name AND passed < :passed

-- name: floor_put [sqlite]
INSERT INTO floors (entity_id, write_id, seq, state, number, worker_id)
VALUES (:entity_id, :write_id, :seq, :state, :number, :worker_id)
ON CONFLICT (entity_id, write_id) DO UPDATE SET seq = excluded.seq, state = excluded.state, number = excluded.number

-- name: floor_put [mysql]
INSERT INTO floors (entity_id, write_id, seq, state, number, worker_id)
VALUES (:entity_id, :write_id, :seq, :state, :number, :worker_id)
ON DUPLICATE KEY UPDATE seq = VALUES(seq), state = VALUES(state), number = VALUES(number)

-- name: floors_since
SELECT entity_id, write_id, seq, state, number, worker_id FROM floors WHERE seq > :seq ORDER BY seq LIMIT :size

-- name: floor_remove
DELETE FROM floors WHERE entity_id = :entity_id AND write_id = :write_id AND seq = :seq
