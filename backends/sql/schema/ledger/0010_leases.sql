-- Parts of a long job, shared out to many workers, and what an export could not read. Unsharded.

-- `spec` says what the part is, `progress` how far it is (JSON, both for the job alone to understand). A part belongs
-- to `owner` until `lease_until_ms`; `version` grows with every change: what compare-and-set compares.
CREATE TABLE job_parts (
    job VARCHAR(64) NOT NULL,
    number BIGINT NOT NULL,
    spec TEXT NOT NULL,
    state VARCHAR(8) NOT NULL,
    owner VARCHAR(190) NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    progress TEXT,
    PRIMARY KEY (job, number)
);

CREATE INDEX job_parts_state ON job_parts (job, state, lease_until_ms);

-- Revisions that the wiki itself cannot read, and why.
CREATE TABLE unreadable_revisions (
    entity_id VARCHAR(32) NOT NULL,
    rev_id BIGINT NOT NULL,
    reason VARCHAR(400) NOT NULL,
    seen_at VARCHAR(20) NOT NULL,
    PRIMARY KEY (entity_id, rev_id)
);
