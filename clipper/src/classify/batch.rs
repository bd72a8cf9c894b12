//! The same labelling over talk that is all there: what a live would have given for the same words.

use clipmill_domain::{
    WallTime,
    product::Product,
    recording::Recording,
    selling_point::{Segment, SellingPoint},
    transcript::Utterance,
};
use clipmill_inference::classify::{Classifier, ClassifyError, Finer};

use super::{BATCH, Feed, asking::Asking, point::Making};
use crate::{
    product::Matcher,
    reader::{Reader, Setting},
    segment::SegmentRules,
};

/// What is labelled, and by which rules.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// What is sold in it.
    pub products: &'a [Product],
    /// Limits of the segmenter.
    pub rules: &'a SegmentRules,
    /// What finds finer labels, where there is any.
    pub finer: Option<&'a Finer>,
    /// Now: when the segments are closed.
    pub now: WallTime,
}

/// Labels all of a transcript, with what the product feed said meanwhile. Segments are numbered from 0. Blocks for the
/// whole work.
pub(crate) fn label_all(
    classifier: &dyn Classifier,
    job: &Job<'_>,
    utterances: &[Utterance],
    mut feed: Feed,
) -> Result<Vec<(Segment, Option<SellingPoint>)>, ClassifyError> {
    let setting = Setting {
        rules: *job.rules,
        products: job.products.iter().map(Matcher::new).collect(),
        language: job.recording.language,
    };
    let (mut reader, mut asking, mut closed) = (Reader::default(), Asking::default(), vec![]);
    for some in utterances.chunks(BATCH as usize) {
        let answers = asking.ask(classifier, (&setting, job.products), some)?;
        for (u, answer) in some.iter().zip(answers) {
            feed.tell(&mut reader, &setting, u.span.start());
            closed.extend(reader.push(&setting, u.into(), answer));
        }
    }
    closed.extend(reader.finish(&setting));
    let making = Making { recording: job.recording, products: job.products, finer: job.finer, now: job.now };
    Ok((0i64..).zip(&closed).map(|(seq, c)| making.rows(seq, c, utterances)).collect())
}
