//! The real models on speech that goes from Chinese to English and back: the transcript follows, and does not flip.

#[path = "support/spoken.rs"]
mod spoken;

use std::{
    process::Command,
    sync::{Arc, Mutex},
};

use clipmill_domain::source::Language;
use clipmill_inference::{
    asr::{AsrError, Recognized, Recognizer, Request, Spoken, Whisper},
    vad::{SAMPLE_RATE, Vad},
};
use clipmill_ingest::transcribe::{
    listen::{AnyVoice, Listener, Output, State},
    sentence::Sentence,
};
use spoken::{fixture, voice_model, whisper};

/// A fixture's sound from `from` seconds on, for `length` seconds, and half a second of silence.
fn sound(file: &str, from: f64, length: f64) -> Vec<f32> {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-ss", &from.to_string(), "-t", &length.to_string(), "-i"])
        .arg(fixture(file))
        .args(["-af", "apad=pad_dur=0.5", "-ac", "1", "-ar", "16000", "-f", "f32le", "-"])
        .output()
        .expect("the ffmpeg program decodes the fixtures");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    run.stdout.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// Whisper, and what it found at each look.
struct Watched {
    whisper: Arc<Whisper>,
    looks: Mutex<Vec<(f64, Spoken)>>,
}

impl Recognizer for Watched {
    fn transcribe(&self, request: &Request<'_>) -> Result<Recognized, AsrError> {
        let said = self.whisper.transcribe(request)?;
        if let Some(spoken) = &said.spoken {
            #[expect(clippy::cast_precision_loss)]
            let seconds = request.samples.len() as f64 / f64::from(SAMPLE_RATE);
            self.looks.lock().unwrap().push((seconds, spoken.clone()));
        }
        Ok(said)
    }

    fn can_try_harder(&self) -> bool {
        self.whisper.can_try_harder()
    }

    fn id(&self) -> String {
        self.whisper.id()
    }
}

fn ears() -> Arc<Watched> {
    Arc::new(Watched { whisper: whisper(), looks: Mutex::default() })
}

fn listener(ears: &Arc<Watched>, state: State, language: Language) -> Listener {
    let voice = AnyVoice(Box::new(Vad::load(&voice_model()).unwrap().into_stream()));
    let mut listener = Listener::resume(voice, Arc::clone(ears) as Arc<dyn Recognizer>, state, language);
    listener.find_language(true);
    listener
}

/// Hears `sound` in blocks of two seconds; at `crash_at`, in seconds, all but the stored state is lost.
fn hear(ears: &Arc<Watched>, sound: &[f32], language: Language, crash_at: Option<usize>) -> Vec<Sentence> {
    let block = 2 * SAMPLE_RATE as usize;
    let mut all = Output::default();
    let mut live = listener(ears, State::new(language), language);
    let (mut at, mut crash_at) = (0, crash_at.map(|s| s * SAMPLE_RATE as usize));
    while at < sound.len() {
        let to = (at + block).min(sound.len());
        live.sound(at as u64, sound[at..to].to_vec(), &mut all).unwrap();
        at = to;
        if crash_at.is_some_and(|c| at >= c) {
            crash_at = None;
            let stored = serde_json::to_string(live.state()).unwrap();
            let state: State = serde_json::from_str(&stored).unwrap();
            // As a recording is fed again: from the beginning of a part well before.
            at = usize::try_from(state.final_until).unwrap().saturating_sub(SAMPLE_RATE as usize) / block
                * block;
            live = listener(ears, state, language);
        }
    }
    live.finish(&mut all).unwrap();
    for s in &all.sentences {
        eprintln!("{} {} {}", s.span, s.language.code(), s.text);
    }
    for (seconds, spoken) in ears.looks.lock().unwrap().drain(..) {
        eprintln!("{seconds:5.1} s sounds like {} {:.3}", spoken.language, spoken.p);
    }
    all.sentences
}

/// The languages, each once for as long as it lasts, with when it begins.
fn stretches(sentences: &[Sentence]) -> Vec<(Language, f64)> {
    let mut all: Vec<(Language, f64)> =
        sentences.iter().map(|s| (s.language, s.span.start().as_seconds())).collect();
    all.dedup_by_key(|s| s.0);
    all
}

/// Two chunks are about so long.
const TWO_CHUNKS_S: f64 = 12.0;

#[test]
fn the_transcript_follows_the_language_and_does_not_flip() {
    let (zh, en, more_zh) = (
        sound("zh_live.opus", 0.0, 20.0),
        sound("en_live.opus", 0.0, 25.0),
        sound("zh_live.opus", 20.0, 25.0),
    );
    let ears = ears();
    let sentences = hear(&ears, &[zh, en, more_zh].concat(), Language::Zh, Some(34));
    let [(Language::Zh, _), (Language::En, en_from), (Language::Zh, zh_from)] = stretches(&sentences)[..]
    else {
        panic!("{:?}", stretches(&sentences))
    };
    let (to_en, to_zh) = (20.5, 46.0);
    assert!((to_en - 1.0..to_en + TWO_CHUNKS_S).contains(&en_from), "{en_from}");
    assert!((to_zh - 1.0..to_zh + TWO_CHUNKS_S).contains(&zh_from), "{zh_from}");
    let at_a_join = |s: &Sentence| {
        [to_en, to_zh]
            .iter()
            .any(|at| s.span.start().as_seconds() < at + 1.0 && s.span.end().as_seconds() > at - 1.0)
    };
    let is_chinese = |s: &Sentence| s.text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    // The chunk at a join has both in it.
    for s in sentences.iter().filter(|s| !at_a_join(s)) {
        assert_eq!(is_chinese(s), s.language == Language::Zh, "{}", s.text);
    }
}

#[test]
fn a_break_changes_nothing() {
    let sound = sound("zh_live.opus", 0.0, 21.0);
    let ears = ears();
    let want = hear(&ears, &sound, Language::Zh, None);
    assert!(want.len() > 3);
    for crash_at in [9, 13] {
        assert_eq!(hear(&ears, &sound, Language::Zh, Some(crash_at)), want);
    }
}

#[test]
fn what_is_set_wrong_is_noticed_at_once() {
    let sentences = hear(&ears(), &sound("en_live.opus", 0.0, 12.0), Language::Zh, None);
    assert!(!sentences.is_empty());
    assert!(sentences.iter().all(|s| s.language == Language::En), "{sentences:?}");
}
