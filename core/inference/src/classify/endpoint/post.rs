//! One question over HTTP, with its second and third try.

use std::{
    io::Read as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use reqwest::{
    StatusCode, Url,
    blocking::{Client, Response},
    header::{HeaderMap, RETRY_AFTER},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use super::{
    super::answering::{NoAnswer, prompt},
    pace::{Pace, pause},
    wire::{self, Completion, Manner},
};

/// An answer is never this long: the text in it is bounded more strictly, and much around it is nobody's need.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Tries after the first.
const TRIES_AGAIN: usize = 3;

/// The shortest time in which a try makes sense.
const TRY_MIN: Duration = Duration::from_millis(50);

/// The way to a service.
pub(super) struct Post {
    pub client: Client,
    pub url: Url,
    pub key: Option<SecretString>,
    pub model: String,
    pub extra: Map<String, Value>,
    /// The wait before the second try; it doubles from there.
    pub first_pause: Duration,
    pub pace: Pace,
    /// What the service takes, as far as it has said.
    pub manner: Mutex<Manner>,
}

/// Why a question has no answer.
#[derive(Debug)]
pub(super) struct Trouble {
    pub kind: NoAnswer,
    /// In words, without secrets.
    pub why: String,
    /// Another try, now or later, does not mend it: the address, the key or the model is wrong.
    pub is_final: bool,
    /// It may have cost something all the same.
    pub may_cost: bool,
    /// The service asked to be left alone for so long.
    retry_after: Option<Duration>,
    /// Whether trying again at once makes sense.
    again: bool,
    /// The service refused what was asked rather than how often or by whom.
    refused_form: bool,
}

impl Trouble {
    fn new(kind: NoAnswer, why: impl Into<String>) -> Self {
        Self {
            kind,
            why: why.into(),
            is_final: false,
            may_cost: false,
            retry_after: None,
            again: false,
            refused_form: false,
        }
    }

    /// An answer that came and says nothing usable.
    pub(super) fn unreadable(why: impl Into<String>) -> Self {
        Self { may_cost: true, ..Self::new(NoAnswer::Unreadable, why) }
    }
}

impl Post {
    /// Asks about `items` stretches of talk, written out in `lines`, until `ends`.
    pub(super) fn ask(&self, lines: &str, items: usize, ends: Instant) -> Result<Completion, Trouble> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.first_pause * 16)
            .with_max_times(TRIES_AGAIN)
            .with_jitter();
        let mut pauses = pauses.build();
        let mut may_cost = false;
        loop {
            let mut trouble = match self.in_some_manner(lines, items, ends) {
                Ok(completion) => return Ok(completion),
                Err(trouble) => trouble,
            };
            may_cost |= trouble.may_cost;
            trouble.may_cost = may_cost;
            let Some(wait) = pauses.next().filter(|_| trouble.again) else { return Err(trouble) };
            let wait = trouble.retry_after.map_or(wait, |asked| asked.max(wait));
            if Instant::now() + wait + TRY_MIN >= ends {
                return Err(trouble);
            }
            tracing::debug!(why = trouble.why, ?wait, "the language model service is asked again");
            pause(wait);
        }
    }

    /// Holds the service to the strictest form of answer that it takes.
    fn in_some_manner(&self, lines: &str, items: usize, ends: Instant) -> Result<Completion, Trouble> {
        let known = || self.manner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut manner = *known();
        loop {
            match self.once(lines, items, manner, ends) {
                Err(t) if t.refused_form => match manner.after_refusal(&t.why) {
                    Some(next) => manner = next,
                    None => return Err(t),
                },
                Ok(completion) => {
                    let mut known = known();
                    if *known != manner {
                        tracing::info!(?manner, "the language model service takes this form of question");
                        *known = manner;
                    }
                    return Ok(completion);
                }
                Err(t) => return Err(t),
            }
        }
    }

    fn once(&self, lines: &str, items: usize, manner: Manner, ends: Instant) -> Result<Completion, Trouble> {
        if !self.pace.wait(wire::tokens_in(lines) + wire::tokens_out(items), ends) {
            return Err(Trouble::new(
                NoAnswer::Busy,
                "the limit a minute leaves no room before the deadline",
            ));
        }
        let left = ends.saturating_duration_since(Instant::now());
        if left < TRY_MIN {
            return Err(Trouble::new(NoAnswer::Late, "the deadline has passed"));
        }
        let body = wire::question(&self.model, lines, items, manner, &self.extra);
        let mut post = self.client.post(self.url.clone()).timeout(left).json(&body);
        if let Some(key) = &self.key {
            post = post.bearer_auth(key.expose_secret());
        }
        let asked_at = Instant::now();
        let answer = post.send().map_err(|e| self.not_sent(&e))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = bounded(answer, ends)?;
        tracing::debug!(
            %status,
            histogram.clipmill_llm_seconds = asked_at.elapsed().as_secs_f64(),
            "the language model service answered"
        );
        if !status.is_success() {
            return Err(self.error_status(status, &headers, &body));
        }
        wire::completion(&body)
            .ok_or_else(|| Trouble::unreadable("its answer is not of the form of chat/completions"))
    }

    fn not_sent(&self, e: &reqwest::Error) -> Trouble {
        let late = e.is_timeout();
        let kind = if late { NoAnswer::Late } else { NoAnswer::Down };
        // Whoever was reached may have begun to work.
        let may_cost = !e.is_connect();
        let mut why = e.to_string();
        let mut source = std::error::Error::source(e);
        while let Some(cause) = source {
            why = format!("{why}: {cause}");
            source = cause.source();
        }
        // The address may hold more than the host.
        let why = why.replace(self.url.as_str(), self.url.host_str().unwrap_or_default());
        Trouble { may_cost, again: !late, ..Trouble::new(kind, self.without_key(why.as_bytes())) }
    }

    fn error_status(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Trouble {
        let said: String = self.without_key(body).chars().take(300).collect();
        let remedy = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "; look at classify.api_key_file",
            StatusCode::NOT_FOUND => "; look at classify.endpoint and classify.endpoint_model",
            _ => "",
        };
        let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        let refused_form = matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY);
        Trouble {
            is_final: (status.is_client_error() && !busy && !refused_form) || status.is_redirection(),
            again: busy || status.is_server_error(),
            retry_after: retry_after(headers),
            refused_form,
            ..Trouble::new(NoAnswer::Down, format!("it answered {status}: {}{remedy}", said.trim()))
        }
    }

    /// What the service said, in case it said the key.
    fn without_key(&self, said: &[u8]) -> String {
        let said = String::from_utf8_lossy(said).into_owned();
        let key = self.key.as_ref().map(|k| k.expose_secret()).filter(|k| !k.is_empty());
        key.map_or_else(|| said.clone(), |key| said.replace(key, "***"))
    }

    /// Asks about a fixed sentence, once: what the model wrote.
    pub(super) fn ask_once(&self, ends: Instant) -> Result<String, Trouble> {
        let talk = super::super::Talk::alone("今天直播间到手只要九十九元");
        Ok(self.in_some_manner(&prompt::lines(&[talk]), 1, ends)?.text)
    }
}

/// The body, up to its limit and the deadline: one that trickles in does not hold the caller.
fn bounded(mut answer: Response, ends: Instant) -> Result<Vec<u8>, Trouble> {
    let lost = |kind, why: String| Trouble { may_cost: true, ..Trouble::new(kind, why) };
    let (mut body, mut block) = (vec![], vec![0; 16 << 10]);
    loop {
        if Instant::now() >= ends {
            return Err(lost(NoAnswer::Late, "the answer did not end in time".to_owned()));
        }
        match answer.read(&mut block) {
            Ok(0) => return Ok(body),
            Ok(n) => body.extend_from_slice(&block[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) if Instant::now() >= ends => {
                return Err(lost(NoAnswer::Late, "the answer did not end in time".to_owned()));
            }
            Err(e) => {
                return Err(Trouble {
                    again: true,
                    ..lost(NoAnswer::Down, format!("the answer broke off: {e}"))
                });
            }
        }
        if body.len() > BODY_BYTES_MAX {
            return Err(lost(
                NoAnswer::Unreadable,
                format!("its answer is longer than {BODY_BYTES_MAX} bytes"),
            ));
        }
    }
}

/// How long the service asks to be left alone, in seconds; dates are passed over, and waits have a deadline anyway.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: f64 = text.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(|d| d.min(Duration::from_secs(24 * 3600)))
}
