-- Up to which generation of an entity's head the journal beside the snapshots has what was committed. Sharded by
-- entity_id.
CREATE TABLE journaled (
    entity_id VARCHAR(32) NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (entity_id)
);
