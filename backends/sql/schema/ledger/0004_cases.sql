-- What it takes to look into one mismatch, and what the verifier holds against itself. Unsharded, in the ledger.

-- One row for each thing that differs (entity, revision, surface). `facts` is JSON; bodies are zstd frames, empty where
-- none is kept. `closed_at_ms` 0: it still differs, as far as anybody knows. `due_at_ms`: when it is looked at again.
CREATE TABLE cases (
    case_id VARCHAR(32) NOT NULL,
    epoch BIGINT NOT NULL,
    entity_id VARCHAR(32) NOT NULL,
    revision BIGINT NOT NULL,
    surface VARCHAR(32) NOT NULL,
    reason VARCHAR(100) NOT NULL,
    detail TEXT NOT NULL,
    facts TEXT NOT NULL,
    wiki_body MEDIUMBLOB NOT NULL,
    store_body MEDIUMBLOB NOT NULL,
    kept_bytes BIGINT NOT NULL,
    located VARCHAR(2000) NOT NULL,
    seen BIGINT NOT NULL,
    first_at_ms BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    checks BIGINT NOT NULL,
    due_at_ms BIGINT NOT NULL,
    closed_at_ms BIGINT NOT NULL,
    closed_by VARCHAR(100) NOT NULL,
    PRIMARY KEY (case_id)
);

-- A finding that was looked at again, and is no more. One that is seen later than this stands again.
CREATE TABLE finding_closings (
    entity_id VARCHAR(32) NOT NULL,
    kind VARCHAR(64) NOT NULL,
    revision BIGINT NOT NULL,
    closed_at_ms BIGINT NOT NULL,
    closed_by VARCHAR(100) NOT NULL,
    PRIMARY KEY (entity_id, kind, revision)
);

-- The wiki against itself: answers that were held against a second reading of the same revision.
CREATE TABLE noise_counts (
    epoch BIGINT NOT NULL,
    surface VARCHAR(32) NOT NULL,
    compared BIGINT NOT NULL,
    differed BIGINT NOT NULL,
    unread BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    PRIMARY KEY (epoch, surface)
);
