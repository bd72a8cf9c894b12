//! The same labelling over talk that is all there: what a live would have given for the same words.

use clipmill_domain::{
    WallTime,
    product::Product,
    recording::Recording,
    selling_point::{Segment, SellingPoint},
    transcript::Utterance,
};
use clipmill_inference::classify::{Classifier, ClassifyError, Talk};

use super::{BATCH, TOP, row, state::State};
use crate::{
    product::Matcher,
    segment::{Labelled, SegmentRules},
};

/// What is labelled, and by which rules.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// What is sold in it.
    pub products: &'a [Product],
    /// Limits of the segmenter.
    pub rules: &'a SegmentRules,
    /// Now: when the segments are closed.
    pub now: WallTime,
}

/// Labels all of a transcript. Segments are numbered from 0. Blocks for the whole work.
pub fn label_all(
    classifier: &dyn Classifier,
    job: &Job<'_>,
    utterances: &[Utterance],
) -> Result<Vec<(Segment, Option<SellingPoint>)>, ClassifyError> {
    let matchers: Vec<Matcher> = job.products.iter().map(Matcher::new).collect();
    let mut state = State::default();
    let mut closed = vec![];
    for some in utterances.chunks(BATCH as usize) {
        let talk: Vec<Talk<'_>> = some.iter().map(|u| Talk::alone(&u.text)).collect();
        for (u, answer) in some.iter().zip(classifier.classify(&talk)?) {
            let binding = state.on_sale.hear(&matchers, &u.text, u.span.start(), job.recording.language);
            let next = Labelled {
                seq: u.seq,
                span: u.span,
                top: answer.probs.top(TOP),
                sku: binding.as_ref().map(|b| b.sku.clone()),
            };
            closed.extend(state.segmenter.push(job.rules, next).map(|s| (s, state.bound_why.take())));
            if state.bound_why.is_none() {
                state.bound_why = binding.map(|b| b.why);
            }
        }
    }
    closed.extend(state.segmenter.finish().map(|s| (s, state.bound_why.take())));
    let by = classifier.id();
    let rows = (0i64..).zip(closed).map(|(seq, (stretch, why))| {
        let members: Vec<&Utterance> =
            utterances.iter().filter(|u| stretch.members.iter().any(|m| m.seq == u.seq)).collect();
        row(job.recording, job.products, (seq, &stretch, why), &members, &by, job.now)
    });
    Ok(rows.collect())
}
