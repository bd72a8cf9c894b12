//! Utterances as captions: at most two lines, broken where one may break, at the time of their words.

use clipmill_domain::{MediaTime, Span, source::Language, transcript::Utterance};

use super::timing::{Piece, pieces};

/// A caption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// When it appears.
    pub start: MediaTime,
    /// When it goes; after `start`.
    pub end: MediaTime,
    /// Which voice says it, from 0.
    pub speaker: Option<u32>,
    /// One or two lines, not empty, without line breaks.
    pub lines: Vec<String>,
}

/// Columns of a line with Chinese in it: 18 characters, each two columns wide.
const COLUMNS_ZH: usize = 36;
/// Columns of a line without.
const COLUMNS_LATIN: usize = 42;

/// What a good break is worth, in columns of unevenness.
const SENTENCE_MARK: usize = 24;
const CLAUSE_MARK: usize = 20;

fn wide(c: char) -> bool {
    matches!(u32::from(c), 0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE4F
        | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD)
}

/// How many columns a text takes: two for a Chinese character.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// The longest line for a text.
pub(super) fn columns_max(text: &str) -> usize {
    if text.chars().any(wide) { COLUMNS_ZH } else { COLUMNS_LATIN }
}

/// How a voice is named before what it says.
pub(super) fn speaker_name(speaker: u32, language: Language) -> String {
    match language {
        Language::Zh => format!("说话人{}", speaker.saturating_add(1)),
        Language::En => format!("Speaker {}", speaker.saturating_add(1)),
    }
}

/// The captions of `utterances`, which are in order. With `within`, those that share an instant with it, cut to it.
/// `named`: with the speaker's name, in this language, before the first words of a turn; `after`: who spoke before.
pub fn cues(
    utterances: &[Utterance],
    within: Option<Span>,
    named: Option<Language>,
    after: Option<u32>,
) -> Vec<Cue> {
    let mut all: Vec<Cue> = vec![];
    let mut last_speaker = after;
    for u in utterances {
        let turn = u.speaker.is_some() && u.speaker != last_speaker;
        last_speaker = u.speaker.or(last_speaker);
        let mut pieces = pieces(u);
        if let (Some(language), Some(speaker), Some(first), true) =
            (named, u.speaker, pieces.first_mut(), turn)
        {
            let colon = if language == Language::Zh { "：" } else { ": " };
            first.text.insert_str(0, &format!("{}{colon}", speaker_name(speaker, language)));
        }
        let width = columns_max(&u.text);
        for group in split(&pieces, width) {
            let lines = lines(group, width);
            let (Some(a), Some(b)) = (group.first(), group.last()) else { continue };
            let (mut start, mut end) = (a.start, b.end.max(a.start + 1_000));
            if let Some(w) = within {
                (start, end) = (start.max(w.start()), end.min(w.end()));
            }
            if let Some(before) = all.last() {
                start = start.max(before.end);
            }
            if !lines.is_empty() && start < end {
                all.push(Cue { start, end, speaker: u.speaker, lines });
            }
        }
    }
    all
}

fn joined(pieces: &[Piece]) -> String {
    pieces.iter().map(|p| p.text.as_str()).collect::<String>().trim().to_owned()
}

/// Columns of pieces one after the other, without the space at the end.
fn width_of(pieces: &[Piece]) -> usize {
    let space = pieces.last().map_or(0, |p| p.text.len() - p.text.trim_end().len());
    pieces.iter().map(|p| columns(&p.text)).sum::<usize>().saturating_sub(space)
}

/// How bad it is to break after `k` pieces: how uneven the two sides are, less what a mark there is worth.
fn badness(pieces: &[Piece], k: usize) -> usize {
    let uneven = width_of(&pieces[..k]).abs_diff(width_of(&pieces[k..]));
    let mark = match pieces[..k].last().and_then(|p| p.text.trim_end().chars().next_back()) {
        Some('。' | '！' | '？' | '.' | '!' | '?') => SENTENCE_MARK,
        Some('，' | '、' | '；' | '：' | ',' | ';' | ':') => CLAUSE_MARK,
        _ => 0,
    };
    (uneven + SENTENCE_MARK).saturating_sub(mark)
}

/// Where to break a caption into two lines that both fit; the best of them.
fn line_break(pieces: &[Piece], width: usize) -> Option<usize> {
    if width_of(pieces) > 2 * width + 1 {
        return None;
    }
    let fits = |p: &[Piece]| width_of(p) <= width;
    (1..pieces.len())
        .filter(|k| fits(&pieces[..*k]) && fits(&pieces[*k..]))
        .min_by_key(|k| badness(pieces, *k))
}

fn one_caption(pieces: &[Piece], width: usize) -> bool {
    width_of(pieces) <= width || line_break(pieces, width).is_some()
}

/// Splits until each part fits a caption, each time near the middle. A piece that is itself too long stays whole here.
fn split(pieces: &[Piece], width: usize) -> Vec<&[Piece]> {
    let (mut todo, mut done) = (vec![pieces], vec![]);
    while let Some(part) = todo.pop() {
        if part.len() < 2 || one_caption(part, width) {
            done.push(part);
            continue;
        }
        let Some(k) = (1..part.len()).min_by_key(|k| badness(part, *k)) else { continue };
        todo.push(&part[k..]);
        todo.push(&part[..k]);
    }
    done
}

fn lines(pieces: &[Piece], width: usize) -> Vec<String> {
    let text = joined(pieces);
    if text.is_empty() {
        return vec![];
    }
    if width_of(pieces) > width
        && let Some(k) = line_break(pieces, width)
    {
        return vec![joined(&pieces[..k]), joined(&pieces[k..])];
    }
    vec![text]
}
