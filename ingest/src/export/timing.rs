//! When each stretch of an utterance's text is said.

use clipmill_domain::{MediaTime, transcript::Utterance};

/// A stretch of text that may not be broken, with what follows it up to the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) start: MediaTime,
    pub(super) end: MediaTime,
}

/// How far ahead in the text a word is looked for, in bytes. Words that a person's edit removed are thus passed over
/// instead of being found in a later sentence.
const AHEAD: usize = 48;

/// The text in pieces that a line may end after, each with its time: that of its words where they stand in the text,
/// evenly between them where the text was edited.
pub(super) fn pieces(u: &Utterance) -> Vec<Piece> {
    let text = u.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clock = Clock::new(&text, u);
    let mut all = vec![];
    let mut from = 0;
    for (to, _) in unicode_linebreak::linebreaks(&text) {
        let piece = &text[from..to];
        // Marks after a word take no time.
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        let said = if to == text.len() { to } else { from + word.len() };
        let start = clock.at(from);
        let end = between(&clock.ends, said).max(start);
        all.push(Piece { text: piece.to_owned(), start, end });
        from = to;
    }
    all
}

/// Known moments along a text: bytes that begin or end a word.
struct Clock {
    starts: Vec<(usize, MediaTime)>,
    ends: Vec<(usize, MediaTime)>,
}

impl Clock {
    fn new(text: &str, u: &Utterance) -> Self {
        let mut starts = vec![(0, u.span.start())];
        let mut ends = vec![(0, u.span.start())];
        let mut at = 0;
        for w in &u.words {
            // The marks after a word take no time; nor need they stand in an edited text.
            let word = w.text.trim().trim_end_matches(|c: char| !c.is_alphanumeric());
            let mut reach = (at + AHEAD + word.len()).min(text.len());
            while !text.is_char_boundary(reach) {
                reach += 1;
            }
            let Some(found) = (!word.is_empty()).then(|| text[at..reach].find(word)).flatten() else {
                continue;
            };
            let (start, end) = (w.start.max(u.span.start()), w.end.min(u.span.end()));
            starts.push((at + found, start));
            at += found + word.len();
            ends.push((at, end));
        }
        ends.push((text.len(), u.span.end()));
        starts.push((text.len(), u.span.end()));
        Self { starts, ends }
    }

    /// When what begins at byte `i` begins.
    fn at(&self, i: usize) -> MediaTime {
        // The beginning of the text is the beginning of the first word, not of the silence before it.
        let known = self.starts.iter().rev().find(|(at, _)| *at == i).map(|(_, t)| *t);
        known.unwrap_or_else(|| between(&self.starts, i))
    }
}

/// The time at byte `i`, evenly between the known ones around it.
fn between(known: &[(usize, MediaTime)], i: usize) -> MediaTime {
    let after = known.iter().position(|(at, _)| *at >= i).unwrap_or(known.len().saturating_sub(1));
    let (Some((b, end)), before) = (known.get(after), after.checked_sub(1).and_then(|k| known.get(k))) else {
        return MediaTime::ZERO;
    };
    let Some((a, start)) = before.filter(|(a, _)| a < b) else { return *end };
    let share = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    *start + (*end - *start).max(0).saturating_mul(share(i - a)) / share(b - a).max(1)
}
