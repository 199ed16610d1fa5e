-- The index of revisions. Sharded by entity_id, except the last three tables: each of those is a second way in,
-- keyed (and sharded) by its own key, written after the commit and repairable from the rest.

-- One row per revision. `position` orders the history. `digest` is that of the canonical content and, with
-- entity_id and rev_id, names the snapshot. `meta` fingerprints what the wiki says of the revision besides its
-- content; `overlay` (JSON) holds what it says now where that differs from the snapshot, NULL: nothing.
CREATE TABLE revisions (
    entity_id VARCHAR(32) NOT NULL,
    rev_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    parent_id BIGINT NOT NULL,
    made_at VARCHAR(20) NOT NULL,
    state VARCHAR(16) NOT NULL,
    redirect_target VARCHAR(32),
    digest CHAR(64) NOT NULL,
    meta CHAR(16) NOT NULL,
    overlay TEXT,
    PRIMARY KEY (entity_id, rev_id)
);

CREATE INDEX revisions_position ON revisions (entity_id, position, rev_id);

-- One row per entity. `generation` grows by one with each change of the row: what compare-and-set compares.
CREATE TABLE heads (
    entity_id VARCHAR(32) NOT NULL,
    generation BIGINT NOT NULL,
    rev_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    made_at VARCHAR(20) NOT NULL,
    state VARCHAR(16) NOT NULL,
    redirect_target VARCHAR(32),
    page_id BIGINT,
    PRIMARY KEY (entity_id)
);

-- What changed, written with the change itself. `kind`: 'history' (exported) or 'edit'.
CREATE TABLE outbox (
    entity_id VARCHAR(32) NOT NULL,
    generation BIGINT NOT NULL,
    kind VARCHAR(16) NOT NULL,
    rev_id BIGINT NOT NULL,
    made_at VARCHAR(20) NOT NULL,
    PRIMARY KEY (entity_id, generation)
);

CREATE TABLE revision_entities (
    rev_id BIGINT NOT NULL,
    entity_id VARCHAR(32) NOT NULL,
    PRIMARY KEY (rev_id)
);

CREATE TABLE pages (
    page_id BIGINT NOT NULL,
    entity_id VARCHAR(32) NOT NULL,
    PRIMARY KEY (page_id)
);

-- Who redirected to whom at some time; the redirecting entity's head says whether it still does.
CREATE TABLE redirects (
    redirect_target VARCHAR(32) NOT NULL,
    entity_id VARCHAR(32) NOT NULL,
    PRIMARY KEY (redirect_target, entity_id)
);
