//! Against a service on loopback that checks what it is sent and answers what the test says.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::mpsc,
};

use super::*;
use crate::asr::{Effort, Terms};

/// Answers one request with `status` and `body`; gives the request as it came.
fn service(status: &'static str, body: String) -> (Url, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/", listener.local_addr().unwrap()).parse().unwrap();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = n.trim().parse().unwrap();
            }
            head.push_str(&line);
            if line == "\r\n" {
                break;
            }
        }
        let mut request = head.into_bytes();
        let from = request.len();
        request.resize(from + length, 0);
        std::io::Read::read_exact(&mut reader, &mut request[from..]).unwrap();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        (&stream).write_all(answer.as_bytes()).unwrap();
        let _ = sender.send(request);
    });
    (url, receiver)
}

fn endpoint(base: Url) -> Endpoint {
    let key = Some(SecretString::from("hush"));
    let deadline = Duration::from_secs(20);
    Endpoint::new(EndpointOptions { base, model: "large".into(), key, deadline }).unwrap()
}

fn ask(endpoint: &Endpoint, language: &str, or: &[&str]) -> Result<Recognized, AsrError> {
    let samples = vec![0.5; 2 * SAMPLE_RATE as usize];
    let terms = Terms::of(["马齿苋".to_owned(), "AeonGlow".to_owned()]);
    endpoint.transcribe(&Request { samples: &samples, language, or, effort: Effort::Usual, terms: &terms })
}

#[test]
fn words_come_with_their_times_and_the_form_is_as_documented() {
    let body = r#"{"task":"transcribe","language":"chinese","duration":2.0,"text":"馬齒莧面膜 ok",
        "segments":[{"id":0,"start":0.1,"end":1.2,"text":"馬齒莧","avg_logprob":-0.1},
                    {"id":1,"start":1.2,"end":9.0,"text":"面膜 ok","avg_logprob":-0.2}],
        "words":[{"word":"馬齒莧","start":0.1,"end":1.0},{"word":"面膜","start":1.2,"end":1.6},
                 {"word":"ok","start":1.7,"end":2.4}]}"#;
    let (url, sent) = service("200 OK", body.to_owned());
    let endpoint = endpoint(url);
    let said = ask(&endpoint, "zh", &["en"]).unwrap();
    assert_eq!(said.spoken, Some(Spoken { language: "zh".into(), p: 1.0 }));
    let texts: Vec<String> = said.segments.iter().map(RecognizedSegment::text).collect();
    assert_eq!(texts, ["马齿苋", "面膜ok"]);
    let last = said.segments[1].words.last().unwrap();
    assert_eq!((last.start_s, last.end_s), (1.7, 2.0), "inside the sound");
    assert!((said.segments[0].words[0].p - 0.905).abs() < 0.001);
    let sent = String::from_utf8_lossy(&sent.recv().unwrap()).into_owned();
    assert!(sent.starts_with("POST /v1/audio/transcriptions "), "{}", &sent[..60]);
    for part in ["bearer hush", "name=\"model\"\r\n\r\nlarge", "verbose_json", "马齿苋, AeonGlow", "RIFF"]
    {
        assert!(sent.to_lowercase().contains(&part.to_lowercase()), "{part}");
    }
    assert!(!sent.contains("name=\"language\""), "it is to find out");
    assert_eq!(endpoint.id(), "large@127.0.0.1");
}

#[test]
fn a_service_that_gives_text_alone_is_good_enough() {
    let (url, sent) = service("200 OK", r#"{"text":"good morning"}"#.to_owned());
    let said = ask(&endpoint(url), "en", &[]).unwrap();
    assert_eq!(said.spoken, None);
    assert_eq!(said.segments[0].text(), "good morning");
    assert!(said.segments[0].words[1].start_s > 0.5 && said.segments[0].end_s <= 2.0);
    assert!(String::from_utf8_lossy(&sent.recv().unwrap()).contains("name=\"language\"\r\n\r\nen"));
}

#[test]
fn what_a_retry_cannot_mend_is_told_apart_and_the_key_is_never_said() {
    for (status, is_final_wanted) in
        [("401 Unauthorized", true), ("404 Not Found", true), ("429 Too Many", false), ("503 Busy", false)]
    {
        let (url, _sent) = service(status, "no luck with hush".to_owned());
        let error = ask(&endpoint(url), "zh", &[]).unwrap_err();
        let AsrError::Endpoint { is_final, .. } = &error else { panic!("{error}") };
        assert_eq!(*is_final, is_final_wanted, "{status}");
        let said = error.to_string();
        assert!(said.contains(&status[..3]) && said.contains("luck") && !said.contains("hush"), "{said}");
    }
    let (url, _sent) = service("200 OK", "<html>".to_owned());
    assert!(ask(&endpoint(url), "zh", &[]).unwrap_err().to_string().contains("cannot be read"));
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = ask(&endpoint(format!("http://{gone}/v1").parse().unwrap()), "zh", &[]).unwrap_err();
    assert!(matches!(error, AsrError::Endpoint { is_final: false, .. }), "{error}");
}

#[test]
fn addresses_with_passwords_are_refused() {
    for base in ["ftp://a/v1", "http://user:pw@a/v1"] {
        let options = EndpointOptions {
            base: base.parse().unwrap(),
            model: "m".into(),
            key: None,
            deadline: Duration::from_secs(1),
        };
        assert!(Endpoint::new(options).is_err(), "{base}");
    }
}
