use clipmill_domain::{
    ClipId, Id, MediaTime, RecordingId, SellingPointId, Span, UtteranceId, WallTime, clip::Edl,
    taxonomy::Label, transcript::Word,
};
use proptest::prelude::*;

use super::*;
use clipmill_media::captions::width_em as width;

const NOW: WallTime = WallTime::from_millis(0);

fn t(s: f64) -> MediaTime {
    MediaTime::from_seconds(s)
}

/// An utterance whose letters are spread evenly from `a` to `b` seconds.
fn said(text: &str, a: f64, b: f64) -> Utterance {
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    #[expect(clippy::cast_precision_loss, reason = "a test sentence")]
    let at = |i: usize| t(a + (b - a) * i as f64 / letters.len().max(1) as f64);
    let words = letters
        .iter()
        .enumerate()
        .map(|(i, c)| Word { text: c.to_string(), start: at(i), end: at(i + 1), p: 1.0, mended: None })
        .collect();
    Utterance {
        id: UtteranceId::new_at(NOW),
        recording_id: RecordingId::new_at(NOW),
        seq: 0,
        span: Span::new(t(a), t(b)).unwrap(),
        text: text.into(),
        words,
        made_by: "test".into(),
        language: None,
        speaker: None,
        edited_at: None,
    }
}

fn clip(a: f64, b: f64) -> Clip {
    let span = Span::new(t(a), t(b)).unwrap();
    Clip {
        id: ClipId::new_at(NOW),
        selling_point_id: SellingPointId::new_at(NOW),
        recording_id: RecordingId::new_at(NOW),
        span,
        edl: Edl { spans: vec![span] },
        title: String::new(),
        label: Label::Fabric,
        product_name: None,
        why: vec![],
        talk_ended_at: NOW,
        reviewable_at: NOW,
        draft_path: String::new(),
        thumbnail_path: String::new(),
        exact_path: None,
    }
}

#[test]
fn a_short_sentence_is_one_line_in_playing_time() {
    let plan = plan_remix(&clip(10.0, 14.0), &[said("很软糯", 10.5, 12.0)], &Template::default());
    assert_eq!(
        plan.captions,
        [Caption { start_us: 500_000, end_us: 2_000_000, lines: vec!["很软糯".into()] }]
    );
}

#[test]
fn a_long_chinese_sentence_breaks_into_balanced_lines_without_a_comma_in_front() {
    let text = "先看这件针织开衫，成分是百分之五十五的亚麻，加上百分之四十五的莫代尔。";
    let got = caption::of_utterance(&said(text, 0.0, 6.0), 13.0);
    assert!(got.len() >= 2, "{got:?}");
    for line in got.iter().flat_map(|c| &c.lines) {
        assert!(!line.starts_with(['，', '。']), "{line}");
    }
}

#[test]
fn captions_end_with_clauses_and_numbers_stay_whole() {
    let got = caption::of_utterance(&said("厚度1.4公分,重量200克,小个子穿特别精神,有樱花粉", 0.0, 6.0), 10.0);
    let shown: Vec<String> = got.iter().map(|c| c.lines.join("/")).collect();
    assert_eq!(shown, ["厚度1.4公分", "重量200克", "小个子穿特别精神", "有樱花粉"]);
}

#[test]
fn a_caption_ends_without_a_full_stop_but_asks() {
    let shown = |text: &str| caption::of_utterance(&said(text, 0.0, 2.0), 10.0)[0].lines.join("/");
    assert_eq!(shown("面料很软。"), "面料很软");
    assert_eq!(shown("油皮可以用吗？"), "油皮可以用吗？");
}

#[test]
fn english_breaks_between_words() {
    let got =
        caption::of_utterance(&said("the lining is brushed so it stays warm without bulk", 0.0, 4.0), 13.0);
    let joined: Vec<&str> = got.iter().flat_map(|c| c.lines.iter().map(String::as_str)).collect();
    assert_eq!(joined.join(" "), "the lining is brushed so it stays warm without bulk");
}

fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            "[a-zA-Z]{1,30}",
            Just("面料很软".to_owned()),
            Just("，".to_owned()),
            Just("。".to_owned()),
            Just(" ".to_owned()),
            Just("89.9".to_owned()),
            Just("🧶".to_owned()),
            Just("{\\b1}".to_owned()),
        ],
        1..30,
    )
    .prop_map(|v| v.concat())
}

proptest! {
    /// No line is wider than the frame allows, none are lost, and captions never overlap in time.
    #[test]
    fn captions_fit_keep_every_letter_and_follow_one_another(text in any_text(), ems in 4.0f32..20.0) {
        let u = said(&text, 1.0, 9.0);
        let got = caption::of_utterance(&u, ems);
        let mut at = i64::MIN;
        for c in &got {
            prop_assert!(c.start_us >= at && c.start_us < c.end_us);
            at = c.end_us;
            prop_assert!((1..=2).contains(&c.lines.len()), "{:?}", c.lines);
            for l in &c.lines {
                prop_assert!(width(l) <= ems + 0.001, "{l:?} is {} ems", width(l));
            }
        }
        let letters = |s: &str| s.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let shown: String = got.iter().flat_map(|c| c.lines.iter().map(|l| letters(l))).collect();
        prop_assert_eq!(shown, letters(&text));
    }
}
