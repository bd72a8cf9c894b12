//! Transcribes raw sound (16 kHz mono, 32-bit float, little endian) and prints JSON, one segment a line.
//!
//! `cargo run -p clipmill-inference --example transcribe -- MODELS SOUND LANGUAGE [live [TERMS]]`: the samples as one piece, at
//! most 30 s, or with `live` by way of voice activity, chunks and guards; the file TERMS holds terms that may be said, one a
//! line.

use std::time::{Duration, Instant};

use clipmill_inference::{
    asr::{
        Effort, RecognizedSegment, Recognizer, Request, Terms, Whisper, WhisperOptions,
        live::{RecognizedChunk, SpeechToText},
    },
    registry::Registry,
    vad::{ChunkerConfig, Vad},
};

fn main() -> anyhow::Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [models, sound, language, how @ ..] = args.as_slice() else {
        anyhow::bail!("give MODELS SOUND LANGUAGE [live [TERMS]]");
    };
    let registry = Registry::new(models.as_str(), None)?;
    let bytes = std::fs::read(sound)?;
    let samples: Vec<f32> =
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    // Room for a machine that is busy with other things.
    let options = WhisperOptions { deadline: Duration::from_secs(1800), ..WhisperOptions::default() };
    let whisper = Whisper::load(&registry.verify("whisper-base")?, options)?;
    let began = Instant::now();
    if how.first().is_some_and(|h| h == "live") {
        let vad = Vad::load(&registry.path("silero-vad")?)?;
        let mut live =
            SpeechToText::new(vad.into_stream(), whisper, language.as_str(), ChunkerConfig::default());
        if let Some(terms) = how.get(1) {
            live.set_terms(Terms::of(std::fs::read_to_string(terms)?.lines().map(str::to_owned)));
        }
        let mut at = 0;
        for block in samples.chunks(1600) {
            live.push(at, block)?.chunks.iter().for_each(show);
            at += block.len() as u64;
        }
        live.finish()?.chunks.iter().for_each(show);
    } else {
        let request =
            Request { samples: &samples, language, or: &[], effort: Effort::Usual, terms: Terms::NONE };
        print(&whisper.transcribe(&request)?.segments);
    }
    eprintln!("{:.2} s for {:.2} s of sound", began.elapsed().as_secs_f64(), samples.len() as f64 / 16_000.0);
    Ok(())
}

fn show(chunk: &RecognizedChunk) {
    print(&chunk.segments);
    for d in &chunk.dropped {
        eprintln!("dropped ({}) {:.2}-{:.2}: {}", d.reason.key(), d.start_s, d.end_s, d.text);
    }
}

fn print(segments: &[RecognizedSegment]) {
    for s in segments {
        let words: Vec<_> = s.words.iter().map(|w| (&w.text, w.start_s, w.end_s, w.p)).collect();
        let line =
            serde_json::json!({ "start": s.start_s, "end": s.end_s, "text": s.text(), "words": words });
        println!("{line}");
    }
}
