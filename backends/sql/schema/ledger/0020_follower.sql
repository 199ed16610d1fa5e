-- What the follower of the wiki keeps, and what audits found. Unsharded.

-- Up to which id a stream of the wiki's ids was read, and when (the wiki's time) that was.
CREATE TABLE follower_marks (
    stream VARCHAR(32) NOT NULL,
    mark BIGINT NOT NULL,
    seen_at VARCHAR(20) NOT NULL,
    PRIMARY KEY (stream)
);

-- Ids below the mark that were never seen, as ranges: looked for again at `due_ms`, until nobody can commit them.
CREATE TABLE follower_gaps (
    stream VARCHAR(32) NOT NULL,
    low BIGINT NOT NULL,
    high BIGINT NOT NULL,
    noticed_ms BIGINT NOT NULL,
    noticed_at VARCHAR(20) NOT NULL,
    due_ms BIGINT NOT NULL,
    looks BIGINT NOT NULL,
    PRIMARY KEY (stream, low)
);

-- Entities to be brought to the wiki's present state, each at most once of a kind. `version` grows with every call.
CREATE TABLE wakes (
    entity_id VARCHAR(32) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    due_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    PRIMARY KEY (entity_id, kind)
);

CREATE INDEX wakes_due ON wakes (due_ms);

-- What is wrong with an entity of the store, and the command that repairs it. `rev_id` 0: not one revision alone.
CREATE TABLE audit_findings (
    entity_id VARCHAR(32) NOT NULL,
    kind VARCHAR(40) NOT NULL,
    rev_id BIGINT NOT NULL,
    detail VARCHAR(400) NOT NULL,
    repair VARCHAR(200) NOT NULL,
    first_at VARCHAR(20) NOT NULL,
    last_at VARCHAR(20) NOT NULL,
    seen BIGINT NOT NULL,
    closed_at VARCHAR(20),
    PRIMARY KEY (entity_id, kind, rev_id)
);
