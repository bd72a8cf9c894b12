//! How long a sentence waits for its text, and where the time goes.
//!
//! | share | from | to |
//! | --- | --- | --- |
//! | speech | the end of the sentence | the end of the utterance that it became a piece of |
//! | sound | that | the part that was heard last for it lies there: a pause, or more speech where nobody pauses, and the rest of the part |
//! | worker | that | the recogniser is asked |
//! | ears | that | the text's row is made |

use std::{
    os::unix::fs::MetadataExt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use clipmill_domain::{MediaTime, RecordingId, recording::Part, transcript::Utterance};
use clipmill_inference::{
    asr::{AsrError, Recognized, Recognizer, Request},
    vad::SAMPLE_RATE,
};
use clipmill_ingest::eval::Truth;
use clipmill_store::Store;

use crate::Failure;

/// When a recogniser was asked, in milliseconds of the wall, and what for, in seconds of sound.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    began_ms: f64,
    ended_ms: f64,
    sound_s: f64,
}

/// The calls so far.
pub type Calls = Arc<Mutex<Vec<Call>>>;

/// A recogniser whose calls are noted.
pub struct Timed<R>(pub R, pub Calls);

impl<R: Recognizer> Recognizer for Timed<R> {
    fn transcribe(&self, request: &Request<'_>) -> Result<Recognized, AsrError> {
        let began_ms = now_ms();
        let answer = self.0.transcribe(request);
        #[expect(clippy::cast_precision_loss, reason = "seconds of a chunk")]
        let sound_s = request.samples.len() as f64 / f64::from(SAMPLE_RATE);
        let call = Call { began_ms, ended_ms: now_ms(), sound_s };
        self.1.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        answer
    }

    fn can_try_harder(&self) -> bool {
        self.0.can_try_harder()
    }

    fn id(&self) -> String {
        self.0.id()
    }
}

fn now_ms() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64() * 1e3)
}

/// One sentence's wait, in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wait {
    /// All of it.
    pub all: f64,
    speech: f64,
    sound: f64,
    worker: f64,
    ears: f64,
}

/// For each sentence of the truth, played every `loop_s` seconds, that was heard: from its true end, by the arrival of the
/// part that it lies in, to the making of its row.
pub async fn of(
    store: &Store,
    rec: RecordingId,
    heard: &[Utterance],
    truth: &Truth,
    loop_s: f64,
    calls: &Calls,
) -> Result<Vec<Wait>, Failure> {
    let parts = store.parts(rec).await?;
    let mut ready = vec![];
    for part in &parts {
        // Renaming it was the last that was done to it.
        let meta = std::fs::metadata(store.library().local_path(&part.path)?)?;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of our time")]
        ready.push((part, meta.ctime() as f64 * 1e3 + meta.ctime_nsec() as f64 / 1e6));
    }
    let calls = calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut waits = vec![];
    for utterance in heard {
        // An id begins with the milliseconds at which it was made.
        let made = utterance.id.to_string().replace('-', "");
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of our time")]
        let made_ms = i64::from_str_radix(made.get(..12).unwrap_or_default(), 16)? as f64;
        let (from, to) = (utterance.span.start().as_seconds(), utterance.span.end().as_seconds());
        for sentence in &truth.sentences {
            let end_s = sentence.end + (to / loop_s).floor() * loop_s;
            if !(from..to + 0.5).contains(&end_s) {
                continue;
            }
            let Some(said_ms) = wall_ms(&parts, end_s) else { continue };
            let last = calls
                .iter()
                .filter(|c| c.ended_ms <= made_ms + 1.0)
                .max_by(|a, b| a.ended_ms.total_cmp(&b.ended_ms));
            let asked_ms = last.map_or(made_ms, |c| c.began_ms);
            let in_part = ready.iter().filter(|(_, at)| *at <= asked_ms).max_by_key(|(p, _)| p.seq);
            let ready_ms = in_part.map_or(asked_ms, |(_, at)| *at);
            let closed_ms = wall_ms(&parts, to).unwrap_or(said_ms);
            waits.push(Wait {
                all: (made_ms - said_ms) / 1e3,
                speech: (closed_ms - said_ms) / 1e3,
                sound: (ready_ms - closed_ms) / 1e3,
                worker: (asked_ms - ready_ms) / 1e3,
                ears: (made_ms - asked_ms) / 1e3,
            });
            if let Some(wait) = waits.last().filter(|_| std::env::var_os("BENCH_EACH").is_some()) {
                let sound_s = last.map_or(f64::NAN, |c| c.sound_s);
                println!(
                    "{end_s:8.2} {wait:.2?} last chunk {sound_s:.1} s {} {}",
                    utterance.span, utterance.text
                );
            }
        }
    }
    Ok(waits)
}

/// When the moment at `at_s` of the recording came in.
fn wall_ms(parts: &[Part], at_s: f64) -> Option<f64> {
    let part = parts.iter().rev().find(|p| p.span.start().as_seconds() <= at_s)?;
    let into_us = MediaTime::from_seconds(at_s) - part.span.start();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of our time")]
    Some(part.wall_start.as_millis() as f64 + into_us as f64 / 1e3)
}

/// Prints median, 95th percentile, and the mean shares of all and of the slowest fifth.
pub fn print(mut waits: Vec<Wait>) {
    waits.sort_by(|a, b| a.all.total_cmp(&b.all));
    let place = |share: usize| (waits.len() * share / 100).min(waits.len().saturating_sub(1));
    let at = |share: usize| waits.get(place(share)).map_or(f64::NAN, |w| w.all);
    println!("end of a sentence to its text, {}: median {:.2} s, p95 {:.2} s", waits.len(), at(50), at(95));
    let mean =
        |of: &[Wait], share: fn(&Wait) -> f64| of.iter().map(share).sum::<f64>() / of.len().max(1) as f64;
    for (name, of) in [("all", &waits[..]), ("slowest fifth", &waits[place(80)..])] {
        println!(
            "  of {name}: speech {:.2} s, sound {:.2} s, worker {:.2} s, ears {:.2} s",
            mean(of, |w| w.speech),
            mean(of, |w| w.sound),
            mean(of, |w| w.worker),
            mean(of, |w| w.ears)
        );
    }
}
