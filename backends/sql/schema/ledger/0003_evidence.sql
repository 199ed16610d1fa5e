-- What parity is proven with. Unsharded, in the ledger. All but the watermark belongs to an epoch.

-- What the comparisons of an epoch rest on, as JSON; an epoch without a row was opened before it was known.
CREATE TABLE epoch_bases (
    epoch BIGINT NOT NULL,
    basis VARCHAR(2000) NOT NULL,
    PRIMARY KEY (epoch)
);

-- Comparisons by stratum (`rules.strata.Stratum.key`) and by what they say about parity.
CREATE TABLE stratum_counts (
    epoch BIGINT NOT NULL,
    stratum VARCHAR(150) NOT NULL,
    standing VARCHAR(16) NOT NULL,
    seen BIGINT NOT NULL,
    first_at_ms BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    PRIMARY KEY (epoch, stratum, standing)
);

-- Different things that were compared: entity, revision and shape of the route, hashed. Of the present epoch only,
-- and bounded: beyond the bound only failures are added, so that the bound of the rate stays on the safe side.
CREATE TABLE compared_tuples (
    epoch BIGINT NOT NULL,
    tuple_key BIGINT NOT NULL,
    stratum VARCHAR(150) NOT NULL,
    failed BIGINT NOT NULL,
    PRIMARY KEY (epoch, tuple_key)
);

-- Damage done on purpose to copies, and whether the judge noticed, by operator.
CREATE TABLE mutant_trials (
    epoch BIGINT NOT NULL,
    operator VARCHAR(64) NOT NULL,
    tried BIGINT NOT NULL,
    caught BIGINT NOT NULL,
    not_applicable BIGINT NOT NULL,
    unclear BIGINT NOT NULL,
    detect_ms BIGINT NOT NULL,
    detect_ms_max BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    PRIMARY KEY (epoch, operator)
);

-- How long something has differed: first and last seen, and when it was seen equal since (0: not yet).
CREATE TABLE mismatch_ages (
    epoch BIGINT NOT NULL,
    entity_id VARCHAR(32) NOT NULL,
    revision BIGINT NOT NULL,
    surface VARCHAR(32) NOT NULL,
    reason VARCHAR(100) NOT NULL,
    seen BIGINT NOT NULL,
    first_at_ms BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    cleared_at_ms BIGINT NOT NULL,
    PRIMARY KEY (epoch, entity_id, revision, surface)
);

-- Through when everything that was observed is settled. Only grows.
CREATE TABLE watermarks (
    name VARCHAR(64) NOT NULL,
    through_ms BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    written_at_ms BIGINT NOT NULL,
    PRIMARY KEY (name)
);
