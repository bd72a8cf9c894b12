//! The transcriber under test: with the models of the embedded default, or with ears that make words up.

use std::sync::Arc;

use camino::Utf8PathBuf;
use clipmill_inference::{
    asr::{
        AsrError, Recognized, RecognizedSegment, RecognizedWord, Recognizer, Request, Whisper, WhisperOptions,
    },
    likely::Likely,
    registry::ModelFile,
    vad::SAMPLE_RATE,
    voiceprint::Voiceprints,
};
use clipmill_ingest::transcribe::Transcriber;
use tokio::sync::Semaphore;

use crate::{
    Failure,
    waits::{Calls, Timed},
};

/// As the worker's, one inference a core at once; its calls of the recogniser are noted.
pub fn transcriber(scripted: bool, calls: &Calls) -> Result<Transcriber, Failure> {
    let cores = std::thread::available_parallelism()?.get();
    let ears: Arc<dyn Recognizer> = if scripted {
        Arc::new(Timed(Scripted, Arc::clone(calls)))
    } else {
        let (name, path) = ("whisper-base".to_owned(), model("whisper-base.ggml.bin")?);
        let options = WhisperOptions { states: u16::try_from(cores)?, ..WhisperOptions::default() };
        let whisper = Whisper::load(&ModelFile { name, path, sha256: "0".repeat(64) }, options)?;
        Arc::new(Timed(whisper, Arc::clone(calls)))
    };
    let room = Arc::new(Semaphore::new(cores));
    let transcriber = Transcriber::with_silero(ears, &model("silero-vad-6.2.ggml.bin")?, room)?;
    if scripted {
        return Ok(transcriber);
    }
    let words = Likely::load(&model("zh-words-1.bin")?)?;
    let voices = Voiceprints::load(&model("voiceprint-resemblyzer.safetensors")?)?;
    Ok(transcriber.with_likely("zh-words".to_owned(), words).telling_voices(Arc::new(voices)))
}

fn model(file: &str) -> Result<Utf8PathBuf, Failure> {
    let dir = std::env::var("CLIPMILL_MODELS").unwrap_or_else(|_| "target/models".to_owned());
    let path = Utf8PathBuf::from(dir).join(file);
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("{path} is not there: fetch the models, or point CLIPMILL_MODELS at their folder").into())
    }
}

/// Says a syllable every 0.3 s, whatever it hears.
struct Scripted;

impl Recognizer for Scripted {
    fn transcribe(&self, request: &Request<'_>) -> Result<Recognized, AsrError> {
        #[expect(clippy::cast_precision_loss, reason = "seconds of a chunk")]
        let seconds = request.samples.len() as f64 / f64::from(SAMPLE_RATE);
        let seed = u32::try_from(request.samples.len() % 2000).unwrap_or(0);
        let word = |n: u32| RecognizedWord {
            // Another character each time: what says the same over and over is taken out.
            text: char::from_u32(0x4E00 + (seed + n * 7919) % 2000).unwrap_or('好').to_string(),
            start_s: f64::from(n) * 0.3,
            end_s: f64::from(n) * 0.3 + 0.28,
            p: 0.5 + 0.01 * (n % 37) as f32,
            mended: None,
        };
        let words: Vec<_> = (0..).map(word).take_while(|w| w.end_s < seconds).collect();
        let segments = vec![RecognizedSegment { start_s: 0.0, end_s: seconds, words }];
        Ok(Recognized { segments, spoken: None })
    }

    fn id(&self) -> String {
        "scripted/1".to_owned()
    }
}
