//! `clipmill demo`: a live played into the service, as an encoder would, and what became of it.

mod picture;
mod progress;
mod push;
mod report;
mod stand;
mod watch;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::source::Language;
use clipmill_store::Store;
use clipmill_worker::supervise::{ChildSpec, SuperviseError, Supervisor};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use super::{Cli, EXIT_INTERRUPTED, Failure, error_chain, source, stop_signal};
use progress::Progress;
use stand::Stand;

/// How to play the demo.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The language of the host.
    #[arg(long, default_value = "zh")]
    lang: Language,
    /// Prints the outcome as JSON on standard output; everything else goes to standard error.
    #[arg(long)]
    json: bool,
    /// Folder for everything the demo makes; its part `run` is emptied at the start.
    #[arg(long, default_value = ".demo", value_name = "DIR")]
    dir: Utf8PathBuf,
    /// Plays only the first seconds of the live.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<f64>,
    /// Keeps the console up after the table, until Ctrl-C.
    #[arg(long)]
    keep: bool,
}

/// How long the service may take to come up (the first start prepares the language model).
const READY_WAIT: Duration = Duration::from_secs(180);

/// How long the work may take after the live has ended.
const FINISH_WAIT: Duration = Duration::from_secs(900);

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let stop = stop_signal();
    let progress = Progress::new(args.json);
    let done = play(cli, args, &stop, &progress).await;
    progress.finish();
    match done {
        Ok(report) if report.ok() => Ok(()),
        Ok(_) => Err(Failure::new("not every stage did its whole job; see the log named above")),
        Err(_) if stop.is_cancelled() => {
            Err(Failure { code: EXIT_INTERRUPTED, message: "stopped; what was made is kept".into() })
        }
        Err(e) => Err(e.into()),
    }
}

/// Prints the outcome: the table for people, or JSON on standard output.
fn show(report: &report::Report, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print!("\n{}", report.table());
    }
    Ok(())
}

async fn play(cli: &Cli, args: &Args, stop: &CancellationToken, say: &Progress) -> Result<report::Report> {
    let stand = Stand::prepare(&args.dir, cli.models_dir.as_deref())?;
    say.line("making the demo's picture (once)");
    let folder = args.dir.join("picture");
    let live = tokio::select! {
        live = picture::make(args.lang, &folder) => live?,
        () = stop.cancelled() => bail!("stopped"),
    };
    let whole = clipmill_media::probe(live.as_std_path()).context("probe the demo's live")?.duration_s;
    let seconds = args.seconds.map_or(whole, |s| s.min(whole));

    let store = stand.store().await?;
    let fixture = picture::fixture(args.lang);
    let products = source::parse_products(fixture.products).map_err(|e| anyhow::anyhow!(e))?;
    let what = source::What::pushed(fixture.name, args.lang);
    let added = source::add(&store, what, &products).await.map_err(|f| anyhow::anyhow!(f.message))?;
    let key = added.stream_key.context("a pushed source has a stream key")?;

    let service_stop = CancellationToken::new();
    let log = stand.log()?;
    let supervisor = Supervisor::new(Arc::new(move |_, _, line| log.line(line)));
    let child = ChildSpec {
        name: "run".into(),
        program: std::env::current_exe().context("find my own program")?,
        args: stand.args().into_iter().chain(["run".into()]).collect(),
        env: vec![],
    };
    let mut service = tokio::spawn({
        let stop = service_stop.clone();
        async move { supervisor.run(vec![child], stop).await }
    });
    say.line(&format!("log: {}", stand.log_path()));

    let outcome = tokio::select! {
        outcome = drive(&stand, &store, &live, seconds, key.expose_secret(), added.source.id, stop, say) => outcome,
        ended = &mut service => Err(service_error(ended)),
    };
    if let Ok(report) = &outcome {
        say.finish();
        show(report, args.json)?;
    }
    if args.keep && outcome.is_ok() {
        say.line(&format!("the console stays at {} until Ctrl-C", stand.console_url()));
        stop.cancelled().await;
    }
    service_stop.cancel();
    if !service.is_finished() && tokio::time::timeout(Duration::from_secs(30), &mut service).await.is_err() {
        say.line("the service did not stop in 30 s and was killed");
    }
    store.close().await;
    outcome
}

fn service_error(ended: Result<Result<(), SuperviseError>, tokio::task::JoinError>) -> anyhow::Error {
    match ended {
        Ok(Ok(())) => anyhow::anyhow!("the service ended by itself"),
        Ok(Err(e)) => anyhow::anyhow!(error_chain(&e)),
        Err(e) => anyhow::anyhow!("the supervisor failed: {e}"),
    }
}

/// From "the service is starting" to "everything is published".
#[expect(clippy::too_many_arguments, reason = "the demo's whole cast, called from one place")]
async fn drive(
    stand: &Stand,
    store: &Store,
    live: &Utf8Path,
    seconds: f64,
    key: &str,
    source: clipmill_domain::SourceId,
    stop: &CancellationToken,
    say: &Progress,
) -> Result<report::Report> {
    say.line("starting the service (the first start prepares the language model)");
    stand.wait_ready(READY_WAIT, stop).await?;
    say.line(&format!("console: {}", stand.console_url()));
    say.line(&format!("playing {seconds:.0} s of live into rtmp://{}/live", stand.rtmp));

    let began = Instant::now();
    let url = format!("rtmp://{}/live/{key}", stand.rtmp);
    let mut pushing = Box::pin(push::push(live, seconds, &url, stop));
    let mut pushed = None;
    let mut watcher = watch::Watcher::new(store.clone(), source);
    let mut tick = tokio::time::interval(Duration::from_millis(300));
    let mut live_ended = None;
    loop {
        tokio::select! {
            done = &mut pushing, if pushed.is_none() => {
                let done = done?;
                if done.reconnects > 0 {
                    say.line(&format!("the encoder connected again {} times", done.reconnects));
                }
                live_ended = Some(Instant::now());
                pushed = Some(done);
            }
            () = stop.cancelled() => bail!("stopped"),
            _ = tick.tick() => {
                for news in watcher.look().await? {
                    say.line(&news);
                }
                say.at(began.elapsed().as_secs_f64().min(seconds), seconds, watcher.counts());
                if pushed.is_some() && watcher.finished() {
                    return watcher.report(&stand.published).await;
                }
                if live_ended.is_some_and(|t: Instant| t.elapsed() > FINISH_WAIT) {
                    say.line("the work did not end in 15 minutes; this is what there is");
                    return watcher.report(&stand.published).await;
                }
            }
        }
    }
}
