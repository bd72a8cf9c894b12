//! `clipmill models list|fetch|verify`.

use std::{
    io::IsTerminal as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use camino::{Utf8Path, Utf8PathBuf};
use clap::Subcommand;
use clipmill_inference::registry::{FetchOptions, FileState, Progress, Registry, quantize};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Cli, EXIT_INTERRUPTED, Failure, error_chain, load, stop_signal};

/// What to do with the models.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Says which models there are, what for, under which licence, and whether they are here.
    List,
    /// Downloads what is missing or damaged, and verifies it.
    Fetch {
        /// Names; all of them when none is given.
        names: Vec<String>,
    },
    /// Writes a speech model with weights of eight bits: half the file, the same text within a few characters. (A model
    /// in full precision is quantised in memory when it is loaded; this saves the disk and the seconds.)
    Quantize {
        /// Name of a whisper model of the registry, or a file in whisper.cpp's format.
        model: String,
        /// Where to write it.
        #[arg(long, value_name = "FILE")]
        out: Utf8PathBuf,
    },
    /// Reads every model file and checks its hash.
    Verify {
        /// Names; all of them when none is given.
        names: Vec<String>,
    },
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let registry =
        Registry::new(config.models_dir(), None).map_err(|e| Failure::configuration(error_chain(&e)))?;
    match args {
        Args::List => list(&registry),
        Args::Fetch { names } => fetch(registry, names.clone()).await,
        Args::Verify { names } => verify(&registry, names),
        Args::Quantize { model, out } => quantize_to(&registry, model, out),
    }
}

fn list(registry: &Registry) -> Result<(), Failure> {
    for m in registry.list().map_err(failed)? {
        let state = match m.state {
            FileState::Present => "present".to_owned(),
            FileState::Missing => "missing".to_owned(),
            FileState::WrongSize(bytes) => format!("damaged: {bytes} bytes"),
        };
        println!(
            "{}  {:.0} MB  {state}  {}  {}\n    {}",
            m.name,
            megabytes(m.size),
            m.licence,
            m.task,
            m.path
        );
    }
    Ok(())
}

fn verify(registry: &Registry, names: &[String]) -> Result<(), Failure> {
    let mut broken = 0;
    for name in names_or_all(registry, names) {
        match registry.verify(&name) {
            Ok(file) => println!("{name}: in order ({})", file.sha256),
            Err(e) => {
                broken += 1;
                eprintln!("{name}: {}", error_chain(&e));
            }
        }
    }
    if broken == 0 { Ok(()) } else { Err(Failure::new(format!("{broken} models are missing or damaged"))) }
}

fn quantize_to(registry: &Registry, model: &str, out: &Utf8Path) -> Result<(), Failure> {
    let path = match registry.manifest().models.iter().any(|m| m.name == model) {
        true => registry.verify(model).map_err(failed)?.path,
        false => Utf8PathBuf::from(model),
    };
    let bytes = std::fs::read(&path).map_err(|e| {
        Failure::new(format!("{path}: {e}; give a model's name (`clipmill models list`) or a file"))
    })?;
    let small = quantize(&bytes).map_err(failed)?;
    let temporary = Utf8PathBuf::from(format!("{out}.part"));
    let written = std::fs::write(&temporary, &small).and_then(|()| std::fs::rename(&temporary, out));
    written.map_err(|e| Failure::new(format!("{out}: {e}")))?;
    println!("{out}: {:.0} MB of {:.0} MB", megabytes(small.len() as u64), megabytes(bytes.len() as u64));
    Ok(())
}

async fn fetch(registry: Registry, names: Vec<String>) -> Result<(), Failure> {
    let stop = stop_signal();
    let halt = Arc::new(AtomicBool::new(false));
    let options = FetchOptions { stop: Arc::clone(&halt), ..FetchOptions::default() };
    let work = tokio::task::spawn_blocking(move || -> Result<(), Failure> {
        for name in names_or_all(&registry, &names) {
            let mut shown = Shown::new();
            let file = registry.fetch(&name, &options, &mut |p| shown.show(&name, p)).map_err(failed)?;
            shown.end();
            println!("{name}: in order ({})", file.path);
        }
        Ok(())
    });
    let watch = stop.clone();
    tokio::spawn(async move {
        watch.cancelled().await;
        halt.store(true, Ordering::Relaxed);
    });
    let done = work.await.map_err(|e| Failure::new(format!("the download failed: {e}")))?;
    if stop.is_cancelled() {
        return Err(Failure {
            code: EXIT_INTERRUPTED,
            message: "stopped; what was downloaded is kept".into(),
        });
    }
    done
}

fn names_or_all(registry: &Registry, names: &[String]) -> Vec<String> {
    if names.is_empty() {
        registry.manifest().models.iter().map(|m| m.name.clone()).collect()
    } else {
        names.to_vec()
    }
}

fn failed(e: clipmill_inference::registry::RegistryError) -> Failure {
    Failure::new(error_chain(&e))
}

fn megabytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "megabytes for display")]
    let mb = bytes as f64 / 1e6;
    mb
}

/// Without a terminal, a line is printed each time this many bytes came in.
const LINE_EVERY_BYTES: u64 = 50_000_000;

/// Progress on a terminal as a bar, elsewhere as a line every fifty megabytes.
struct Shown {
    bar: Option<ProgressBar>,
    said: u64,
}

impl Shown {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template("{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, said: 0 }
    }

    fn show(&mut self, name: &str, progress: &Progress) {
        let Progress::Bytes { what, done, total } = progress else {
            if !matches!(progress, Progress::Ready { .. }) {
                self.line(&format!("{name}: {progress}"));
            }
            return;
        };
        if let Some(bar) = &self.bar {
            bar.set_length(*total);
            bar.set_position(*done);
            bar.set_message(what.clone());
        } else if done / LINE_EVERY_BYTES != self.said {
            self.said = done / LINE_EVERY_BYTES;
            self.line(&format!("{name}: {what}: {:.0} of {:.0} MB", megabytes(*done), megabytes(*total)));
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => println!("{text}"),
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
