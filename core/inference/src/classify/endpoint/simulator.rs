//! A service on loopback that speaks the documented format, and misbehaves on demand.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::Url;
use serde_json::{Value, json};

/// What becomes of one request.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Each line is answered: `promo` where it speaks of money, else `fabric`, with its first three characters as quote.
    Answer,
    /// The same without saying what it took.
    WithoutUsage,
    /// A good envelope with this as the model's text.
    Says(String),
    /// This status, these further header lines, this body.
    Status(&'static str, &'static str, String),
    /// Refuses questions of which the body contains the first, with the second as reason; answers others.
    RefusesForm(&'static [&'static str], &'static str),
    /// Says nothing until the caller goes away.
    Hang,
    /// A byte every twenty milliseconds.
    Drip,
    /// Promises more than it sends, then hangs up.
    BreaksOff,
    /// So many bytes.
    Long(usize),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub head: String,
    pub body: Value,
}

pub(super) struct Simulator {
    pub base: Url,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

impl Simulator {
    /// Does one act for each request, in order; the last one again and again.
    pub(super) fn start(acts: &[Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/v1/", listener.local_addr().unwrap()).parse().unwrap();
        let requests = Arc::new(Mutex::new(vec![]));
        let (noted, acts) = (Arc::clone(&requests), acts.to_vec());
        std::thread::spawn(move || {
            for (i, stream) in listener.incoming().enumerate() {
                let act = acts[i.min(acts.len() - 1)].clone();
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || serve(&stream.unwrap(), &act, &noted));
            }
        });
        Self { base, requests }
    }

    pub(super) fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

fn serve(stream: &TcpStream, act: &Act, noted: &Mutex<Vec<Request>>) {
    let Some(request) = read(stream) else { return };
    noted.lock().unwrap().push(request.clone());
    let sent = request.body.to_string();
    match act {
        Act::Answer => reply(stream, &envelope(&labels(&request.body), true)),
        Act::WithoutUsage => reply(stream, &envelope(&labels(&request.body), false)),
        Act::Says(text) => reply(stream, &envelope(text, true)),
        Act::Status(status, headers, body) => send(stream, status, headers, body),
        Act::RefusesForm(what, why) if what.iter().any(|w| sent.contains(w)) => {
            send(stream, "400 Bad Request", "", &json!({"error": {"message": why}}).to_string());
        }
        Act::RefusesForm(..) => reply(stream, &envelope(&labels(&request.body), true)),
        Act::Hang => {
            let _ = BufReader::new(stream).read(&mut [0; 1]);
        }
        Act::Drip => {
            let mut stream = stream;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n");
            while stream.write_all(b" ").is_ok() {
                std::thread::park_timeout(Duration::from_millis(20));
            }
        }
        Act::BreaksOff => {
            let mut stream = stream;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n{\"choices\":[");
        }
        Act::Long(bytes) => send(stream, "200 OK", "", &"a".repeat(*bytes)),
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = n.trim().parse().unwrap();
        }
        head.push_str(&line);
        if line == "\r\n" || line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body: serde_json::from_slice(&body).ok()? })
}

/// What an honest model writes.
fn labels(question: &Value) -> String {
    let lines: Value = serde_json::from_str(question["messages"][1]["content"].as_str().unwrap()).unwrap();
    let answer = |line: &Value| {
        let text = line["text"].as_str().unwrap();
        let label = if text.contains('元') { "promo" } else { "fabric" };
        let quote: String = text.chars().take(3).collect();
        json!({"n": line["n"], "label": label, "also": [], "confidence": 0.9, "quotes": [quote]})
    };
    let answers: Vec<Value> = lines["lines"].as_array().unwrap().iter().map(answer).collect();
    json!({"answers": answers}).to_string()
}

fn envelope(text: &str, with_usage: bool) -> Value {
    let mut envelope = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
    });
    if with_usage {
        envelope["usage"] = json!({"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100});
    }
    envelope
}

fn reply(stream: &TcpStream, body: &Value) {
    send(stream, "200 OK", "content-type: application/json\r\n", &body.to_string());
}

fn send(mut stream: &TcpStream, status: &str, headers: &str, body: &str) {
    let head =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // Whoever has gone away has its reasons.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}
