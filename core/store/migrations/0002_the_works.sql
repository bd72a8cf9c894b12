-- What keeps the road running: work, files, history, processes.

-- When and whether a stage runs on an input. Who runs it now is the job engine's business, in tables of its own
-- (which is why this one is not called `jobs`).
CREATE TABLE stage_jobs (
    id               TEXT PRIMARY KEY,
    stage            TEXT NOT NULL,
    input_id         TEXT NOT NULL,
    version          TEXT NOT NULL,
    state            TEXT NOT NULL,            -- ready, running, done, dead
    attempt          BIGINT NOT NULL,          -- attempts begun so far: the fencing number of the running one
    enqueued_attempt BIGINT NOT NULL,          -- the attempt last handed to the engine; 0 for none
    enqueued_at      BIGINT NOT NULL,
    next_attempt_at  BIGINT NOT NULL,
    owner            TEXT,
    progress_at      BIGINT,
    last_error       TEXT,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    UNIQUE (stage, input_id, version)
);
CREATE INDEX stage_jobs_due ON stage_jobs (state, stage, next_attempt_at);
CREATE INDEX stage_jobs_by_input ON stage_jobs (input_id, version);

-- Files of the library that are whole and will never change.
CREATE TABLE artifacts (
    path       TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    bytes      BIGINT NOT NULL,
    sha256     TEXT NOT NULL,
    owner      TEXT NOT NULL,                  -- id of the row it belongs to
    created_at BIGINT NOT NULL
);
CREATE INDEX artifacts_by_owner ON artifacts (owner);

-- Files to delete: a row here first, the file next, then this row.
CREATE TABLE garbage (
    path      TEXT PRIMARY KEY,
    reason    TEXT NOT NULL,
    marked_at BIGINT NOT NULL
);

-- Append-only.
CREATE TABLE audit (
    id      TEXT PRIMARY KEY,
    seq     BIGINT NOT NULL,                   -- 0, 1, 2 within the subject
    at      BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT
);
CREATE INDEX audit_by_subject ON audit (subject, seq);

CREATE TABLE processes (
    instance   TEXT PRIMARY KEY,
    role       TEXT NOT NULL,
    pid        BIGINT NOT NULL,
    status     TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    beat_at    BIGINT NOT NULL
);
