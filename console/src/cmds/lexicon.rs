//! `clipmill lexicon …`: names and terms that must be written right, and what is misheard for them.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use clipmill_domain::{
    Clock as _, Id as _, LexiconEntryId, SourceId, lexicon::LexiconEntry, product::Product, source::Language,
};
use clipmill_store::{Store, audit, lexicon as rows};
use clipmill_worker::SystemClock;
use serde::Deserialize;

use super::{Cli, Failure, load, open_store};
use crate::api::lexicon_rules as rules;

/// Who the audit log names for changes made here.
const ACTOR: &str = "operator";

/// Changes that a preview prints.
const SHOWN: usize = 20;

/// The largest file of terms.
const FILE_BYTES_MAX: u64 = 4_000_000;

/// What to do with the lexicon.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Lists the entries, by term.
    List {
        /// Only what holds for this stream: its own entries and those for all.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
    },
    /// Enters a term, or adds to the entry of the same term.
    Add {
        /// How it is written.
        term: String,
        /// Another name for it that is right as it is; may be given often.
        #[arg(long = "alias")]
        aliases: Vec<String>,
        /// What is heard when it is said, letter for letter; may be given often.
        #[arg(long)]
        misheard: Vec<String>,
        /// Only for this stream.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// The language it is said in.
        #[arg(long)]
        lang: Option<Language>,
    },
    /// Takes an entry out. What it has changed already stays.
    Remove {
        /// The term, or the entry's id.
        term: String,
        /// The entry of this stream, not the one for all.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
    },
    /// Enters the terms of a file: one a line with aliases after tabs, or JSON Lines of entries (term, aliases, misheard) or
    /// products (name, aliases).
    Import {
        /// The file.
        file: PathBuf,
        /// Only for this stream.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
    },
    /// Shows what a rule would change in the transcripts that are stored.
    Preview {
        /// What is heard, letter for letter.
        heard: String,
        /// What it is.
        term: String,
        /// Only in recordings of this stream.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// Carries it out; what a person has edited is left alone.
        #[arg(long)]
        apply: bool,
    },
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let store = open_store(&config).await?;
    let done = act(&store, args).await;
    store.close().await;
    done
}

async fn act(store: &Store, args: &Args) -> Result<(), Failure> {
    match args {
        Args::List { source } => list(store, source.as_deref()).await,
        Args::Add { term, aliases, misheard, source, lang } => {
            let mut entry = entry(source_of(store, source.as_deref()).await?, term);
            entry.aliases.clone_from(aliases);
            entry.misheard.clone_from(misheard);
            entry.language = *lang;
            put(store, &entry).await?;
            println!("entered {term}");
            Ok(())
        }
        Args::Remove { term, source } => remove(store, term, source.as_deref()).await,
        Args::Import { file, source } => import(store, file, source.as_deref()).await,
        Args::Preview { heard, term, source, apply } => {
            let source = source_of(store, source.as_deref()).await?;
            preview(store, &rules::rule(source, heard, term, ACTOR, SystemClock.now()), *apply).await
        }
    }
}

fn entry(source_id: Option<SourceId>, term: &str) -> LexiconEntry {
    let now = SystemClock.now();
    LexiconEntry {
        id: LexiconEntryId::new_at(now),
        source_id,
        language: None,
        term: term.trim().to_owned(),
        aliases: vec![],
        misheard: vec![],
        entered_by: ACTOR.to_owned(),
        entered_at: now,
    }
}

async fn source_of(store: &Store, name: Option<&str>) -> Result<Option<SourceId>, Failure> {
    let Some(name) = name else { return Ok(None) };
    match store.source_by_name(name).await? {
        Some(source) => Ok(Some(source.id)),
        None => Err(Failure::new(format!("no stream is called {name:?}; `clipmill source list` shows them"))),
    }
}

async fn put(store: &Store, entry: &LexiconEntry) -> Result<(), Failure> {
    let stored = rules::put(store, entry, true, ACTOR).await?;
    stored.map(|_| ()).map_err(|why| Failure::new(format!("{}: {why}", entry.term)))
}

async fn list(store: &Store, source: Option<&str>) -> Result<(), Failure> {
    let entries = match source_of(store, source).await? {
        Some(source) => store.lexicon_of(source).await?,
        None => store.lexicon().await?,
    };
    let names: Vec<_> = store.sources().await?.into_iter().map(|s| (s.id, s.name)).collect();
    for e in entries {
        let name =
            |id: SourceId| names.iter().find(|(known, _)| *known == id).map_or("?", |(_, n)| n.as_str());
        let mut line = format!("{}  {}", e.id, e.term);
        if !e.aliases.is_empty() {
            line.push_str(&format!("  also {}", e.aliases.join(", ")));
        }
        if !e.misheard.is_empty() {
            line.push_str(&format!("  heard as {}", e.misheard.join(", ")));
        }
        if let Some(id) = e.source_id {
            line.push_str(&format!("  ({})", name(id)));
        }
        println!("{line}");
    }
    Ok(())
}

async fn remove(store: &Store, term: &str, source: Option<&str>) -> Result<(), Failure> {
    let found = match term.parse::<LexiconEntryId>() {
        Ok(id) => store.lexicon_entry(id).await?,
        Err(_) => store.lexicon_term(source_of(store, source).await?, term).await?,
    };
    let Some(found) = found else {
        let said = format!("there is no entry {term:?}; `clipmill lexicon list` shows them");
        return Err(Failure::new(said));
    };
    let mut tx = store.begin().await?;
    rows::remove_lexicon_entry(&mut tx, found.id).await?;
    let at = SystemClock.now();
    audit::audit(&mut tx, at, ACTOR, "remove term", &found.id.to_string(), Some(&found.term)).await?;
    tx.commit().await?;
    println!("removed {}", found.term);
    Ok(())
}

async fn import(store: &Store, file: &Path, source: Option<&str>) -> Result<(), Failure> {
    let source = source_of(store, source).await?;
    let cannot = |e: std::io::Error| Failure::new(format!("cannot read {}: {e}", file.display()));
    if std::fs::metadata(file).map_err(cannot)?.len() > FILE_BYTES_MAX {
        return Err(Failure::new(format!("{} is too large for a list of terms", file.display())));
    }
    let text = std::fs::read_to_string(file).map_err(cannot)?;
    let entries = read_terms(&text, source)
        .map_err(|(line, why)| Failure::new(format!("{}, line {line}: {why}", file.display())))?;
    for entry in &entries {
        put(store, entry).await?;
    }
    println!("entered {} terms", entries.len());
    Ok(())
}

/// An entry as a line of JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    term: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    misheard: Vec<String>,
    #[serde(default)]
    language: Option<Language>,
}

/// The entries of a file, or the number of the first line that is wrong and why. Nothing is entered by halves.
fn read_terms(text: &str, source: Option<SourceId>) -> Result<Vec<LexiconEntry>, (usize, String)> {
    let mut all = vec![];
    for (n, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let read = if line.trim_start().starts_with('{') {
            from_json(line, source).map_err(|e| (n, e))?
        } else {
            let mut spellings = line.split('\t').map(str::trim).filter(|t| !t.is_empty());
            let mut read = entry(source, spellings.next().unwrap_or_default());
            read.aliases = spellings.map(str::to_owned).collect();
            read
        };
        read.validate().map_err(|e| (n, e))?;
        all.push(read);
    }
    Ok(all)
}

fn from_json(line: &str, source: Option<SourceId>) -> Result<LexiconEntry, String> {
    let value: serde_json::Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
    if value.get("sku").is_some() {
        let product: Product = serde_json::from_value(value).map_err(|e| e.to_string())?;
        return Ok(LexiconEntry { aliases: product.aliases, ..entry(source, &product.name) });
    }
    let Line { term, aliases, misheard, language } =
        serde_json::from_value(value).map_err(|e| e.to_string())?;
    Ok(LexiconEntry { aliases, misheard, language, ..entry(source, &term) })
}

async fn preview(store: &Store, rule: &LexiconEntry, apply: bool) -> Result<(), Failure> {
    rule.validate().map_err(Failure::new)?;
    let changes = rules::preview(store, rule, SHOWN).await?;
    for c in &changes.shown {
        println!("{}  {}  {}", c.before.recording_id, c.recording_began, c.before.span.start());
        println!("  - {}", c.before.text);
        println!("  + {}", c.after.text);
    }
    let more = if changes.more { " or more" } else { "" };
    println!("{}{more} utterances would change; those that a person has edited would not", changes.count);
    if apply {
        let count = rules::apply(store, rule, ACTOR, SystemClock.now()).await?;
        println!("changed {count} utterances");
    } else if changes.count > 0 {
        println!(
            "`--apply` carries it out; `clipmill lexicon add TERM --misheard HEARD` makes it hold from now on"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_terms_entries_and_products_are_read() {
        let text = "\u{feff}针织开衫\t开衫\n\n{\"term\":\"AeonGlow\",\"misheard\":[\"eon glow\"],\"language\":\"en\"}\n\
                    {\"sku\":\"A\",\"name\":\"保湿面霜\",\"aliases\":[\"面霜\"],\"price\":9}\n";
        let read = read_terms(text, None).unwrap();
        let short: Vec<_> =
            read.iter().map(|e| (e.term.as_str(), e.aliases.len(), e.misheard.len())).collect();
        assert_eq!(short, [("针织开衫", 1, 0), ("AeonGlow", 0, 1), ("保湿面霜", 1, 0)]);
        assert_eq!(read[1].language, Some(Language::En));
    }

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(read_terms("好的\n{\"term\":1}", None).unwrap_err().0, 2);
        assert_eq!(read_terms("{\"term\":\"a\",\"alias\":[]}", None).unwrap_err().0, 1);
        assert!(read_terms(&"长".repeat(100), None).unwrap_err().1.contains("at most"));
    }
}
