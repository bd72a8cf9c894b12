//! `clipmill eval asr`: how good transcripts are, measured on a file with a known script.

use std::path::PathBuf;

use clipmill_domain::source::Language;
use clipmill_ingest::eval::{Report, Term, peer, read_terms, read_truth, score, score_peer};

use super::{
    super::{Cli, Failure, load},
    hearing::{failed, listen},
};

/// A file and its script.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sound: any audio or video file.
    #[arg(long, value_name = "FILE")]
    audio: PathBuf,
    /// What is said in it, JSON Lines: start, end (seconds) and text of each sentence. An empty file: nothing is said.
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// The language, zh or en; by default what the script is written in.
    #[arg(long)]
    lang: Option<Language>,
    /// A speech model of the model registry, on this machine. By default the configuration's model or service.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Terms to look for: one a line with aliases after tabs, or products as JSON Lines. May be given several times.
    #[arg(long, value_name = "FILE")]
    lexicon: Vec<PathBuf>,
    /// Runs faster-whisper with the same weights on the same file, and prints ratios.
    #[arg(long)]
    peer: bool,
    /// The Python that has faster-whisper.
    #[arg(long, value_name = "PATH", default_value = "python3")]
    peer_python: PathBuf,
    /// The program that runs it.
    #[arg(long, value_name = "FILE", default_value = "bench/asr_peer.py")]
    peer_script: PathBuf,
    /// Shows each sentence with what was recognised for it.
    #[arg(long)]
    sentences: bool,
    /// Prints everything as JSON.
    #[arg(long)]
    json: bool,
}

pub(in crate::cmds) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let truth = read_truth(&args.truth).map_err(failed)?;
    let mut terms: Vec<Term> = Vec::new();
    for file in &args.lexicon {
        terms.extend(read_terms(file).map_err(failed)?);
    }
    let language = args.lang.or_else(|| truth.language()).unwrap_or_else(|| {
        eprintln!("nothing is said in {} and --lang is not given: zh is taken", args.truth.display());
        Language::Zh
    });
    let (heard, truth) =
        listen(&config, &args.audio, args.model.as_deref(), truth, language, terms.clone()).await?;
    let mut report = score(&truth, &heard, &terms, language);
    if args.peer {
        let answer = peer::ask(&args.peer_python, &args.peer_script, &args.audio, language, heard.audio_s);
        report.beside(score_peer(&truth, &answer.await.map_err(failed)?, language));
    }
    if !args.sentences {
        (report.sentences, report.utterances) = (None, None);
    }
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(|e| Failure::new(e.to_string()))?;
        println!("{json}");
    } else {
        print(&report);
    }
    Ok(())
}

/// A line for each figure.
fn print(r: &Report) {
    let line = |name: &str, value: String| println!("{name:<37}{value}");
    let percent = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{:.2} %", x * 100.0));
    let ms = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.0}"));
    let (kind, unit) = if r.language == "zh" { ("CER", "characters") } else { ("WER", "words") };
    line(kind, percent(r.cer.or(r.wer)));
    line(&format!("{kind}, numbers as written"), percent(r.cer_raw.or(r.wer_raw)));
    line(&format!("{kind}, before repairs"), percent(r.error_unrepaired));
    let edits = format!(
        "{} said, {} wrong, {} lost, {} added",
        r.words_said, r.words_wrong, r.words_lost, r.words_added
    );
    line(unit, edits);
    let start = format!("{} / {} (of {})", ms(r.start_ms_p50), ms(r.start_ms_p90), r.starts_measured);
    line("sentence starts off, ms, p50 / p90", start);
    let end = format!("{} / {} (of {})", ms(r.end_ms_p50), ms(r.end_ms_p90), r.ends_measured);
    line("sentence ends off, ms, p50 / p90", end);
    line("late by (median), start / end", format!("{} / {}", ms(r.start_ms_bias), ms(r.end_ms_bias)));
    let at = format!("{} / {}", r.starts_at_utterance, r.ends_at_utterance);
    line("starts / ends at an utterance's", format!("{at} of {}", r.sentences_truth));
    line("characters where nobody speaks", r.nonspeech_chars.to_string());
    line("numbers right", format!("{} of {}", percent(r.numbers_right), r.numbers_said));
    line("terms recognised", format!("{} of {}", percent(r.term_recall), r.terms_said));
    line("terms recognised, before repairs", percent(r.term_recall_raw));
    line("CPU seconds a second", format!("{:.3}", r.cpu_s_per_audio_s));
    let seconds = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.2}"));
    line("end to text, s, p50 / p95", format!("{} / {}", seconds(r.final_s_p50), seconds(r.final_s_p95)));
    let heard = format!(
        "{:.1} s, {} chunks, {} sentences for {}",
        r.audio_s, r.chunks, r.sentences_heard, r.sentences_truth
    );
    line("heard", heard);
    let guards: Vec<String> = r.guards.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
    line("guards", if guards.is_empty() { "none".to_owned() } else { guards.join(", ") });
    line("recogniser", format!("{} ({})", r.made_by, r.language));
    if let Some(p) = &r.peer {
        line(&p.name, format!("{kind} {}, CPU {:.3}", percent(p.cer.or(p.wer)), p.cpu_s_per_audio_s));
        let ratio = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.2}"));
        line("ours to theirs", format!("{kind} {}, CPU {}", ratio(r.cer_ratio), ratio(r.cpu_ratio)));
    }
    for s in r.sentences.iter().flatten() {
        println!("{:8.2} {:3} {}\n{:12} {}", s.start, s.edits, s.said, "", s.heard);
    }
}
