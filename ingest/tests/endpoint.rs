//! The transcriber over a real recording, with a transcription service on loopback as its ears: it checks the key, reads
//! the form, and tells each beep it was sent.

#[path = "support/mod.rs"]
mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clipmill_domain::recording::Recording;
use clipmill_inference::asr::{Endpoint, EndpointOptions};
use clipmill_ingest::{
    record::RecordConfig,
    transcribe::{NAME, Transcriber},
};
use clipmill_worker::Engine;
use secrecy::SecretString;
use support::{
    Bench,
    beeps::{Loudness, beeps_in, make_beeps},
    until,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

const KEY_OF_SERVICE: &str = "sk-hush-4711";

/// A service that answers `Busy` to the calls with the numbers told, from 1.
struct Service {
    base: String,
    calls: Arc<AtomicUsize>,
    /// What was wrong with the forms.
    wrong: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn start(busy_at: &'static [usize]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let (calls, wrong) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (count, notes) = (calls.clone(), wrong.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let call = count.fetch_add(1, Ordering::SeqCst) + 1;
                answer(&stream.unwrap(), busy_at.contains(&call), &notes);
            }
        });
        Self { base, calls, wrong }
    }

    fn ears(&self, key: &str) -> Arc<Endpoint> {
        let options = EndpointOptions {
            base: self.base.parse().unwrap(),
            model: "beeps-large".into(),
            key: Some(SecretString::from(key)),
            deadline: Duration::from_secs(20),
        };
        Arc::new(Endpoint::new(options).unwrap())
    }
}

fn answer(stream: &TcpStream, busy: bool, wrong: &Mutex<Vec<String>>) {
    let (head, body) = read(stream);
    let (status, said) = if !head.contains(&format!("authorization: Bearer {KEY_OF_SERVICE}\r\n")) {
        // Real services repeat the key.
        let key = head.split("Bearer ").nth(1).and_then(|k| k.split('\r').next()).unwrap_or("none");
        ("401 Unauthorized", format!(r#"{{"error":{{"message":"Incorrect API key provided: {key}"}}}}"#))
    } else if busy {
        ("503 Service Unavailable", r#"{"error":{"message":"loading"}}"#.to_owned())
    } else {
        let form = String::from_utf8_lossy(&body);
        for part in
            ["name=\"model\"\r\n\r\nbeeps-large\r\n", "verbose_json", "name=\"language\"\r\n\r\nzh\r\n"]
        {
            if !form.contains(part) {
                wrong.lock().unwrap().push(part.to_owned());
            }
        }
        ("200 OK", heard(&body))
    };
    let _ = write!(
        &*stream,
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{said}",
        said.len()
    );
}

/// Head and body of a request. Header names come in lower case from the client.
fn read(stream: &TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(n) = line.strip_prefix("content-length:") {
            length = n.trim().parse().unwrap();
        }
        head.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}

/// The beeps of the form's WAV file, as `verbose_json`.
fn heard(form: &[u8]) -> String {
    let at = form.windows(4).position(|w| w == b"RIFF").unwrap();
    let bytes = u32::from_le_bytes(form[at + 40..at + 44].try_into().unwrap()) as usize;
    let sound = &form[at + 44..at + 44 + bytes];
    let samples: Vec<f32> =
        sound.chunks(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0).collect();
    let (mut words, mut segments) = (vec![], vec![]);
    for b in beeps_in(&samples) {
        let (name, start, end) = (b.name, b.start_s, b.end_s);
        words.push(format!(r#"{{"word":"{name}","start":{start},"end":{end}}}"#));
        segments.push(format!(r#"{{"start":{start},"end":{end},"text":"{name}","avg_logprob":-0.2}}"#));
    }
    format!(
        r#"{{"language":"chinese","text":"","segments":[{}],"words":[{}]}}"#,
        segments.join(","),
        words.join(",")
    )
}

async fn recorded(bench: &Bench) -> Recording {
    let media = bench.dir().join("beeps.mp4");
    make_beeps(&media, 6);
    bench.add_pull("beeps", &format!("file://{media}")).await;
    let store = bench.store();
    until("it is recorded", 15, async || {
        store.recordings(1).await.unwrap().first().is_some_and(|r| r.ended_at.is_some())
    })
    .await;
    store.recordings(1).await.unwrap()[0].clone()
}

fn engine(ears: Arc<Endpoint>) -> Engine {
    let voice = Arc::new(|| Ok(Box::new(Loudness::default()) as _));
    Engine::builder().follower(Transcriber::new(ears, voice, Arc::new(Semaphore::new(4)))).build()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_service_is_asked_again_and_no_word_is_lost_or_doubled() {
    let bench = Bench::start(RecordConfig::default()).await;
    let rec = recorded(&bench).await;
    let store = bench.store().clone();
    let service = Service::start(&[1, 4]);
    let ears = tokio::task::block_in_place(|| service.ears(KEY_OF_SERVICE));
    let stop = CancellationToken::new();
    let task = tokio::spawn(engine(ears).run(store.clone(), stop.clone()));
    until("it is transcribed", 60, async || store.follower_done(rec.id, NAME).await.unwrap()).await;
    stop.cancel();
    task.await.unwrap().unwrap();
    let all = store.utterances(rec.id).await.unwrap();
    let said: Vec<&str> = all.iter().map(|u| u.text.as_str()).collect();
    assert_eq!(said, ["b3", "b4", "b5", "b6", "b7", "b8"]);
    for (i, u) in (0u32..).zip(&all) {
        assert!((u.span.start().as_seconds() - 1.5 * f64::from(i)).abs() < 0.08, "{i}: {}", u.span);
        assert_eq!(u.made_by, "beeps-large@127.0.0.1");
    }
    assert!(service.calls.load(Ordering::SeqCst) >= 8, "the busy ones were asked again");
    assert_eq!(*service.wrong.lock().unwrap(), Vec::<String>::new());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_key_waits_for_the_operator_and_is_never_told() {
    let bench = Bench::start(RecordConfig::default()).await;
    let rec = recorded(&bench).await;
    let store = bench.store().clone();
    let service = Service::start(&[]);
    let hear = |key: &str| {
        let engine = engine(tokio::task::block_in_place(|| service.ears(key)));
        let (status, stop) = (engine.status(), CancellationToken::new());
        (tokio::spawn(engine.run(store.clone(), stop.clone())), status, stop)
    };
    let (task, status, stop) = hear("sk-hush-wrong");
    until("the trouble is shown", 20, async || !status.snapshot().problems().is_empty()).await;
    let told = status.snapshot().problems().join("\n");
    assert!(
        told.contains("401") && told.contains("127.0.0.1") && told.contains("transcribe.api_key_file"),
        "{told}"
    );
    assert!(!told.contains("hush"), "{told}");
    assert!(!store.follower_done(rec.id, NAME).await.unwrap(), "what is not heard is not over");
    stop.cancel();
    task.await.unwrap().unwrap();

    // The operator puts the right key in.
    let (task, _, stop) = hear(KEY_OF_SERVICE);
    until("it is transcribed", 60, async || store.follower_done(rec.id, NAME).await.unwrap()).await;
    stop.cancel();
    task.await.unwrap().unwrap();
    assert_eq!(store.utterances(rec.id).await.unwrap().len(), 6);
    bench.stop().await;
}
