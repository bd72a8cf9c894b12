//! The house's own checks: `cargo xtask tidy` fails when a rule of ARCHITECTURE.md is broken.

mod fences;
mod sources;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy(),
        other => bail!("unknown task {other:?}; the tasks are: tidy"),
    }
}

fn tidy() -> Result<()> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(std::path::Path::new("."));
    let mut problems = fences::check(root)?;
    problems.extend(sources::check(root)?);
    if problems.is_empty() {
        println!("tidy: fences, sizes, words and links are in order");
        return Ok(());
    }
    for p in &problems {
        eprintln!("tidy: {p}");
    }
    bail!("{} house rules are broken", problems.len())
}
