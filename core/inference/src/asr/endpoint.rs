//! Transcription by a service that speaks OpenAI's wire format: `POST {base}/audio/transcriptions`, a form with the sound
//! as WAV, answered with `verbose_json`. Whisper servers of several makes, on one's own GPU or hired, speak it.

use std::{
    io::Read as _,
    time::{Duration, Instant},
};

use reqwest::{
    StatusCode, Url,
    blocking::{Client, multipart},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{
    AsrError, Recognized, RecognizedSegment, Recognizer, Request, Spoken,
    words::{self, Token},
};
use crate::vad::SAMPLE_RATE;

/// An answer is never this long: 30 s of talk with the times of its words are some thousands of bytes.
const ANSWER_BYTES_MAX: u64 = 4 << 20;
/// The probability of words of which the service gives none.
const P_UNKNOWN: f32 = 0.5;
/// The longest hint: longer ones push the sound out of the model's memory.
const HINT_CHARS_MAX: usize = 200;

/// Where the service is, and what it is asked for.
#[derive(Debug, Clone)]
pub struct EndpointOptions {
    /// The address before `/audio/transcriptions`, for example `http://127.0.0.1:8000/v1`.
    pub base: Url,
    /// The service's name of its model.
    pub model: String,
    /// Sent as a bearer token.
    pub key: Option<SecretString>,
    /// A call is given up after this long.
    pub deadline: Duration,
}

/// A remote recogniser. Made and used outside of asynchronous code: it blocks.
pub struct Endpoint {
    client: Client,
    url: Url,
    options: EndpointOptions,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("id", &self.id()).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    text: String,
    language: Option<String>,
    #[serde(default)]
    segments: Vec<AnswerSegment>,
    #[serde(default)]
    words: Vec<AnswerWord>,
}

#[derive(Deserialize)]
struct AnswerSegment {
    start: f64,
    end: f64,
    text: String,
    avg_logprob: Option<f64>,
}

#[derive(Deserialize)]
struct AnswerWord {
    word: String,
    start: f64,
    end: f64,
}

impl Endpoint {
    /// Looks at the options; the service itself is asked for the first time when there is sound.
    ///
    /// # Errors
    /// [`AsrError::Endpoint`] when the address cannot be used.
    pub fn new(options: EndpointOptions) -> Result<Self, AsrError> {
        let shown = options.base.host_str().unwrap_or_default().to_owned();
        let bad = |why: &str| AsrError::Endpoint { host: shown.clone(), why: why.to_owned(), is_final: true };
        if !matches!(options.base.scheme(), "http" | "https") {
            return Err(bad("the address must begin with http:// or https://"));
        }
        if !options.base.username().is_empty() || options.base.password().is_some() {
            return Err(bad("the address may not hold a user name or password; use a key"));
        }
        let mut url = options.base.clone();
        url.path_segments_mut()
            .map_err(|()| bad("the address has no path"))?
            .pop_if_empty()
            .extend(["audio", "transcriptions"]);
        let client = Client::builder()
            .user_agent(concat!("clipmill/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10).min(options.deadline))
            .timeout(options.deadline)
            // A key must not travel on to another host.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| bad(&e.to_string()))?;
        Ok(Self { client, url, options })
    }

    fn error(&self, why: impl Into<String>, is_final: bool) -> AsrError {
        let host = self.url.host_str().unwrap_or_default().to_owned();
        AsrError::Endpoint { host, why: why.into(), is_final }
    }

    /// What the service said, in case it said the key.
    fn without_key(&self, body: &[u8]) -> String {
        let said = String::from_utf8_lossy(body).into_owned();
        let key = self.options.key.as_ref().map(|k| k.expose_secret()).filter(|k| !k.is_empty());
        key.map_or_else(|| said.clone(), |key| said.replace(key, "***"))
    }

    /// `language`: what it is to be written in; `None` leaves it to the service.
    fn ask(&self, request: &Request<'_>, language: Option<&str>) -> Result<Answer, AsrError> {
        let sound = multipart::Part::bytes(wav(request.samples)).file_name("chunk.wav");
        let sound = sound.mime_str("audio/wav").map_err(|e| self.error(e.to_string(), true))?;
        let mut form = multipart::Form::new()
            .part("file", sound)
            .text("model", self.options.model.clone())
            .text("response_format", "verbose_json")
            .text("timestamp_granularities[]", "word")
            .text("timestamp_granularities[]", "segment")
            .text("temperature", "0");
        if let Some(language) = language {
            form = form.text("language", language.to_owned());
        }
        if let Some(hint) = hint(&request.terms.names) {
            form = form.text("prompt", hint);
        }
        let mut post = self.client.post(self.url.clone()).multipart(form);
        if let Some(key) = &self.options.key {
            post = post.bearer_auth(key.expose_secret());
        }
        let asked_at = Instant::now();
        let answer = post.send().map_err(|e| self.error(e.without_url().to_string(), false))?;
        let status = answer.status();
        let mut body = vec![];
        answer
            .take(ANSWER_BYTES_MAX)
            .read_to_end(&mut body)
            .map_err(|e| self.error(format!("the answer broke off: {e}"), false))?;
        tracing::debug!(%status, took = ?asked_at.elapsed(), "the transcription service answered");
        if !status.is_success() {
            let said: String = self.without_key(&body).chars().take(200).collect();
            // What another try cannot mend: a wrong key, address or model.
            let is_final = status.is_client_error()
                && !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
            let remedy = match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "; look at transcribe.api_key_file",
                StatusCode::NOT_FOUND => "; look at transcribe.endpoint and transcribe.endpoint_model",
                _ => "",
            };
            return Err(self.error(format!("it answered {status}: {}{remedy}", said.trim()), is_final));
        }
        serde_json::from_slice(&body).map_err(|e| self.error(format!("its answer cannot be read: {e}"), true))
    }
}

impl Recognizer for Endpoint {
    fn transcribe(&self, request: &Request<'_>) -> Result<Recognized, AsrError> {
        if request.samples.is_empty() {
            return Err(AsrError::NoSound);
        }
        let told = Some(request.language);
        let mut spoken = None;
        let answer = if request.or.is_empty() {
            self.ask(request, told)?
        } else {
            let free = self.ask(request, None)?;
            let found = free.language.as_deref().map(two_letters);
            // It does not say how sure it is.
            spoken = found
                .filter(|l| l == request.language || request.or.contains(&l.as_str()))
                .map(|language| Spoken { language, p: 1.0 });
            let as_asked = spoken.as_ref().is_some_and(|s| s.language == request.language);
            if as_asked { free } else { self.ask(request, told)? }
        };
        #[expect(clippy::cast_precision_loss, reason = "a chunk is short")]
        let seconds = request.samples.len() as f64 / f64::from(SAMPLE_RATE);
        Ok(Recognized { segments: segments(&answer, seconds), spoken })
    }

    fn id(&self) -> String {
        format!("{}@{}", self.options.model, self.url.host_str().unwrap_or_default())
    }
}

/// The segments of an answer, with its words' own times where it gives them.
fn segments(answer: &Answer, seconds: f64) -> Vec<RecognizedSegment> {
    let p = |s: &AnswerSegment| s.avg_logprob.map_or(P_UNKNOWN, |l| l.exp().clamp(0.0, 1.0) as f32);
    if answer.segments.is_empty() {
        let token = [Token { bytes: answer.text.as_bytes(), start_s: 0.0, end_s: seconds, p: P_UNKNOWN }];
        return words::segment(&token, 0.0, seconds, seconds).into_iter().collect();
    }
    let mut rest = answer.words.as_slice();
    let mut found = vec![];
    for (i, segment) in answer.segments.iter().enumerate() {
        let is_last = i + 1 == answer.segments.len();
        let count = rest.iter().take_while(|w| is_last || w.start < segment.end).count();
        let (own, later) = rest.split_at(count);
        rest = later;
        // Services give words without the space that parts them.
        let mut tokens: Vec<Token<'_>> = vec![];
        for word in own {
            let (start_s, p) = (word.start, p(segment));
            tokens.push(Token { bytes: b" ", start_s, end_s: start_s, p });
            tokens.push(Token { bytes: word.word.trim().as_bytes(), start_s, end_s: word.end, p });
        }
        if tokens.is_empty() {
            let bytes = segment.text.as_bytes();
            tokens = vec![Token { bytes, start_s: segment.start, end_s: segment.end, p: p(segment) }];
        }
        found.extend(words::segment(&tokens, segment.start, segment.end, seconds));
    }
    found
}

/// As many terms as a hint may hold.
fn hint(terms: &[String]) -> Option<String> {
    let mut hint = String::new();
    for term in terms {
        if hint.chars().count() + term.chars().count() + 2 > HINT_CHARS_MAX {
            break;
        }
        if !hint.is_empty() {
            hint.push_str(", ");
        }
        hint.push_str(term);
    }
    (!hint.is_empty()).then_some(hint)
}

/// Services name the language in full.
fn two_letters(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "chinese" | "mandarin" => "zh".to_owned(),
        "english" => "en".to_owned(),
        other => other.chars().take(2).collect(),
    }
}

/// Mono 16-bit PCM with the header of a WAV file.
fn wav(samples: &[f32]) -> Vec<u8> {
    let bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(44 + samples.len() * 2);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + bytes).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    // PCM, one channel.
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    out.extend_from_slice(&(SAMPLE_RATE * 2).to_le_bytes());
    out.extend_from_slice(&2u16.to_le_bytes());
    out.extend_from_slice(&16u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&bytes.to_le_bytes());
    for sample in samples {
        let value = (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16;
        out.extend_from_slice(&value.to_le_bytes());
    }
    out
}

#[cfg(test)]
mod tests;
