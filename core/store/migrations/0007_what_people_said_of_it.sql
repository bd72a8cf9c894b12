-- What people say about the machine's answers, the answers anew, and the heads that are taught by it.

-- A recording's talk may be labelled again: labelling 0 is the live's own, a later head makes another one, and this is
-- the one that is shown. The numbers (`seq`) of a recording's segments go on from one labelling to the next, so that
-- they stay unique within the recording.
ALTER TABLE recordings ADD COLUMN labelling BIGINT NOT NULL DEFAULT 0;
ALTER TABLE segments ADD COLUMN labelling BIGINT NOT NULL DEFAULT 0;
ALTER TABLE selling_points ADD COLUMN labelling BIGINT NOT NULL DEFAULT 0;
-- Whether a clip is to be made of it.
ALTER TABLE selling_points ADD COLUMN to_cut BIGINT NOT NULL DEFAULT 1;
-- open, approved, corrected, rejected; `version` grows with every word that a person says about it.
ALTER TABLE selling_points ADD COLUMN verdict TEXT NOT NULL DEFAULT 'open';
ALTER TABLE selling_points ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
-- Its selling point was given other bounds after it was cut.
ALTER TABLE clips ADD COLUMN recut BIGINT NOT NULL DEFAULT 0;

CREATE TABLE labellings (
    recording_id        TEXT NOT NULL REFERENCES recordings (id),
    labelling           BIGINT NOT NULL,
    head                TEXT,                  -- the head asked for; null: the one in use
    cut                 BIGINT NOT NULL,       -- whether clips are made where none covers the talk
    transcript_revision BIGINT,                -- of the utterances it is about; null until it is complete
    classifier          TEXT,                  -- what labelled; null until it is complete
    carried             BIGINT NOT NULL,       -- what people had said, carried over
    dropped             BIGINT NOT NULL,       -- what people had said about talk that is divided otherwise now
    asked_by            TEXT NOT NULL,
    asked_at            BIGINT NOT NULL,
    -- Both null while it is being made.
    finished_at         BIGINT,
    failed              TEXT,
    PRIMARY KEY (recording_id, labelling)
);

-- Append-only: what was said about a selling point, from what to what.
CREATE TABLE point_corrections (
    id               TEXT PRIMARY KEY,
    selling_point_id TEXT NOT NULL REFERENCES selling_points (id),
    version          BIGINT NOT NULL,          -- 1, 2, 3 within the selling point
    verdict          TEXT NOT NULL,
    was              TEXT NOT NULL,
    became           TEXT NOT NULL,
    carried_from     TEXT,                     -- the selling point of an earlier labelling that it was said about
    note             TEXT,
    said_by          TEXT NOT NULL,
    said_at          BIGINT NOT NULL,
    UNIQUE (selling_point_id, version)
);

-- Trained heads. Files are artifacts.
CREATE TABLE heads (
    id        TEXT PRIMARY KEY,
    source_id TEXT REFERENCES sources (id),    -- for this source's brand; null: for all
    path      TEXT NOT NULL UNIQUE,
    sha256    TEXT NOT NULL,
    facts     TEXT NOT NULL,
    held_out  TEXT,                            -- figures of cross-validation
    frozen    TEXT,                            -- figures on the set it was judged on last
    made_by   TEXT NOT NULL,
    made_at   BIGINT NOT NULL
);

-- Which head is in use: the latest of its scope that is not undone.
CREATE TABLE head_promotions (
    id          TEXT PRIMARY KEY,
    scope       TEXT NOT NULL,                 -- the id of a source; empty: all
    seq         BIGINT NOT NULL,               -- 1, 2, 3 within the scope
    head_id     TEXT NOT NULL REFERENCES heads (id),
    forced      BIGINT NOT NULL,
    reason      TEXT NOT NULL,
    promoted_by TEXT NOT NULL,
    promoted_at BIGINT NOT NULL,
    undone_by   TEXT,
    undone_at   BIGINT,
    UNIQUE (scope, seq)
);
