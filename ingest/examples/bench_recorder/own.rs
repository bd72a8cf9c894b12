//! What both programs bring of ours: the recorder in a process of its own, a source, and the words of the command line.

use std::{net::SocketAddr, time::Duration};

use camino::Utf8Path;
use clipmill_domain::{
    Id, SourceId,
    source::{Language, SourceKind},
};
use clipmill_ingest::record::{RecordConfig, run_recorder};
use clipmill_store::{
    Store,
    sources::{self, NewSource},
    testing,
};
use clipmill_worker::SystemClock;
use tokio_util::sync::CancellationToken;

use crate::Failure;

/// The words of the command line; `None` when this process was the recorder, which has ended.
pub async fn words() -> Result<Option<Vec<String>>, Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [role, url, data, port, part_ms] = &words[..]
        && role == "--as-recorder"
    {
        record(url, Utf8Path::new(data), port.parse()?, part_ms.parse()?).await?;
        return Ok(None);
    }
    Ok(Some(words))
}

/// Hands each option to `take`, which knows it and asks for its value, or answers `false`.
pub fn options(
    words: &[String],
    mut take: impl FnMut(&str, &mut dyn FnMut() -> Result<String, Failure>) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || Ok(words.next().ok_or(format!("{word} needs a value"))?.clone());
        if !take(word, &mut value)? {
            return Err(format!("{word:?} is not known; see the head of this program").into());
        }
    }
    Ok(())
}

/// Warnings to standard error, as `RUST_LOG` says; errors only without it.
pub fn logs() {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "error".to_owned());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// The recorder's process: records until its standard input is closed.
async fn record(url: &str, data: &Utf8Path, port: u16, part_ms: u64) -> Result<(), Failure> {
    logs();
    let store = Store::open(url, data).await?;
    let stop = CancellationToken::new();
    let config = RecordConfig {
        rtmp_bind: SocketAddr::from(([127, 0, 0, 1], port)),
        free_space_floor: 1 << 28,
        part: Duration::from_millis(part_ms),
        ..RecordConfig::default()
    };
    let asked = stop.clone();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        asked.cancel();
    });
    run_recorder(store, config, stop, |_| ()).await?;
    Ok(())
}

/// Adds a source to the store.
pub async fn add_source(
    store: &Store,
    name: &str,
    kind: SourceKind,
    secret: &str,
    language: Language,
) -> Result<(), Failure> {
    let id = SourceId::new_at(clipmill_domain::Clock::now(&SystemClock));
    let new = NewSource { id, kind, language, secret: secret.into(), ..testing::new_source(name) };
    let mut tx = store.begin().await?;
    sources::add_source(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(())
}
