-- The phase on which workers agree, the workers, flips, and measures of both sides. Unsharded.

-- name: control_state
SELECT version, state, previous, settled, pending, pending_flip, last_flip FROM control_state WHERE name = :name

-- name: control_begin
INSERT INTO control_state (name, version, state, previous, settled, pending, pending_flip, last_flip)
VALUES (:name, 1, :state, :state, 1, '', 0, 0)

-- name: control_prepare
UPDATE control_state SET pending = :pending, pending_flip = last_flip + 1, last_flip = last_flip + 1
WHERE name = :name AND version = :version AND pending_flip = 0 AND (settled = 1 OR previous = :pending)

-- name: control_commit
UPDATE control_state
SET version = version + 1, previous = state, state = pending, pending = '', pending_flip = 0, settled = 0
WHERE name = :name AND pending_flip = :pending_flip

-- name: control_abort
UPDATE control_state SET pending = '', pending_flip = 0 WHERE name = :name AND pending_flip = :pending_flip

-- name: control_settle
UPDATE control_state SET settled = 1 WHERE name = :name AND version = :version

-- name: worker_insert
INSERT INTO workers
    (worker_id, host, pid, started, beat, applied_version, ready_flip, phase, breaker, seen_at)
VALUES (:worker_id, :host, :pid, :started, 0, 0, 0, '', '', :seen_at)

-- name: worker_beat
UPDATE workers
SET beat = beat + 1, applied_version = :applied_version, ready_flip = :ready_flip, phase = :phase,
    breaker = :breaker, seen_at = :seen_at
WHERE worker_id = :worker_id

-- name: workers
SELECT worker_id, host, pid, started, beat, applied_version, ready_flip, phase, breaker, seen_at FROM workers
WHERE worker_id > :worker_id ORDER BY worker_id LIMIT :size

-- name: worker_remove
DELETE FROM workers WHERE worker_id = :worker_id

-- name: flip_insert
INSERT INTO flips
    (flip, state, undo_state, actor, reason, forced, evidence, digest, chain, began_at, ended_at, outcome, detail)
VALUES (:flip, :state, :undo_state, :actor, :reason, :forced, :evidence, :digest, :chain, :began_at, '', '', '')

-- name: flip_end
UPDATE flips SET ended_at = :ended_at, outcome = :outcome, detail = :detail WHERE flip = :flip AND outcome = ''

-- name: flip_detail
UPDATE flips SET detail = :detail WHERE flip = :flip

-- name: flip
SELECT flip, state, undo_state, actor, reason, forced, evidence, digest, chain, began_at, ended_at, outcome, detail
FROM flips WHERE flip = :flip

-- name: flips_before
SELECT flip, state, undo_state, actor, reason, forced, digest, chain, began_at, ended_at, outcome, detail
FROM flips WHERE flip < :flip ORDER BY flip DESC LIMIT :size

-- name: side_measure_insert
INSERT INTO side_measures (minute, side, worker_id, requests, errors, buckets)
VALUES (:minute, :side, :worker_id, :requests, :errors, :buckets)

-- name: side_measures_since
SELECT minute, side, worker_id, requests, errors, buckets FROM side_measures
WHERE minute >= :minute AND (minute > :minute OR side > :side OR (side = :side AND worker_id > :worker_id))
ORDER BY minute, side, worker_id LIMIT :size

-- name: side_measures_forget
DELETE FROM side_measures WHERE minute < :minute
