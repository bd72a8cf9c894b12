//! From recognised words to sentences. Pure: the same words always give the same sentences.

use clipmill_domain::{MediaTime, Span, source::Language, transcript::Word};
use clipmill_inference::{likely::Likely, script::join_words};
use serde::{Deserialize, Serialize};

/// A pause that ends a sentence at the end of a clause.
const CLAUSE_PAUSE: i64 = 250_000;
/// A pause that ends a sentence after 吗, 呢, 吧 or 啊.
const PARTICLE_PAUSE: i64 = 120_000;
/// A pause that ends a sentence anywhere.
const LONG_PAUSE: i64 = 900_000;
/// A sentence is over at the next end of a clause once it has so much text.
const ENOUGH_ZH: usize = 25;
const ENOUGH_EN: usize = 30;
/// A sentence is over at the next word once it has so much text (characters, or words in English) …
const TOO_LONG_ZH: usize = 60;
const TOO_LONG_EN: usize = 50;
/// … or lasts so long.
const TOO_LONG_MICROS: i64 = 20_000_000;
/// Fewer characters before a particle are an exclamation, not a sentence.
const PARTICLE_AFTER: usize = 4;
/// The length given to a word that has none, so that spans are never empty.
const WORD_MICROS_MIN: i64 = 1_000;

/// A closed sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// From its first word's start to its last word's end.
    pub span: Span,
    /// Its words joined.
    pub text: String,
    /// Its words, in order, inside `span`.
    pub words: Vec<Word>,
    /// What it was heard in.
    pub language: Language,
}

impl Sentence {
    /// Words that sound right and read wrong are put right; times and the number of words stay.
    pub(super) fn put_right(&mut self, likely: &Likely) {
        likely.repair(&mut self.words);
        self.text = join_words(self.words.iter().map(|w| w.text.as_str()));
    }
}

/// Collects words into sentences. It can be stored between two steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentences {
    language: Language,
    pending: Vec<Word>,
    floor: MediaTime,
}

impl Sentences {
    /// When the first word that closes no sentence yet was said.
    pub fn pending_since(&self) -> Option<MediaTime> {
        self.pending.first().map(|w| w.start)
    }

    /// With nothing pending.
    pub fn new(language: Language) -> Self {
        Self { language, pending: Vec::new(), floor: MediaTime::ZERO }
    }

    /// What follows is in `language`: what is pending in another one is a sentence.
    pub fn speak(&mut self, language: Language) -> Option<Sentence> {
        let before = if self.language == language { None } else { self.close() };
        self.language = language;
        before
    }

    /// Takes a clause (a run of words that the recogniser gave as one segment), in time order; returns the
    /// sentences that it closed. Words that overlap what came before are moved behind it.
    pub fn clause(&mut self, words: &[Word]) -> Vec<Sentence> {
        let mut closed = Vec::new();
        let mut first = true;
        for word in words {
            let text = word.text.trim();
            if text.is_empty() {
                continue;
            }
            if is_punctuation(text)
                && let Some(last) = self.pending.last_mut()
            {
                last.text.push_str(text);
                continue;
            }
            let start = word.start.max(self.floor);
            let end = word.end.max(start + WORD_MICROS_MIN);
            if self.closes_before(text, start, first) {
                closed.extend(self.close());
            }
            self.floor = end;
            self.pending.push(Word {
                text: text.to_owned(),
                start,
                end,
                p: word.p,
                mended: word.mended.clone(),
            });
            first = false;
        }
        closed
    }

    /// The speaker paused: whatever is pending is a sentence.
    pub fn close(&mut self) -> Option<Sentence> {
        let words = std::mem::take(&mut self.pending);
        let span = Span::new(words.first()?.start, words.last()?.end).ok()?;
        let text = join_words(words.iter().map(|w| w.text.as_str()));
        Some(Sentence { span, text, words, language: self.language })
    }

    /// Words taken that belong to no closed sentence yet.
    pub fn pending(&self) -> &[Word] {
        &self.pending
    }

    fn closes_before(&self, next: &str, start: MediaTime, clause_starts: bool) -> bool {
        let (Some(first), Some(last)) = (self.pending.first(), self.pending.last()) else { return false };
        let pause = start - last.end;
        let size = self.size();
        let (enough, too_long) = match self.language {
            Language::Zh => (ENOUGH_ZH, TOO_LONG_ZH),
            Language::En => (ENOUGH_EN, TOO_LONG_EN),
        };
        ends_sentence(&last.text, next)
            || pause >= LONG_PAUSE
            || size >= too_long
            || last.end - first.start >= TOO_LONG_MICROS
            || (clause_starts && (size >= enough || (pause >= CLAUSE_PAUSE && self.language == Language::Zh)))
            || (pause >= PARTICLE_PAUSE
                && size >= PARTICLE_AFTER
                && last.text.ends_with(['吗', '呢', '吧', '啊']))
    }

    fn size(&self) -> usize {
        match self.language {
            Language::Zh => self.pending.iter().map(|w| w.text.chars().count()).sum(),
            Language::En => self.pending.len(),
        }
    }
}

fn is_punctuation(text: &str) -> bool {
    text.chars().all(|c| !c.is_alphanumeric()) && !text.contains(['%', '$', '¥', '￥', '+', '&', '#'])
}

/// Whether the mark at the end of `last` ends a sentence, given the word after it.
fn ends_sentence(last: &str, next: &str) -> bool {
    let bare = last.trim_end_matches(['"', '”', '’', '\'', ')', '）']);
    match bare.chars().next_back() {
        Some('。' | '！' | '？' | '!' | '?' | '…') => true,
        Some('.') => {
            let stem = bare.trim_end_matches('.');
            let number_goes_on = stem.ends_with(|c: char| c.is_ascii_digit())
                && next.starts_with(|c: char| c.is_ascii_digit());
            let short =
                matches!(stem.to_ascii_lowercase().as_str(), "mr" | "mrs" | "ms" | "dr" | "no" | "vs" | "st");
            !number_goes_on && !short
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &str, start_ms: i64, end_ms: i64) -> Word {
        let t = |ms: i64| MediaTime::from_micros(ms * 1000);
        Word { text: text.into(), start: t(start_ms), end: t(end_ms), p: 0.9, mended: None }
    }

    /// Characters (or words) 200 ms long, from `at` on without pause.
    fn run<'a>(words: impl IntoIterator<Item = &'a str>, at: i64) -> Vec<Word> {
        (0..).zip(words).map(|(i, w)| word(w, at + i * 200, at + (i + 1) * 200)).collect()
    }

    fn zh(text: &str, at: i64) -> Vec<Word> {
        let chars: Vec<String> = text.chars().map(String::from).collect();
        run(chars.iter().map(String::as_str), at)
    }

    fn texts(s: &[Sentence]) -> Vec<&str> {
        s.iter().map(|s| s.text.as_str()).collect()
    }

    #[test]
    fn chinese_clauses_join_without_a_pause_and_part_with_one() {
        let mut b = Sentences::new(Language::Zh);
        assert!(b.clause(&zh("这件开衫", 0)).is_empty());
        assert!(b.clause(&zh("面料很软", 900)).is_empty(), "100 ms is no pause");
        let closed = b.clause(&zh("今天八十九", 2000));
        assert_eq!(texts(&closed), ["这件开衫面料很软"]);
        assert_eq!((closed[0].span.start().as_micros(), closed[0].span.end().as_micros()), (0, 1_700_000));
        assert_eq!(b.close().unwrap().text, "今天八十九");
        assert!(b.close().is_none());
    }

    #[test]
    fn a_particle_with_a_pause_ends_a_chinese_sentence() {
        let mut b = Sentences::new(Language::Zh);
        let mut words = zh("大家看到了吗", 0);
        words.extend(zh("我们看下一个", 1350));
        assert_eq!(texts(&b.clause(&words)), ["大家看到了吗"]);
    }

    #[test]
    fn marks_end_sentences_but_not_inside_a_number_or_after_mister() {
        let mut b = Sentences::new(Language::En);
        let words = ["It", "is", "89.", "90", "dollars.", "Ask", "Mr.", "Lee,", "please", "!", "Good"];
        let closed = b.clause(&run(words, 0));
        assert_eq!(texts(&closed), ["It is 89. 90 dollars.", "Ask Mr. Lee, please!"]);
        assert_eq!(b.close().unwrap().text, "Good");
    }

    #[test]
    fn latin_words_in_chinese_keep_their_spaces() {
        let mut b = Sentences::new(Language::Zh);
        b.clause(&run(["这", "款", "Air", "Max", "2", "号", "鞋"], 0));
        assert_eq!(b.close().unwrap().text, "这款Air Max 2号鞋");
    }

    #[test]
    fn another_language_begins_another_sentence() {
        let mut b = Sentences::new(Language::Zh);
        b.clause(&zh("这件开衫", 0));
        assert!(b.speak(Language::Zh).is_none());
        let before = b.speak(Language::En).unwrap();
        assert_eq!((before.text.as_str(), before.language), ("这件开衫", Language::Zh));
        b.clause(&run(["very", "soft"], 900));
        assert_eq!(b.close().map(|s| s.language), Some(Language::En));
    }

    #[test]
    fn endless_speech_is_cut_at_a_bound() {
        let mut b = Sentences::new(Language::Zh);
        let closed = b.clause(&zh(&"好".repeat(150), 0));
        assert!(closed.iter().all(|s| s.text.chars().count() <= TOO_LONG_ZH));
        assert_eq!(closed.len(), 2);
    }

    #[test]
    fn a_stored_builder_goes_on_where_it_stood() {
        let words = zh("这件开衫面料很软今天只要八十九块九", 0);
        let mut whole = Sentences::new(Language::Zh);
        let mut halves = Sentences::new(Language::Zh);
        let mut want = whole.clause(&words);
        let mut got = halves.clause(&words);
        let more = zh("拍二号链接吧", 5_000);
        want.extend(whole.clause(&more));
        let stored = serde_json::to_string(&halves).unwrap();
        let mut halves: Sentences = serde_json::from_str(&stored).unwrap();
        got.extend(halves.clause(&more));
        assert_eq!((want, whole.close()), (got, halves.close()));
    }

    fn any_words() -> impl Strategy<Value = Vec<(String, i64, i64, bool, bool)>> {
        let text = prop_oneof![
            Just("好".to_owned()),
            Just("吗".to_owned()),
            Just("hello".to_owned()),
            Just("end.".to_owned()),
            Just("。".to_owned()),
            Just(" ".to_owned()),
            Just("89".to_owned()),
            Just("真的！".to_owned()),
        ];
        // Starts and lengths are wild on purpose: recognisers overlap, go back and give empty words.
        prop::collection::vec(
            (text, -500i64..1500, -50i64..800, any::<bool>(), prop::bool::weighted(0.2)),
            0..120,
        )
    }

    proptest! {
        #[test]
        fn sentences_are_ordered_apart_and_keep_every_word_once(words in any_words(), english: bool) {
            let language = if english { Language::En } else { Language::Zh };
            let mut b = Sentences::new(language);
            let (mut at, mut clause, mut out, mut said) = (0i64, vec![], vec![], String::new());
            for (text, step, length, ends_clause, ends_chunk) in words {
                at = (at + step).max(0);
                said.push_str(text.trim());
                clause.push(word(&text, at, at + length));
                if ends_clause || ends_chunk {
                    out.extend(b.clause(&std::mem::take(&mut clause)));
                }
                if ends_chunk {
                    out.extend(b.close());
                }
            }
            out.extend(b.clause(&clause));
            out.extend(b.close());
            prop_assert!(b.pending().is_empty());
            let kept: String = out.iter().flat_map(|s| &s.words).map(|w| w.text.as_str()).collect();
            prop_assert_eq!(kept, said.clone());
            let shown: String = out.iter().map(|s| s.text.replace(' ', "")).collect();
            prop_assert_eq!(shown, said);
            for pair in out.windows(2) {
                prop_assert!(pair[0].span.end() <= pair[1].span.start());
            }
            for s in &out {
                prop_assert_eq!(s.words[0].start, s.span.start());
                prop_assert_eq!(s.words[s.words.len() - 1].end, s.span.end());
                prop_assert!(s.words.iter().all(|w| w.start < w.end));
                prop_assert!(s.words.windows(2).all(|p| p[0].end <= p[1].start));
            }
        }
    }
}
