-- The nouns of the road, from source to post. Every foreign key points up the road.
-- One text for SQLite and PostgreSQL: TEXT ids (UUID, lower case), BIGINT for wall time (milliseconds since
-- 1970) and media time (microseconds), TEXT for JSON, BIGINT 0/1 for yes and no, DOUBLE PRECISION for ratios.
-- `revision` grows with every change of a row, so that a cheap sum tells whether anything changed.

CREATE TABLE sources (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL UNIQUE,
    kind            TEXT NOT NULL,
    stream_key_hash TEXT UNIQUE,               -- push: SHA-256 of the stream key, hex
    sealed_url      TEXT,                      -- pull: the URL, encrypted with the key file of the data folder
    url_shown       TEXT,                      -- pull: the URL without credentials and query
    language        TEXT NOT NULL,
    category        TEXT,
    enabled         BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    revision        BIGINT NOT NULL
);

CREATE TABLE products (
    source_id TEXT NOT NULL REFERENCES sources (id),
    sku       TEXT NOT NULL,
    position  BIGINT NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (source_id, sku)
);

CREATE TABLE recordings (
    id         TEXT PRIMARY KEY,
    source_id  TEXT NOT NULL REFERENCES sources (id),
    language   TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT,
    end_reason TEXT,
    revision   BIGINT NOT NULL
);
-- A source has at most one live recording.
CREATE UNIQUE INDEX recordings_one_live ON recordings (source_id) WHERE ended_at IS NULL;

CREATE TABLE epochs (
    id             TEXT PRIMARY KEY,
    recording_id   TEXT NOT NULL REFERENCES recordings (id),
    seq            BIGINT NOT NULL,
    init_path      TEXT NOT NULL UNIQUE,
    tracks         TEXT NOT NULL,
    media_start_us BIGINT NOT NULL,
    started_at     BIGINT NOT NULL,
    end_reason     TEXT,
    UNIQUE (recording_id, seq)
);

CREATE TABLE parts (
    id           TEXT PRIMARY KEY,
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    epoch_id     TEXT NOT NULL REFERENCES epochs (id),
    seq          BIGINT NOT NULL,
    path         TEXT NOT NULL UNIQUE,
    bytes        BIGINT NOT NULL,
    start_us     BIGINT NOT NULL,
    end_us       BIGINT NOT NULL,
    key_frames   TEXT NOT NULL,
    wall_start   BIGINT NOT NULL,
    UNIQUE (recording_id, seq),
    CHECK (start_us < end_us)
);
CREATE INDEX parts_by_end ON parts (recording_id, end_us);

CREATE TABLE followers (
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    name         TEXT NOT NULL,
    position     BIGINT NOT NULL,
    state        TEXT NOT NULL,
    done         BIGINT NOT NULL,
    PRIMARY KEY (recording_id, name)
);

CREATE TABLE utterances (
    id           TEXT PRIMARY KEY,
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    revision     BIGINT NOT NULL,
    seq          BIGINT NOT NULL,
    start_us     BIGINT NOT NULL,
    end_us       BIGINT NOT NULL,
    text         TEXT NOT NULL,
    words        TEXT NOT NULL,
    made_by      TEXT NOT NULL,
    UNIQUE (recording_id, revision, seq),
    CHECK (start_us < end_us)
);

-- What the recogniser said and the guards threw away, with the reason: for audits of the transcript.
CREATE TABLE dropped_texts (
    id           TEXT PRIMARY KEY,
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    start_us     BIGINT NOT NULL,
    end_us       BIGINT NOT NULL,
    text         TEXT NOT NULL,
    reason       TEXT NOT NULL
);
CREATE INDEX dropped_texts_by_recording ON dropped_texts (recording_id, start_us);

CREATE TABLE segments (
    id              TEXT PRIMARY KEY,
    recording_id    TEXT NOT NULL REFERENCES recordings (id),
    seq             BIGINT NOT NULL,
    first_utterance BIGINT NOT NULL,
    last_utterance  BIGINT NOT NULL,
    start_us        BIGINT NOT NULL,
    end_us          BIGINT NOT NULL,
    label           TEXT NOT NULL,
    confidence      DOUBLE PRECISION NOT NULL,
    closed_at       BIGINT NOT NULL,
    UNIQUE (recording_id, seq),
    CHECK (start_us < end_us)
);

CREATE TABLE selling_points (
    id           TEXT PRIMARY KEY,
    segment_id   TEXT NOT NULL UNIQUE REFERENCES segments (id),
    recording_id TEXT NOT NULL REFERENCES recordings (id),
    start_us     BIGINT NOT NULL,
    end_us       BIGINT NOT NULL,
    label        TEXT NOT NULL,
    product_sku  TEXT,
    product_name TEXT,
    confidence   DOUBLE PRECISION NOT NULL,
    evidence     TEXT NOT NULL,
    made_by      TEXT NOT NULL,
    CHECK (start_us < end_us)
);
CREATE INDEX selling_points_by_recording ON selling_points (recording_id, start_us);

CREATE TABLE clips (
    id               TEXT PRIMARY KEY,
    selling_point_id TEXT NOT NULL UNIQUE REFERENCES selling_points (id),
    recording_id     TEXT NOT NULL REFERENCES recordings (id),
    start_us         BIGINT NOT NULL,
    end_us           BIGINT NOT NULL,
    edl              TEXT NOT NULL,
    title            TEXT NOT NULL,
    label            TEXT NOT NULL,
    product_name     TEXT,
    why              TEXT NOT NULL,
    talk_ended_at    BIGINT NOT NULL,
    reviewable_at    BIGINT NOT NULL,
    draft_path       TEXT NOT NULL,
    thumbnail_path   TEXT NOT NULL,
    exact_path       TEXT,
    made_by          TEXT NOT NULL,
    exact_made_by    TEXT,
    revision         BIGINT NOT NULL,
    CHECK (start_us < end_us)
);
CREATE INDEX clips_by_recording ON clips (recording_id, start_us);

CREATE TABLE remixes (
    id       TEXT PRIMARY KEY,
    clip_id  TEXT NOT NULL REFERENCES clips (id),
    plan     TEXT NOT NULL,
    path     TEXT NOT NULL,
    made_at  BIGINT NOT NULL,
    made_by  TEXT NOT NULL,
    revision BIGINT NOT NULL,
    UNIQUE (clip_id, made_by)
);

CREATE TABLE posts (
    id           TEXT PRIMARY KEY,
    remix_id     TEXT NOT NULL REFERENCES remixes (id),
    target       TEXT NOT NULL,
    due_at       BIGINT NOT NULL,
    state        TEXT NOT NULL,
    title        TEXT NOT NULL,
    reference    TEXT,
    last_error   TEXT,
    published_at BIGINT,
    revision     BIGINT NOT NULL,
    UNIQUE (remix_id, target)
);
CREATE INDEX posts_by_state ON posts (state, due_at);
CREATE INDEX posts_by_target ON posts (target, due_at);
