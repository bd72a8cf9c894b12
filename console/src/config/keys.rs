//! Every configuration key: its name, type, default and meaning, said once.
//!
//! The structures, the table of known keys, the defaults and the reference page all come from the one list
//! below.

use std::net::SocketAddr;

use camino::Utf8PathBuf;
use clipmill_inference::classify::Tier;
use secrecy::SecretString;
use serde::Deserialize;

/// One documented key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The section it lies in; empty for a key at the top of the file.
    pub section: &'static str,
    /// Its name inside the section.
    pub name: &'static str,
    /// The Rust type that reads it.
    pub kind: &'static str,
    /// Its default as TOML text; empty when it is unset by default.
    pub default: &'static str,
    /// What it means, one line a line.
    pub doc: &'static str,
}

impl Key {
    /// `section.name`, or `name` for a key at the top of the file.
    pub fn path(&self) -> String {
        if self.section.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.section, self.name) }
    }

    /// Whether its value may hold a password and is masked before it is shown.
    pub fn is_secret(&self) -> bool {
        self.kind.contains("SecretString")
    }
}

macro_rules! keys {
    (
        { $( $(#[doc = $rdoc:literal])+ $rkey:ident: $rty:ty = $rdefault:literal, )+ }
        $( $(#[doc = $about:literal])+ [$section:ident]: $Type:ident {
            $( $(#[doc = $doc:literal])+ $key:ident: $ty:ty = $default:literal, )+
        } )+
    ) => {
        $(
            $(#[doc = $about])+
            #[derive(Debug, Clone, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $Type {
                $( $(#[doc = $doc])+ pub $key: $ty, )+
            }
        )+

        /// The whole configuration, read, merged and checked.
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Config {
            $( $(#[doc = $rdoc])+ pub $rkey: $rty, )+
            $( $(#[doc = $about])+ pub $section: $Type, )+
            /// What was read and where it came from, for [`Config::show`].
            #[serde(skip)]
            pub(super) shown: Vec<super::show::Shown>,
        }

        /// Every key, in the order of the reference page.
        pub(super) const KEYS: &[Key] = &[
            $( Key { section: "", name: stringify!($rkey), kind: stringify!($rty), default: $rdefault,
                     doc: concat!($($rdoc, "\n"),+) }, )+
            $( $( Key { section: stringify!($section), name: stringify!($key), kind: stringify!($ty),
                        default: $default, doc: concat!($($doc, "\n"),+) }, )+ )+
        ];

        /// Every section and what it is about, in the order of the reference page.
        pub(super) const SECTIONS: &[(&str, &str)] =
            &[ $( (stringify!($section), concat!($($about, "\n"),+)), )+ ];
    };
}

keys! {
    {
    /// Folder that holds everything the program keeps: the embedded database, recordings, clips, videos,
    /// models and temporary files. A relative path counts from the folder the program is started in.
    data_dir: Utf8PathBuf = r#""data""#,
    }

    /// Where rows are kept.
    [database]: Database {
        /// `sqlite:PATH` or `postgres://user:password@host/name`.
        /// Unset: `sqlite:<data_dir>/clipmill.db`.
        url: Option<SecretString> = "",
    }

    /// The web console and its HTTP API.
    [serve]: Serve {
        /// Address and port to listen on. Any address other than a loopback one needs `auth_token_file`.
        bind: SocketAddr = r#""127.0.0.1:8600""#,
        /// File whose first line is the token that people and programs must present.
        /// At least 16 characters; `head -c 24 /dev/urandom | base64 > FILE` makes one.
        auth_token_file: Option<Utf8PathBuf> = "",
        /// Further host names by which a browser may call a console that is bound to a loopback address,
        /// for example the public name of a reverse proxy. `localhost` and loopback addresses always work.
        hosts: Vec<String> = "[]",
    }

    /// Receiving and recording streams.
    [record]: Record {
        /// Address and port on which encoders push RTMP. May be public: a push needs a stream key.
        rtmp_bind: SocketAddr = r#""127.0.0.1:1935""#,
        /// Address and port on which encoders push RTMPS, for example `0.0.0.0:1936`. Needs the two files below.
        /// Unset: no RTMPS.
        rtmps_bind: Option<SocketAddr> = "",
        /// PEM file with the certificate chain for RTMPS. A renewed file is used for new connections without a restart.
        tls_cert_file: Option<Utf8PathBuf> = "",
        /// PEM file with the private key of that certificate, without a password.
        tls_key_file: Option<Utf8PathBuf> = "",
        /// Address and UDP port on which encoders push SRT, for example `0.0.0.0:8890`. The stream id is the
        /// name of the source, the passphrase its stream key. Unset: no SRT.
        srt_bind: Option<SocketAddr> = "",
        /// Length in seconds that a part of a recording aims at; it ends at the next key frame.
        part_seconds: f64 = "2",
        /// Seconds without any media after which a recording is over and the next media begins a new one.
        quiet_end_seconds: u64 = "300",
        /// Seconds without a packet after which a connection counts as stalled and is given up.
        stall_seconds: u64 = "8",
        /// Programs that turn a room page into the address of its stream, besides the built-in `streamlink` and
        /// `yt-dlp`. Each is a list: its name, its program, its arguments, where `{url}` stands for the page; for
        /// example `[["mine", "/opt/find-stream", "--page", "{url}"]]`. The first line it prints that is an http or
        /// rtmp address is opened. No shell is involved.
        resolvers: Vec<Vec<String>> = "[]",
        /// Recording stops when the disk has fewer free bytes than this.
        free_space_floor_bytes: u64 = "2147483648",
    }

    /// What becomes of old recordings. By default nothing is ever removed; `clipmill plan retention` shows what would be.
    [retention]: Retention {
        /// Days a recording is kept after its end; a source may have its own. Unset: for ever.
        keep_days: Option<u32> = "",
        /// Gigabytes (10^9 bytes) that all recordings together may take; beyond, the oldest are removed.
        /// Unset: no limit.
        max_gigabytes: Option<u32> = "",
        /// When the disk has fewer free gigabytes than this above `record.free_space_floor_bytes`, the oldest
        /// recordings are removed so that recording can go on. Unset: nothing is removed, and recording stops at
        /// the floor.
        make_room_gigabytes: Option<u32> = "",
        /// Days a recording waits after its end for a decision on its clips (each posted, or given up), whatever
        /// `keep_days` and `max_gigabytes` say.
        keep_unreviewed_days: u32 = "30",
        /// Seconds of a recording kept before and after each clip, so that it can still be extended.
        clip_margin_seconds: f64 = "10",
    }

    /// Turning speech into text.
    [transcribe]: Transcribe {
        /// Name of the speech model in the model registry.
        model: String = r#""whisper-base""#,
        /// Address of a service that transcribes instead of `model`, as far as `/v1`: `https://speech.example.com/v1`.
        /// It speaks the format of OpenAI's `audio/transcriptions`. Only stretches with speech are sent. Unset: the
        /// model above, on this machine.
        endpoint: Option<String> = "",
        /// The service's name of the model it is to use; needed with `endpoint`.
        endpoint_model: Option<String> = "",
        /// File whose first line is the service's key, sent as a bearer token. Unset: none is sent.
        api_key_file: Option<Utf8PathBuf> = "",
        /// Name of the model of Chinese words that puts characters right that only sound right. Empty: Chinese stays as
        /// it was heard.
        zh_words: Option<String> = r#""zh-words""#,
        /// Threads that one transcription uses.
        threads: u32 = "1",
        /// Whether the voices of a recording are told apart, so that each sentence says which of them it is. Needs the
        /// model `voiceprint` and about a fiftieth of a processor for each live.
        speakers: bool = "true",
    }

    /// Finding what is being sold.
    [classify]: Classify {
        /// How much is looked at: `full` (the sentence encoder and the language model) or `short` (the sentence encoder
        /// alone: a tenth of the time, a few points less right).
        tier: Tier = r#""full""#,
        /// Name of the language model in the model registry.
        model: String = r#""qwen2.5-coder-0.5b""#,
        /// File of a trained classification head, for this tier. Unset: the one that comes with the program.
        head: Option<Utf8PathBuf> = "",
        /// Files of finer labels besides the built-in packs: a category's or a brand's own, ten examples a label.
        /// `clipmill taxonomy check FILE` says what is wrong with one.
        packs: Vec<Utf8PathBuf> = "[]",
        /// A larger language model on this machine that is asked about what the default is unsure of: its name in the model
        /// registry, or the path of a GGUF file of the Qwen2, Qwen3 or Llama family. Unset: none is.
        llm: Option<String> = "",
        /// Address of a service that is asked instead of `llm`, as far as `/v1`: `http://127.0.0.1:8000/v1`. It speaks the
        /// format of OpenAI's `chat/completions`. What is said in unsure sentences and just before them leaves this machine.
        endpoint: Option<String> = "",
        /// The service's name of the model it is to use; needed with `endpoint`.
        endpoint_model: Option<String> = "",
        /// Further fields of every question to the service, as a JSON object; for example `{"enable_thinking": false}`.
        endpoint_extra: Option<String> = "",
        /// File whose first line is the service's key, sent as a bearer token. Unset: none is sent.
        api_key_file: Option<Utf8PathBuf> = "",
        /// Sentences whose best label is less probable than this are asked about: 0 asks about none, 1 about all.
        cascade_below: f64 = "0.6",
        /// Seconds after which the default's answer stands, with all tries and waits.
        answer_seconds: u64 = "30",
        /// Requests a minute that the service allows. Unset: no limit.
        requests_per_minute: Option<u32> = "",
        /// Tokens a minute, in and out, that the service allows. Unset: no limit.
        tokens_per_minute: Option<u32> = "",
        /// Price of a million tokens of questions, in the currency of the budgets.
        price_per_million_input: f64 = "0",
        /// Price of a million tokens of answers, in the currency of the budgets.
        price_per_million_output: f64 = "0",
        /// What the service may cost for an hour of one live; then the default's answers stand until the next hour.
        /// Unset: no limit.
        budget_per_live_hour: Option<f64> = "",
        /// What the service may cost a day (UTC), all lives together. Unset: no limit.
        budget_per_day: Option<f64> = "",
    }

    /// Cutting clips.
    [cut]: Cut {
        /// A selling point shorter than this many seconds is shown with the sentence before it, where that one is on
        /// the same product.
        min_seconds: f64 = "3",
        /// A clip is at most this many seconds long.
        max_seconds: f64 = "60",
    }

    /// Rendering the captioned vertical video.
    [render]: Render {
        /// Width in pixels; even, 16 to 4096.
        width: u32 = "720",
        /// Height in pixels; even, 16 to 4096.
        height: u32 = "1280",
        /// Frames per second, 1 to 120.
        fps: u32 = "30",
        /// Name of the template; so far there is one, `plain`.
        template: String = r#""plain""#,
    }

    /// Posting finished videos.
    [publish]: Publish {
        /// Folder that the local-folder target publishes into. Unset: `<data_dir>/published`.
        folder: Option<Utf8PathBuf> = "",
        /// Seconds between two posts to the same target.
        spacing_seconds: u64 = "60",
    }

    /// Model files.
    [models]: Models {
        /// Folder that holds downloaded model files. Unset: `<data_dir>/models`.
        dir: Option<Utf8PathBuf> = "",
    }

    /// Logs, traces and metrics.
    [telemetry]: Telemetry {
        /// Base address of an OTLP/HTTP collector, for example `http://127.0.0.1:4318`. Unset: nothing is
        /// exported. Credentials belong into the environment variable `OTEL_EXPORTER_OTLP_HEADERS`.
        otlp_endpoint: Option<String> = "",
        /// What is logged and exported: a level (`error`, `warn`, `info`, `debug`, `trace`), or directives
        /// such as `info,clipmill_ingest=debug`.
        log: String = r#""info""#,
        /// How log lines look on standard error: `text` or `json`.
        log_format: LogFormat = r#""text""#,
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
