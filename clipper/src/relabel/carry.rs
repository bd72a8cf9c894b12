//! What people said about the selling points of a labelling, carried over into a new one of the same recording. Pure.
//!
//! A judgement belongs to the new segment that is about the same talk: they share at least half of what either covers.
//! That segment's selling point then says what the person had left standing, whole, with the person's bounds. Where the
//! new labels call the talk small talk and a person said that it sells, it gets its selling point back. What has no such
//! segment stays in the old labelling, and is counted.

use clipmill_domain::{
    CorrectionId, SellingPointId, Span,
    review::{Correction, PointAnswer, Reviewed, Verdict},
    selling_point::{Segment, SellingPoint},
};

/// Talk is the same from this share of the time covered by either on: half.
const SAME: f64 = 0.5;

/// A clip covers talk from this share of it on: half.
const COVERED: f64 = 0.5;

/// Segments of the new labelling, each with its selling point, and what was carried over.
#[derive(Debug)]
pub struct Carried {
    /// The new rows; selling points say what the machine says now.
    pub rows: Vec<(Segment, Option<SellingPoint>)>,
    /// What people said, to be written down in the order given.
    pub corrections: Vec<Correction>,
    /// How many judgements have no place in the new labelling.
    pub dropped: usize,
}

/// `judged`: the old labelling's selling points with the latest word about each.
pub fn carry_over(
    judged: &[(Reviewed, Correction)],
    mut rows: Vec<(Segment, Option<SellingPoint>)>,
    mut fresh: impl FnMut() -> (SellingPointId, CorrectionId),
) -> Carried {
    let mut corrections: Vec<Correction> = vec![];
    let mut dropped = 0;
    for (old, word) in judged.iter().filter(|(old, _)| old.verdict != Verdict::Open) {
        let taken = |id: SellingPointId| corrections.iter().any(|c| c.point_id == id);
        let same = |span: Span| shared(span, old.point.span) / covered(span, old.point.span);
        let found = rows
            .iter_mut()
            .filter(|(_, point)| point.as_ref().is_none_or(|p| !taken(p.id)))
            .map(|row| (same(row.0.span), row))
            .filter(|(share, _)| *share >= SAME)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, (segment, place))) = found else {
            dropped += 1;
            continue;
        };
        if place.is_none() && old.verdict == Verdict::Rejected {
            // The new labels say the same.
            continue;
        }
        let (point_id, correction_id) = fresh();
        let point = place.get_or_insert_with(|| SellingPoint {
            id: point_id,
            segment_id: segment.id,
            ..old.point.clone()
        });
        let was = PointAnswer::of(point);
        let became = match old.verdict {
            Verdict::Rejected => was.clone(),
            _ => PointAnswer::of(&old.point),
        };
        corrections.push(Correction {
            id: correction_id,
            point_id: point.id,
            version: 1,
            verdict: old.verdict,
            was,
            became,
            carried_from: Some(old.point.id),
            note: word.note.clone(),
            by: word.by.clone(),
            at: word.at,
        });
    }
    Carried { rows, corrections, dropped }
}

/// Whether clips that are there show at least half of the talk in `span`.
pub fn is_shown(span: Span, clips: &[Span]) -> bool {
    clips.iter().any(|c| shared(*c, span) >= COVERED * seconds(span.micros()))
}

/// Seconds that two spans share.
fn shared(a: Span, b: Span) -> f64 {
    seconds((a.end().min(b.end()) - a.start().max(b.start())).max(0))
}

/// Seconds that either covers.
fn covered(a: Span, b: Span) -> f64 {
    seconds(a.micros() + b.micros()) - shared(a, b)
}

fn seconds(micros: i64) -> f64 {
    clipmill_domain::MediaTime::from_micros(micros).as_seconds()
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{Id as _, RecordingId, taxonomy::Label};
    use clipmill_store::testing::{self, NOW, seconds as at};

    use super::*;

    fn recording() -> RecordingId {
        RecordingId::new_at(NOW)
    }

    fn row(seq: i64, from: f64, to: f64, label: Label) -> (Segment, Option<SellingPoint>) {
        let segment = Segment { label, ..testing::segment(recording(), seq, at(from, to)) };
        let point = label.sells().then(|| SellingPoint { label, ..testing::selling_point(&segment) });
        (segment, point)
    }

    fn judged(from: f64, to: f64, label: Label, verdict: Verdict) -> (Reviewed, Correction) {
        let point = row(0, from, to, Label::Fabric).1.unwrap();
        let was = PointAnswer::of(&point);
        let became = PointAnswer { label, ..was.clone() };
        let mut shown = point.clone();
        became.clone().put_on(&mut shown);
        let word = Correction {
            id: CorrectionId::new_at(NOW),
            point_id: point.id,
            version: 3,
            verdict,
            was,
            became,
            carried_from: None,
            note: Some("because".to_owned()),
            by: "operator".to_owned(),
            at: NOW,
        };
        (Reviewed { point: shown, labelling: 0, verdict, version: 3 }, word)
    }

    fn fresh() -> (SellingPointId, CorrectionId) {
        (SellingPointId::new_at(NOW), CorrectionId::new_at(NOW))
    }

    #[test]
    fn a_correction_goes_to_the_segment_about_the_same_talk() {
        let old = [judged(0.0, 10.0, Label::SkinFeel, Verdict::Corrected)];
        let new = vec![row(0, 1.0, 12.0, Label::Promo), row(1, 12.0, 20.0, Label::Gift)];
        let machine = PointAnswer::of(new[0].1.as_ref().unwrap());
        let all = carry_over(&old, new, fresh);
        let c = &all.corrections[0];
        assert_eq!((all.corrections.len(), all.dropped), (1, 0));
        assert_eq!(
            (c.became.label, c.became.span),
            (Label::SkinFeel, at(0.0, 10.0)),
            "with the person's bounds"
        );
        assert_eq!((&c.was, c.version), (&machine, 1), "the new machine's answer stays readable");
        assert_eq!((c.carried_from, c.note.as_deref()), (Some(old[0].0.point.id), Some("because")));
        assert_eq!(all.rows[0].1.as_ref().unwrap().label, Label::Promo);
    }

    #[test]
    fn what_a_person_sold_is_not_lost_to_small_talk_and_what_they_rejected_stays_rejected() {
        let old = [
            judged(0.0, 10.0, Label::Fabric, Verdict::Approved),
            judged(10.0, 20.0, Label::Fabric, Verdict::Rejected),
            judged(20.0, 30.0, Label::Fabric, Verdict::Rejected),
            judged(30.0, 40.0, Label::Fabric, Verdict::Open),
        ];
        let new = vec![
            row(0, 0.0, 9.0, Label::Chat),
            row(1, 10.0, 20.0, Label::Gift),
            row(2, 20.0, 30.0, Label::Chat),
            row(3, 30.0, 40.0, Label::Gift),
        ];
        let all = carry_over(&old, new, fresh);
        let back = all.rows[0].1.as_ref().unwrap();
        assert_eq!(
            (back.segment_id, back.label, all.rows[0].0.label),
            (all.rows[0].0.id, Label::Fabric, Label::Chat)
        );
        assert!(back.id != old[0].0.point.id, "each row has its own id");
        let verdicts: Vec<_> = all.corrections.iter().map(|c| (c.verdict, c.became.label)).collect();
        assert_eq!(verdicts, [(Verdict::Approved, Label::Fabric), (Verdict::Rejected, Label::Gift)]);
        assert!(all.rows[2].1.is_none() && all.dropped == 0);
    }

    #[test]
    fn talk_that_is_divided_otherwise_carries_nothing_and_no_segment_takes_two() {
        let old = [
            judged(0.0, 10.0, Label::SkinFeel, Verdict::Corrected),
            judged(10.0, 20.0, Label::SkinFeel, Verdict::Corrected),
        ];
        let all = carry_over(&old, vec![row(0, 0.0, 21.0, Label::Gift)], fresh);
        assert_eq!((all.corrections.len(), all.dropped), (0, 2));
        let twice = [
            judged(0.0, 10.0, Label::Fit, Verdict::Corrected),
            judged(0.0, 9.0, Label::Size, Verdict::Corrected),
        ];
        let all = carry_over(&twice, vec![row(0, 0.0, 10.0, Label::Gift)], fresh);
        assert_eq!((all.corrections.len(), all.dropped), (1, 1));
    }

    #[test]
    fn talk_is_shown_from_half_of_it_on() {
        assert!(is_shown(at(0.0, 10.0), &[at(20.0, 30.0), at(5.0, 40.0)]));
        assert!(!is_shown(at(0.0, 10.0), &[at(5.1, 40.0)]));
        assert!(!is_shown(at(0.0, 10.0), &[at(0.0, 3.0), at(7.0, 10.0)]), "no single clip shows half");
        assert!(!is_shown(at(0.0, 10.0), &[]));
    }
}
