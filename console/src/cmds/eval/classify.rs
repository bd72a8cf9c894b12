//! `clipmill eval classify`: how good labels are, measured on talk whose labels are known.

use camino::Utf8PathBuf;
use clipmill_domain::taxonomy::Label;
use clipmill_inference::classify::{Judged, Report, Talk, read_examples};
use clipmill_ingest::eval::cpu_time;
use serde_json::{Value, json};

use super::super::{Cli, Failure, error_chain, labeller::backend, load};

/// Labelled talk, and what to label it with.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Labelled talk, JSON Lines with `id`, `text`, `label`, and where there are any `also` and `note`.
    #[arg(long, value_name = "FILE")]
    set: Utf8PathBuf,
    /// What labels it: `full` (sentence encoder and language model), `short` (sentence encoder alone), `cascade` or `llm`
    /// (the configured larger model behind it, or about everything). By default what
    /// is configured.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Shows what was taken for what.
    #[arg(long)]
    confusion: bool,
    /// Shows each item whose first label was missed.
    #[arg(long)]
    misses: bool,
    /// Prints everything as JSON.
    #[arg(long)]
    json: bool,
}

pub(in crate::cmds) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let examples = read_examples(&args.set).map_err(|e| Failure::new(error_chain(&e)))?;
    let name = args.backend.clone();
    let work = tokio::task::spawn_blocking(move || -> Result<_, Failure> {
        let labeller = backend(&config, name.as_deref())?;
        let talk: Vec<Talk<'_>> = examples.iter().map(|e| Talk::alone(&e.text)).collect();
        let begun = cpu_time();
        let answers = labeller.classify(&talk).map_err(|e| Failure::new(error_chain(&e)))?;
        let spent = (cpu_time() - begun).as_secs_f64();
        Ok((examples, answers, labeller.id(), spent))
    });
    let (examples, answers, by, spent) =
        work.await.map_err(|e| Failure::new(format!("labelling failed: {e}")))??;
    let judged: Vec<Judged<'_>> =
        examples.iter().zip(&answers).map(|(example, a)| Judged { example, probs: a.probs }).collect();
    let report = Report::of(&judged);
    let each = spent / examples.len().max(1) as f64;
    let missed = || judged.iter().filter(|j| j.probs.best().0 != j.example.label);
    if args.json {
        let mut out = figures(&report)?;
        out["made_by"] = json!(by);
        out["cpu_s_per_item"] = json!(each);
        if args.misses {
            let shown = |j: &Judged<'_>| {
                let (said, p) = j.probs.best();
                json!({"id": j.example.id, "text": j.example.text, "label": j.example.label, "answer": said, "confidence": p})
            };
            out["misses"] = missed().map(shown).collect();
        }
        if !args.confusion
            && let Some(fields) = out.as_object_mut()
        {
            fields.remove("confusion");
        }
        println!("{out:#}");
        return Ok(());
    }
    print!("{report}");
    println!("CPU seconds an item {each:.4} · {by}");
    if args.confusion {
        print_confusion(&report);
    }
    if args.misses {
        for j in missed() {
            let (said, p) = j.probs.best();
            println!("{} is {}, called {said} ({p:.2}): {}", j.example.id, j.example.label, j.example.text);
        }
    }
    Ok(())
}

/// A report as JSON, its labels by their keys.
pub(in crate::cmds) fn figures(report: &Report) -> Result<Value, Failure> {
    serde_json::to_value(report).map_err(|e| Failure::new(e.to_string()))
}

/// Truth down, answers across; a dot is nought.
fn print_confusion(report: &Report) {
    let short = |l: &Label| l.key().chars().take(4).collect::<String>();
    let heading: String = Label::ALL.iter().map(|l| format!(" {:>4}", short(l))).collect();
    println!("\n{:13}{heading}", "is \\ called");
    for (label, row) in Label::ALL.iter().zip(&report.confusion).filter(|(_, row)| row.iter().any(|n| *n > 0))
    {
        let cells: String =
            row.iter().map(|n| if *n == 0 { "    .".to_owned() } else { format!(" {n:4}") }).collect();
        println!("{:13}{cells}", label.key());
    }
}
