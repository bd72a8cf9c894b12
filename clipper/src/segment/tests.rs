use proptest::prelude::*;

use super::*;

fn said(seq: i64, start: f64, end: f64, top: &[(Label, f32)], sku: Option<&str>) -> Labelled {
    Labelled {
        seq,
        span: Span::new(MediaTime::from_seconds(start), MediaTime::from_seconds(end)).unwrap(),
        top: top.to_vec(),
        sku: sku.map(Into::into),
    }
}

fn run(talk: Vec<Labelled>) -> Vec<(Label, i64, i64)> {
    let rules = SegmentRules::default();
    let mut s = Segmenter::default();
    let mut closed: Vec<Stretch> = talk.into_iter().filter_map(|u| s.push(&rules, u)).collect();
    closed.extend(s.finish());
    closed.iter().map(|c| (c.label, c.members[0].seq, c.members.last().unwrap().seq)).collect()
}

#[test]
fn a_topic_runs_until_another_begins() {
    let got = run(vec![
        said(0, 0.0, 3.0, &[(Label::Fabric, 0.9)], Some("A")),
        said(1, 3.2, 6.0, &[(Label::Fabric, 0.8)], Some("A")),
        said(2, 6.2, 9.0, &[(Label::Promo, 0.9)], Some("A")),
    ]);
    assert_eq!(got, [(Label::Fabric, 0, 1), (Label::Promo, 2, 2)]);
}

#[test]
fn a_doubtful_sentence_joins_the_running_topic_only_without_a_pause() {
    let doubtful = [(Label::Drape, 0.3), (Label::Fabric, 0.28), (Label::Fit, 0.1)];
    let near =
        run(vec![said(0, 0.0, 3.0, &[(Label::Fabric, 0.9)], None), said(1, 3.3, 5.0, &doubtful, None)]);
    assert_eq!(near, [(Label::Fabric, 0, 1)]);
    let far = run(vec![said(0, 0.0, 3.0, &[(Label::Fabric, 0.9)], None), said(1, 4.5, 5.0, &doubtful, None)]);
    assert_eq!(far, [(Label::Fabric, 0, 0), (Label::Drape, 1, 1)]);
}

#[test]
fn another_product_is_another_segment() {
    let got = run(vec![
        said(0, 0.0, 3.0, &[(Label::Promo, 0.9)], Some("A")),
        said(1, 3.2, 6.0, &[(Label::Promo, 0.9)], Some("B")),
    ]);
    assert_eq!(got.len(), 2);
}

#[test]
fn a_long_silence_closes_without_a_next_sentence() {
    let rules = SegmentRules::default();
    let mut s = Segmenter::default();
    s.push(&rules, said(0, 0.0, 3.0, &[(Label::Fabric, 0.9)], None));
    assert!(s.silence_until(&rules, MediaTime::from_seconds(5.0)).is_none());
    assert!(s.silence_until(&rules, MediaTime::from_seconds(5.6)).is_some());
    assert!(s.finish().is_none());
}

fn talk() -> impl Strategy<Value = Vec<Labelled>> {
    let one = (0..Label::ALL.len(), 0..Label::ALL.len(), 0.05f32..1.0, 0i64..4_000, 300i64..9_000, 0..3u8);
    prop::collection::vec(one, 1..40).prop_map(|rows| {
        let mut at = 0;
        (0i64..)
            .zip(rows)
            .map(|(seq, (a, b, p, pause, len, sku))| {
                let start = at + pause * 1000;
                at = start + len * 1000;
                Labelled {
                    seq,
                    span: Span::new(MediaTime::from_micros(start), MediaTime::from_micros(at)).unwrap(),
                    top: vec![(Label::ALL[a], p), (Label::ALL[b], p / 2.0)],
                    sku: (sku > 0).then(|| format!("S{sku}")),
                }
            })
            .collect()
    })
}

proptest! {
    /// Segments partition the utterances: each in exactly one, in order, none long past the limit.
    #[test]
    fn segments_partition_the_talk(talk in talk()) {
        let n = talk.len();
        let got = run(talk);
        let mut next = 0;
        for (_, first, last) in got {
            prop_assert_eq!(first, next);
            prop_assert!(last >= first);
            next = last + 1;
        }
        prop_assert_eq!(usize::try_from(next).unwrap(), n);
    }

    /// Saving and loading the state between any two utterances changes nothing.
    #[test]
    fn a_restart_changes_nothing(talk in talk(), at in 0usize..40) {
        let rules = SegmentRules::default();
        let whole = run(talk.clone());
        let mut s = Segmenter::default();
        let mut closed = vec![];
        for (i, u) in talk.into_iter().enumerate() {
            if i == at {
                s = serde_json::from_str(&serde_json::to_string(&s).unwrap()).unwrap();
            }
            closed.extend(s.push(&rules, u));
        }
        closed.extend(s.finish());
        let got: Vec<_> = closed.iter().map(|c| (c.label, c.members[0].seq, c.members.last().unwrap().seq)).collect();
        prop_assert_eq!(got, whole);
    }
}
