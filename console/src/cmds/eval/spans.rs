//! `clipmill eval spans`: from sound to closed segments, measured on a file with a known script.

use std::path::PathBuf;

use clipmill_clipper::{
    eval::{Predicted, Report, read_products, read_truth, score},
    product::Matcher,
    reader::{Closed, Line, Reader, Setting},
    segment::SegmentRules,
};
use clipmill_domain::source::Language;
use clipmill_inference::classify::Talk;
use clipmill_ingest::eval as ingest;

use super::{
    super::{Cli, Failure, error_chain, labeller::backend, load},
    hearing::{failed, listen},
};
use crate::config::Config;

/// A file and its script.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sound: any audio or video file.
    #[arg(long, value_name = "FILE")]
    audio: PathBuf,
    /// What is said in it, JSON Lines: start, end (seconds), text, label and product of each sentence.
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// The product list that the brand has entered, JSON Lines: sku, name, aliases, attributes, price, link.
    #[arg(long, value_name = "FILE")]
    products: Option<PathBuf>,
    /// The language, zh or en; by default what the script is written in.
    #[arg(long)]
    lang: Option<Language>,
    /// What labels it: `full` or `short`. By default what is configured.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Shows each segment with what it was made of.
    #[arg(long)]
    segments: bool,
    /// Prints everything as JSON.
    #[arg(long)]
    json: bool,
}

pub(in crate::cmds) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let bad = |e| Failure::new(error_chain(&e));
    let lines = read_truth(&args.truth).map_err(bad)?;
    let products = args.products.as_deref().map(read_products).transpose().map_err(bad)?.unwrap_or_default();
    let script = ingest::read_truth(&args.truth).map_err(failed)?;
    let language = args.lang.or_else(|| script.language()).unwrap_or(Language::Zh);
    let terms =
        args.products.as_deref().map(ingest::read_terms).transpose().map_err(failed)?.unwrap_or_default();
    let (heard, _) = listen(&config, &args.audio, None, script, language, terms).await?;
    let setting = Setting {
        rules: SegmentRules::default(),
        products: products.iter().map(Matcher::new).collect(),
        language,
    };
    let name = args.backend.clone();
    let work = tokio::task::spawn_blocking(move || read(&config, name.as_deref(), &setting, &heard));
    let (found, cpu) = work.await.map_err(|e| Failure::new(format!("reading failed: {e}")))??;
    let mut report = score(&lines, &products, &found, cpu);
    if !args.segments {
        report.segments = None;
    }
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(|e| Failure::new(e.to_string()))?;
        println!("{json}");
    } else {
        print(&report);
    }
    Ok(())
}

/// Reads what was heard as the follower of a live reads it: block by block.
fn read(
    config: &Config,
    backend_name: Option<&str>,
    setting: &Setting,
    heard: &ingest::Heard,
) -> Result<(Vec<Predicted>, (f64, usize)), Failure> {
    let classifier = backend(config, backend_name)?;
    let (mut reader, mut found, mut cpu_s, mut next) = (Reader::default(), vec![], 0.0, 0);
    let predicted = |closed: Closed, at_s: f64| {
        let (stretch, span) = (&closed.stretch, closed.stretch.span());
        let text =
            |seq: i64| usize::try_from(seq).ok().and_then(|i| heard.sentences.get(i)).map(|s| s.text.trim());
        Predicted {
            start: span.start().as_seconds(),
            end: span.end().as_seconds(),
            label: stretch.label,
            sku: stretch.sku.clone(),
            closed_at: at_s,
            text: stretch.members.iter().filter_map(|m| text(m.seq)).collect::<Vec<_>>().join(" | "),
        }
    };
    for step in &heard.steps {
        let fresh = &heard.sentences[next..step.sentences];
        let begun = ingest::cpu_time();
        let talk: Vec<Talk<'_>> = fresh.iter().map(|s| Talk::alone(&s.text)).collect();
        let answers = classifier.classify(&talk).map_err(|e| Failure::new(error_chain(&e)))?;
        let mut closed = vec![];
        for ((seq, s), answer) in (next..).zip(fresh).zip(answers) {
            let seq = i64::try_from(seq).unwrap_or(i64::MAX);
            let line = Line { seq, span: s.span, text: &s.text, speaker: None };
            closed.extend(reader.push(setting, line, answer));
        }
        closed.extend(reader.silence_until(setting, step.heard_until));
        let spent = (ingest::cpu_time() - begun).as_secs_f64();
        cpu_s += spent;
        found.extend(closed.into_iter().map(|c| predicted(c, step.at_s + spent)));
        next = step.sentences;
    }
    found.extend(reader.finish(setting).into_iter().map(|c| predicted(c, heard.audio_s)));
    Ok((found, (cpu_s, heard.sentences.len())))
}

/// A line for each figure.
fn print(r: &Report) {
    let line = |name: &str, value: String| println!("{name:<37}{value}");
    let percent = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{:.1} %", x * 100.0));
    let number = |x: Option<f64>, n: usize| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.n$}"));
    line("selling stretches, there / found", format!("{} / {}", r.spans_truth, r.spans_found));
    line("span F1", format!("{} (also {})", percent(r.span_f1), percent(r.span_f1_also)));
    line("precision / recall", format!("{} / {}", percent(r.span_precision), percent(r.span_recall)));
    line("selling F1", percent(r.selling_f1));
    line("begin or end inside a sentence", percent(r.inside_sentence_share));
    line("product right, where it is named", format!("{} of {}", percent(r.binding_accuracy), r.bindings));
    line(
        "product right / wrong, everywhere",
        format!("{} / {}", percent(r.binding_accuracy_all), percent(r.binding_wrong)),
    );
    line(
        "borders off, ms, p50 / p90",
        format!("{} / {}", number(r.boundary_ms_p50, 0), number(r.boundary_ms_p90, 0)),
    );
    line(
        "end of talk to closed, s, p50 / p90",
        format!("{} / {}", number(r.close_s_p50, 1), number(r.close_s_p90, 1)),
    );
    line("CPU seconds a sentence", number(r.cpu_s_per_utterance, 3));
    for s in r.segments.iter().flatten() {
        let truth = s.truth_label.map_or("-", clipmill_domain::taxonomy::Label::key);
        let skus = format!("{} ({})", s.sku.as_deref().unwrap_or("-"), s.truth_sku.as_deref().unwrap_or("-"));
        let mark = if s.right || !s.label.sells() && truth == "chat" { ' ' } else { '!' };
        println!(
            "{mark} {:7.2} {:7.2}  {:12} ({truth:12}) {skus:24} {}",
            s.start,
            s.end,
            s.label.key(),
            s.text
        );
    }
}
