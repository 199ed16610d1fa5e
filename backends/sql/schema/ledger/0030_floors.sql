-- Which revisions clients were told of, entity by entity, so that no worker answers with less. Unsharded.

-- One row: `seq` numbers the changes in the order of their commits (its row is held until each commit), `forgotten` is
-- the highest number of a row that was removed, `asked` and `passed` number the follower's rounds through the wiki.
CREATE TABLE floor_clock (
    name VARCHAR(16) NOT NULL,
    seq BIGINT NOT NULL,
    forgotten BIGINT NOT NULL,
    asked BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    PRIMARY KEY (name)
);

INSERT INTO floor_clock (name, seq, forgotten, asked, passed) VALUES ('floors', 0, 0, 0, 0);

-- One edit's floor under one entity ("*": all). `number`: the revision, or which round, as `state` says.
CREATE TABLE floors (
    entity_id VARCHAR(32) NOT NULL,
    write_id VARCHAR(64) NOT NULL,
    seq BIGINT NOT NULL,
    state VARCHAR(10) NOT NULL,
    number BIGINT NOT NULL,
    worker_id VARCHAR(100) NOT NULL,
    PRIMARY KEY (entity_id, write_id)
);

CREATE INDEX floors_seq ON floors (seq);
