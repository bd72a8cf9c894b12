//! Pull sources: opened again and again until they end, the operator stops them, or they cannot work.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clipmill_domain::{
    recording::EndReason,
    source::{RecordMode, Source},
};
use clipmill_store::{StoreError, audit::audit, sources};
use tokio::task::JoinHandle;

use super::{
    backfill,
    desk::{Desk, Halt},
    flow::Flow,
    journal::{self, ACTOR},
    knock,
    plan::{self, Fault, Retries},
    status::SourceState,
    take::TakeError,
};
use crate::source::pull::{
    self, Address, PullKind, Terms, playlist,
    resolver::{Lease, ResolveError},
};

/// How often to look whether there is room again.
const ROOM: Duration = Duration::from_secs(2);

/// What a pull came to when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// It was told to stop, or its source was switched off.
    Done,
    /// There is nothing more to be had until the next window of its schedule.
    UntilNextWindow,
}

/// What one try came to.
pub(crate) enum Came {
    /// It played to its end.
    Finished,
    /// It broke off or could not be opened.
    Failed {
        error: String,
        /// Trying again cannot help.
        is_final: bool,
    },
    /// There is no room on the disk.
    NoRoom(String),
    /// Its opening hung on a server that answers again by now.
    ServerBack,
    /// It was told to stop.
    Halted,
}

/// One try.
pub(crate) struct Tried {
    pub(crate) came: Came,
    /// How long media flowed.
    pub(crate) flowed: Duration,
    /// The server said that the address is no longer to be had.
    pub(crate) refused: bool,
    /// No server was reached.
    pub(crate) unreachable: bool,
}

impl Tried {
    pub(crate) fn without_media(came: Came) -> Self {
        Self { came, flowed: Duration::ZERO, refused: false, unreachable: false }
    }

    pub(crate) fn failed(error: String) -> Self {
        Self::without_media(Came::Failed { error, is_final: false })
    }
}

/// Pulls a source until it is over. Returns when the source needs no more pulling.
pub(crate) async fn pull(desk: Arc<Desk>, source: Source, halt: Halt) -> Over {
    let (mut retries, mut lease) = (Retries::default(), Lease::default());
    let mut fault = Fault::new(Instant::now());
    let mut source = source;
    loop {
        // The operator may have changed it since the last try.
        if let Ok(Some(fresh)) = desk.store.source(source.id).await {
            source = fresh;
        }
        let tried = once(&desk, &source, &mut lease, fault.hurry(), &halt).await;
        let given_up = matches!(tried.came, Came::ServerBack);
        if fault.learn(Instant::now(), tried.flowed, tried.unreachable, given_up) {
            retries.forget();
        }
        let has_expired = lease.used(tried.flowed >= plan::GOOD, tried.refused);
        let wait = match tried.came {
            Came::Halted => break,
            Came::Finished => {
                desk.board.set(source.id, &source.name, SourceState::Idle, None, desk.wall());
                return settle(&desk, &source, "source.finished", "it played to its end").await;
            }
            Came::Failed { error, is_final: true } => {
                desk.problem(&source, &error).await;
                let over = settle(&desk, &source, "source.failed", &error).await;
                desk.board.set(source.id, &source.name, SourceState::Failed, None, desk.wall());
                return over;
            }
            Came::NoRoom(error) => {
                desk.problem(&source, &error).await;
                ROOM
            }
            Came::ServerBack => {
                tracing::info!(source = source.name, "its server answers again");
                retries.forget();
                Duration::ZERO
            }
            Came::Failed { .. } if has_expired => Duration::ZERO,
            Came::Failed { error, is_final: false } => {
                desk.problem(&source, &error).await;
                retries.wait(tried.flowed, rand::random())
            }
        };
        desk.board.set(source.id, &source.name, SourceState::Retrying, None, desk.wall());
        tracing::debug!(source = source.name, ?wait, "the source will be opened again");
        tokio::select! {
            () = halt.token.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
            () = server_back(&desk, &source, &lease, fault.silent_since()), if wait > plan::PACE.knock => {
                tracing::info!(source = source.name, "its server is back");
                retries.forget();
            }
        }
    }
    desk.board.set(source.id, &source.name, SourceState::Idle, None, desk.wall());
    Over::Done
}

/// Resolves when the source's server is back, by [`knock::until_back`].
async fn server_back(desk: &Desk, source: &Source, lease: &Lease, silent_since: Instant) {
    match configured(desk, source).await {
        Ok(mut address) => {
            address.url = lease.address().cloned().unwrap_or(address.url);
            knock::until_back(&address, silent_since, plan::PACE).await;
        }
        Err(_) => std::future::pending().await,
    }
}

async fn once(
    desk: &Arc<Desk>,
    source: &Source,
    lease: &mut Lease,
    hurry: Option<Instant>,
    halt: &Halt,
) -> Tried {
    if let Err(full) = desk.room() {
        return Tried::without_media(Came::NoRoom(full.to_string()));
    }
    desk.board.set(source.id, &source.name, SourceState::Opening, None, desk.wall());
    let address = tokio::select! {
        () = halt.token.cancelled() => return Tried::without_media(Came::Halted),
        address = address(desk, source, lease) => address,
    };
    let address = match address {
        Ok(address) => address,
        Err(error) => return Tried::failed(error),
    };
    match address.local_path() {
        Some(path) if path.is_dir() => backfill::play(desk, source, path, halt).await,
        Some(_) => {
            let Some(_turn) = backfill::turn(desk, halt).await else {
                return Tried::without_media(Came::Halted);
            };
            play(desk, source, address, None, halt).await
        }
        None => play(desk, source, address, hurry, halt).await,
    }
}

/// The address as configured.
async fn configured(desk: &Desk, source: &Source) -> Result<Address, StoreError> {
    let url = desk.store.pull_url(source.id).await?;
    Ok(Address { url, headers: desk.store.pull_headers(source.id).await? })
}

/// Where to pull from now: as configured, or as the source's resolver says.
async fn address(desk: &Desk, source: &Source, lease: &mut Lease) -> Result<Address, String> {
    let mut address = configured(desk, source).await.map_err(|e| e.to_string())?;
    let Some(name) = &source.settings.resolver else { return Ok(address) };
    if lease.address().is_none() {
        let found = desk.config.resolvers.resolve(name, &address.url).await;
        lease.renew(found.map_err(|e: ResolveError| e.to_string())?);
        tracing::info!(source = source.name, resolver = name, "the resolver gave a stream address");
    }
    if let Some(url) = lease.address() {
        address.url = url.clone();
    }
    Ok(address)
}

/// Opens and records `address` once, on a thread of its own. In a `hurry`, with the moment since when nothing has
/// flowed, an opening that hangs is given up when the server is found to be back.
pub(crate) async fn play(
    desk: &Arc<Desk>,
    source: &Source,
    address: Address,
    hurry: Option<Instant>,
    halt: &Halt,
) -> Tried {
    let (id, source, halt) = (source.id, source.clone(), halt.clone());
    let work = move |desk: &Desk| record(desk, &source, &address, hurry, &halt);
    let tried = desk.on_thread("pull".to_owned(), work).await;
    desk.writing.lock().await.remove(&id);
    desk.board.flow(id, None);
    tried.unwrap_or_else(|| Tried::failed("recording failed inside; see the log".into()))
}

/// Opens and records the source once. Blocking.
fn record(desk: &Desk, source: &Source, address: &Address, hurry: Option<Instant>, halt: &Halt) -> Tried {
    let kind = address.kind();
    let stall = desk.config.stall;
    let look = || match kind {
        PullKind::Playlist => desk.runtime.block_on(async {
            tokio::select! {
                () = halt.token.cancelled() => None,
                look = playlist::look(address) => look,
            }
        }),
        _ => None,
    };
    let before = look();
    let silence = kind.silence(stall, before.as_ref().and_then(|l| l.target));
    let begin = before.and_then(|l| desk.runtime.block_on(outage(desk, source)).map(|out| l.begin(out)));
    let terms = Terms { stall, silence, begin, audio: source.settings.audio.clone() };
    let (flag, _raised_at_end) = halt.flag(&desk.runtime);
    let opening = hurry.map(|since| Opening::watch(desk, address, since, Arc::clone(&flag)));
    let opened = pull::open(address, &terms, flag);
    let given_up = opening.is_some_and(Opening::ends_given_up);
    let mut input = match opened {
        _ if given_up && !halt.token.is_cancelled() => return Tried::without_media(Came::ServerBack),
        Ok(input) => input,
        Err(_) if halt.token.is_cancelled() => return Tried::without_media(Came::Halted),
        Err(error) => {
            let came = Came::Failed { error: error.to_string(), is_final: kind.failure_is_final() };
            let (refused, unreachable) = (pull::is_refused(&error), pull::is_unreachable(&error));
            return Tried { refused, unreachable, ..Tried::without_media(came) };
        }
    };
    let mut journal = desk.journal(source, kind.from_start());
    let flow = Arc::new(Flow::new(silence));
    let is_live = kind != PullKind::LocalFile;
    let (_, ended) = desk.take_with(source, &mut journal, &mut input, &|| None, &flow, is_live);
    let reason = match &ended {
        Ok(()) => kind.at_end(look().is_some_and(|l| l.ended)),
        Err(error) => error.reason(),
    };
    // A file that broke off half-way is over: it would only break off there again.
    let is_final = kind.failure_is_final()
        && matches!(&ended, Err(TakeError::Media(_)))
        && !matches!(reason, EndReason::DiskFull | EndReason::Stopped);
    let reason = if is_final { EndReason::Finished } else { reason };
    desk.close(source, &mut journal, reason, halt);
    let came = match ended {
        _ if halt.token.is_cancelled() => Came::Halted,
        Ok(()) if reason == EndReason::Finished => Came::Finished,
        Ok(()) => Came::Failed { error: format!("{} ended the stream", input.shown()), is_final: false },
        Err(error @ TakeError::DiskFull { .. }) => Came::NoRoom(error.to_string()),
        Err(error) => Came::Failed { error: error.to_string(), is_final },
    };
    Tried { came, flowed: flow.lasted(), refused: false, unreachable: false }
}

/// An opening that is watched, so that it does not hang on a server that was mended meanwhile.
struct Opening {
    over: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Opening {
    /// Raises `flag` when the server is found to be back.
    fn watch(desk: &Desk, address: &Address, silent_since: Instant, flag: Arc<AtomicBool>) -> Self {
        let (over, address) = (Arc::<AtomicBool>::default(), address.clone());
        let decided = Arc::clone(&over);
        let task = desk.runtime.spawn(async move {
            tokio::time::sleep(plan::HANGING).await;
            knock::until_back(&address, silent_since, plan::PACE).await;
            if !decided.swap(true, Ordering::SeqCst) {
                flag.store(true, Ordering::SeqCst);
            }
        });
        Self { over, task }
    }

    /// The opening is over; whether because its flag was raised.
    fn ends_given_up(self) -> bool {
        self.task.abort();
        self.over.swap(true, Ordering::SeqCst)
    }
}

/// How long ago media of the source's live recording was last heard; none without one that can be continued.
async fn outage(desk: &Desk, source: &Source) -> Option<Duration> {
    let live = desk.store.live_recording_of(source.id).await.ok()??;
    let (tail, _) = journal::tail_of(&desk.store, &live).await.ok()?;
    let out = Duration::from_millis(u64::try_from(desk.now().millis_since(tail.last_heard)).unwrap_or(0));
    (out < desk.quiet_end(source)).then_some(out)
}

/// A source has nothing more to give for now: says so in the audit log and sees that it is not opened again. One
/// that records always is disabled, one on demand is no longer asked for, one by schedule waits for its next window.
async fn settle(desk: &Desk, source: &Source, action: &str, why: &str) -> Over {
    let now = desk.now();
    let mut failures = 0;
    loop {
        let done: Result<(), StoreError> = async {
            let mut tx = desk.store.begin().await?;
            match source.settings.mode {
                RecordMode::Always => sources::set_source_enabled(&mut tx, source.id, false).await?,
                RecordMode::OnDemand => sources::set_source_requested(&mut tx, source.id, false).await?,
                RecordMode::Scheduled => {}
            }
            audit(&mut tx, now, ACTOR, action, &source.id.to_string(), Some(why)).await?;
            tx.commit().await
        }
        .await;
        match done {
            Ok(()) => {
                tracing::info!(source = source.name, why, "the source is over");
                break;
            }
            Err(StoreError::NotFound { .. }) => break,
            Err(error) => tracing::warn!(source = source.name, %error, "the source's end could not be noted"),
        }
        failures += 1;
        tokio::select! {
            () = desk.abandon.cancelled() => break,
            () = tokio::time::sleep(plan::backoff(failures, 0.0)) => {}
        }
    }
    match source.settings.mode {
        RecordMode::Scheduled => Over::UntilNextWindow,
        _ => Over::Done,
    }
}

/// The address of a file.
pub(crate) fn file(path: &PathBuf) -> Option<Address> {
    let url = url::Url::from_file_path(path).ok()?;
    Some(Address { url: String::from(url).into(), headers: vec![] })
}
