//! What a value must satisfy beyond its type. Pure: nothing is opened in here.

use clipmill_ingest::source::pull::resolver::Resolvers;
use secrecy::ExposeSecret;

use super::{Classify, Config, ConfigError, Transcribe, bad};

/// Fewest characters of an access token.
pub const MIN_TOKEN_CHARS: usize = 16;

impl Config {
    /// Every value that cannot be used, with what to do about it.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let problems: Vec<_> = self
            .problems()
            .into_iter()
            .map(|(key, problem)| bad(&self.shown, key, problem.to_owned()))
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(ConfigError::BadValues(problems)) }
    }

    fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = vec![];
        let mut must = |holds: bool, key, problem| {
            if !holds {
                found.push((key, problem));
            }
        };
        must(!self.data_dir.as_str().is_empty(), "data_dir", "name a folder");
        let url = self.database.url.as_ref().map(|u| u.expose_secret());
        let database_ok = |u: &str| {
            u.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty())
                || u.starts_with("postgres://")
                || u.starts_with("postgresql://")
        };
        must(
            url.is_none_or(database_ok),
            "database.url",
            "write sqlite:PATH or postgres://user:password@host/name",
        );
        must(
            self.serve.bind.ip().is_loopback() || self.serve.auth_token_file.is_some(),
            "serve.bind",
            "this address can be reached from other machines: set serve.auth_token_file to a file with a token, \
             or bind to 127.0.0.1",
        );
        must(
            self.serve.hosts.iter().all(|h| !h.is_empty() && !h.contains(['/', ' ', '@'])),
            "serve.hosts",
            "list bare host names, for example [\"clips.example.com\"]",
        );
        let record = &self.record;
        must(
            record.rtmps_bind.is_none() || record.tls_cert_file.is_some(),
            "record.tls_cert_file",
            "record.rtmps_bind needs a certificate: name its PEM file",
        );
        must(
            record.rtmps_bind.is_none() || record.tls_key_file.is_some(),
            "record.tls_key_file",
            "record.rtmps_bind needs the private key of the certificate: name its PEM file",
        );
        must(
            self.record.part_seconds >= 0.5 && self.record.part_seconds <= 60.0,
            "record.part_seconds",
            "choose 0.5 to 60 seconds",
        );
        must(
            (1..=86_400).contains(&self.record.quiet_end_seconds),
            "record.quiet_end_seconds",
            "choose 1 to 86400 seconds",
        );
        must(
            (1..=600).contains(&self.record.stall_seconds),
            "record.stall_seconds",
            "choose 1 to 600 seconds",
        );
        let days = |d: u32| (1..=36_500).contains(&d);
        must(
            self.retention.keep_days.is_none_or(days),
            "retention.keep_days",
            "choose 1 to 36500 days, or leave it out to keep recordings for ever",
        );
        must(
            self.retention.keep_unreviewed_days <= 36_500,
            "retention.keep_unreviewed_days",
            "choose 0 to 36500 days",
        );
        let size = |gigabytes: Option<u32>| gigabytes.is_none_or(|g| g > 0);
        must(
            size(self.retention.max_gigabytes),
            "retention.max_gigabytes",
            "choose at least 1, or leave it out",
        );
        must(
            size(self.retention.make_room_gigabytes),
            "retention.make_room_gigabytes",
            "choose at least 1, or leave it out",
        );
        must(
            (0.0..=3600.0).contains(&self.retention.clip_margin_seconds),
            "retention.clip_margin_seconds",
            "choose 0 to 3600 seconds",
        );
        must(
            Resolvers::with(&self.record.resolvers).is_ok(),
            "record.resolvers",
            "each is a list of its name, its program and its arguments, one of which holds {url}; for example \
             [[\"mine\", \"/opt/find-stream\", \"{url}\"]]",
        );
        must(
            !self.transcribe.model.is_empty(),
            "transcribe.model",
            "name a model: `clipmill models list` shows them",
        );
        self.transcribe.endpoint_problems(&mut must);
        must((1..=256).contains(&self.transcribe.threads), "transcribe.threads", "choose 1 to 256 threads");
        must(
            !self.classify.model.is_empty(),
            "classify.model",
            "name a model: `clipmill models list` shows them",
        );
        self.classify.answering_problems(&mut must);
        must(self.cut.min_seconds >= 0.5, "cut.min_seconds", "choose at least 0.5 seconds");
        must(
            self.cut.max_seconds >= self.cut.min_seconds && self.cut.max_seconds <= 3600.0,
            "cut.max_seconds",
            "choose a length from cut.min_seconds up to 3600 seconds",
        );
        let side = |n: u32| n.is_multiple_of(2) && (16..=4096).contains(&n);
        must(side(self.render.width), "render.width", "choose an even number of pixels from 16 to 4096");
        must(side(self.render.height), "render.height", "choose an even number of pixels from 16 to 4096");
        must((1..=120).contains(&self.render.fps), "render.fps", "choose 1 to 120 frames per second");
        must(self.render.template == "plain", "render.template", "the only template so far is plain");
        must(
            self.publish.spacing_seconds <= 31_536_000,
            "publish.spacing_seconds",
            "choose at most a year in seconds",
        );
        let endpoint = self.telemetry.otlp_endpoint.as_deref().map(url::Url::parse);
        must(
            endpoint.as_ref().is_none_or(|u| {
                u.as_ref().is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some())
            }),
            "telemetry.otlp_endpoint",
            "write the base address of a collector, for example http://127.0.0.1:4318",
        );
        must(
            endpoint.is_none_or(|u| {
                u.is_err() || u.is_ok_and(|u| u.username().is_empty() && u.password().is_none())
            }),
            "telemetry.otlp_endpoint",
            "leave the credentials out and set OTEL_EXPORTER_OTLP_HEADERS instead",
        );
        must(
            tracing_subscriber::EnvFilter::try_new(&self.telemetry.log).is_ok(),
            "telemetry.log",
            "write a level such as info, or directives such as info,clipmill_ingest=debug",
        );
        found
    }
}

impl Transcribe {
    fn endpoint_problems(&self, must: &mut impl FnMut(bool, &'static str, &'static str)) {
        let url = self.endpoint.as_deref().map(url::Url::parse);
        let is_web = |u: &url::Url| matches!(u.scheme(), "http" | "https") && u.has_host();
        must(
            url.as_ref().is_none_or(|u| u.as_ref().is_ok_and(is_web)),
            "transcribe.endpoint",
            "write the address of a transcription service as far as /v1, for example http://127.0.0.1:8000/v1",
        );
        let open = |u: &url::Url| u.username().is_empty() && u.password().is_none();
        must(
            url.as_ref().is_none_or(|u| u.as_ref().is_ok_and(open) || u.is_err()),
            "transcribe.endpoint",
            "leave user name and password out; write the key into a file and name it in transcribe.api_key_file",
        );
        must(
            url.is_none_or(|u| u.is_err() || u.is_ok_and(|u| !u.path().ends_with("/audio/transcriptions"))),
            "transcribe.endpoint",
            "leave out /audio/transcriptions at the end: it is added",
        );
        let model = self.endpoint_model.as_deref().unwrap_or("").trim();
        must(
            self.endpoint.is_none() || !model.is_empty(),
            "transcribe.endpoint_model",
            "transcribe.endpoint needs the name of a model: write the one that the service is to use, for example \
             whisper-1",
        );
        must(
            self.endpoint.is_some() || self.endpoint_model.is_none(),
            "transcribe.endpoint_model",
            "it is the model of a service: set transcribe.endpoint too, or name a model here with transcribe.model",
        );
        must(
            self.endpoint.is_some() || self.api_key_file.is_none(),
            "transcribe.api_key_file",
            "it is the key of a service: set transcribe.endpoint too, or leave the key out",
        );
    }
}

impl Classify {
    fn answering_problems(&self, must: &mut impl FnMut(bool, &'static str, &'static str)) {
        let url = self.endpoint.as_deref().map(url::Url::parse);
        let is_web = |u: &url::Url| matches!(u.scheme(), "http" | "https") && u.has_host();
        must(
            url.as_ref().is_none_or(|u| u.as_ref().is_ok_and(is_web)),
            "classify.endpoint",
            "write the address of a language model service as far as /v1, for example http://127.0.0.1:8000/v1",
        );
        let open = |u: &url::Url| u.username().is_empty() && u.password().is_none();
        must(
            url.as_ref().is_none_or(|u| u.as_ref().is_ok_and(open) || u.is_err()),
            "classify.endpoint",
            "leave user name and password out; write the key into a file and name it in classify.api_key_file",
        );
        must(
            url.is_none_or(|u| u.is_err() || u.is_ok_and(|u| !u.path().ends_with("/chat/completions"))),
            "classify.endpoint",
            "leave out /chat/completions at the end: it is added",
        );
        let there = self.endpoint.is_some();
        must(
            !there || !self.endpoint_model.as_deref().unwrap_or("").trim().is_empty(),
            "classify.endpoint_model",
            "classify.endpoint needs the name of a model: write the one that the service is to use",
        );
        let alone = "it is for a service: set classify.endpoint too, or leave it out";
        must(there || self.endpoint_model.is_none(), "classify.endpoint_model", alone);
        must(there || self.endpoint_extra.is_none(), "classify.endpoint_extra", alone);
        must(there || self.api_key_file.is_none(), "classify.api_key_file", alone);
        must(
            self.endpoint_fields().is_some(),
            "classify.endpoint_extra",
            "write a JSON object, for example '{\"enable_thinking\": false}'",
        );
        must(
            !there || self.llm.is_none(),
            "classify.llm",
            "choose one: a model on this machine (classify.llm) or a service (classify.endpoint)",
        );
        must(
            self.llm.as_deref().is_none_or(|l| !l.trim().is_empty()),
            "classify.llm",
            "name a model of the registry or a GGUF file, or leave it out",
        );
        must((0.0..=1.0).contains(&self.cascade_below), "classify.cascade_below", "choose 0 to 1");
        must((1..=600).contains(&self.answer_seconds), "classify.answer_seconds", "choose 1 to 600 seconds");
        let some = |n: Option<u32>| n != Some(0);
        let pace = "choose at least 1, or leave it out";
        must(some(self.requests_per_minute), "classify.requests_per_minute", pace);
        must(some(self.tokens_per_minute), "classify.tokens_per_minute", pace);
        let money = |m: f64| m.is_finite() && m >= 0.0;
        let amount = "write an amount of 0 or more";
        must(money(self.price_per_million_input), "classify.price_per_million_input", amount);
        must(money(self.price_per_million_output), "classify.price_per_million_output", amount);
        let priced = self.price_per_million_input > 0.0 || self.price_per_million_output > 0.0;
        for (budget, key) in [
            (self.budget_per_live_hour, "classify.budget_per_live_hour"),
            (self.budget_per_day, "classify.budget_per_day"),
        ] {
            must(budget.is_none_or(money), key, amount);
            must(
                budget.is_none() || priced,
                key,
                "a budget needs prices: set classify.price_per_million_input and classify.price_per_million_output",
            );
        }
    }

    /// The further fields of questions to the service; `None` where they are no JSON object.
    pub fn endpoint_fields(&self) -> Option<serde_json::Map<String, serde_json::Value>> {
        self.endpoint_extra
            .as_deref()
            .map_or_else(|| Some(serde_json::Map::new()), |text| serde_json::from_str(text).ok())
    }
}
