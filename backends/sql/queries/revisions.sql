-- Revisions, heads and the outbox (sharded by entity_id), and the lookups (sharded by their own keys).

-- name: revision
SELECT entity_id, rev_id, position, parent_id, made_at, state, redirect_target, digest, meta, overlay
FROM revisions WHERE entity_id = :entity_id AND rev_id = :rev_id

-- name: revision_position
SELECT position FROM revisions WHERE entity_id = :entity_id AND rev_id = :rev_id

-- name: revisions_of_ids
SELECT entity_id, rev_id, position, parent_id, made_at, state, redirect_target, digest, meta, overlay
FROM revisions WHERE entity_id = :entity_id AND rev_id IN (:rev_ids)

-- name: history
SELECT entity_id, rev_id, position, parent_id, made_at, state, redirect_target, digest, meta, overlay
FROM revisions
WHERE entity_id = :entity_id AND position >= :after_position
    AND (position > :after_position OR rev_id > :after_rev_id)
ORDER BY position, rev_id LIMIT :size

-- name: history_back
SELECT entity_id, rev_id, position, parent_id, made_at, state, redirect_target, digest, meta, overlay
FROM revisions
WHERE entity_id = :entity_id AND position <= :before_position
    AND (position < :before_position OR rev_id < :before_rev_id)
ORDER BY position DESC, rev_id DESC LIMIT :size

-- name: entities
-- Walks every shard: for sweeps, never for an answer.
SELECT /*vt+ ALLOW_SCATTER */ DISTINCT entity_id FROM revisions WHERE entity_id > :after ORDER BY entity_id LIMIT :size

-- name: head_revisions_of_ids
-- Both tables have the same shard key: each entity's part is answered by its own shard.
SELECT revisions.entity_id, revisions.rev_id, revisions.position, revisions.parent_id, revisions.made_at,
    revisions.state, revisions.redirect_target, revisions.digest, revisions.meta, revisions.overlay
FROM heads INNER JOIN revisions ON revisions.entity_id = heads.entity_id AND revisions.rev_id = heads.rev_id
WHERE heads.entity_id IN (:entity_ids)

-- name: revision_count
SELECT COUNT(*) AS revisions FROM revisions WHERE entity_id = :entity_id

-- name: revision_insert
INSERT INTO revisions (entity_id, rev_id, position, parent_id, made_at, state, redirect_target, digest, meta, overlay)
VALUES (:entity_id, :rev_id, :position, :parent_id, :made_at, :state, :redirect_target, :digest, :meta, :overlay)

-- name: revision_update
UPDATE revisions
SET position = :position, parent_id = :parent_id, made_at = :made_at, state = :state,
    redirect_target = :redirect_target, digest = :digest, meta = :meta, overlay = :overlay
WHERE entity_id = :entity_id AND rev_id = :rev_id

-- name: head
SELECT entity_id, generation, rev_id, position, made_at, state, redirect_target, page_id
FROM heads WHERE entity_id = :entity_id

-- name: heads_of_ids
SELECT entity_id, generation, rev_id, position, made_at, state, redirect_target, page_id
FROM heads WHERE entity_id IN (:entity_ids)

-- name: heads
-- Walks every shard: for sweeps, never for an answer.
SELECT /*vt+ ALLOW_SCATTER */ entity_id, generation, rev_id, position, made_at, state, redirect_target, page_id
FROM heads WHERE entity_id > :after ORDER BY entity_id LIMIT :size

-- name: head_insert
INSERT INTO heads (entity_id, generation, rev_id, position, made_at, state, redirect_target, page_id)
VALUES (:entity_id, :generation, :rev_id, :position, :made_at, :state, :redirect_target, :page_id)

-- name: head_update
-- Counts 1 only when the row was still the one seen: generation always changes, so "changed" is "matched".
UPDATE heads
SET generation = :generation, rev_id = :rev_id, position = :position, made_at = :made_at, state = :state,
    redirect_target = :redirect_target, page_id = :page_id
WHERE entity_id = :entity_id AND generation = :expected

-- name: outbox_insert
INSERT INTO outbox (entity_id, generation, kind, rev_id, made_at)
VALUES (:entity_id, :generation, :kind, :rev_id, :made_at)

-- name: outbox
-- Walks every shard: for the one reader that publishes.
SELECT /*vt+ ALLOW_SCATTER */ entity_id, generation, kind, rev_id, made_at FROM outbox
WHERE entity_id >= :after_entity AND (entity_id > :after_entity OR generation > :after_generation)
ORDER BY entity_id, generation LIMIT :size

-- name: outbox_of_entity
SELECT generation, kind, rev_id FROM outbox
WHERE entity_id = :entity_id AND generation > :after_generation ORDER BY generation LIMIT :size

-- name: outbox_delete
DELETE FROM outbox WHERE entity_id = :entity_id AND generation <= :generation

-- name: totals
-- Walks every shard: for reports.
SELECT /*vt+ ALLOW_SCATTER */ (SELECT COUNT(*) FROM heads) AS entities, (SELECT COUNT(*) FROM revisions) AS revisions

-- name: revision_entity
SELECT entity_id FROM revision_entities WHERE rev_id = :rev_id

-- name: revision_entities_of_ids
SELECT rev_id, entity_id FROM revision_entities WHERE rev_id IN (:rev_ids)

-- name: revision_entity_put [sqlite]
INSERT INTO revision_entities (rev_id, entity_id) VALUES (:rev_id, :entity_id)
ON CONFLICT (rev_id) DO UPDATE SET entity_id = excluded.entity_id

-- name: revision_entity_put [mysql]
INSERT INTO revision_entities (rev_id, entity_id) VALUES (:rev_id, :entity_id)
ON DUPLICATE KEY UPDATE entity_id = VALUES(entity_id)

-- name: page
SELECT entity_id FROM pages WHERE page_id = :page_id

-- name: page_put [sqlite]
INSERT INTO pages (page_id, entity_id) VALUES (:page_id, :entity_id)
ON CONFLICT (page_id) DO UPDATE SET entity_id = excluded.entity_id

-- name: page_put [mysql]
INSERT INTO pages (page_id, entity_id) VALUES (:page_id, :entity_id)
ON DUPLICATE KEY UPDATE entity_id = VALUES(entity_id)

-- name: redirects_to
SELECT entity_id FROM redirects
WHERE redirect_target = :redirect_target AND entity_id > :after ORDER BY entity_id LIMIT :size

-- name: redirect
SELECT entity_id FROM redirects WHERE redirect_target = :redirect_target AND entity_id = :entity_id

-- name: redirect_put [sqlite]
INSERT INTO redirects (redirect_target, entity_id) VALUES (:redirect_target, :entity_id)
ON CONFLICT (redirect_target, entity_id) DO NOTHING

-- name: redirect_put [mysql]
INSERT INTO redirects (redirect_target, entity_id) VALUES (:redirect_target, :entity_id)
ON DUPLICATE KEY UPDATE entity_id = VALUES(entity_id)
