-- What a transcript knows of itself, the words of the trade, and how the sound runs.

ALTER TABLE utterances ADD COLUMN language TEXT;
-- Which voice of the recording, from 0; null where nobody can tell.
ALTER TABLE utterances ADD COLUMN speaker BIGINT;
ALTER TABLE utterances ADD COLUMN edited_at BIGINT;

-- Revision 0 of a transcript is the live's own, on which clips are made. A better model makes another one; this is the
-- one that is shown.
ALTER TABLE recordings ADD COLUMN transcript_revision BIGINT NOT NULL DEFAULT 0;
CREATE TABLE transcript_revisions (
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    revision     BIGINT NOT NULL,
    model        TEXT NOT NULL,
    asked_by     TEXT NOT NULL,
    asked_at     BIGINT NOT NULL,
    -- Both null while it is being made.
    finished_at  BIGINT,
    failed       TEXT,
    PRIMARY KEY (recording_id, revision)
);

-- Names and terms that must be written right (see the domain's `lexicon`). Without a source: for all of them.
CREATE TABLE lexicon_entries (
    id         TEXT PRIMARY KEY,
    source_id  TEXT REFERENCES sources (id),
    language   TEXT,
    term       TEXT NOT NULL,
    aliases    TEXT NOT NULL,
    misheard   TEXT NOT NULL,
    entered_by TEXT NOT NULL,
    entered_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX lexicon_entries_by_term ON lexicon_entries (COALESCE(source_id, ''), term);

-- Loudness, pitch and waveform of a part, as JSON: small enough to be kept after the part is gone.
CREATE TABLE sound_curves (
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    part_seq     BIGINT NOT NULL,
    start_us     BIGINT NOT NULL,
    curves       TEXT NOT NULL,
    PRIMARY KEY (recording_id, part_seq)
);
