-- What a write needs besides its revision: the right to write, a key that makes repeating it harmless, new ids.

-- Who may write: one row per lane, equal in all of them but for the moment in which a claim is under way. A lane is
-- the first byte of the MD5 of an entity's id. Where entities are spread over shards by that same MD5, a lane keyed
-- by its own byte lies on the shard of all its entities, so that one transaction on one shard can check it.
CREATE TABLE authority (
    lane VARBINARY(1) NOT NULL,
    epoch BIGINT NOT NULL,
    PRIMARY KEY (lane)
);

-- Writes that carried a key, sharded by entity_id. `request` fingerprints what was asked for.
CREATE TABLE write_keys (
    entity_id VARCHAR(32) NOT NULL,
    write_key VARCHAR(64) NOT NULL,
    request CHAR(64) NOT NULL,
    generation BIGINT NOT NULL,
    rev_id BIGINT NOT NULL,
    made_at_ms BIGINT NOT NULL,
    PRIMARY KEY (entity_id, write_key)
);

-- The next id of each kind that nobody has been given. Unsharded.
CREATE TABLE ids (
    name VARCHAR(64) NOT NULL,
    next_id BIGINT NOT NULL,
    PRIMARY KEY (name)
);

-- Which new entity a key was given before anything was written, so that a repetition makes the same one. Sharded by
-- write_key.
CREATE TABLE allotments (
    write_key VARCHAR(64) NOT NULL,
    request CHAR(64) NOT NULL,
    entity_id VARCHAR(32) NOT NULL,
    rev_id BIGINT NOT NULL,
    made_at_ms BIGINT NOT NULL,
    PRIMARY KEY (write_key)
);
