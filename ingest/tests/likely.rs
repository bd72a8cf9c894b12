//! Listening with Chinese words at hand: sentences come out put right, and say what was heard.

use std::sync::Arc;

use clipmill_domain::{
    source::Language,
    transcript::{Mended, MendedBy},
};
use clipmill_inference::{
    asr::{AsrError, Recognized, RecognizedSegment, RecognizedWord, Recognizer, Request},
    likely::Likely,
    vad::{FRAME, VadError, Voice},
};
use clipmill_ingest::transcribe::listen::{AnyVoice, Listener, Output, State};

/// Speech is what is not silence.
struct Loudness;

impl Voice for Loudness {
    fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, VadError> {
        let speech = |f: &[f32]| if f.iter().any(|s| *s != 0.0) { 0.95 } else { 0.02 };
        Ok(samples.chunks_exact(FRAME).map(speech).collect())
    }

    fn finish(&mut self) -> Result<Vec<f32>, VadError> {
        Ok(vec![])
    }
}

/// Hears the same whatever is said.
struct Same;

impl Recognizer for Same {
    fn transcribe(&self, _: &Request<'_>) -> Result<Recognized, AsrError> {
        let word = |(i, c): (u32, char)| RecognizedWord {
            text: c.to_string(),
            start_s: 0.25 + f64::from(i) * 0.2,
            end_s: 0.45 + f64::from(i) * 0.2,
            p: 0.5,
            mended: None,
        };
        let words = (0..).zip("买充电保".chars()).map(word).collect();
        Ok(Recognized {
            segments: vec![RecognizedSegment { start_s: 0.25, end_s: 1.05, words }],
            spoken: None,
        })
    }

    fn id(&self) -> String {
        "same/1".into()
    }
}

fn listened(language: Language) -> Output {
    let dictionary = "买 mai\n充 chong\n电 dian\n保 bao\n充电宝 chong'dian'bao\n";
    let ngrams =
        "\\1-grams:\n-3\t买\n-4\t充\n-4\t电\n-4\t保\n-4\t充电宝\n\\2-grams:\n-2\t买 充电宝\n\\end\\\n";
    let likely = Likely::from_text(dictionary.as_bytes(), ngrams.as_bytes()).unwrap();
    let mut listener =
        Listener::resume(AnyVoice(Box::new(Loudness)), Arc::new(Same), State::new(language), language);
    listener.set_likely(Some(Arc::new(likely)));
    let mut out = Output::default();
    let (quiet, loud) = (vec![0.0; FRAME * 20], vec![0.5; FRAME * 40]);
    listener.sound(0, [quiet.clone(), loud, quiet.repeat(3)].concat(), &mut out).unwrap();
    listener.finish(&mut out).unwrap();
    out
}

#[test]
fn chinese_is_put_right_and_says_what_was_heard() {
    let out = listened(Language::Zh);
    let [sentence] = out.sentences.as_slice() else { panic!("{out:?}") };
    assert_eq!(sentence.text, "买充电宝");
    assert_eq!(sentence.words.len(), 4);
    assert_eq!(sentence.words[3].mended, Some(Mended { heard: "保".into(), by: MendedBy::Likelihood }));
    assert!(sentence.words[..3].iter().all(|w| w.mended.is_none()));
}

#[test]
fn another_language_stays_as_it_was_heard() {
    let out = listened(Language::En);
    assert!(!out.sentences.is_empty());
    assert!(out.sentences.iter().flat_map(|s| &s.words).all(|w| w.mended.is_none()), "{out:?}");
}
