//! What the real models made of two stretches of speech when it was last looked at, word for word. A change of a few
//! letters passes: another processor may decide a close call the other way. More must be meant.

#[path = "support/spoken.rs"]
mod spoken;

use std::process::Command;

use clipmill_domain::source::Language;
use clipmill_inference::{likely::Likely, vad::Vad};
use clipmill_ingest::eval::{self, With};
use spoken::{distance, fixture, letters};

/// How much may differ: letters, in percent of those stored.
const LETTERS_PERCENT: usize = 3;
/// How far a sentence may begin from where it began, in seconds.
const START_S: f64 = 0.1;
/// Set to anything, it has the stored text written anew.
const RENEW: &str = "CLIPMILL_RENEW_GOLDEN";

/// Hears a stretch of a fixture as a live is heard, with its products for sale, and holds it against what is stored.
fn heard_as_before(name: &str, from_s: f64, seconds: f64, language: Language) {
    let dir = tempfile::tempdir().unwrap();
    let cut = dir.path().join("cut.wav");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-ss", &from_s.to_string(), "-t", &seconds.to_string()])
        .args(["-i", fixture(&format!("{name}.opus")).as_str(), "-ac", "1", "-ar", "16000"])
        .arg(&cut)
        .status();
    assert!(made.is_ok_and(|s| s.success()));
    let terms = eval::read_terms(fixture(&format!("{name}.products.jsonl")).as_std_path()).unwrap();
    let words = Likely::load(&spoken::model("zh-words-1.bin")).unwrap();
    let likely = (language == Language::Zh).then(|| ("zh-words".to_owned(), words.into()));
    let voice = Box::new(Vad::load(&spoken::voice_model()).unwrap().into_stream());
    let with = With { lexicon: &terms, likely };
    let sound = clipmill_media::read_sound(&cut).unwrap();
    let heard = eval::hear(sound, name, voice, spoken::whisper(), language, with, &mut |_| ()).unwrap();
    let lines = heard.sentences.iter().map(|s| {
        format!("{:.2}\t{:.2}\t{}\n", s.span.start().as_seconds(), s.span.end().as_seconds(), s.text)
    });
    let now: String = lines.collect();

    let path = spoken::workspace().join(format!("ingest/tests/golden/{name}.txt"));
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    let renew = format!(
        "\nstored:\n{stored}\nnow:\n{now}\nIf the change is meant and for the better, renew what is stored and look \
         at the difference: {RENEW}=1 scripts/run-tests -E 'package(clipmill-ingest) and binary(golden)'"
    );
    let text = |all: &str| -> Vec<char> {
        all.lines().flat_map(|l| letters(l.rsplit('\t').next().unwrap_or_default())).collect()
    };
    let starts = |all: &str| -> Vec<f64> {
        all.lines().map(|l| l.split('\t').next().unwrap_or_default().parse().unwrap()).collect()
    };
    let (before, after) = (text(&stored), text(&now));
    let wrong = distance(&before, &after);
    println!("{name}: {wrong} of {} letters differ", before.len());
    assert!(before.len() > 60, "nothing is stored for {name}{renew}");
    assert!(
        wrong * 100 <= before.len() * LETTERS_PERCENT,
        "{wrong} of {} letters differ{renew}",
        before.len()
    );
    let now_at = starts(&now);
    let moved: Vec<f64> =
        starts(&stored).into_iter().filter(|s| now_at.iter().all(|n| (n - s).abs() > START_S)).collect();
    // One sentence may have become two, or two one.
    assert!(moved.len() <= 1, "no sentence begins any more at {moved:?} s{renew}");
}

#[test]
fn chinese_is_heard_as_before() {
    heard_as_before("zh_live", 84.0, 18.6, Language::Zh);
}

#[test]
fn english_is_heard_as_before() {
    heard_as_before("en_live", 33.0, 23.5, Language::En);
}
