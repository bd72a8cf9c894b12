use clipmill_domain::{
    Span,
    transcript::{Mended, MendedBy},
};
use proptest::prelude::*;

use super::*;
use crate::{
    eval::peer::PeerSegment,
    transcribe::{listen::DroppedText, sentence::Sentence},
};

fn said(sentences: &[(f64, f64, &str)]) -> Truth {
    let sentence = |(start, end, text): &(f64, f64, &str)| TruthSentence {
        start: *start,
        end: *end,
        text: (*text).to_owned(),
    };
    Truth { sentences: sentences.iter().map(sentence).collect() }
}

/// An utterance whose characters (or words, where there are spaces) share its time evenly.
fn utterance(start: f64, end: f64, text: &str) -> Sentence {
    let parts: Vec<String> = if text.contains(' ') {
        text.split(' ').map(str::to_owned).collect()
    } else {
        text.chars().map(String::from).collect()
    };
    let each = (end - start) / parts.len() as f64;
    let at = |i: usize| MediaTime::from_seconds(start + each * i as f64);
    let words: Vec<Word> = parts
        .into_iter()
        .enumerate()
        .map(|(i, text)| Word { text, start: at(i), end: at(i + 1), p: 0.9, mended: None })
        .collect();
    let span = Span::new(words[0].start, words[words.len() - 1].end).unwrap();
    Sentence { span, text: text.to_owned(), words, language: Language::Zh }
}

fn heard(sentences: Vec<Sentence>) -> Heard {
    Heard { sentences, audio_s: 60.0, cpu_s: 6.0, chunks: 3, ..Heard::default() }
}

fn term(names: &[&str]) -> Term {
    Term { names: names.iter().map(|n| (*n).to_owned()).collect() }
}

#[test]
fn a_perfect_transcript_has_perfect_figures() {
    let truth = said(&[(1.0, 3.0, "这件开衫八十九块九，"), (3.5, 5.0, "亚麻的。")]);
    let heard = heard(vec![utterance(1.0, 3.0, "這件開衫89块9"), utterance(3.5, 5.0, "亚麻的")]);
    let r = score(&truth, &heard, &[term(&["针织开衫", "开衫"]), term(&["亚麻"])], Language::Zh);
    assert_eq!((r.cer, r.wer, r.words_lost, r.words_said), (Some(0.0), None, 0, 12));
    assert!(r.cer_raw.unwrap() > 0.2, "numbers differ as written: {:?}", r.cer_raw);
    assert_eq!(
        (r.start_ms_p50, r.start_ms_p90, r.end_ms_p50, r.end_ms_p90),
        (Some(0.0), Some(0.0), Some(0.0), Some(0.0))
    );
    assert_eq!((r.starts_at_utterance, r.ends_at_utterance, r.nonspeech_chars), (2, 2, 0));
    assert_eq!((r.term_recall, r.terms_said, r.cpu_s_per_audio_s), (Some(1.0), 2, 0.1));
}

#[test]
fn times_are_those_of_the_words_at_the_borders() {
    let truth = said(&[(1.0, 2.0, "好的家人们"), (4.0, 5.0, "面霜很好"), (8.0, 9.0, "听不清楚")]);
    // One utterance for two sentences; the third's first and last characters are wrong.
    let mut two = utterance(1.1, 2.2, "好的家人们");
    let more = utterance(3.96, 4.9, "面霜很好");
    two.words.extend(more.words);
    two.span = Span::new(two.span.start(), more.span.end()).unwrap();
    let r = score(&truth, &heard(vec![two, utterance(8.0, 9.0, "停不清除")]), &[], Language::Zh);
    assert_eq!((r.starts_measured, r.ends_measured), (2, 2));
    assert_eq!((r.start_ms_p50, r.start_ms_bias), (Some(70.0), Some(30.0)));
    assert_eq!((r.end_ms_p50, r.end_ms_bias), (Some(150.0), Some(50.0)));
    assert_eq!(
        (r.starts_at_utterance, r.ends_at_utterance),
        (2, 2),
        "the seam inside the first utterance is none"
    );
    assert_eq!((r.words_wrong, r.words_lost, r.words_added, r.cer), (2, 0, 0, Some(rounded(2.0 / 13.0))));
    let each = r.sentences.unwrap();
    assert_eq!(each.iter().map(|s| s.edits).collect::<Vec<_>>(), [0, 0, 2]);
    assert_eq!((each[1].heard.as_str(), each[1].start_ms, each[2].start_ms), ("面霜很好", Some(-40.0), None));
}

#[test]
fn what_is_made_of_silence_is_counted_where_nobody_speaks() {
    let truth = said(&[(5.0, 6.0, "好的"), (6.8, 8.0, "亚麻"), (20.0, 21.0, "再见")]);
    let all = vec![
        utterance(1.0, 2.0, "谢谢观看"), // four in the gap before all
        utterance(5.0, 6.0, "好的"),
        utterance(6.05, 6.7, "啊"),    // the pause is too short to look at
        utterance(6.8, 8.2, "亚麻啊"), // an insertion that begins inside speech
        utterance(12.0, 13.0, "词词"), // two
        utterance(20.0, 21.0, "再见"),
    ];
    let r = score(&truth, &heard(all.clone()), &[], Language::Zh);
    assert_eq!((r.nonspeech_chars, r.words_added), (6, 8));
    let r = score(&Truth::default(), &heard(all), &[], Language::Zh);
    assert_eq!(
        (r.nonspeech_chars, r.cer, r.start_ms_p50),
        (14, None, None),
        "all of it, where nothing is said"
    );
}

#[test]
fn terms_before_and_after_a_repair() {
    let truth = said(&[(1.0, 3.0, "充电宝和充电宝"), (10.0, 12.0, "角鲨烷")]);
    let mut sentence = utterance(1.0, 3.0, "充电宝和充电宝");
    let wrong = Mended { heard: "充电保".into(), by: MendedBy::Sound };
    sentence.words[0].mended = Some(wrong);
    for w in &mut sentence.words[1..3] {
        w.mended = Some(Mended { heard: String::new(), by: MendedBy::Sound });
    }
    // Right, but two seconds off: it is not this sentence's.
    let far = utterance(14.0, 15.0, "角鲨烷");
    let r = score(&truth, &heard(vec![sentence, far]), &[term(&["充电宝"]), term(&["角鲨烷"])], Language::Zh);
    assert_eq!((r.term_recall, r.term_recall_raw, r.terms_said), (Some(0.6667), Some(0.3333), 3));
    assert_eq!((r.cer, r.error_unrepaired), (Some(0.0), Some(0.1)));
    assert_eq!(score(&truth, &heard(vec![]), &[], Language::Zh).term_recall, None);
}

#[test]
fn english_is_counted_in_words() {
    let truth = said(&[(0.5, 3.0, "It was one hundred and ten dollars, now it's sixty nine fifty.")]);
    let r =
        score(&truth, &heard(vec![utterance(0.5, 3.0, "It was $110, now it is $69.50.")]), &[], Language::En);
    assert_eq!((r.wer, r.cer, r.words_said), (Some(0.0), None, 7));
    assert!(r.wer_raw.unwrap() > 0.5);
    let r = score(&truth, &heard(vec![utterance(0.5, 3.0, "It was now it is $69.50.")]), &[], Language::En);
    assert_eq!((r.words_lost, r.wer), (1, Some(rounded(1.0 / 7.0))));
}

#[test]
fn guards_are_counted_by_reason_and_a_peer_stands_beside() {
    let truth = said(&[(1.0, 3.0, "这件开衫")]);
    let span = Span::new(MediaTime::ZERO, MediaTime::from_micros(5)).unwrap();
    let gone = |reason| DroppedText { span, text: "词".into(), reason };
    let mut ours = heard(vec![utterance(1.0, 3.0, "这件开山")]);
    ours.dropped = vec![gone("loop"), gone("residue"), gone("loop")];
    let mut r = score(&truth, &ours, &[], Language::Zh);
    assert_eq!(r.guards.iter().map(|(k, n)| (*k, *n)).collect::<Vec<_>>(), [("loop", 2), ("residue", 1)]);
    let segments = vec![PeerSegment { start: 0.0, end: 3.0, text: "這間開山。".into() }];
    let answer =
        PeerAnswer { name: "other".into(), text: String::new(), segments, cpu_s: 12.0, audio_s: 60.0 };
    r.beside(score_peer(&truth, &answer, Language::Zh));
    assert_eq!((r.cer_ratio, r.cpu_ratio), (Some(0.5), Some(0.5)));
    assert_eq!(r.peer.unwrap().cer, Some(0.5));
}

#[test]
fn the_keys_are_those_that_were_promised() {
    let json = serde_json::to_value(score(&Truth::default(), &heard(vec![]), &[], Language::En)).unwrap();
    for key in [
        "cer",
        "cer_raw",
        "wer",
        "start_ms_p50",
        "start_ms_p90",
        "end_ms_p50",
        "end_ms_p90",
        "words_lost",
        "nonspeech_chars",
        "numbers_right",
        "term_recall",
        "term_recall_raw",
        "cpu_s_per_audio_s",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
    assert!(json["wer"].is_null() && json["cer"].is_null() && json["term_recall"].is_null());
    assert_eq!(json["nonspeech_chars"], 0);
}

proptest! {
    /// Whatever is said: heard as it is, nothing is wrong; with one character less, one is lost.
    #[test]
    fn the_truth_against_itself(
        texts in prop::collection::vec("[开衫亚麻的这件很好看吗]{2,9}", 1..6), gap in 0.0f64..3.0, drop in 0usize..9,
    ) {
        let (mut at, mut sentences, mut utterances) = (0.5, vec![], vec![]);
        for text in &texts {
            let end = at + 0.2 * text.chars().count() as f64;
            sentences.push((at, end, text.as_str()));
            utterances.push(utterance(at, end, text));
            at = end + gap;
        }
        let truth = said(&sentences);
        let r = score(&truth, &heard(utterances.clone()), &[], Language::Zh);
        prop_assert_eq!((r.cer, r.words_lost, r.words_added, r.nonspeech_chars), (Some(0.0), 0, 0, 0));
        prop_assert!(r.start_ms_p90.unwrap() < 0.01 && r.end_ms_p90.unwrap() < 0.01);
        let words = &mut utterances[0].words;
        words.remove(drop % words.len());
        let r = score(&truth, &heard(utterances), &[], Language::Zh);
        prop_assert_eq!((r.words_lost, r.words_wrong, r.words_added), (1, 0, 0));
    }
}
