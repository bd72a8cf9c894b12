//! The command line: a file for each command.

mod check;
mod config;
mod cost;
mod demo;
mod doctor;
mod ears;
mod eval;
mod examples;
mod heads;
mod labeller;
mod labeller_llm;
mod lexicon;
mod models;
mod other_ears;
mod plan;
mod point;
mod pulse;
mod record;
mod recording;
mod relabel;
mod run;
mod serve;
mod source;
mod source_settings;
mod taxonomy;
mod train;
mod transcript;
mod work;

use std::path::PathBuf;

use camino::Utf8PathBuf;
use clap::{Parser, Subcommand};
use clipmill_store::Store;
use clipmill_worker::supervise::{stop_on_stdin_eof, supervised};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

pub(crate) use work::keeper;

use crate::{
    config::Config,
    telemetry::{self, Telemetry},
};

/// Exit code of a process whose configuration or surroundings must be changed by a person; not restarted.
pub const EXIT_CONFIGURATION: u8 = 78;

/// Exit code after Ctrl-C.
pub const EXIT_INTERRUPTED: u8 = 130;

/// Turns live shopping streams into short videos and publishes them, while the live is still on.
#[derive(Debug, Parser)]
#[command(name = "clipmill", version, about, propagate_version = true)]
pub struct Cli {
    /// Configuration file; `clipmill.toml` in the working folder if there is one.
    #[arg(long, short, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Folder of model files; overrides the configuration.
    #[arg(long, global = true, value_name = "DIR")]
    pub models_dir: Option<Utf8PathBuf>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the whole service: recorder, workers and console, each in a process of its own.
    Run,
    /// Plays a live into the service and shows it turn into clips.
    Demo(demo::Args),
    /// Configures streams.
    #[command(subcommand)]
    Source(source::Args),
    /// Lists recordings and puts them under a legal hold.
    #[command(subcommand)]
    Recording(recording::Args),
    /// Writes transcripts as files.
    #[command(subcommand)]
    Transcript(transcript::Args),
    /// Selling points: read, approved, corrected, rejected.
    #[command(subcommand)]
    Point(point::Args),
    /// What people said about selling points, as labelled talk.
    #[command(subcommand)]
    Examples(examples::Args),
    /// The library of trained heads, and which of them labels talk.
    #[command(subcommand)]
    Heads(heads::Args),
    /// Has a finished recording's talk labelled again.
    Relabel(relabel::Args),
    /// Names and terms that must be written right, and what is misheard for them.
    #[command(subcommand)]
    Lexicon(lexicon::Args),
    /// What talk can be about: base labels, and the finer ones of packs.
    #[command(subcommand)]
    Taxonomy(taxonomy::Args),
    /// Shows what would be done, and does it when told to.
    #[command(subcommand)]
    Plan(plan::Args),
    /// Lists, fetches and verifies model files.
    #[command(subcommand)]
    Models(models::Args),
    /// Checks or shows the configuration.
    #[command(subcommand)]
    Config(config::Args),
    /// Proves that rows and files agree.
    Check(check::Args),
    /// Says what this machine lacks, and the line that installs it.
    Doctor,
    /// Measures what the models do, on files whose truth is known.
    #[command(subcommand)]
    Eval(eval::Args),
    /// Trains a head.
    #[command(subcommand)]
    Train(train::Args),
    /// The recorder alone (a role of `run`).
    Record,
    /// The workers alone (a role of `run`).
    Work,
    /// The console alone (a role of `run`).
    Serve,
}

/// Why a command failed: what to print, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// One message for a person; may be empty when all was said.
    pub message: String,
}

impl Failure {
    /// Exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// Exit code 78: a person must change something first.
    pub fn configuration(message: impl std::fmt::Display) -> Self {
        Self { code: EXIT_CONFIGURATION, message: message.to_string() }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(e: anyhow::Error) -> Self {
        Self::new(format!("{e:#}"))
    }
}

impl From<clipmill_store::StoreError> for Failure {
    fn from(e: clipmill_store::StoreError) -> Self {
        Self::new(error_chain(&e))
    }
}

/// The error and its causes, each said once.
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        next = cause.source();
    }
    said
}

/// Runs the command.
///
/// # Errors
/// With the exit code and what to print.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    match &cli.command {
        Command::Run => run::run(&cli).await,
        Command::Demo(args) => demo::run(&cli, args).await,
        Command::Source(args) => source::run(&cli, args).await,
        Command::Recording(args) => recording::run(&cli, args).await,
        Command::Transcript(args) => transcript::run(&cli, args).await,
        Command::Point(args) => point::run(&cli, args).await,
        Command::Examples(args) => examples::run(&cli, args).await,
        Command::Heads(args) => heads::run(&cli, args).await,
        Command::Relabel(args) => relabel::run(&cli, args).await,
        Command::Lexicon(args) => lexicon::run(&cli, args).await,
        Command::Taxonomy(args) => taxonomy::run(&cli, args),
        Command::Plan(args) => plan::run(&cli, args).await,
        Command::Models(args) => models::run(&cli, args).await,
        Command::Config(args) => config::run(&cli, args),
        Command::Check(args) => check::run(&cli, args).await,
        Command::Doctor => doctor::run(&cli).await,
        Command::Eval(args) => eval::run(&cli, args).await,
        Command::Train(args) => train::run(&cli, args).await,
        Command::Record => record::run(&cli).await,
        Command::Work => work::run(&cli).await,
        Command::Serve => serve::run(&cli).await,
    }
}

/// The configuration, with what the command line overrides.
fn load(cli: &Cli) -> Result<Config, Failure> {
    let mut config = Config::load(cli.config.as_deref()).map_err(Failure::configuration)?;
    if let Some(dir) = &cli.models_dir {
        config.models.dir = Some(dir.clone());
    }
    Ok(config)
}

/// Opens the store that `config` names.
async fn open_store(config: &Config) -> Result<Store, Failure> {
    Store::open(config.database_url().expose_secret(), &config.data_dir)
        .await
        .map_err(|e| Failure::configuration(error_chain(&e)))
}

/// Starts logs and traces for a role.
fn start_telemetry(config: &Config, role: &str) -> Result<Telemetry, Failure> {
    telemetry::start(&config.telemetry, role).map_err(Failure::configuration)
}

/// Cancelled by Ctrl-C, by SIGTERM, and, in a supervised process, when the supervisor asks or is gone.
fn stop_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    if supervised() {
        stop_on_stdin_eof(stop.clone());
    }
    let token = stop.clone();
    tokio::spawn(async move {
        let mut term = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(term) => term,
            Err(error) => {
                tracing::warn!(%error, "cannot listen for SIGTERM");
                return;
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = term.recv() => {}
            () = token.cancelled() => {}
        }
        token.cancel();
    });
    stop
}
