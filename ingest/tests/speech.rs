//! The whole road with the real models: a spoken live is recorded and transcribed.

#[path = "support/spoken.rs"]
mod spoken;
#[path = "support/mod.rs"]
mod support;

use std::{process::Command, sync::Arc};

use clipmill_domain::source::Language;
use clipmill_inference::{asr::Recognizer, vad::Vad};
use clipmill_ingest::{
    record::RecordConfig,
    transcribe::{
        NAME, Transcriber,
        listen::{AnyVoice, Listener, Output, State},
    },
};
use clipmill_worker::Engine;
use spoken::{distance, letters};
use support::{Bench, until};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How much of the fixture is heard, and how much of it has no numerals, which are written in too many ways to compare.
const SECONDS: f64 = 18.0;
const PLAIN_SECONDS: f64 = 12.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spoken_live_becomes_sentences_at_their_times() {
    let bench = Bench::start(RecordConfig::default()).await;
    let live = bench.dir().join("live.mp4");
    let speech = spoken::fixture("zh_live.opus");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10"])
        .args(["-i", speech.as_str(), "-t", &SECONDS.to_string(), "-c:v", "libx264", "-preset", "ultrafast"])
        .args([
            "-g",
            "10",
            "-pix_fmt",
            "yuv420p",
            "-threads",
            "1",
            "-c:a",
            "aac",
            "-ar",
            "44100",
            live.as_str(),
        ])
        .status()
        .unwrap();
    assert!(made.success());
    bench.add_pull("live", &format!("file://{live}")).await;

    let room = Arc::new(Semaphore::new(1));
    let follower = Transcriber::with_silero(spoken::whisper(), &spoken::voice_model(), room).unwrap();
    let stop = CancellationToken::new();
    let engine = Engine::builder().follower(follower).build();
    let task = tokio::spawn(engine.run(bench.store().clone(), stop.clone()));
    let store = bench.store().clone();
    until("it is transcribed", 240, async || match store.recordings(1).await.unwrap().first() {
        Some(r) => store.follower_done(r.id, NAME).await.unwrap(),
        None => false,
    })
    .await;
    stop.cancel();
    task.await.unwrap().unwrap();

    let rec = store.recordings(1).await.unwrap()[0].clone();
    let heard = store.utterances(rec.id).await.unwrap();
    for u in &heard {
        eprintln!("{} {}", u.span, u.text);
    }
    let truth = spoken::script("zh_live");
    let said: Vec<&serde_json::Value> =
        truth.iter().filter(|s| s["end"].as_f64().unwrap() <= SECONDS - 0.5).collect();
    let plain = said.iter().filter(|s| s["end"].as_f64().unwrap() < PLAIN_SECONDS);
    let want: Vec<char> = plain.flat_map(|s| letters(s["text"].as_str().unwrap())).collect();
    let early = heard.iter().filter(|u| u.span.start().as_seconds() < PLAIN_SECONDS);
    let got: Vec<char> = early.flat_map(|u| letters(&u.text)).collect();
    let wrong = distance(&got, &want);
    assert!(want.len() > 40 && wrong * 100 <= want.len() * 15, "{wrong} of {} characters differ", want.len());
    // Most sentences begin where one was begun, and none is a page.
    let near = |u: f64| said.iter().any(|s| (s["start"].as_f64().unwrap() - u).abs() < 0.4);
    let starts = heard.iter().filter(|u| near(u.span.start().as_seconds())).count();
    assert!(starts * 2 >= heard.len(), "{starts} of {} begin where a sentence begins", heard.len());
    assert!(
        heard.len() >= said.len() / 2 && heard.len() <= said.len() * 3,
        "{} of {}",
        heard.len(),
        said.len()
    );
    assert!(heard.windows(2).all(|w| w[0].span.end() <= w[1].span.start()));
    bench.stop().await;
}

/// Sound of a fixture, 16 kHz mono.
fn sound(file: &str, from_s: u32, seconds: u32) -> Vec<f32> {
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-ss", &from_s.to_string(), "-t", &seconds.to_string()])
        .args(["-i", spoken::fixture(file).as_str(), "-ac", "1", "-ar", "16000", "-f", "f32le", "-"])
        .output()
        .unwrap();
    assert!(made.status.success());
    made.stdout.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

#[test]
fn any_cutting_into_blocks_gives_the_same_sentences_with_the_real_models() {
    let ears: Arc<dyn Recognizer> = spoken::whisper();
    let sound = sound("en_live.opus", 5, 20);
    let listened = |blocks: &[usize]| {
        let voice = Vad::load(&spoken::voice_model()).unwrap().into_stream();
        let state = State::new(Language::En);
        let mut listener = Listener::resume(AnyVoice(Box::new(voice)), ears.clone(), state, Language::En);
        let (mut out, mut at) = (Output::default(), 0);
        for block in blocks.iter().cycle() {
            let end = (at + block).min(sound.len());
            listener.sound(at as u64, sound[at..end].to_vec(), &mut out).unwrap();
            at = end;
            if at == sound.len() {
                break;
            }
        }
        listener.finish(&mut out).unwrap();
        out
    };
    let whole = listened(&[sound.len()]);
    assert!(whole.sentences.len() >= 2, "{whole:?}");
    // Blocks of a sample, of no round number, of a live's part.
    let cut = listened(&[1, 511, 513, 7, 32_000, 3_333, 50_001]);
    assert_eq!(cut.sentences, whole.sentences);
    assert_eq!(cut.dropped, whole.dropped);
}
