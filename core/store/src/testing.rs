//! Fresh stores for tests, and sample rows to fill them.
//!
//! A test written with [`on_each`] runs on a fresh SQLite file and, when `CLIPMILL_TEST_POSTGRES` holds the
//! address of a PostgreSQL server whose user may create databases, on a fresh database there too.
//! `scripts/with-postgres <command>` starts a throwaway server and sets it. With `CLIPMILL_REQUIRE_POSTGRES=1` a
//! missing server fails the test.

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::{
    ClipId, EpochId, Id, MediaTime, PartId, PostId, RecordingId, RemixId, SegmentId, SellingPointId,
    SourceId, Span, UtteranceId, WallTime,
    clip::{Clip, Edl},
    post::{Post, PostState},
    recording::{Epoch, KeyFrame, Part, Recording, Tracks},
    remix::{Remix, RemixPlan},
    selling_point::{Evidence, PointDetails, Segment, SellingPoint, Warning},
    source::{Language, SourceKind, SourceSettings},
    taxonomy::Label,
    transcript::{Utterance, Word},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::{Artifact, Db, Store, StoreError, Tx, library::insert_artifact, sources::NewSource};

/// A store of its own for one test.
#[derive(Debug)]
pub struct TestStore {
    /// The store, open.
    pub store: Store,
    /// Its address, to open it a second time.
    pub url: String,
    /// Its data folder.
    pub data_dir: Utf8PathBuf,
    folder: Option<tempfile::TempDir>,
    server: Option<(String, String)>,
}

impl TestStore {
    /// A fresh SQLite store.
    pub async fn sqlite() -> Self {
        let (folder, data_dir) = folder();
        let url = format!("sqlite:{data_dir}/clipmill.db");
        let store = Store::open(&url, &data_dir).await.expect("a fresh SQLite store opens");
        Self { store, url, data_dir, folder: Some(folder), server: None }
    }

    /// A fresh PostgreSQL store, when a server was given.
    ///
    /// # Panics
    /// When none was given and `CLIPMILL_REQUIRE_POSTGRES=1`, or when the given one does not work.
    pub async fn postgres() -> Option<Self> {
        let Ok(admin) = std::env::var("CLIPMILL_TEST_POSTGRES") else {
            let required = std::env::var("CLIPMILL_REQUIRE_POSTGRES").is_ok_and(|v| v == "1");
            assert!(!required, "PostgreSQL is required: run the tests through scripts/with-postgres");
            return None;
        };
        let name = format!("t_{}", uuid::Uuid::now_v7().simple());
        administer(&admin, format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        let mut url = url::Url::parse(&admin).expect("CLIPMILL_TEST_POSTGRES is an address");
        url.set_path(&name);
        let (folder, data_dir) = folder();
        let store = Store::open(url.as_str(), &data_dir).await.expect("a fresh PostgreSQL store opens");
        Some(Self { store, url: url.into(), data_dir, folder: Some(folder), server: Some((admin, name)) })
    }

    /// Opens the same store a second time, as another process would.
    pub async fn open_again(&self) -> Store {
        Store::open(&self.url, &self.data_dir).await.expect("the same store opens again")
    }

    /// Runs one statement past the rules, to plant damage.
    pub async fn damage(&self, statement: &str) {
        let done = match self.store.db() {
            Db::Sqlite(pools) => {
                let mut conn = pools.write.acquire().await.expect("a connection");
                conn.execute("PRAGMA foreign_keys = OFF").await.expect("keys off");
                let done = conn.execute(AssertSqlSafe(statement)).await.map(|_| ());
                conn.execute("PRAGMA foreign_keys = ON").await.expect("keys on");
                done
            }
            Db::Postgres(pool) => {
                let mut conn = pool.acquire().await.expect("a connection");
                conn.execute("SET session_replication_role = replica").await.expect("keys off");
                let done = conn.execute(AssertSqlSafe(statement)).await.map(|_| ());
                conn.execute("SET session_replication_role = DEFAULT").await.expect("keys on");
                done
            }
        };
        done.expect("the damage is done");
    }

    /// Closes it and takes everything away.
    pub async fn remove(mut self) {
        self.store.close().await;
        if let Some((admin, name)) = self.server.take() {
            administer(&admin, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        drop(self.folder.take());
    }
}

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::Builder::new().prefix("clipmill-test").tempdir().expect("a temporary folder");
    let path = Utf8Path::from_path(folder.path()).expect("a readable path").to_owned();
    (folder, path)
}

async fn administer(admin: &str, statement: String) {
    let mut server = PgConnection::connect(admin).await.expect("CLIPMILL_TEST_POSTGRES answers");
    server.execute(AssertSqlSafe(statement)).await.expect("its user may create databases");
    server.close().await.expect("it says goodbye");
}

/// Runs `test` on a fresh store of each kind.
pub async fn on_each(test: impl AsyncFn(&TestStore)) {
    let fresh = TestStore::sqlite().await;
    test(&fresh).await;
    fresh.remove().await;
    if let Some(fresh) = TestStore::postgres().await {
        test(&fresh).await;
        fresh.remove().await;
    }
}

/// A wall time to start from.
pub const NOW: WallTime = WallTime::from_millis(1_790_000_000_000);

/// A span from and to, in seconds.
pub fn seconds(from: f64, to: f64) -> Span {
    Span::new(MediaTime::from_seconds(from), MediaTime::from_seconds(to)).expect("a span goes forward")
}

/// A push source with the stream key `key-<name>`.
pub fn new_source(name: &str) -> NewSource {
    NewSource {
        id: SourceId::new_at(NOW),
        name: name.to_owned(),
        kind: SourceKind::Push,
        secret: format!("key-{name}").into(),
        language: Language::Zh,
        category: None,
        headers: vec![],
        settings: SourceSettings::default(),
        now: NOW,
    }
}

/// A live recording of a source.
pub fn recording(source_id: SourceId) -> Recording {
    Recording {
        id: RecordingId::new_at(NOW),
        source_id,
        language: Language::Zh,
        started_at: NOW,
        ended_at: None,
        end_reason: None,
        hold: None,
    }
}

/// An open epoch of a recording.
pub fn epoch(recording_id: RecordingId, seq: i64) -> Epoch {
    Epoch {
        id: EpochId::new_at(NOW),
        recording_id,
        seq,
        init_path: format!("recordings/{recording_id}/{seq}-init.mp4"),
        tracks: Tracks { video_codec: "h264".to_owned(), width: 720, height: 1280, ..Tracks::default() },
        media_start: MediaTime::ZERO,
        started_at: NOW,
        end_reason: None,
    }
}

/// A part of an epoch.
pub fn part(epoch: &Epoch, seq: i64, span: Span) -> Part {
    Part {
        id: PartId::new_at(NOW),
        recording_id: epoch.recording_id,
        epoch_id: epoch.id,
        seq,
        path: format!("recordings/{}/{seq:06}.m4s", epoch.recording_id),
        bytes: 4,
        span,
        key_frames: vec![KeyFrame { at: span.start(), offset: 0 }],
        wall_start: NOW,
        removed_at: None,
    }
}

/// An utterance of one word.
pub fn utterance(recording_id: RecordingId, seq: i64, span: Span, text: &str) -> Utterance {
    let word = Word { text: text.to_owned(), start: span.start(), end: span.end(), p: 0.75, mended: None };
    Utterance {
        id: UtteranceId::new_at(NOW),
        recording_id,
        seq,
        span,
        text: text.to_owned(),
        words: vec![word],
        made_by: "test".to_owned(),
        language: None,
        speaker: None,
        edited_at: None,
    }
}

/// A segment of one utterance.
pub fn segment(recording_id: RecordingId, seq: i64, span: Span) -> Segment {
    Segment {
        id: SegmentId::new_at(NOW),
        recording_id,
        seq,
        first_utterance: seq,
        last_utterance: seq,
        span,
        label: Label::Fabric,
        confidence: 0.8,
        closed_at: NOW,
    }
}

/// The selling point that a segment is.
pub fn selling_point(segment: &Segment) -> SellingPoint {
    SellingPoint {
        id: SellingPointId::new_at(NOW),
        segment_id: segment.id,
        recording_id: segment.recording_id,
        span: segment.span,
        label: segment.label,
        product_sku: Some("A-1".to_owned()),
        product_name: Some("羊毛开衫".to_owned()),
        confidence: segment.confidence,
        evidence: Evidence {
            quote: "这个面料".to_owned(),
            top: vec![(Label::Fabric, 0.8)],
            ..Evidence::default()
        },
        details: PointDetails {
            also: vec![(Label::SkinFeel, 0.3)],
            warnings: vec![Warning::PriceDiffers { said: 99.0, listed: 89.9 }],
            ..PointDetails::default()
        },
        made_by: "test".to_owned(),
    }
}

/// The clip of a selling point.
pub fn clip(point: &SellingPoint) -> Clip {
    let id = ClipId::new_at(NOW);
    Clip {
        id,
        selling_point_id: point.id,
        recording_id: point.recording_id,
        span: point.span,
        edl: Edl { spans: vec![point.span] },
        title: "羊毛开衫：面料".to_owned(),
        label: point.label,
        product_name: point.product_name.clone(),
        why: vec!["whole sentences".to_owned()],
        talk_ended_at: NOW,
        reviewable_at: NOW.plus_millis(12_000),
        draft_path: format!("clips/{id}/draft.mp4"),
        thumbnail_path: format!("clips/{id}/thumb.jpg"),
        exact_path: None,
    }
}

/// A remix of a clip.
pub fn remix(clip: &Clip, made_by: &str) -> Remix {
    let id = RemixId::new_at(NOW);
    Remix {
        id,
        clip_id: clip.id,
        plan: RemixPlan {
            recording_id: clip.recording_id,
            edl: clip.edl.clone(),
            width: 720,
            height: 1280,
            fps: 30,
            captions: vec![],
            loudness_lufs: -14.0,
            template: "plain/1".to_owned(),
        },
        path: format!("remixes/{id}/video.mp4"),
        made_at: NOW,
        made_by: made_by.to_owned(),
    }
}

/// A planned post of a remix.
pub fn post(remix: &Remix, target: &str, due_at: WallTime) -> Post {
    Post {
        id: PostId::new_at(NOW),
        remix_id: remix.id,
        target: target.to_owned(),
        due_at,
        state: PostState::Planned,
        title: "羊毛开衫".to_owned(),
        reference: None,
        last_error: None,
        published_at: None,
    }
}

/// Publishes a small file at `path`.
pub async fn publish(store: &Store, path: &str, content: &[u8]) -> Result<i64, StoreError> {
    let temp = store.library().temp_path("sample");
    std::fs::write(&temp, content).map_err(|e| StoreError::file("write", &temp, e))?;
    store.library().publish_file(&temp, path).await
}

/// Publishes a small file at `path` and records it as an artifact of `owner`.
pub async fn artifact(tx: &mut Tx<'_>, path: &str, owner: &str, content: &[u8]) -> Result<(), StoreError> {
    let bytes = publish(tx.store(), path, content).await?;
    let sha256 = tx.store().library().hash(path).await?;
    let row = Artifact {
        path: path.to_owned(),
        kind: "sample".to_owned(),
        bytes,
        sha256,
        owner: owner.to_owned(),
        created_at: NOW,
    };
    insert_artifact(tx, &row).await
}
