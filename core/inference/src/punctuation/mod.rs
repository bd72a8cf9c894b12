//! Marks where the recogniser gave none: at the end of a sentence, at its pauses, and full-width beside Chinese. Pure.
//!
//! Rows stay as recognised; this is how they are shown. Letters, digits, the number of words and their times stay. Where
//! it is not clear whether something is asked, it is not: a wrong question mark is worse than a full stop.

mod asks;
#[cfg(test)]
mod tests;

use std::ops::Range;

use clipmill_domain::{
    source::Language,
    transcript::{Utterance, Word},
};

use crate::script::is_cjk;
use asks::{asks_en, asks_zh};

/// A pause inside a Chinese sentence that is written as a comma, in microseconds: longer than the closure of a stop
/// consonant and than a voice detector's window, as long as the pause that ends a chunk of speech.
const COMMA_PAUSE: i64 = 300_000;

/// How far ahead in the text a word is looked for, in bytes.
const AHEAD: usize = 48;

/// Characters that belong to what is before them, or cannot end a clause: a pause there is a hesitation.
const NOT_BEFORE: &str = "的地得了着过们吗呢吧啊呀哦啦嘛";
const NOT_AFTER: &str = "和跟与或把被从向很太最更第每各是不也都就又再才这那";

/// The marks that one utterance is shown with, as changes of its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    edits: Vec<Edit>,
}

/// What stands at `at` (bytes of the text as recognised; empty: nothing is taken away) becomes `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    at: Range<usize>,
    to: String,
}

impl Edit {
    fn new(at: Range<usize>, to: &str) -> Self {
        Self { at, to: to.to_owned() }
    }
}

impl Marks {
    /// What `u` lacks. Nothing where a person wrote it.
    pub fn of(u: &Utterance) -> Self {
        let text = u.text.as_str();
        let says = |c: char| c.is_alphabetic();
        if u.edited_at.is_some() || !text.chars().any(says) {
            return Self::default();
        }
        let mut edits = if text.chars().any(is_han) || u.language == Some(Language::Zh) {
            let mut edits = full_width(text);
            edits.extend(commas(u));
            edits.extend(closing(text, |said| if asks_zh(said) { "？" } else { "。" }));
            edits
        } else {
            let close = closing(text, |said| if asks_en(said) { "?" } else { "." });
            let close = close.filter(|_| !ends_with_address(text));
            // Where the recogniser closed the sentence, it also knew how it begins.
            close.into_iter().flat_map(|c| capital(text).into_iter().chain([c])).collect()
        };
        edits.sort_by_key(|e| (e.at.start, e.at.end));
        Self { edits }
    }

    /// `u` with its marks, in the text and at the words before them.
    pub fn write(&self, u: &mut Utterance) {
        let ranges = places(&u.text, &u.words);
        for (word, range) in u.words.iter_mut().zip(&ranges) {
            let Some(range) = range else { continue };
            // A mark that is put in belongs to the word before it; a full-width mark stays where the narrow one stood.
            let inside = |e: &&Edit| {
                if e.at.is_empty() {
                    range.start < e.at.start && e.at.start <= range.end
                } else {
                    range.start <= e.at.start && e.at.end <= range.end
                }
            };
            let from = range.start;
            let inside = self.edits.iter().filter(inside);
            let own: Vec<Edit> =
                inside.map(|e| Edit::new(e.at.start - from..e.at.end - from, &e.to)).collect();
            word.text = applied(&word.text, &own);
        }
        u.text = applied(&u.text, &self.edits);
    }

    /// Where `range` (bytes of the text as recognised) stands in the text with its marks, in characters.
    pub fn moved(&self, text: &str, range: Range<usize>) -> Range<usize> {
        let at = |byte: usize, after_marks: bool| {
            let mut chars = text.get(..byte).map_or(0, |t| t.chars().count());
            for e in &self.edits {
                let before = if e.at.is_empty() && !after_marks { e.at.end < byte } else { e.at.end <= byte };
                if before {
                    chars += e.to.chars().count();
                    chars -= text[e.at.clone()].chars().count();
                }
            }
            chars
        };
        at(range.start, true)..at(range.end, false)
    }
}

/// Whether a sentence asks something: by its mark, or by its words where it has none. In doubt it does not.
pub fn asks(text: &str) -> bool {
    let text = text.trim();
    let said = text.trim_end_matches(['。', '，', '.', ',', '!', '！']);
    if said.ends_with(['?', '？']) {
        return true;
    }
    if said.chars().any(crate::script::is_cjk) {
        asks::asks_zh(said)
    } else {
        said == text && asks::asks_en(said)
    }
}

/// An utterance of the rows with the marks that it lacks.
pub fn punctuated(mut u: Utterance) -> Utterance {
    Marks::of(&u).write(&mut u);
    u
}

fn applied(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut at = 0;
    for e in edits {
        out.push_str(&text[at..e.at.start]);
        out.push_str(&e.to);
        at = e.at.end;
    }
    out.push_str(&text[at..]);
    out
}

fn is_han(c: char) -> bool {
    is_cjk(c) && c.is_alphanumeric()
}

/// Where each word stands in the text; `None` where it is not found near the one before.
fn places(text: &str, words: &[Word]) -> Vec<Option<Range<usize>>> {
    let mut at = 0;
    let mut place = |w: &Word| {
        let mut reach = (at + AHEAD + w.text.len()).min(text.len());
        while !text.is_char_boundary(reach) {
            reach += 1;
        }
        let start = at + (!w.text.is_empty()).then(|| text[at..reach].find(&w.text)).flatten()?;
        at = start + w.text.len();
        Some(start..at)
    };
    words.iter().map(&mut place).collect()
}

/// Narrow marks beside Chinese characters become wide ones; the space after them goes.
fn full_width(text: &str) -> Vec<Edit> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let mut edits = vec![];
    for (i, &(at, c)) in chars.iter().enumerate() {
        let before = chars[..i].iter().rev().map(|x| x.1).find(|c| !c.is_whitespace());
        let after = chars[i + 1..].iter().find(|x| !x.1.is_whitespace());
        let (wide_before, wide_after) = (before.is_some_and(is_han), after.is_some_and(|x| is_han(x.1)));
        let last = after.is_none() && before.is_some_and(char::is_alphanumeric);
        // "3:30", "1,299", "x.com/y" and what else is no Chinese stays. A dot is too often no full stop.
        let to = match c {
            ',' if wide_before || wide_after || last => "，",
            '?' if wide_before || wide_after || last => "？",
            '!' if wide_before || wide_after || last => "！",
            ':' if (wide_before || wide_after) && after.is_none_or(|x| x.1 != '/') => "：",
            ';' if wide_before || wide_after => "；",
            '.' if last || (wide_before && wide_after) => "。",
            _ => continue,
        };
        if before.is_none() {
            continue;
        }
        edits.push(Edit::new(at..at + 1, to));
        let next = after.map_or(text.len(), |x| x.0);
        if next > at + 1 {
            edits.push(Edit::new(at + 1..next, ""));
        }
    }
    edits
}

/// A comma at each pause of a Chinese sentence where no mark stands and a clause may end.
fn commas(u: &Utterance) -> Vec<Edit> {
    let text = u.text.as_str();
    let places = places(text, &u.words);
    let mut edits = vec![];
    for (words, ranges) in u.words.windows(2).zip(places.windows(2)) {
        let (Some(a), Some(b)) = (&ranges[0], &ranges[1]) else { continue };
        if words[1].start - words[0].end < COMMA_PAUSE || a.end > b.start {
            continue;
        }
        let between = &text[a.end..b.start];
        let (before, after) = (text[..a.end].chars().next_back(), text[b.start..].chars().next());
        let (Some(before), Some(after)) = (before, after) else { continue };
        let letters = before.is_alphanumeric() && after.is_alphanumeric() && between.trim().is_empty();
        let latin = !is_han(before) && !is_han(after);
        let number = within_number(before, after);
        if letters && !latin && !number && !NOT_AFTER.contains(before) && !NOT_BEFORE.contains(after) {
            edits.push(Edit::new(a.end..a.end, "，"));
            if !between.is_empty() {
                edits.push(Edit::new(a.end..b.start, ""));
            }
        }
    }
    edits
}

/// Whether a number may go on from `before` to `after`: two numerals, a numeral and what is counted or measured, a price
/// and its small change. Only 两 does not go on from ones and tens.
fn within_number(before: char, after: char) -> bool {
    const ONES: &str = "零〇一二两三四五六七八九十";
    let numeral = |c: char| c.is_ascii_digit() || ONES.contains(c) || "百千万亿点半几多".contains(c);
    let measure = |c: char| {
        "块元毛角分折号件斤克个只双条支瓶罐盒包袋套台款码升瓦度岁天年月日层倍成米寸厘毫公千小秒种样位名单"
            .contains(c)
    };
    let other = after == '两' && ONES.contains(before);
    (numeral(before) && (numeral(after) || measure(after)) && !other)
        || ("块毛斤第之".contains(before) && numeral(after))
}

/// The mark at the end, where none stands.
fn closing(text: &str, mark: impl Fn(&str) -> &'static str) -> Option<Edit> {
    let said = text.trim_end();
    let bare = said.trim_end_matches(['"', '”', '’', '\'', ')', '）', '》', '】', '」']);
    let last = bare.chars().next_back()?;
    // A comma at the end, or a dash, says that the sentence goes on.
    let open = last.is_alphanumeric() || matches!(last, '%' | '+' | '℃' | '°' | '％');
    open.then(|| Edit::new(said.len()..said.len(), mark(bare)))
}

/// Whether the last word is an address on the web: a mark there would seem to be part of it.
fn ends_with_address(text: &str) -> bool {
    let last = text.split_whitespace().next_back().unwrap_or_default();
    let dotted = last.split_once('.').is_some_and(|(_, b)| b.starts_with(char::is_alphabetic));
    dotted || last.contains(['@', '/'])
}

/// The first letter large, unless the word is written in its own way (iPhone, shop.com).
fn capital(text: &str) -> Option<Edit> {
    let at = text.find(char::is_alphanumeric)?;
    let word = text[at..].split_whitespace().next()?;
    let word = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    let plain = word.chars().all(|c| c.is_lowercase() || matches!(c, '\'' | '’' | '-'));
    let first = word.chars().next().filter(|_| plain)?;
    let mut large = first.to_uppercase();
    let to = large.next().filter(|_| large.next().is_none())?;
    Some(Edit::new(at..at + first.len_utf8(), to.encode_utf8(&mut [0; 4])))
}
