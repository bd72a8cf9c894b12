//! What the recorder's parts share: who may record, and the thread that each live source gets.

use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use camino::Utf8PathBuf;
use clipmill_domain::{
    Clock, RecordingId, SourceId, WallTime,
    recording::EndReason,
    source::{RecordMode, Source, SourceKind},
};
use clipmill_media::{Input, InputFrom, OpenOptions, Packet};
use clipmill_store::{Store, StoreError, audit::audit};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    runtime::Handle,
    sync::{Mutex as AsyncMutex, Semaphore, oneshot},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{
    RecordConfig, StatusBoard,
    clock::SteadyClock,
    flow::Flow,
    journal::{ACTOR, Journal},
    lock::RecorderLock,
    plan,
    status::SourceState,
    take::{Remembered, TakeError, Taker},
};
use crate::source::{
    audio_track,
    door::{Door, Guest, Publisher, Refusal, minutes_to_opening},
    feed::Pause,
    publishers::{Leave, Publishers},
};

/// While a live is recorded, a file is played with so long a pause after each second of it: at most at 20 times
/// its own speed.
const FILE_PAUSE: Duration = Duration::from_millis(50);

/// Ends what one source is doing.
#[derive(Debug, Clone)]
pub(crate) struct Halt {
    pub(crate) token: CancellationToken,
    /// Why the recording is over too, if it is.
    ending: Arc<Mutex<Option<EndReason>>>,
}

impl Halt {
    pub(crate) fn new(token: CancellationToken) -> Self {
        Self { token, ending: Arc::default() }
    }

    /// Its recording is over too, for this reason. The first reason stays.
    pub(crate) fn end(&self, reason: EndReason) {
        if !self.token.is_cancelled() {
            lock(&self.ending).get_or_insert(reason);
            self.token.cancel();
        }
    }

    /// A flag for libav that follows the token, for as long as the guard lives.
    pub(crate) fn flag(&self, runtime: &Handle) -> (Arc<AtomicBool>, DropGuard) {
        let token = self.token.child_token();
        let flag = Arc::new(AtomicBool::new(token.is_cancelled()));
        let (waiting, raised) = (token.clone(), Arc::clone(&flag));
        runtime.spawn(async move {
            waiting.cancelled().await;
            raised.store(true, Ordering::Relaxed);
        });
        (flag, token.drop_guard())
    }
}

/// A publisher being recorded.
#[derive(Clone)]
pub(crate) struct Pushing {
    pub(crate) halt: Halt,
    /// What it came in with.
    key: SecretString,
}

/// Shared by listener, supervisor and threads.
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) config: RecordConfig,
    pub(crate) board: StatusBoard,
    /// Never steps while anything is live. All that is written of recordings is by this clock.
    pub(crate) clock: Arc<SteadyClock>,
    pub(crate) data_dir: Utf8PathBuf,
    pub(crate) publishers: Arc<Publishers>,
    pub(crate) runtime: Handle,
    /// Cancelled when the recorder is dropped: everything stops where it is, as after a crash.
    pub(crate) abandon: CancellationToken,
    pub(crate) threads: TaskTracker,
    /// Push sources with a thread.
    pub(crate) pushing: Mutex<HashMap<SourceId, Pushing>>,
    /// Sources whose recording is being written, or is about to be. Held while a recording is ended from outside.
    pub(crate) writing: AsyncMutex<HashSet<SourceId>>,
    /// The end of what each pull source recorded: its server may send that again.
    pub(crate) remembered: Mutex<HashMap<SourceId, Remembered>>,
    pub(crate) lock: RecorderLock,
    /// Recordings that are to end at their next key frame while their connection goes on.
    pub(crate) cuts: Mutex<HashMap<SourceId, (RecordingId, EndReason)>>,
    /// Lives that are being recorded.
    pub(crate) lives: AtomicUsize,
    /// One file is played at a time.
    pub(crate) one_file: Arc<Semaphore>,
}

impl Desk {
    /// By the recorder's own clock.
    pub(crate) fn now(&self) -> WallTime {
        self.clock.now()
    }

    /// By the system's clock: for schedules and for people.
    pub(crate) fn wall(&self) -> WallTime {
        self.config.clock.now()
    }

    /// How long nothing may come until a recording of `source` is over.
    pub(crate) fn quiet_end(&self, source: &Source) -> Duration {
        plan::quiet_end(&source.settings.stop, self.config.quiet_end)
    }

    /// The journal of a source for a new connection of it.
    pub(crate) fn journal(&self, source: &Source, from_start: bool) -> Journal {
        Journal::new(self.store.clone(), source.clone(), self.quiet_end(source), from_start)
    }

    /// Whether there is room, and if not, the words for it.
    pub(crate) fn room(&self) -> Result<(), Refusal> {
        let floor_bytes = self.config.free_space_floor;
        match self.store.library().free_bytes() {
            Ok(free_bytes) if plan::has_room(free_bytes, floor_bytes) => Ok(()),
            Ok(free_bytes) => Err(Refusal::DiskFull { free_bytes, floor_bytes }),
            Err(error) => {
                tracing::warn!(%error, "the free space is not known");
                Ok(())
            }
        }
    }

    /// Notes a problem of a source: on the board, and once in the log and the audit log.
    pub(crate) async fn problem(&self, source: &Source, error: &str) {
        let now = self.now();
        if !self.board.problem(source.id, &source.name, error, self.wall()) {
            return;
        }
        tracing::warn!(source = source.name, error, "a source has a problem");
        let noted: Result<(), StoreError> = async {
            let mut tx = self.store.begin().await?;
            audit(&mut tx, now, ACTOR, "source.problem", &source.id.to_string(), Some(error)).await?;
            tx.commit().await
        }
        .await;
        if let Err(error) = noted {
            tracing::warn!(source = source.name, %error, "the problem could not be noted");
        }
    }

    /// Runs blocking work on a thread of its own; `None` when it could not start or panicked.
    pub(crate) async fn on_thread<T: Send + 'static>(
        self: &Arc<Self>,
        name: String,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let (done, result) = oneshot::channel();
        let desk = Arc::clone(self);
        let body = move || {
            let _lock = desk.lock.clone();
            let worked = catch_unwind(AssertUnwindSafe(|| work(&desk)));
            drop(desk);
            if let Ok(worked) = worked {
                let _ = done.send(worked);
            }
        };
        if let Err(error) = std::thread::Builder::new().name(name).spawn(body) {
            tracing::error!(%error, "a recording thread could not be started");
            return None;
        }
        result.await.ok()
    }

    /// Takes one opened input to its end. Marks the source as being written meanwhile.
    pub(crate) fn take(
        &self,
        source: &Source,
        journal: &mut Journal,
        input: &mut Input,
        first_key_at: &dyn Fn() -> Option<WallTime>,
    ) -> (u64, Result<(), TakeError>) {
        let flow = Arc::new(Flow::new(self.config.stall));
        self.take_with(source, journal, input, first_key_at, &flow, true)
    }

    /// As [`Desk::take`], with the flow shown on the board; `is_live` unless it is a file of this machine.
    pub(crate) fn take_with(
        &self,
        source: &Source,
        journal: &mut Journal,
        input: &mut Input,
        first_key_at: &dyn Fn() -> Option<WallTime>,
        flow: &Arc<Flow>,
        is_live: bool,
    ) -> (u64, Result<(), TakeError>) {
        self.runtime.block_on(self.writing.lock()).insert(source.id);
        self.board.flow(source.id, Some(Arc::clone(flow)));
        let _counted = is_live.then(|| Counted::new(&self.lives));
        let played_s = Cell::new(0);
        let on_packet = |packet: &Packet| {
            flow.packet();
            let second = packet.pts_us().map_or(0, |us| us / 1_000_000);
            if !is_live && second > played_s.replace(second) && self.lives.load(Ordering::Relaxed) > 0 {
                self.runtime.block_on(async { tokio::time::sleep(FILE_PAUSE).await });
            }
        };
        let cut = |recording: Option<RecordingId>| {
            let mut cuts = lock(&self.cuts);
            let (id, reason) = *cuts.get(&source.id)?;
            (recording == Some(id)).then(|| {
                cuts.remove(&source.id);
                reason
            })
        };
        let on_epoch = |journal: &Journal| {
            let rec = journal.recording();
            self.board.set(source.id, &source.name, SourceState::Recording, rec, self.wall());
        };
        // Encoders that push begin anew; only servers repeat themselves.
        let pulled = source.kind == SourceKind::Pull;
        let mut remembered = lock(&self.remembered).remove(&source.id).unwrap_or_default();
        let mut taker = Taker {
            runtime: &self.runtime,
            store: &self.store,
            clock: self.clock.as_ref(),
            journal,
            remembered: &mut remembered,
            repeats: pulled,
            part_us: i64::try_from(self.config.part.as_micros()).unwrap_or(i64::MAX),
            floor_bytes: self.config.free_space_floor,
            abandon: &self.abandon,
            on_epoch: &on_epoch,
            on_packet: &on_packet,
            cut: &cut,
        };
        let taken = taker.take(input, first_key_at);
        if pulled {
            lock(&self.remembered).insert(source.id, remembered);
        }
        taken
    }

    /// Closes the open epoch with `reason`, and the recording where reason or operator say so.
    pub(crate) fn close(&self, source: &Source, journal: &mut Journal, reason: EndReason, halt: &Halt) {
        if self.abandon.is_cancelled() {
            return;
        }
        let ending = *lock(&halt.ending);
        let now = self.now();
        let closed = self.runtime.block_on(async {
            journal.close(reason, now).await?;
            if let Some(why) = ending { journal.end(why, now).await } else { Ok(()) }
        });
        if let Err(error) = closed {
            tracing::error!(source = source.name, %error, "an epoch could not be closed; the next start will");
        }
    }
}

/// Counts one while it lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets publishers in.
pub(crate) struct FrontDoor(pub(crate) Arc<Desk>);

impl FrontDoor {
    /// Whether a push source may record now.
    fn verdict(&self, source: &Source) -> Result<(), Refusal> {
        if !source.enabled {
            return Err(Refusal::Disabled(source.name.clone()));
        }
        let now = self.0.wall();
        if !source.settings.wants(source.requested, false, now) {
            return Err(match source.settings.mode {
                RecordMode::OnDemand => Refusal::OnDemand(source.name.clone()),
                RecordMode::Always | RecordMode::Scheduled => {
                    let in_minutes = minutes_to_opening(source, now);
                    Refusal::Closed { name: source.name.clone(), in_minutes }
                }
            });
        }
        self.0.room()
    }
}

#[async_trait]
impl Door for FrontDoor {
    async fn admit(&self, key: &SecretString) -> Result<Source, Refusal> {
        let found = self.0.store.source_by_stream_key(key.expose_secret()).await.map_err(|error| {
            tracing::warn!(%error, "a stream key could not be looked up");
            Refusal::NotNow
        })?;
        let source = found.filter(|s| s.kind == SourceKind::Push).ok_or(Refusal::WrongKey)?;
        // A live that is cut off and comes back after its window has closed is still the same live.
        let running = matches!(self.0.store.live_recording_of(source.id).await, Ok(Some(_)));
        let goes_on = running && source.settings.wants(source.requested, true, self.0.wall());
        match self.verdict(&source) {
            Ok(()) => Ok(source),
            Err(Refusal::Closed { .. }) if goes_on && self.0.room().is_ok() => Ok(source),
            Err(full @ Refusal::DiskFull { .. }) => {
                self.0.problem(&source, &full.to_string()).await;
                Err(full)
            }
            Err(refusal) => Err(refusal),
        }
    }

    async fn guests(&self) -> Option<Vec<Guest>> {
        let listed: Result<_, StoreError> = async {
            let mut guests = vec![];
            for source in self.0.store.sources().await?.iter().filter(|s| s.kind == SourceKind::Push) {
                let key = self.0.store.stream_key(source.id).await.unwrap_or_else(|error| {
                    tracing::warn!(source = source.name, %error, "the passphrase of a source cannot be read");
                    None
                });
                // A closed schedule is looked at again when the key is known to be right.
                let verdict = match self.verdict(source) {
                    Err(Refusal::Closed { .. })
                        if source.settings.wants(source.requested, true, self.0.wall()) =>
                    {
                        Ok(())
                    }
                    verdict => verdict,
                };
                guests.push(Guest { id: source.id, name: source.name.clone(), key, verdict });
            }
            Ok(guests)
        }
        .await;
        listed.inspect_err(|error| tracing::warn!(%error, "the sources could not be read for SRT")).ok()
    }

    fn enter(&self, publisher: Publisher) {
        let desk = Arc::clone(&self.0);
        let (id, name) = (publisher.source.id, publisher.source.name.clone());
        tracing::info!(source = name, peer = %publisher.peer, "an encoder is connected");
        desk.board.set(id, &name, SourceState::Opening, None, desk.wall());
        let halt = Halt::new(publisher.stop.clone());
        lock(&desk.pushing).insert(id, Pushing { halt: halt.clone(), key: publisher.key.clone() });
        let work = {
            let desk = Arc::clone(&desk);
            async move {
                let claim = Arc::clone(&publisher.claim);
                let thread = format!("push-{name}");
                let source = publisher.source.clone();
                let ended = desk.on_thread(thread, move |desk| push(desk, &publisher, &halt)).await;
                lock(&desk.pushing).remove(&id);
                desk.writing.lock().await.remove(&id);
                desk.board.flow(id, None);
                desk.board.set(id, &name, SourceState::Idle, None, desk.wall());
                match ended {
                    Some(None) => {}
                    Some(Some(error)) => desk.problem(&source, &error).await,
                    None => desk.problem(&source, "recording failed inside; see the log").await,
                }
                drop(claim);
            }
        };
        desk.threads.spawn(work);
    }

    fn refuse_media(&self, source: &Source, why: &str) {
        let (desk, source, why) = (Arc::clone(&self.0), source.clone(), why.to_owned());
        self.0.threads.spawn(async move { desk.problem(&source, &why).await });
    }

    fn now(&self) -> WallTime {
        self.0.now()
    }

    fn stop_token(&self) -> CancellationToken {
        self.0.abandon.child_token()
    }
}

/// Sends away the publishers that may not go on: of sources that are off or closed, and with a key of yesterday.
pub(crate) async fn turn_out(
    desk: &Desk,
    sources: &[Source],
    why_not: &impl Fn(&SourceId) -> Option<EndReason>,
) -> Result<(), StoreError> {
    let now = desk.now();
    let pushing: Vec<_> = lock(&desk.pushing).iter().map(|(id, p)| (*id, p.clone())).collect();
    for (id, publisher) in pushing {
        if publisher.halt.token.is_cancelled() {
            continue;
        }
        if let Some(why) = why_not(&id) {
            desk.publishers.evict(id, Leave::NotWanted);
            publisher.halt.end(why);
            continue;
        }
        let Some(source) = sources.iter().find(|s| s.id == id) else { continue };
        let holder = desk.store.source_by_stream_key(publisher.key.expose_secret()).await?;
        if holder.is_none_or(|s| s.id != id) {
            tracing::info!(source = source.name, "the stream key was changed: its encoder is sent away");
            desk.publishers.evict(id, Leave::KeyChanged);
            let mut tx = desk.store.begin().await?;
            let why = Some("the stream key was changed or revoked");
            audit(&mut tx, now, ACTOR, "source.disconnected", &id.to_string(), why).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Records one publisher to its end; what went wrong, if anything did.
fn push(desk: &Desk, publisher: &Publisher, halt: &Halt) -> Option<String> {
    let Publisher { source, feed, format, stop, .. } = publisher;
    let (flag, _raised_at_end) = halt.flag(&desk.runtime);
    let mut journal = desk.journal(source, false);
    // The connection keeps the stall clock; libav's deadlines only have to be longer.
    let slack = desk.config.stall + Duration::from_secs(90);
    let audio_track = audio_track(&source.settings.audio);
    let options =
        OpenOptions { open_deadline: slack, read_deadline: slack, audio_track, ..OpenOptions::default() };
    let mut problem = None;
    let mut reason = EndReason::Disconnected;
    while feed.wait() {
        let from = InputFrom::Reader { reader: Box::new(feed.reader()), format };
        let ended = match Input::open(from, &options, Arc::clone(&flag)) {
            Ok(mut input) => desk.take(source, &mut journal, &mut input, &|| feed.first_key_at()).1,
            Err(error) => Err(error.into()),
        };
        match (feed.pause(), ended) {
            // The stream was too short to be opened, or ended as it should: the next one may be whole.
            (Some(Pause::Split(why)), Ok(()) | Err(TakeError::Media(_))) => {
                desk.close(source, &mut journal, why, halt)
            }
            (Some(Pause::Over(_)), Ok(())) => {}
            (Some(Pause::Over(_)), Err(TakeError::Media(error))) if journal.recording().is_none() => {
                tracing::info!(source = source.name, %error, "the encoder left before anything could be recorded");
            }
            (_, Ok(())) => {
                problem = Some("the stream could not be read on; is it damaged?".to_owned());
                break;
            }
            (_, Err(error)) => {
                reason = error.reason();
                problem = Some(error.to_string());
                break;
            }
        }
    }
    if let (None, Some(Pause::Over(why))) = (&problem, feed.pause()) {
        reason = why;
    }
    // Frees whoever still waits on the feed.
    stop.cancel();
    desk.close(source, &mut journal, reason, halt);
    problem
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
