//! Lives that are heard while they are being recorded, with the real models: a term entered in the middle of one is
//! written right from then on, and who speaks is told all the way into the rows.

#[path = "support/spoken.rs"]
mod spoken;
#[path = "support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use clipmill_domain::{
    Id, LexiconEntryId, SourceId,
    lexicon::LexiconEntry,
    product::Product,
    source::SourceKind,
    transcript::{MendedBy, Utterance},
};
use clipmill_inference::voiceprint::Voiceprints;
use clipmill_ingest::{record::RecordConfig, transcribe::Transcriber};
use clipmill_store::{
    Store, lexicon,
    sources::{self, NewSource},
    testing,
};
use clipmill_worker::Engine;
use spoken::{fixture, script, times};
use support::{Bench, now, until};
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Sentences are cut out of a fixture with so much before and behind them, in seconds.
const AROUND_S: f64 = 0.05;
/// Silence between two who speak in turn, in seconds: more than within one sentence.
const APART_S: f64 = 1.2;
/// Silence behind the last one, in seconds: it ends a sentence, and the part it is in is closed.
const BEHIND_S: f64 = 4.0;
/// What a person enters holds for sentences heard so much later: a little longer than the transcriber keeps a lexicon.
const HOLDS_AFTER: Duration = Duration::from_secs(6);

/// A live that consists of sentences of `zh_live`, each after so many seconds of silence, as FLV; with when each begins.
fn live(bench: &Bench, said: &[(usize, f64)]) -> (Vec<u8>, Vec<f64>) {
    let script = script("zh_live");
    let mut at = 0.0;
    let mut starts = vec![];
    let mut filter = String::new();
    for (n, (sentence, silence_s)) in said.iter().enumerate() {
        let (from, until) = times(&script[*sentence]);
        at += silence_s;
        starts.push(at + AROUND_S);
        let length = until - from + 2.0 * AROUND_S;
        filter += &format!(
            "[1:a]atrim=start={}:duration={length},asetpts=PTS-STARTPTS,adelay={:.0}[s{n}];",
            from - AROUND_S,
            at * 1000.0
        );
        at += length;
    }
    let all: String = (0..said.len()).map(|n| format!("[s{n}]")).collect();
    filter += &format!("{all}amix=inputs={}:normalize=0,apad[speech]", said.len());
    let file = bench.dir().join("live.flv");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10"])
        .args(["-i", fixture("zh_live.opus").as_str(), "-filter_complex", &filter])
        .args(["-map", "0:v", "-map", "[speech]", "-t", &(at + BEHIND_S).to_string()])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p", "-threads", "1"])
        .args(["-c:a", "aac", "-ar", "44100", file.as_str()])
        .status();
    assert!(made.is_ok_and(|s| s.success()));
    (std::fs::read(file).unwrap(), starts)
}

/// A server of one connection, which sends what it is given.
fn server() -> (String, mpsc::Sender<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/live/room.flv", listener.local_addr().unwrap());
    let (send, sent) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _ = socket.read(&mut request).unwrap();
        let _ =
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n");
        while let Ok(bytes) = sent.recv() {
            let _ = socket.write_all(&bytes);
        }
    });
    (url, send)
}

/// Where the first tag from `seconds` on begins that a decoder can begin with, and what comes in front of all tags.
fn cut_at(flv: &[u8], seconds: f64) -> usize {
    let mut at = 13;
    while at + 15 <= flv.len() {
        let b = &flv[at..];
        let ms = u32::from_be_bytes([b[7], b[4], b[5], b[6]]);
        if b[0] == 9 && b[11] >> 4 == 1 && f64::from(ms) >= seconds * 1000.0 {
            return at;
        }
        at += 15 + u32::from_be_bytes([0, b[1], b[2], b[3]]) as usize;
    }
    panic!("the live is shorter than {seconds} s");
}

async fn source(bench: &Bench, url: String) -> SourceId {
    let id = SourceId::new_at(now());
    let new = NewSource { id, kind: SourceKind::Pull, secret: url.into(), ..testing::new_source("room") };
    let mut tx = bench.store().begin().await.unwrap();
    sources::add_source(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// A worker that transcribes, telling voices apart.
fn worker(store: &Store, stop: &CancellationToken) -> JoinHandle<()> {
    let room = Arc::new(Semaphore::new(1));
    let transcriber = Transcriber::with_silero(spoken::whisper(), &spoken::voice_model(), room).unwrap();
    let voices = Voiceprints::load(&spoken::model("voiceprint-resemblyzer.safetensors")).unwrap();
    let engine = Engine::builder().follower(transcriber.telling_voices(Arc::new(voices))).build();
    let (store, stop) = (store.clone(), stop.clone());
    tokio::spawn(async move { engine.run(store, stop).await.unwrap() })
}

async fn heard(store: &Store) -> Vec<Utterance> {
    match store.recordings(1).await.unwrap().first() {
        Some(rec) => store.utterances(rec.id).await.unwrap(),
        None => vec![],
    }
}

fn all_text(heard: &[Utterance]) -> String {
    heard.iter().map(|u| u.text.as_str()).collect::<Vec<_>>().join(" | ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_term_entered_during_a_live_is_written_right_from_then_on() {
    let bench =
        Bench::start(RecordConfig { stall: Duration::from_secs(120), ..RecordConfig::default() }).await;
    // "主打成分是马齿苋和角鲨烷 …" twice, and other talk behind each, which lets its part be closed.
    let (flv, starts) = live(&bench, &[(19, 0.6), (13, 0.6), (19, BEHIND_S), (13, 0.6)]);
    let (url, send) = server();
    let id = source(&bench, url).await;
    let (store, stop) = (bench.store().clone(), CancellationToken::new());
    let worker = worker(&store, &stop);

    let cut = cut_at(&flv, starts[2] - 1.4);
    let second = flv[cut..].to_vec();
    send.send(flv[..cut].to_vec()).unwrap();
    until("the first half is heard", 120, async || {
        heard(&store).await.iter().any(|u| u.span.end().as_seconds() > starts[1])
    })
    .await;
    let before = heard(&store).await;
    assert!(!all_text(&before).contains("马齿苋"), "base hears it right by itself: {}", all_text(&before));

    let entry = LexiconEntry {
        id: LexiconEntryId::new_at(now()),
        source_id: Some(id),
        language: None,
        term: "马齿苋".into(),
        aliases: vec![],
        misheard: vec![],
        entered_by: "test".into(),
        entered_at: now(),
    };
    let product = serde_json::json!({ "sku": "X-1", "name": "角鲨烷面霜", "aliases": ["角鲨烷"] });
    let product: Product = serde_json::from_value(product).unwrap();
    let mut tx = store.begin().await.unwrap();
    lexicon::put_lexicon_entry(&mut tx, &entry).await.unwrap();
    sources::set_products(&mut tx, id, &[product]).await.unwrap();
    tx.commit().await.unwrap();
    tokio::time::sleep(HOLDS_AFTER).await;
    send.send(second).unwrap();
    until("the second half is heard", 120, async || {
        heard(&store).await.iter().any(|u| u.span.end().as_seconds() > starts[3])
    })
    .await;

    let all = heard(&store).await;
    eprintln!("{}", all_text(&all));
    assert_eq!(all[..before.len()], before, "what was said before stays as it was");
    for term in ["马齿苋", "角鲨烷"] {
        let said = all[before.len()..].iter().find(|u| u.text.contains(term));
        let said = said.unwrap_or_else(|| panic!("{term} is not written: {}", all_text(&all)));
        // Its letters are the words' letters; at least one of them was heard as something else, and that is kept.
        let mended: Vec<_> = said.words.iter().filter_map(|w| Some((w, w.mended.as_ref()?))).collect();
        let kept = mended.iter().any(|(w, m)| {
            m.by == MendedBy::Sound
                && term.contains(w.text.trim_end_matches([',', '，']))
                && m.heard != w.text
        });
        assert!(kept, "{term}: {mended:?}");
    }
    drop(send);
    stop.cancel();
    worker.await.unwrap();
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_and_assistant_are_told_apart_in_the_rows() {
    let bench =
        Bench::start(RecordConfig { stall: Duration::from_secs(120), ..RecordConfig::default() }).await;
    let said = [16, 17, 10, 26, 13, 17, 34];
    let (flv, starts) = live(&bench, &said.map(|n| (n, APART_S)));
    let (url, send) = server();
    source(&bench, url).await;
    send.send(flv).unwrap();
    let (store, stop) = (bench.store().clone(), CancellationToken::new());
    let worker = worker(&store, &stop);
    until("it is heard", 120, async || {
        heard(&store).await.iter().any(|u| u.span.end().as_seconds() > starts[6] + 1.0)
    })
    .await;
    let script = script("zh_live");
    let utterances = heard(&store).await;
    // Who says most of each sentence of the script, by the rows.
    let mut told: BTreeMap<String, Vec<Option<u32>>> = BTreeMap::new();
    for (sentence, start) in said.iter().zip(&starts) {
        let (from, until) = times(&script[*sentence]);
        let middle = start + (until - from) / 2.0;
        let over =
            |u: &&Utterance| (u.span.start().as_seconds()..u.span.end().as_seconds()).contains(&middle);
        let speaker = utterances.iter().find(over).and_then(|u| u.speaker);
        told.entry(script[*sentence]["speaker"].as_str().unwrap().to_owned()).or_default().push(speaker);
    }
    drop(send);
    eprintln!("{told:?} in {}", all_text(&utterances));
    // The host speaks first, so is voice 0.
    let right = |who: &str, voice: u32| told[who].iter().filter(|v| **v == Some(voice)).count();
    assert!(right("A", 0) * 4 >= told["A"].len() * 3, "{told:?}");
    assert!(right("B", 1) * 3 >= told["B"].len() * 2, "{told:?}");
    assert!(told.values().flatten().flatten().all(|v| *v < 2), "there are two people: {told:?}");
    stop.cancel();
    worker.await.unwrap();
    bench.stop().await;
}
