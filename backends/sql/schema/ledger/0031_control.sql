-- The phase on which all workers agree, who they are, and every flip. Unsharded.

-- One row. `version` grows with every commit; `pending` is a state that is being prepared, `pending_flip` by which flip.
-- States are JSON: phase, overrides, expiry. `settled` 0: a worker may still act in `previous`.
CREATE TABLE control_state (
    name VARCHAR(16) NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    previous TEXT NOT NULL,
    settled BIGINT NOT NULL,
    pending TEXT NOT NULL,
    pending_flip BIGINT NOT NULL,
    last_flip BIGINT NOT NULL,
    PRIMARY KEY (name)
);

-- `beat` grows with every sign of life: who watches it needs no clock but its own. `ready_flip`: the flip that it is
-- prepared for; `applied_version`: the version of the state in which it acts.
CREATE TABLE workers (
    worker_id VARCHAR(100) NOT NULL,
    host VARCHAR(190) NOT NULL,
    pid BIGINT NOT NULL,
    started VARCHAR(40) NOT NULL,
    beat BIGINT NOT NULL,
    applied_version BIGINT NOT NULL,
    ready_flip BIGINT NOT NULL,
    phase VARCHAR(32) NOT NULL,
    breaker VARCHAR(16) NOT NULL,
    seen_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (worker_id)
);

-- What was asked for, by whom, why, on which evidence, and what became of it. `outcome` empty: under way.
CREATE TABLE flips (
    flip BIGINT NOT NULL,
    state TEXT NOT NULL,
    undo_state TEXT NOT NULL,
    actor VARCHAR(190) NOT NULL,
    reason VARCHAR(1000) NOT NULL,
    forced BIGINT NOT NULL,
    evidence MEDIUMBLOB NOT NULL,
    digest VARCHAR(64) NOT NULL,
    chain VARCHAR(64) NOT NULL,
    began_at VARCHAR(32) NOT NULL,
    ended_at VARCHAR(32) NOT NULL,
    outcome VARCHAR(32) NOT NULL,
    detail VARCHAR(2000) NOT NULL,
    PRIMARY KEY (flip)
);

-- How both sides answered reads, minute by minute and worker by worker. `buckets`: JSON, upper bound in ms: count.
CREATE TABLE side_measures (
    minute BIGINT NOT NULL,
    side VARCHAR(8) NOT NULL,
    worker_id VARCHAR(100) NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    buckets TEXT NOT NULL,
    PRIMARY KEY (minute, side, worker_id)
);
