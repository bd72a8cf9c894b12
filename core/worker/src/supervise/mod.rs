//! Runs a family of child processes and keeps them alive.
//!
//! Every child gets a pipe as standard input. While the supervisor lives the pipe stays open; its end means "stop
//! gracefully". So children end when they are told to, and also when their supervisor was killed: no orphan keeps
//! a port or a lease. The child's side of the bargain is [`stop_on_stdin_eof`].

use std::{
    ffi::OsString,
    io::Read as _,
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::process::{Child, Command};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

mod decide;
mod lines;

pub use decide::{CONFIGURATION_EXIT, Exit, Next, RestartPolicy, next};
pub use lines::{LineSink, Stream};
use lines::{Tail, forward};

/// Set to `1` in the environment of every child: its standard input is a stop pipe.
pub const SUPERVISED_ENV: &str = "CLIPMILL_SUPERVISED";

/// How long the rest of a dead child's output is awaited.
const DRAIN: Duration = Duration::from_secs(1);

/// One child to keep running.
#[derive(Debug, Clone)]
pub struct ChildSpec {
    /// Short name, used in messages and as the prefix of its lines.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables set over the inherited environment.
    pub env: Vec<(OsString, OsString)>,
}

/// What happened to a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChildEvent {
    /// It runs.
    Started {
        /// Name of the child.
        name: String,
        /// Its process id.
        pid: u32,
    },
    /// It ended without being asked to and will be started again.
    Restarting {
        /// Name of the child.
        name: String,
        /// How it ended.
        exit: Exit,
        /// When it will be started again.
        wait: Duration,
    },
    /// It ended for good.
    Ended {
        /// Name of the child.
        name: String,
    },
}

/// Receives every [`ChildEvent`]. Must not block for long.
pub type EventSink = Arc<dyn Fn(&ChildEvent) + Send + Sync>;

/// How the family is run.
#[derive(Clone)]
pub struct Supervisor {
    /// Waits between restarts.
    pub restart: RestartPolicy,
    /// How long a child may take to stop before it is killed.
    pub grace: Duration,
    /// Where the children's lines go.
    pub lines: LineSink,
    /// Where starts and ends are told.
    pub events: EventSink,
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor")
            .field("restart", &self.restart)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}

/// Why a family could not be kept running.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    /// A child could not be started the very first time.
    #[error("cannot start {name} ({program}): {source}")]
    Spawn {
        /// Name of the child.
        name: String,
        /// The program that could not be run.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A child ended with exit code 78; every child was stopped.
    #[error("{name} refuses its configuration: {text}")]
    Configuration {
        /// Name of the child.
        name: String,
        /// The last lines it wrote to standard error.
        text: String,
    },
}

impl Supervisor {
    /// With the default waits, 10 s of grace, lines to `lines` and no events.
    pub fn new(lines: LineSink) -> Self {
        Self {
            restart: RestartPolicy::default(),
            grace: Duration::from_secs(10),
            lines,
            events: Arc::new(|_| {}),
        }
    }

    /// Keeps `children` running until `stop`, then stops them: closes their standard input, waits for the grace,
    /// kills what is left. A child that ends by itself is started again with back-off.
    ///
    /// # Errors
    /// When a child cannot be started the first time, or ends with exit code 78 (configuration error): then every
    /// child is stopped first.
    pub async fn run(&self, children: Vec<ChildSpec>, stop: CancellationToken) -> Result<(), SuperviseError> {
        // Its own token: one child's fatal error stops the family, not the caller's other tasks.
        let family = stop.child_token();
        let mut lives: FuturesUnordered<_> =
            children.into_iter().map(|spec| self.keep(spec, family.clone())).collect();
        let mut first_error = None;
        while let Some(end) = lives.next().await {
            if let Err(error) = end {
                family.cancel();
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn keep(&self, spec: ChildSpec, family: CancellationToken) -> Result<(), SuperviseError> {
        let mut last_wait = None;
        let mut ever_started = false;
        while !family.is_cancelled() {
            let began = Instant::now();
            let (exit, tail) = match self.spawn(&spec) {
                Ok(child) => {
                    ever_started = true;
                    self.live(&spec, child, &family).await
                }
                Err(source) if !ever_started => {
                    let program = spec.program.display().to_string();
                    return Err(SuperviseError::Spawn { name: spec.name, program, source });
                }
                // It ran before, so the program is there: out of memory or processes. Try again later.
                Err(source) => {
                    tracing::warn!(child = spec.name, error = %source, "cannot start the child again yet");
                    (Exit::Signal, Tail::default())
                }
            };
            match next(exit, began.elapsed(), last_wait, family.is_cancelled(), &self.restart) {
                Next::Over => break,
                Next::Fatal => {
                    (self.events)(&ChildEvent::Ended { name: spec.name.clone() });
                    return Err(SuperviseError::Configuration { name: spec.name, text: tail.text() });
                }
                Next::Restart { wait } => {
                    (self.events)(&ChildEvent::Restarting { name: spec.name.clone(), exit, wait });
                    last_wait = Some(wait);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = family.cancelled() => {}
                    }
                }
            }
        }
        (self.events)(&ChildEvent::Ended { name: spec.name });
        Ok(())
    }

    fn spawn(&self, spec: &ChildSpec) -> std::io::Result<Child> {
        let mut command = Command::new(&spec.program);
        command
            .args(&spec.args)
            .envs(spec.env.iter().map(|(k, v)| (k, v)))
            .env(SUPERVISED_ENV, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A Ctrl-C on the terminal must reach the supervisor alone; it then stops the children in order.
        #[cfg(unix)]
        command.process_group(0);
        command.spawn()
    }

    /// One life of a child, from its start to its end.
    async fn live(&self, spec: &ChildSpec, mut child: Child, family: &CancellationToken) -> (Exit, Tail) {
        if let Some(pid) = child.id() {
            (self.events)(&ChildEvent::Started { name: spec.name.clone(), pid });
        }
        let tail = Tail::default();
        let stop_pipe = child.stdin.take();
        let out = child.stdout.take();
        let err = child.stderr.take();
        let (name, lines, kept) = (spec.name.clone(), self.lines.clone(), tail.clone());
        // Aborted when dropped: a grandchild that holds the pipes open must not hold us.
        let mut reading = AbortOnDropHandle::new(tokio::spawn(async move {
            let of_out = async {
                if let Some(out) = out {
                    forward(out, name.clone(), Stream::Out, lines.clone(), None).await;
                }
            };
            let of_err = async {
                if let Some(err) = err {
                    forward(err, name.clone(), Stream::Err, lines.clone(), Some(kept)).await;
                }
            };
            tokio::join!(of_out, of_err);
        }));
        let status = tokio::select! {
            status = child.wait() => status,
            () = family.cancelled() => {
                drop(stop_pipe);
                if let Ok(status) = tokio::time::timeout(self.grace, child.wait()).await {
                    status
                } else {
                    tracing::warn!(child = spec.name, "did not stop within its grace: killing it");
                    let _ = child.start_kill();
                    child.wait().await
                }
            }
        };
        // What it wrote last explains its end.
        let _ = tokio::time::timeout(DRAIN, &mut reading).await;
        (status.ok().and_then(|s| s.code()).map_or(Exit::Signal, Exit::Code), tail)
    }
}

/// Whether this process was started by a [`Supervisor`], so that its standard input is a stop pipe.
pub fn supervised() -> bool {
    std::env::var_os(SUPERVISED_ENV).is_some_and(|v| v == "1")
}

/// The child's side: cancels `token` when standard input ends, that is, when the supervisor asks for a stop or is
/// gone. Call it only if [`supervised`]; whatever is read before the end is ignored.
pub fn stop_on_stdin_eof(token: CancellationToken) {
    // A thread of its own, never joined: a blocked read of standard input would hold up the runtime's shutdown.
    let watcher = std::thread::Builder::new().name("stop-pipe".into());
    let spawned = watcher.spawn(move || {
        let mut buffer = [0u8; 256];
        let mut stdin = std::io::stdin().lock();
        loop {
            match stdin.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        token.cancel();
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "cannot watch the stop pipe: this process will not notice a dead supervisor");
    }
}
