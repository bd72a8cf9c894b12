//! What a rule of the lexicon changes in transcripts that are stored already.

use std::collections::HashMap;

use clipmill_domain::{
    Id as _, LexiconEntryId, RecordingId, SourceId, WallTime, lexicon::LexiconEntry, transcript::Utterance,
};
use clipmill_inference::{lexicon::Lexicon, script::join_words};
use clipmill_store::{Store, StoreError, audit, lexicon as rows, utterances::rewrite_utterance};

/// Utterances looked at by one preview; what is beyond is not counted.
const LOOKED_AT_MAX: usize = 50_000;
/// Utterances read at a time.
const BATCH: u32 = 500;

/// An utterance that a rule changes.
#[derive(Debug, Clone)]
pub(crate) struct Changed {
    /// As it is stored.
    pub before: Utterance,
    /// As it would be.
    pub after: Utterance,
    /// When its recording began.
    pub recording_began: WallTime,
}

/// All that a rule changes.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// The first of them.
    pub shown: Vec<Changed>,
    /// How many there are.
    pub count: u64,
    /// Whether there may be more than were looked at.
    pub more: bool,
}

/// A rule that is not stored, as an entry.
pub(crate) fn rule(
    source: Option<SourceId>,
    heard: &str,
    term: &str,
    by: &str,
    now: WallTime,
) -> LexiconEntry {
    LexiconEntry {
        id: LexiconEntryId::new_at(now),
        source_id: source,
        language: None,
        term: term.trim().to_owned(),
        aliases: vec![],
        misheard: vec![heard.trim().to_owned()],
        entered_by: by.to_owned(),
        entered_at: now,
    }
}

/// What a rule would change, at most `shown` of it in full. Nothing is written, and what a person has edited is not
/// among it.
pub(crate) async fn preview(store: &Store, rule: &LexiconEntry, shown: usize) -> Result<Changes, StoreError> {
    let mut all = Changes::default();
    let mut began = HashMap::new();
    let mut pages = Pages::new(rule);
    while let Some(page) = pages.next(store).await? {
        for (before, after) in page {
            all.count += 1;
            if all.shown.len() < shown {
                let recording_began = began_at(store, before.recording_id, &mut began).await?;
                all.shown.push(Changed { before, after, recording_began });
            }
        }
    }
    all.more = pages.looked_at >= LOOKED_AT_MAX;
    Ok(all)
}

/// Carries a rule out on the transcripts that are stored. Answers how many utterances it changed; those that a person
/// has edited are left alone.
pub(crate) async fn apply(
    store: &Store,
    rule: &LexiconEntry,
    actor: &str,
    now: WallTime,
) -> Result<u64, StoreError> {
    let mut count = 0;
    let mut pages = Pages::new(rule);
    while let Some(page) = pages.next(store).await? {
        let mut tx = store.begin().await?;
        for (_, after) in page {
            count += u64::from(rewrite_utterance(&mut tx, after.id, &after.text, &after.words, None).await?);
        }
        tx.commit().await?;
    }
    let mut tx = store.begin().await?;
    let detail = format!("{} -> {}: {count} utterances", rule.misheard.join(", "), rule.term);
    audit::audit(&mut tx, now, actor, "apply lexicon rule", &rule.term, Some(&detail)).await?;
    tx.commit().await?;
    Ok(count)
}

/// Enters `new`, or adds what it says to the entry of the same term and source. Answers what is stored then.
pub(crate) async fn put(
    store: &Store,
    new: &LexiconEntry,
    add: bool,
    actor: &str,
) -> Result<Result<LexiconEntry, String>, StoreError> {
    let known = store.lexicon_term(new.source_id, &new.term).await?;
    let mut entry = new.clone();
    if let Some(known) = known {
        entry.id = known.id;
        if add {
            entry.language = entry.language.or(known.language);
            entry.aliases = joined(&known.aliases, &entry.aliases);
            entry.misheard = joined(&known.misheard, &entry.misheard);
        }
    }
    if let Err(why) = entry.validate() {
        return Ok(Err(why));
    }
    let mut tx = store.begin().await?;
    rows::put_lexicon_entry(&mut tx, &entry).await?;
    audit::audit(&mut tx, entry.entered_at, actor, "enter term", &entry.id.to_string(), Some(&entry.term))
        .await?;
    tx.commit().await?;
    Ok(Ok(entry))
}

fn joined(old: &[String], new: &[String]) -> Vec<String> {
    let mut all = old.to_vec();
    all.extend(new.iter().filter(|t| !old.contains(t)).cloned());
    all
}

async fn began_at(
    store: &Store,
    id: RecordingId,
    known: &mut HashMap<RecordingId, WallTime>,
) -> Result<WallTime, StoreError> {
    if let Some(at) = known.get(&id) {
        return Ok(*at);
    }
    let rec = store.recording(id).await?;
    let rec = rec.ok_or(StoreError::NotFound { what: "recording", id: id.to_string() })?;
    known.insert(id, rec.started_at);
    Ok(rec.started_at)
}

/// The utterances that a rule changes, a batch at a time.
struct Pages {
    lexicon: Lexicon,
    heard: Vec<String>,
    source: Option<SourceId>,
    after: Option<clipmill_domain::UtteranceId>,
    looked_at: usize,
}

impl Pages {
    fn new(rule: &LexiconEntry) -> Self {
        let heard = rule.misheard.clone();
        let lexicon = Lexicon::new(std::slice::from_ref(rule), &[]);
        Self { lexicon, heard, source: rule.source_id, after: None, looked_at: 0 }
    }

    /// `None` when all were seen.
    async fn next(&mut self, store: &Store) -> Result<Option<Vec<(Utterance, Utterance)>>, StoreError> {
        while self.looked_at < LOOKED_AT_MAX {
            let Some(heard) = self.heard.last() else { return Ok(None) };
            let found = store.utterances_with(heard, self.source, self.after, BATCH).await?;
            self.looked_at += found.len();
            match found.last() {
                Some(last) => self.after = Some(last.id),
                None => {
                    self.heard.pop();
                    self.after = None;
                    continue;
                }
            }
            let changed: Vec<_> = found.into_iter().filter_map(|u| self.change(u)).collect();
            return Ok(Some(changed));
        }
        Ok(None)
    }

    fn change(&self, before: Utterance) -> Option<(Utterance, Utterance)> {
        let (words, count) = self.lexicon.ruled(&before.words);
        let text = join_words(words.iter().map(|w| w.text.as_str()));
        (count > 0).then(|| (before.clone(), Utterance { text, words, ..before }))
    }
}
