-- What the verifier found. Unsharded, in the ledger: each table is keyed by what it is asked for.

-- An epoch begins when what was counted before says nothing any more (another canonical form, rule set or export).
CREATE TABLE epochs (
    epoch BIGINT NOT NULL,
    opened_at_ms BIGINT NOT NULL,
    why VARCHAR(255) NOT NULL,
    PRIMARY KEY (epoch)
);

-- Counts for ever. `reason` is "" where there is none to give; for matches under rules it names the rules.
CREATE TABLE verdict_counts (
    epoch BIGINT NOT NULL,
    phase VARCHAR(32) NOT NULL,
    surface VARCHAR(32) NOT NULL,
    entity_type VARCHAR(32) NOT NULL,
    outcome VARCHAR(32) NOT NULL,
    reason VARCHAR(100) NOT NULL,
    seen BIGINT NOT NULL,
    first_at_ms BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    PRIMARY KEY (epoch, phase, surface, entity_type, outcome, reason)
);

-- The same by entity: how often it was compared, and how often that failed.
CREATE TABLE verdict_entities (
    epoch BIGINT NOT NULL,
    entity_id VARCHAR(32) NOT NULL,
    entity_type VARCHAR(32) NOT NULL,
    compared BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    PRIMARY KEY (epoch, entity_id)
);

-- The latest verdicts that somebody will want to look at, each with its difference. `detail_id` grows with time.
CREATE TABLE verdict_details (
    outcome VARCHAR(32) NOT NULL,
    detail_id VARCHAR(190) NOT NULL,
    epoch BIGINT NOT NULL,
    sample_id VARCHAR(64) NOT NULL,
    phase VARCHAR(32) NOT NULL,
    surface VARCHAR(32) NOT NULL,
    entity_id VARCHAR(32),
    entity_type VARCHAR(32),
    revision BIGINT,
    reason VARCHAR(100) NOT NULL,
    detail TEXT NOT NULL,
    rules TEXT NOT NULL,
    target TEXT NOT NULL,
    judged_at_ms BIGINT NOT NULL,
    observed_at_ms BIGINT NOT NULL,
    PRIMARY KEY (outcome, detail_id)
);

-- What is wrong with a side itself. `revision` -1: none is named.
CREATE TABLE findings (
    entity_id VARCHAR(32) NOT NULL,
    kind VARCHAR(64) NOT NULL,
    revision BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    detail TEXT NOT NULL,
    seen BIGINT NOT NULL,
    first_at_ms BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    PRIMARY KEY (entity_id, kind, revision)
);

-- Samples that were given up before they were judged, by reason.
CREATE TABLE shed_counts (
    epoch BIGINT NOT NULL,
    reason VARCHAR(100) NOT NULL,
    seen BIGINT NOT NULL,
    PRIMARY KEY (epoch, reason)
);
