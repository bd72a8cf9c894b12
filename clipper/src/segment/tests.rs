use proptest::prelude::*;

use super::*;

/// A sentence that is `p` about its first label, and the rest mostly about the second.
fn said(seq: i64, start: f64, end: f64, (a, b): (Label, Label), p: f32, sku: Option<&str>) -> Labelled {
    let mut scores = [0.001f32.ln(); Label::ALL.len()];
    scores[b.index()] = (0.98 - p).max(0.001).ln();
    scores[a.index()] = p.ln();
    Labelled {
        seq,
        span: Span::new(MediaTime::from_seconds(start), MediaTime::from_seconds(end)).unwrap(),
        probs: LabelProbs::from_scores(scores),
        letters: 12,
        speaker: None,
        asks: false,
        sku: sku.map(Into::into),
        quotes: vec![],
        by: String::new(),
    }
}

fn shape(closed: &[Stretch]) -> Vec<(Label, i64, i64)> {
    closed.iter().map(|c| (c.label, c.members[0].seq, c.members.last().unwrap().seq)).collect()
}

fn run(talk: Vec<Labelled>) -> Vec<(Label, i64, i64)> {
    let rules = SegmentRules::default();
    let mut s = Segmenter::default();
    let mut closed: Vec<Stretch> = talk.into_iter().flat_map(|u| s.push(&rules, u)).collect();
    closed.extend(s.finish(&rules));
    shape(&closed)
}

const FABRIC: (Label, Label) = (Label::Fabric, Label::SkinFeel);
const PROMO: (Label, Label) = (Label::Promo, Label::Gift);

#[test]
fn a_topic_runs_until_another_begins() {
    let got = run(vec![
        said(0, 0.0, 3.0, FABRIC, 0.9, Some("A")),
        said(1, 3.2, 6.0, FABRIC, 0.8, Some("A")),
        said(2, 6.2, 9.0, PROMO, 0.9, Some("A")),
    ]);
    assert_eq!(got, [(Label::Fabric, 0, 1), (Label::Promo, 2, 2)]);
}

#[test]
fn a_doubtful_sentence_joins_the_running_topic_only_without_a_pause() {
    let doubtful = (Label::Drape, Label::Fabric);
    let near = run(vec![said(0, 0.0, 3.0, FABRIC, 0.9, None), said(1, 3.3, 5.0, doubtful, 0.6, None)]);
    assert_eq!(near, [(Label::Fabric, 0, 1)]);
    let far = run(vec![said(0, 0.0, 3.0, FABRIC, 0.9, None), said(1, 4.5, 5.0, doubtful, 0.6, None)]);
    assert_eq!(far, [(Label::Fabric, 0, 0), (Label::Drape, 1, 1)]);
}

#[test]
fn a_scrap_joins_what_comes_after_it() {
    let scrap = Labelled { letters: 2, ..said(1, 4.5, 5.0, (Label::Chat, Label::Promo), 0.6, None) };
    let got = run(vec![said(0, 0.0, 3.0, FABRIC, 0.9, None), scrap, said(2, 5.2, 8.0, PROMO, 0.9, None)]);
    assert_eq!(got, [(Label::Fabric, 0, 0), (Label::Promo, 1, 2)]);
}

#[test]
fn an_answer_belongs_to_its_question() {
    let question = Labelled { asks: true, ..said(0, 0.0, 2.0, (Label::Qa, Label::Chat), 0.9, None) };
    let answer = Labelled { speaker: Some(1), ..said(1, 2.6, 6.0, (Label::Function, Label::Qa), 0.9, None) };
    assert_eq!(run(vec![question, answer.clone()]), [(Label::Qa, 0, 1)]);
    let remark = said(0, 0.0, 2.0, (Label::Qa, Label::Chat), 0.9, None);
    assert_eq!(run(vec![remark, answer]), [(Label::Qa, 0, 0), (Label::Function, 1, 1)]);
}

#[test]
fn another_product_is_another_segment_and_one_named_late_is_the_same() {
    let both = |a, b| run(vec![said(0, 0.0, 3.0, PROMO, 0.9, a), said(1, 3.2, 6.0, PROMO, 0.9, b)]);
    assert_eq!(both(Some("A"), Some("B")).len(), 2);
    assert_eq!(both(None, Some("B")).len(), 1);
}

#[test]
fn what_is_surely_something_else_closes_the_stretch_before_it_is_decided_itself() {
    let rules = SegmentRules::default();
    let mut s = Segmenter::default();
    assert!(s.push(&rules, said(0, 0.0, 3.0, FABRIC, 0.95, None)).is_empty());
    let closed = s.push(&rules, said(1, 3.2, 6.0, (Label::Promo, Label::Gift), 0.5, None));
    assert_eq!(shape(&closed), [(Label::Fabric, 0, 0)], "promo or gift, but not fabric");
}

#[test]
fn a_long_silence_closes_without_a_next_sentence() {
    let rules = SegmentRules::default();
    let mut s = Segmenter::default();
    s.push(&rules, said(0, 0.0, 3.0, FABRIC, 0.9, None));
    assert!(s.silence_until(&rules, MediaTime::from_seconds(5.0)).is_empty());
    assert_eq!(s.silence_until(&rules, MediaTime::from_seconds(5.6)).len(), 1);
    assert!(s.finish(&rules).is_empty());
}

fn talk() -> impl Strategy<Value = Vec<Labelled>> {
    let one = (
        (0..Label::ALL.len(), 0..Label::ALL.len(), 0.05f32..0.97),
        (0i64..4_000, 300i64..9_000),
        (0..3u8, 1usize..30, prop::option::of(0..2u32), any::<bool>()),
    );
    prop::collection::vec(one, 1..40).prop_map(|rows| {
        let mut at = 0;
        (0i64..)
            .zip(rows)
            .map(|(seq, ((a, b, p), (pause, len), (sku, letters, speaker, asks)))| {
                let start = at + pause * 1000;
                at = start + len * 1000;
                let said = said(seq, 0.0, 1.0, (Label::ALL[a], Label::ALL[b]), p, None);
                Labelled {
                    span: Span::new(MediaTime::from_micros(start), MediaTime::from_micros(at)).unwrap(),
                    sku: (sku > 0).then(|| format!("S{sku}")),
                    letters,
                    speaker,
                    asks,
                    ..said
                }
            })
            .collect()
    })
}

proptest! {
    /// Segments partition the utterances: each in exactly one, in order; none spans a long silence, two products, or
    /// more than its length.
    #[test]
    fn segments_partition_the_talk(talk in talk()) {
        let rules = SegmentRules::default();
        let mut s = Segmenter::default();
        let n = talk.len();
        let mut closed: Vec<Stretch> = talk.into_iter().flat_map(|u| s.push(&rules, u)).collect();
        closed.extend(s.finish(&rules));
        let mut next = 0;
        for c in &closed {
            for m in &c.members {
                prop_assert_eq!(m.seq, next);
                next += 1;
            }
            prop_assert!(c.members.len() == 1 || c.span().micros() <= rules.length_us_max);
            for pair in c.members.windows(2) {
                prop_assert!(pair[1].span.start() - pair[0].span.end() < rules.close_pause_us);
            }
            let skus: std::collections::BTreeSet<_> = c.members.iter().filter_map(|m| m.sku.as_ref()).collect();
            prop_assert!(!c.label.sells() || skus.len() <= 1);
            prop_assert!(c.sku.is_none() || c.members.iter().any(|m| m.sku == c.sku));
        }
        prop_assert_eq!(usize::try_from(next).unwrap(), n);
    }

    /// Saving and loading the state between any two utterances changes nothing, nor does being told of silences on the
    /// way, nor how late the news of them is.
    #[test]
    fn however_it_is_fed_the_answer_is_the_same(talk in talk(), at in 0usize..40, told in prop::collection::vec(any::<bool>(), 40)) {
        let rules = SegmentRules::default();
        let whole = run(talk.clone());
        let mut s = Segmenter::default();
        let mut closed = vec![];
        for (i, u) in talk.into_iter().enumerate() {
            if i == at {
                s = serde_json::from_str(&serde_json::to_string(&s).unwrap()).unwrap();
            }
            if told[i] {
                closed.extend(s.silence_until(&rules, u.span.start()));
            }
            closed.extend(s.push(&rules, u));
        }
        closed.extend(s.finish(&rules));
        prop_assert_eq!(shape(&closed), whole);
    }
}
