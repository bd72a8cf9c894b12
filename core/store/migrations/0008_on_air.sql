-- What the brand's own product feed says is on air, and from when on.

CREATE TABLE on_air (
    source_id TEXT NOT NULL REFERENCES sources (id),
    at        BIGINT NOT NULL,
    sku       TEXT,                 -- null: nothing is
    said_by   TEXT NOT NULL,
    PRIMARY KEY (source_id, at)
);
