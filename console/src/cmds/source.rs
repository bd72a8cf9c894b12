//! `clipmill source …`: configures streams. Changes reach a running service within a second.

use camino::Utf8PathBuf;
use clap::Subcommand;
use clipmill_domain::{
    Clock, Id, SourceId,
    product::{OnAir, Product},
    source::{Language, Source, SourceKind, SourceSettings},
};
use clipmill_store::{Store, audit, sources};
use clipmill_worker::SystemClock;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Cli, Failure, load, open_store,
    source_settings::{SettingsArgs, headers},
};
use crate::{
    api::{may_be_asked, new_stream_key, recorder_says},
    config::Config,
};

/// What to do with the sources.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Adds a stream: with a URL it is pulled, without one an encoder pushes RTMP with the key that is printed.
    Add {
        /// A name for it, unique.
        name: String,
        /// What to pull: rtmp, http(s) FLV or HLS, srt, rtsp, a file, or a folder of finished lives. Read from
        /// the environment variable CLIPMILL_SOURCE_URL when it holds a secret.
        #[arg(env = "CLIPMILL_SOURCE_URL", hide_env_values = true)]
        url: Option<String>,
        /// The language spoken.
        #[arg(long, default_value = "zh")]
        lang: Language,
        /// Category: apparel, beauty, 3c, food, household.
        #[arg(long)]
        category: Option<String>,
        /// Product list, one JSON object a line (sku, name, aliases, attributes, price, link).
        #[arg(long, value_name = "FILE")]
        products: Option<Utf8PathBuf>,
        /// Request headers for a pulled http(s) stream, a line each ("Cookie: a=1"). Kept sealed.
        #[arg(long, env = "CLIPMILL_SOURCE_HEADERS", hide_env_values = true, value_name = "LINES")]
        headers: Option<String>,
        #[command(flatten)]
        settings: Box<SettingsArgs>,
    },
    /// Changes a stream; what is not given stays.
    Edit {
        /// Its name.
        name: String,
        /// Another name.
        #[arg(long)]
        rename: Option<String>,
        /// Another address to pull.
        #[arg(long, env = "CLIPMILL_SOURCE_URL", hide_env_values = true)]
        url: Option<String>,
        /// Other request headers in place of all it had, a line each; empty for none.
        #[arg(long, env = "CLIPMILL_SOURCE_HEADERS", hide_env_values = true, value_name = "LINES")]
        headers: Option<String>,
        /// Another language, for recordings to come.
        #[arg(long)]
        lang: Option<Language>,
        #[command(flatten)]
        settings: Box<SettingsArgs>,
    },
    /// Lists the streams, what each does now, and what is wrong with it.
    List,
    /// What each stream's recordings cost: hours, bytes, gaps.
    Cost(super::cost::Args),
    /// Lets an on-demand stream record.
    Start {
        /// Its name.
        name: String,
    },
    /// Ends the recording of an on-demand stream.
    Stop {
        /// Its name.
        name: String,
    },
    /// Lets a stream record again.
    Enable {
        /// Its name.
        name: String,
    },
    /// Stops a stream from recording.
    Disable {
        /// Its name.
        name: String,
    },
    /// Says which product is on air now, as a product feed does: sentences from now on are bound to it.
    OnAir {
        /// The stream's name.
        name: String,
        /// SKU of a product of its list; without one nothing is on air.
        sku: Option<String>,
    },
    /// Changes the stream key of a pushed stream. An encoder that uses the one before is disconnected.
    Key {
        /// What to do with the key.
        #[command(subcommand)]
        what: KeyArgs,
    },
    /// Removes a stream that has never recorded.
    Remove {
        /// Its name.
        name: String,
    },
}

/// What to do with a stream key.
#[derive(Debug, Subcommand)]
pub enum KeyArgs {
    /// Makes a new key and prints it; the one before is worth nothing.
    Rotate {
        /// The stream's name.
        name: String,
    },
    /// Takes the key away: nothing can be pushed until there is a new one.
    Revoke {
        /// The stream's name.
        name: String,
    },
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let store = open_store(&config).await?;
    let done = act(&config, &store, args).await;
    store.close().await;
    done
}

async fn act(config: &Config, store: &Store, args: &Args) -> Result<(), Failure> {
    match args {
        Args::Add { name, url, lang, category, products, headers: lines, settings } => {
            let products = products.as_ref().map(read_products).transpose()?.unwrap_or_default();
            let url = url.as_deref().map(address).transpose()?;
            let what = What {
                name,
                url,
                language: *lang,
                category: category.clone(),
                headers: lines.as_deref().map(headers).transpose()?.unwrap_or_default(),
                settings: settings.apply(SourceSettings::default(), config)?,
            };
            let added = add(store, what, &products).await?;
            println!("added {name} ({})", added.source.id);
            if let Some(key) = added.stream_key {
                println!("push to      rtmp://{}/live", config.record.rtmp_bind);
                if let Some(bind) = config.record.rtmps_bind {
                    println!("or to        rtmps://{bind}/live");
                }
                if let Some(bind) = config.record.srt_bind {
                    println!(
                        "or to        srt://{bind}?streamid={} (the key is the passphrase)",
                        added.source.id
                    );
                }
                println!("stream key   {}", key.expose_secret());
                println!("The key is shown this once.");
            }
            Ok(())
        }
        Args::List => {
            let now = SystemClock.now();
            let processes = store.processes(now).await?;
            for s in store.sources().await? {
                let said = recorder_says::of(&processes, s.id, now);
                let state = if s.enabled { "enabled" } else { "disabled" };
                let doing = said.as_ref().map_or("no recorder runs", |said| said.state.as_str());
                let from = s.url_shown.unwrap_or_else(|| "pushed".into());
                println!("{}  {}  {state}  {doing}  {from}", s.name, s.language.code());
                if let Some((what, at, is_over)) = said.and_then(|said| said.problem) {
                    println!("    {at}{}: {what}", if is_over { " (over)" } else { "" });
                }
            }
            Ok(())
        }
        Args::Cost(args) => super::cost::run(config, store, args).await,
        Args::Edit { name, rename, url, headers: lines, lang, settings } => {
            let mut source = named(store, name).await?;
            if let Some(to) = rename {
                source.name.clone_from(to);
            }
            source.language = lang.unwrap_or(source.language);
            source.settings = settings.apply(source.settings, config)?;
            let url = url.as_deref().map(address).transpose()?;
            let lines = lines.as_deref().map(headers).transpose()?;
            edit(store, &source, url, lines).await?;
            println!("changed {}", source.name);
            Ok(())
        }
        Args::Start { name } => set_requested(store, name, true).await,
        Args::Stop { name } => set_requested(store, name, false).await,
        Args::Enable { name } => set_enabled(store, name, true).await,
        Args::Disable { name } => set_enabled(store, name, false).await,
        Args::OnAir { name, sku } => put_on_air(store, name, sku.as_deref()).await,
        Args::Key { what: KeyArgs::Rotate { name } } => change_key(store, name, Some(new_stream_key())).await,
        Args::Key { what: KeyArgs::Revoke { name } } => change_key(store, name, None).await,
        Args::Remove { name } => {
            let source = named(store, name).await?;
            let mut tx = store.begin().await?;
            sources::remove_source(&mut tx, source.id).await?;
            tx.commit().await?;
            println!("removed {name}");
            Ok(())
        }
    }
}

async fn named(store: &Store, name: &str) -> Result<Source, Failure> {
    let found = store.source_by_name(name).await?;
    found.ok_or_else(|| {
        Failure::new(format!("no source is called {name:?}; `clipmill source list` shows them"))
    })
}

/// Writes a changed source. A new address without new headers has none: they were for the old one.
async fn edit(
    store: &Store,
    source: &Source,
    url: Option<SecretString>,
    headers: Option<Vec<sources::Header>>,
) -> Result<(), Failure> {
    let pull = match (url, headers) {
        (None, None) => None,
        (Some(url), headers) => Some((url, headers.unwrap_or_default())),
        (None, Some(headers)) => Some((store.pull_url(source.id).await?, headers)),
    };
    let mut tx = store.begin().await?;
    sources::update_source(&mut tx, source).await?;
    if let Some((url, headers)) = &pull {
        sources::set_pull(&mut tx, source.id, url, headers).await?;
    }
    let now = SystemClock.now();
    audit::audit(&mut tx, now, "operator", "change source", &source.id.to_string(), Some(&source.name))
        .await?;
    Ok(tx.commit().await?)
}

async fn set_requested(store: &Store, name: &str, start: bool) -> Result<(), Failure> {
    let source = named(store, name).await?;
    may_be_asked(&source, start).map_err(Failure::new)?;
    let mut tx = store.begin().await?;
    sources::set_source_requested(&mut tx, source.id, start).await?;
    let action = if start { "record" } else { "stop recording" };
    audit::audit(&mut tx, SystemClock.now(), "operator", action, &source.id.to_string(), None).await?;
    tx.commit().await?;
    println!("{name} is asked to {}", if start { "record" } else { "stop" });
    Ok(())
}

async fn set_enabled(store: &Store, name: &str, enabled: bool) -> Result<(), Failure> {
    let source = named(store, name).await?;
    let now = SystemClock.now();
    let mut tx = store.begin().await?;
    sources::set_source_enabled(&mut tx, source.id, enabled).await?;
    audit::audit(
        &mut tx,
        now,
        "operator",
        if enabled { "enable" } else { "disable" },
        &source.id.to_string(),
        None,
    )
    .await?;
    tx.commit().await?;
    println!("{name} is {}", if enabled { "enabled" } else { "disabled" });
    Ok(())
}

async fn put_on_air(store: &Store, name: &str, sku: Option<&str>) -> Result<(), Failure> {
    let source = named(store, name).await?;
    let now = SystemClock.now();
    let said =
        OnAir { source_id: source.id, at: now, sku: sku.map(str::to_owned), said_by: "operator".to_owned() };
    crate::api::on_air::say(store, &said, now).await?.map_err(Failure::new)?;
    println!("{} is on air in {name}", sku.unwrap_or("nothing"));
    Ok(())
}

async fn change_key(store: &Store, name: &str, key: Option<SecretString>) -> Result<(), Failure> {
    let source = named(store, name).await?;
    if source.kind != SourceKind::Push {
        return Err(Failure::new(format!("{name:?} is pulled and has no stream key")));
    }
    let mut tx = store.begin().await?;
    let action = match &key {
        Some(key) => sources::set_stream_key(&mut tx, source.id, key).await.map(|()| "rotate key")?,
        None => sources::revoke_stream_key(&mut tx, source.id).await.map(|()| "revoke key")?,
    };
    audit::audit(&mut tx, SystemClock.now(), "operator", action, &source.id.to_string(), None).await?;
    tx.commit().await?;
    match key {
        Some(key) => println!("stream key   {}\nThe key is shown this once.", key.expose_secret()),
        None => println!("{name} has no stream key any longer; `clipmill source key rotate` makes one"),
    }
    Ok(())
}

/// A source just added, and the key that is shown once.
pub(super) struct Added {
    pub source: Source,
    pub stream_key: Option<SecretString>,
}

/// A source to be added.
pub(super) struct What<'a> {
    name: &'a str,
    url: Option<SecretString>,
    language: Language,
    category: Option<String>,
    headers: Vec<sources::Header>,
    settings: SourceSettings,
}

impl<'a> What<'a> {
    /// One that an encoder pushes to.
    pub(super) fn pushed(name: &'a str, language: Language) -> Self {
        let settings = SourceSettings::default();
        Self { name, url: None, language, category: None, headers: vec![], settings }
    }
}

/// Adds a pull source of a URL, or a push source with a fresh key.
pub(super) async fn add(store: &Store, what: What<'_>, products: &[Product]) -> Result<Added, Failure> {
    let What { name, url, language, category, headers, settings } = what;
    let now = SystemClock.now();
    let stream_key = url.is_none().then(new_stream_key);
    let kind = if url.is_some() { SourceKind::Pull } else { SourceKind::Push };
    let secret = url.or_else(|| stream_key.clone()).unwrap_or_default();
    let new = sources::NewSource {
        id: SourceId::new_at(now),
        name: name.to_owned(),
        kind,
        secret,
        language,
        category,
        headers,
        settings,
        now,
    };
    let mut tx = store.begin().await?;
    let source = sources::add_source(&mut tx, &new).await?;
    sources::set_products(&mut tx, source.id, products).await?;
    audit::audit(&mut tx, now, "operator", "add source", &source.id.to_string(), Some(name)).await?;
    tx.commit().await?;
    Ok(Added { source, stream_key })
}

/// What to pull, as an address: a path of this machine becomes a `file:` URL.
fn address(given: &str) -> Result<SecretString, Failure> {
    if given.contains("://") {
        return Ok(SecretString::from(given));
    }
    let path = std::path::Path::new(given);
    let path = path.canonicalize().map_err(|e| {
        Failure::new(format!(
            "{given:?} is neither an address (rtmp://…, https://…, srt://…) nor a file here: {e}"
        ))
    })?;
    let url = url::Url::from_file_path(&path);
    url.map(|u| SecretString::from(String::from(u)))
        .map_err(|()| Failure::new(format!("cannot make an address of {}", path.display())))
}

/// Products of JSON Lines text; an error names the line.
pub(super) fn parse_products(text: &str) -> Result<Vec<Product>, String> {
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    lines.map(|(i, l)| serde_json::from_str(l).map_err(|e| format!("line {}: {e}", i + 1))).collect()
}

fn read_products(path: &Utf8PathBuf) -> Result<Vec<Product>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::new(format!("cannot read {path}: {e}")))?;
    parse_products(&text).map_err(|e| Failure::new(format!("{path} is not a product list: {e}")))
}
