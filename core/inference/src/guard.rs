//! Keeps out what a recogniser makes up: loops, impossible speed, and lines left over from its training.
//!
//! Pure functions over recognised segments. Nothing is corrected: text is kept, or dropped with a reason.

use std::io::Write as _;

use flate2::{Compression, write::ZlibEncoder};

use crate::{
    asr::{RecognizedSegment, RecognizedWord},
    script::{is_cjk, join_words},
};

/// Why text was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The same words three times or more on end; the first time is kept.
    Loop,
    /// More text than anyone can say in the time.
    TooFast,
    /// Text that compresses like a loop does.
    Repetitive,
    /// Hardly any words in much time, and those unsure: singing, or what only sounds like a voice.
    Unsure,
    /// A line that recognisers learnt from subtitles ("谢谢观看") in a moment of hardly any speech, or words made of the last
    /// fraction of a second.
    Residue,
}

impl DropReason {
    /// A stable key for storage.
    pub fn key(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::TooFast => "too_fast",
            Self::Repetitive => "repetitive",
            Self::Unsure => "unsure",
            Self::Residue => "residue",
        }
    }
}

/// Text that was dropped. Times in seconds, in the same count as the words'.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    /// The text.
    pub text: String,
    /// Where it was put.
    pub start_s: f64,
    /// Until when.
    pub end_s: f64,
    /// Why it is gone.
    pub reason: DropReason,
}

/// What the guards let through, and what not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Guarded {
    /// Segments that still have words.
    pub kept: Vec<RecognizedSegment>,
    /// The rest.
    pub dropped: Vec<Dropped>,
}

impl Guarded {
    /// Whether the recogniser lost itself, so that a second try may say more.
    pub fn ran_wild(&self) -> bool {
        self.dropped.iter().any(|d| !matches!(d.reason, DropReason::Residue | DropReason::Unsure))
    }

    /// The recogniser makes words of a last fraction of a second it has left over.
    fn drop_scrap(&mut self) {
        let last = self.kept.len().checked_sub(1).filter(|i| *i > 0);
        if let Some(i) = last.filter(|i| self.kept[*i].end_s - self.kept[*i].start_s < SCRAP_S) {
            let scrap = self.kept.remove(i);
            self.dropped.extend(dropped(&scrap.words, DropReason::Residue));
        }
    }

    /// The mean logarithm of the kept words' probabilities; below any other without words.
    pub fn likelihood(&self) -> f64 {
        let is_empty = self.kept.iter().all(|s| s.words.is_empty());
        if is_empty { f64::NEG_INFINITY } else { mean_log_p(&self.kept) }
    }

    /// How many letters and digits were kept.
    pub fn letters(&self) -> usize {
        self.kept.iter().flat_map(|s| &s.words).map(|w| letters(&w.text)).sum()
    }
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// The mean logarithm of the words' probabilities; 0 without words.
fn mean_log_p(segments: &[RecognizedSegment]) -> f64 {
    let logs: Vec<f64> =
        segments.iter().flat_map(|s| &s.words).map(|w| f64::from(w.p.max(1e-6)).ln()).collect();
    logs.iter().sum::<f64>() / logs.len().max(1) as f64
}

/// Whether all of `text` stands in brackets: subtitles tell so of sounds, "(music)", and nobody speaks like that.
pub fn is_annotation(text: &str) -> bool {
    let opening = text.trim_start().starts_with(['(', '（', '[', '【', '♪']);
    opening && text.trim_end().ends_with([')', '）', ']', '】', '♪'])
}

/// A unit must come this often on end to be a loop.
const LOOP_TIMES: usize = 3;
/// Longest unit of a loop, in characters.
const LOOP_UNIT_MAX: usize = 40;
/// Chinese characters a second, and other letters a second, that nobody exceeds.
const CJK_A_SECOND: f64 = 9.0;
const LETTERS_A_SECOND: f64 = 28.0;
/// Speech detection misses a little at both ends.
const SPEED_SLACK_S: f64 = 0.5;
const RATIO_MAX: f64 = 2.4;
const RESIDUE_SPEECH_MAX_S: f64 = 1.5;
/// A segment this short after others is what is left of the sound, not speech.
const SCRAP_S: f64 = 0.25;
/// Text whose loops were so many times what is left of it was a loop altogether; hosts repeat themselves less.
const LOOPS_TO_REST: usize = 8;
/// Below this many letters a second nobody sells anything; and a mean log-probability that speech does not fall to: over 65
/// chunks of three lives the least was -1.1, on a gliding, humming tone with formants -1.5 to -2.5.
const SLOW_A_SECOND: f64 = 2.0;
const UNSURE_LOG: f64 = -1.25;
const RESIDUE: [&str; 12] = [
    "字幕",
    "请不吝点赞",
    "谢谢观看",
    "谢谢大家观看",
    "感谢观看",
    "订阅",
    "明镜与点点",
    "下期再见",
    "thanks for watching",
    "thank you for watching",
    "subtitles by",
    "please subscribe",
];

/// Applies all guards to what was recognised in one chunk that held `speech_s` seconds of speech.
pub fn guard(segments: Vec<RecognizedSegment>, speech_s: f64) -> Guarded {
    let mut out = unloop(segments);
    out.drop_scrap();
    let text: String = out.kept.iter().map(RecognizedSegment::text).collect();
    let looped: usize =
        out.dropped.iter().filter(|d| d.reason == DropReason::Loop).map(|d| letters(&d.text)).sum();
    let reason = if looped > 0 && looped >= LOOPS_TO_REST * out.letters() {
        Some(DropReason::Loop)
    } else if is_annotation(&text) {
        Some(DropReason::Residue)
    } else if is_doubtful(&out, speech_s) && mean_log_p(&out.kept) < UNSURE_LOG {
        Some(DropReason::Unsure)
    } else if too_fast(&text, speech_s) {
        Some(DropReason::TooFast)
    } else if compression_ratio(&text) > RATIO_MAX {
        Some(DropReason::Repetitive)
    } else if speech_s < RESIDUE_SPEECH_MAX_S && is_residue(&text) {
        Some(DropReason::Residue)
    } else {
        None
    };
    if let Some(reason) = reason {
        out.dropped.extend(out.kept.drain(..).filter_map(|s| dropped(&s.words, reason)));
    }
    out
}

/// Whether so little was said, in the time or altogether, that the recogniser must be sure of it to be believed: noises
/// pass for speech a moment long.
fn is_doubtful(said: &Guarded, speech_s: f64) -> bool {
    (said.letters() as f64) < SLOW_A_SECOND * speech_s || speech_s < RESIDUE_SPEECH_MAX_S
}

/// Drops all but the first of each run of repeats; a run may go across segments.
fn unloop(segments: Vec<RecognizedSegment>) -> Guarded {
    // Letters with the word they are in, counted over all segments.
    let mut letters: Vec<(char, usize)> = vec![];
    for (i, word) in segments.iter().flat_map(|s| &s.words).enumerate() {
        letters.extend(
            word.text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).map(|c| (c, i)),
        );
    }
    let gone = repeated_words(&letters);
    let mut out = Guarded::default();
    let mut first = 0;
    for segment in segments {
        let count = segment.words.len();
        let (lost, kept): (Vec<_>, Vec<_>) =
            segment.words.into_iter().enumerate().partition(|(i, _)| gone.contains(&(first + i)));
        first += count;
        let words = |side: Vec<(usize, RecognizedWord)>| side.into_iter().map(|(_, w)| w).collect::<Vec<_>>();
        let (lost, kept) = (words(lost), words(kept));
        out.dropped.extend(dropped(&lost, DropReason::Loop));
        if !kept.is_empty() {
            let end_s =
                if lost.is_empty() { segment.end_s } else { kept.last().map_or(segment.end_s, |w| w.end_s) };
            out.kept.push(RecognizedSegment { start_s: segment.start_s, end_s, words: kept });
        }
    }
    out
}

/// Indices of the words that lie wholly in repeats of what stands before them.
fn repeated_words(letters: &[(char, usize)]) -> std::collections::BTreeSet<usize> {
    let same = |a: usize, b: usize| letters[a].0 == letters[b].0;
    let mut gone = std::collections::BTreeSet::new();
    let mut at = 0;
    while at < letters.len() {
        // The unit that covers most from here on.
        let best = (2..=LOOP_UNIT_MAX.min((letters.len() - at) / LOOP_TIMES))
            .filter(|unit| letters[at..at + unit].iter().any(|(c, _)| !c.is_numeric()))
            .map(|unit| {
                let matching = (at + unit..letters.len()).take_while(|i| same(*i, i - unit)).count();
                (unit, matching / unit)
            })
            .filter(|(_, more)| more + 1 >= LOOP_TIMES)
            .max_by_key(|(unit, more)| (unit * (more + 1), std::cmp::Reverse(*unit)));
        let Some((unit, more)) = best else {
            at += 1;
            continue;
        };
        let (from, to) = (at + unit, at + unit * (more + 1));
        let partly_kept = [letters[from - 1].1].into_iter().chain(letters.get(to).map(|l| l.1));
        let partly_kept: Vec<_> = partly_kept.collect();
        gone.extend(letters[from..to].iter().map(|l| l.1).filter(|w| !partly_kept.contains(w)));
        at = to;
    }
    gone
}

fn dropped(words: &[RecognizedWord], reason: DropReason) -> Option<Dropped> {
    let (first, last) = (words.first()?, words.last()?);
    let text = join_words(words.iter().map(|w| w.text.as_str()));
    Some(Dropped { text, start_s: first.start_s, end_s: last.end_s, reason })
}

/// Whether nobody could say `text` in `speech_s` seconds.
pub fn too_fast(text: &str, speech_s: f64) -> bool {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    let needed: f64 =
        letters.map(|c| if is_cjk(c) { 1.0 / CJK_A_SECOND } else { 1.0 / LETTERS_A_SECOND }).sum();
    needed > speech_s.max(0.0) + SPEED_SLACK_S
}

/// Length of `text` over its length compressed; 0 for no text. Prose lies below 2, loops far above.
pub fn compression_ratio(text: &str) -> f64 {
    if text.is_empty() {
        return 0.0;
    }
    let mut zlib = ZlibEncoder::new(vec![], Compression::best());
    let packed = zlib.write_all(text.as_bytes()).and_then(|()| zlib.finish());
    packed.map_or(0.0, |p| text.len() as f64 / p.len() as f64)
}

/// Whether `text` is one of the lines that recognisers make of silence, give or take a few characters.
pub fn is_residue(text: &str) -> bool {
    let plain: String = text.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == ' ').collect();
    let plain = plain.trim();
    RESIDUE.iter().any(|r| plain.contains(r) && plain.chars().count() <= r.chars().count() + 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One segment with a word a character or number, a quarter of a second each.
    fn said(text: &str) -> Vec<RecognizedSegment> {
        let mut texts: Vec<String> = vec![];
        for c in text.chars() {
            match texts.last_mut() {
                Some(number) if c.is_ascii_digit() && number.ends_with(|d: char| d.is_ascii_digit()) => {
                    number.push(c)
                }
                _ => texts.push(c.to_string()),
            }
        }
        let words: Vec<_> = (0i32..)
            .zip(texts)
            .map(|(i, text)| {
                let start_s = f64::from(i) / 4.0;
                RecognizedWord { text, start_s, end_s: start_s + 0.25, p: 0.9, mended: None }
            })
            .collect();
        let end_s = words.last().map_or(0.0, |w| w.end_s);
        vec![RecognizedSegment { start_s: 0.0, end_s, words }]
    }

    fn text(g: &Guarded) -> String {
        g.kept.iter().map(RecognizedSegment::text).collect()
    }

    #[test]
    fn loops_keep_their_first_round() {
        let g = guard(said("今天我心里有很多我心里有很多我心里有很多我心里有很多好吗"), 30.0);
        assert_eq!(text(&g), "今天我心里有很多好吗");
        assert_eq!(g.dropped.len(), 1);
        assert_eq!((g.dropped[0].reason, g.dropped[0].text.chars().count()), (DropReason::Loop, 18));
        // Across segments, and with punctuation between.
        let mut two = said("詞:詞詞:詞");
        two.extend(said("詞:詞詞:詞詞"));
        let g = guard(two, 30.0);
        assert_eq!(text(&g).matches('詞').count(), 2 + 9 % 2, "{g:?}");
    }

    #[test]
    fn prices_countdowns_and_plain_emphasis_stay() {
        for line in ["一百零九一百零九", "三二一上车", "100000000块", "真的真的很软", "五四三二一"]
        {
            let g = guard(said(line), 30.0);
            assert_eq!(text(&g), line);
            assert_eq!(g.dropped, []);
        }
    }

    #[test]
    fn impossible_speed_is_dropped() {
        let line = "均码的八十斤到一百二十五斤都可以穿";
        assert_eq!(text(&guard(said(line), 2.5)), line);
        let g = guard(said(line), 0.5);
        assert_eq!((g.kept.len(), g.dropped[0].reason), (0, DropReason::TooFast));
        assert!(!too_fast("Two years of warranty, and shipping is free both ways.", 2.2));
    }

    #[test]
    fn residue_goes_only_where_hardly_anything_was_said() {
        assert_eq!(guard(said("谢谢观看"), 0.6).dropped[0].reason, DropReason::Residue);
        assert_eq!(text(&guard(said("谢谢大家晚上八点还有一场"), 1.4)), "谢谢大家晚上八点还有一场");
        assert_eq!(text(&guard(said("谢谢观看"), 2.0)), "谢谢观看");
    }

    #[test]
    fn a_text_that_is_nearly_all_loop_goes_altogether() {
        let g = guard(said(&("哦耶".to_owned() + &"真的".repeat(20))), 30.0);
        assert_eq!((text(&g).as_str(), g.ran_wild()), ("", true));
        // Real words before a loop stay.
        let g = guard(said(&("这款面霜的质地像冰淇淋一样轻轻推开".to_owned() + &"真的".repeat(9))), 30.0);
        assert_eq!(text(&g), "这款面霜的质地像冰淇淋一样轻轻推开真的");
    }

    #[test]
    fn few_and_unsure_words_and_notes_on_sounds_are_dropped() {
        let at = |p: f32| {
            let mut s = said("在那边");
            s[0].words.iter_mut().for_each(|w| w.p = p);
            s
        };
        assert_eq!(guard(at(0.1), 5.0).dropped[0].reason, DropReason::Unsure);
        assert_eq!(guard(at(0.1), 0.8).dropped[0].reason, DropReason::Unsure, "a noise for a moment");
        assert_eq!(text(&guard(at(0.6), 0.8)), "在那边", "a short word");
        // Sure, or for as long and as fast as speech: said.
        assert_eq!(text(&guard(at(0.6), 5.0)), "在那边");
        assert_eq!(text(&guard(at(0.1), 1.5)), "在那边");
        assert_eq!(guard(said("(音乐)"), 5.0).dropped[0].reason, DropReason::Residue);
        assert!(!is_annotation("买一送一(限今天)哦") && is_annotation("[Music]"));
    }

    #[test]
    fn a_scrap_at_the_end_is_dropped() {
        let mut segments = said("我号链接点进去选颜色");
        let at = segments[0].end_s;
        let word = |text: &str| RecognizedWord {
            text: text.into(),
            start_s: at,
            end_s: at + 0.16,
            p: 0.4,
            mended: None,
        };
        segments.push(RecognizedSegment {
            start_s: at,
            end_s: at + 0.16,
            words: vec![word("谢"), word("谢")],
        });
        let g = guard(segments, 3.0);
        assert_eq!((text(&g).as_str(), g.dropped[0].text.as_str()), ("我号链接点进去选颜色", "谢谢"));
        assert!(!g.ran_wild());
    }

    #[test]
    fn the_ratio_tells_prose_from_loops() {
        let prose = "家人们中午好欢迎走进小棠的直播间今天是春季上新专场麻烦大家帮我把分享点一下人多了我们就开始放福利";
        assert!(compression_ratio(prose) < 1.6, "{}", compression_ratio(prose));
        assert!(compression_ratio(&"再见".repeat(40)) > RATIO_MAX);
        assert!(compression_ratio("").abs() < f64::EPSILON);
    }

    proptest! {
        /// Every word is kept or accounted for, in order; guarding twice changes nothing more.
        #[test]
        fn nothing_vanishes_unaccounted(line in "[一二三四真的好甲乙a1，]{0,80}", speech in 0.0f64..20.0) {
            let before = said(&line);
            let g = guard(before, speech);
            let letters = |t: &str| { let mut l: Vec<_> = t.chars().collect(); l.sort_unstable(); l };
            let out: String = text(&g) + &g.dropped.iter().map(|d| d.text.as_str()).collect::<String>();
            let squeeze = |t: &str| t.replace(' ', "");
            prop_assert_eq!(letters(&squeeze(&out)), letters(&squeeze(&line)));
            for w in g.kept.iter().flat_map(|s| &s.words).collect::<Vec<_>>().windows(2) {
                prop_assert!(w[0].start_s < w[1].start_s);
            }
        }

        /// A sentence said k times on end, k at least three, comes out as said once; a short one said over and over is no speech at all.
        #[test]
        fn any_loop_collapses(unit in "[甲乙丙丁戊己庚辛壬癸]{2,20}", times in 3usize..9) {
            let g = guard(said(&unit.repeat(times)), 1e6);
            let kept = text(&g).chars().count();
            let all: Vec<char> = unit.repeat(times).chars().collect();
            let period = (2..all.len()).find(|p| all[*p..] == all[..all.len() - p]).unwrap_or(all.len());
            let endless = all.len() / period > LOOPS_TO_REST;
            prop_assert!(kept <= unit.chars().count() && (kept >= 1 || endless), "{unit} x{times}: {}", text(&g));
        }
    }
}
