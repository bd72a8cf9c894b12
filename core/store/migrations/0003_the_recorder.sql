-- What the operator can ask of a source, and what becomes of old recordings.

ALTER TABLE sources ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
-- Pull: request headers (cookies, referrer), JSON, encrypted like the URL.
ALTER TABLE sources ADD COLUMN sealed_headers TEXT;
-- Push: the stream key, encrypted: over SRT it is the passphrase, which both ends must know.
ALTER TABLE sources ADD COLUMN sealed_key TEXT;
-- On demand: whether the operator asked to record.
ALTER TABLE sources ADD COLUMN requested BIGINT NOT NULL DEFAULT 0;

-- A legal hold: nothing of the recording may be deleted.
ALTER TABLE recordings ADD COLUMN held_at BIGINT;
ALTER TABLE recordings ADD COLUMN held_by TEXT;
ALTER TABLE recordings ADD COLUMN held_why TEXT;

-- When a retention rule took the file away. The row stays: it was recorded, so it is no gap.
ALTER TABLE parts ADD COLUMN removed_at BIGINT;

-- A player asks often whether anything went away; mostly nothing did.
CREATE INDEX parts_removed ON parts (recording_id) WHERE removed_at IS NOT NULL;

-- One small picture of a part's first key frame, for scrubbing.
CREATE TABLE scrub_pictures (
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    part_seq     BIGINT NOT NULL,
    at_us        BIGINT NOT NULL,
    path         TEXT NOT NULL UNIQUE,
    bytes        BIGINT NOT NULL,
    PRIMARY KEY (recording_id, part_seq)
);
