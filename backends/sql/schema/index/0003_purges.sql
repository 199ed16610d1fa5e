-- Orders to destroy a content for good, sharded by entity_id. `digest` is that of the content; `done_at` is NULL until
-- its object is gone. The row stays for ever: it is why a snapshot is not there, and why it may not come back.
CREATE TABLE purges (
    entity_id VARCHAR(32) NOT NULL,
    rev_id BIGINT NOT NULL,
    digest CHAR(64) NOT NULL,
    reason TEXT NOT NULL,
    ordered_by VARCHAR(190) NOT NULL,
    ordered_at VARCHAR(20) NOT NULL,
    done_at VARCHAR(20),
    PRIMARY KEY (entity_id, rev_id, digest)
);
