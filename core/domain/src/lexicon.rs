//! The words of the trade: names and terms that must be written right, and what is known to be misheard.

use serde::{Deserialize, Serialize};

use crate::{LexiconEntryId, SourceId, WallTime, source::Language};

/// A term that hosts say, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LexiconEntry {
    /// Its id.
    pub id: LexiconEntryId,
    /// The source it is for; `None`: all of them.
    pub source_id: Option<SourceId>,
    /// The language it is said in; `None`: any.
    pub language: Option<Language>,
    /// How it is written.
    pub term: String,
    /// Other names for it that are right as they are, and written as they are.
    pub aliases: Vec<String>,
    /// What is heard when it is said, letter for letter: rewritten wherever it is met. Empty for a plain term, which is
    /// found by its sound.
    pub misheard: Vec<String>,
    /// Who entered it.
    pub entered_by: String,
    /// When.
    pub entered_at: WallTime,
}

impl LexiconEntry {
    /// # Errors
    /// What to correct, in words.
    pub fn validate(&self) -> Result<(), String> {
        let all = || std::iter::once(&self.term).chain(&self.aliases).chain(&self.misheard);
        if all().any(|t| t.trim().is_empty() || t.trim() != t) {
            return Err("a term may not be empty, nor begin or end with a space".to_owned());
        }
        if all().any(|t| t.chars().count() > TERM_CHARS_MAX || t.chars().any(char::is_control)) {
            return Err(format!("a term is one line of at most {TERM_CHARS_MAX} characters"));
        }
        if self.aliases.len() + self.misheard.len() > SPELLINGS_MAX {
            return Err(format!("a term has at most {SPELLINGS_MAX} aliases and mishearings"));
        }
        if self.misheard.iter().any(|m| *m == self.term || self.aliases.contains(m)) {
            return Err(format!("{:?} cannot be both right and misheard", self.term));
        }
        Ok(())
    }
}

/// The longest term.
pub const TERM_CHARS_MAX: usize = 60;
/// The most aliases and mishearings of one term.
pub const SPELLINGS_MAX: usize = 100;
