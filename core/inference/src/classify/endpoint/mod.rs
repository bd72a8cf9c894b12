//! A service that speaks OpenAI's wire format: `POST {base}/chat/completions`. Servers of several makes, on one's own GPU
//! or hired, speak it.
//!
//! Order of things: what was asked before is answered from memory (`kept`); the `circuit` leaves a service alone that
//! fails; the `ledger` lays money aside; the `pace` waits for its turn; `post` asks, in the form that `wire` describes;
//! and of the answer only what holds up is believed ([`super::answering::read_answer`]). Whatever goes wrong is an outcome,
//! not an error: the default's answer stands then.

mod circuit;
mod kept;
mod ledger;
mod pace;
mod post;
mod wire;

use std::{
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use camino::Utf8PathBuf;
use reqwest::{Url, blocking::Client};
use secrecy::SecretString;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

pub use ledger::{Budget, Prices, Usage};

use self::{
    circuit::Circuit,
    kept::Kept,
    ledger::{Bill, Ledger},
    pace::Pace,
    post::{Post, Trouble},
    wire::{Manner, Tokens},
};
use super::{
    Live, Talk,
    answering::{Answerer, NoAnswer, Opinion, prompt, read_answer},
};

/// Every so many calls of a live's hour its accounts are logged.
const LOGGED_EVERY: u64 = 10;

/// Where the service is, what it is asked for, and what it may take.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// The address before `/chat/completions`, for example `http://127.0.0.1:8000/v1`.
    pub base: Url,
    /// The service's name of its model.
    pub model: String,
    /// Sent as a bearer token.
    pub key: Option<SecretString>,
    /// Further fields of every question, for what only this service knows.
    pub extra: Map<String, Value>,
    /// A stretch of talk has its answer, or none, after this long, with all tries and waits.
    pub deadline: Duration,
    /// The wait before a second try; it doubles from there.
    pub first_pause: Duration,
    /// Requests a minute; `None` is without limit.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Tokens a minute, in and out; `None` is without limit.
    pub tokens_per_minute: Option<NonZeroU32>,
    /// What tokens cost.
    pub prices: Prices,
    /// What may be spent.
    pub budget: Budget,
    /// Where the accounts are kept over restarts; `None` keeps none.
    pub accounts: Option<Utf8PathBuf>,
}

impl ServiceOptions {
    /// Without key, limits, prices and accounts; 30 seconds for an answer.
    pub fn new(base: Url, model: impl Into<String>) -> Self {
        Self {
            base,
            model: model.into(),
            key: None,
            extra: Map::new(),
            deadline: Duration::from_secs(30),
            first_pause: Duration::from_millis(500),
            requests_per_minute: None,
            tokens_per_minute: None,
            prices: Prices::default(),
            budget: Budget::default(),
            accounts: None,
        }
    }
}

/// The service cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the language model service at {host} cannot be used: {why}")]
pub struct ServiceError {
    /// Its host.
    pub host: String,
    /// What is wrong; without secrets.
    pub why: String,
}

/// A remote language model. Made and used outside of asynchronous code: it blocks.
pub struct Service {
    post: Post,
    deadline: Duration,
    id: String,
    circuit: Mutex<Circuit>,
    ledger: Mutex<Ledger>,
    kept: Mutex<Kept>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Service {
    /// Looks at the options; the service itself is asked for the first time when there is talk.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(options: ServiceOptions) -> Result<Self, ServiceError> {
        let host = options.base.host_str().unwrap_or_default().to_owned();
        let bad = |why: &str| ServiceError { host: host.clone(), why: why.to_owned() };
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
            .extend(["chat", "completions"]);
        let client = Client::builder()
            .user_agent(concat!("clipmill/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10).min(options.deadline))
            .timeout(options.deadline)
            // A key must not travel on to another host.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| bad(&e.to_string()))?;
        Ok(Self {
            id: id(&options, &host),
            post: Post {
                client,
                url,
                key: options.key,
                model: options.model,
                extra: options.extra,
                first_pause: options.first_pause,
                pace: Pace::new(options.requests_per_minute, options.tokens_per_minute),
                manner: Mutex::new(Manner::FIRST),
            },
            deadline: options.deadline,
            circuit: Mutex::default(),
            ledger: Mutex::new(Ledger::open(options.prices, options.budget, options.accounts)),
            kept: Mutex::default(),
        })
    }

    /// Asks one fixed question, outside of all budgets: the id of what answered it.
    ///
    /// # Errors
    /// Why there is no answer, in words without secrets.
    pub fn check(&self) -> Result<String, String> {
        let answer = self.post.ask_once(Instant::now() + self.deadline).map_err(|t| t.why)?;
        match read_answer(&answer, &["今天直播间到手只要九十九元"]) {
            Ok(reading) if reading.items.iter().all(Option::is_some) => Ok(self.id.clone()),
            _ => Err("it answers, and not in the form that was asked for: try a larger model".to_owned()),
        }
    }

    /// What an hour of a live took so far; `None` where nothing was asked.
    pub fn usage(&self, live: Live<'_>) -> Option<Usage> {
        lock(&self.ledger).hour(&hour(live, SystemTime::now()))
    }

    /// One question: an opinion for each stretch of talk, at most [`prompt::BATCH`] of them.
    fn question(
        &self,
        talk: &[Talk<'_>],
        live: Live<'_>,
        ends: Instant,
    ) -> Result<Vec<Option<Opinion>>, NoAnswer> {
        if !lock(&self.circuit).may_ask(Instant::now()) {
            return Err(NoAnswer::Down);
        }
        let lines = prompt::lines(talk);
        let estimate = Tokens { input: wire::tokens_in(&lines), output: wire::tokens_out(talk.len()) };
        let now = SystemTime::now();
        let day = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400;
        let hold = lock(&self.ledger).take(&hour(live, now), day, estimate).ok_or(NoAnswer::OverBudget)?;
        let asked = self.post.ask(&lines, talk.len(), ends);
        let bill = match &asked {
            Ok(c) => c.tokens.map_or(Bill::Unstated, Bill::Stated),
            Err(t) if t.may_cost => Bill::Unstated,
            Err(_) => Bill::Nothing,
        };
        let usage = lock(&self.ledger).settle(hold, bill);
        self.account(bill, estimate, usage, live);
        let answer = asked.map_err(|t| self.failed(&t))?;
        if answer.refused {
            lock(&self.circuit).went_well();
            return Err(NoAnswer::Refused);
        }
        let texts: Vec<&str> = talk.iter().map(prompt::asked).collect();
        let reading = read_answer(&answer.text, &texts)
            .map_err(|e| self.failed(&Trouble::unreadable(e.to_string())))?;
        lock(&self.circuit).went_well();
        if reading.invented_quotes + reading.bad_items > 0 {
            tracing::info!(
                monotonic_counter.clipmill_llm_invented_quotes = reading.invented_quotes as u64,
                monotonic_counter.clipmill_llm_bad_items = reading.bad_items as u64,
                "parts of the language model's answer do not hold up and are left out"
            );
        }
        Ok(reading.items.into_iter().map(|said| said.map(Opinion::of_words)).collect())
    }

    fn failed(&self, trouble: &Trouble) -> NoAnswer {
        // Waiting for one's turn is not the service's fault.
        if trouble.kind != NoAnswer::Busy && lock(&self.circuit).failed(Instant::now(), trouble.is_final) {
            tracing::warn!(
                service = self.id,
                why = trouble.why,
                "the language model service is left alone for a while"
            );
        } else {
            tracing::debug!(service = self.id, why = trouble.why, "no answer of the language model service");
        }
        trouble.kind
    }

    fn account(&self, bill: Bill, estimate: Tokens, usage: Usage, live: Live<'_>) {
        let tokens = match bill {
            Bill::Stated(tokens) => tokens,
            Bill::Unstated => estimate,
            Bill::Nothing => return,
        };
        tracing::debug!(
            service = self.id,
            monotonic_counter.clipmill_llm_calls = 1_u64,
            monotonic_counter.clipmill_llm_input_tokens = tokens.input,
            monotonic_counter.clipmill_llm_output_tokens = tokens.output,
            histogram.clipmill_llm_live_hour_cost = usage.cost,
            "a question to the language model service"
        );
        if usage.calls % LOGGED_EVERY == 1 {
            tracing::info!(
                recording = live.recording,
                hour = live.hour,
                calls = usage.calls,
                input_tokens = usage.input_tokens,
                output_tokens = usage.output_tokens,
                cost = usage.cost,
                estimated_calls = usage.estimated,
                "the language model service in this hour of the live, so far"
            );
        }
    }
}

impl Answerer for Service {
    fn ask(&self, talk: &[Talk<'_>], live: Live<'_>) -> Vec<Result<Opinion, NoAnswer>> {
        let ends = Instant::now() + self.deadline;
        let keys: Vec<_> = talk.iter().map(|t| kept::key(&self.id, t)).collect();
        let mut out: Vec<_> =
            keys.iter().map(|key| lock(&self.kept).get(key).ok_or(NoAnswer::Unreadable)).collect();
        let open: Vec<usize> = (0..talk.len()).filter(|i| out[*i].is_err()).collect();
        for batch in open.chunks(prompt::BATCH) {
            let asked: Vec<Talk<'_>> = batch.iter().map(|i| talk[*i]).collect();
            match self.question(&asked, live, ends) {
                Ok(opinions) => {
                    for (i, opinion) in batch.iter().zip(opinions) {
                        if let Some(opinion) = opinion {
                            lock(&self.kept).put(keys[*i], opinion.clone());
                            out[*i] = Ok(opinion);
                        }
                    }
                }
                Err(why) => batch.iter().for_each(|i| out[*i] = Err(why)),
            }
        }
        out
    }

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Model, host and question, for example `qwen3-8b@127.0.0.1/q1`; further fields by their hash.
fn id(options: &ServiceOptions, host: &str) -> String {
    let id = format!("{}@{host}/{}", options.model, prompt::VERSION);
    if options.extra.is_empty() {
        return id;
    }
    let extra = hex::encode(Sha256::digest(Value::Object(options.extra.clone()).to_string()));
    format!("{id}+{}", &extra[..8])
}

/// The account that an hour of a live has. Talk of which nobody says where it is from counts by the hour of the clock.
fn hour(live: Live<'_>, now: SystemTime) -> String {
    if live.recording.is_empty() {
        let hours = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 3600;
        return format!("clock/{hours}");
    }
    format!("{}/{}", live.recording, live.hour)
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod simulator;
#[cfg(test)]
mod tests;
