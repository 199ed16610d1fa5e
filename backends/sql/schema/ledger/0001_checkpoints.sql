-- Where a long job stands, by the name of the job. `state` is JSON. Unsharded.
CREATE TABLE checkpoints (
    name VARCHAR(190) NOT NULL,
    state TEXT NOT NULL,
    updated_at VARCHAR(20) NOT NULL,
    PRIMARY KEY (name)
);
