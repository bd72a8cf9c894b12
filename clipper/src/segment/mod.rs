//! From labelled utterances to segments: pure, incremental, and the same answer however it is fed.
//!
//! Utterances are whole sentences, so the label of each is decided on its own: smoothing over sentences was
//! measured to cost accuracy. One exception is kept: a doubtful utterance joins the topic that is running.

use clipmill_domain::{MediaTime, Span, taxonomy::Label};
use serde::{Deserialize, Serialize};

/// Limits and cues of the segmenter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SegmentRules {
    /// An utterance whose best label has less than this probability joins the running topic, if that topic is
    /// among its three best and the pause before it is no longer than `join_pause_us`.
    pub doubt_below: f32,
    /// The longest pause, in microseconds, over which a doubtful utterance may join.
    pub join_pause_us: i64,
    /// A pause of this many microseconds closes a segment whatever follows.
    pub close_pause_us: i64,
    /// A segment is closed before it grows past this many microseconds.
    pub length_us_max: i64,
}

impl Default for SegmentRules {
    fn default() -> Self {
        Self {
            doubt_below: 0.45,
            join_pause_us: 800_000,
            close_pause_us: 2_500_000,
            length_us_max: 60_000_000,
        }
    }
}

/// One utterance as the segmenter sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Labelled {
    /// `seq` of the utterance.
    pub seq: i64,
    /// When it was said.
    pub span: Span,
    /// Its three most probable labels, best first.
    pub top: Vec<(Label, f32)>,
    /// SKU on sale while it was said, if known.
    pub sku: Option<String>,
}

/// A stretch of consecutive utterances on one topic and one product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// The topic.
    pub label: Label,
    /// SKU on sale, if known.
    pub sku: Option<String>,
    /// The utterances in it, in order; never empty.
    pub members: Vec<Labelled>,
}

impl Stretch {
    /// From the first utterance's start to the last one's end.
    pub fn span(&self) -> Span {
        let first = self.members.first().map(|m| m.span);
        let last = self.members.last().map(|m| m.span);
        match (first, last) {
            (Some(a), Some(b)) => a.hull(b),
            _ => unreachable!("a stretch holds at least one utterance"),
        }
    }

    /// Mean probability of its label over its utterances.
    pub fn confidence(&self) -> f32 {
        let sum: f32 = self.members.iter().map(|m| probability(m, self.label)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a handful of members")]
        let n = self.members.len() as f32;
        sum / n
    }
}

fn probability(m: &Labelled, label: Label) -> f32 {
    m.top.iter().find(|(l, _)| *l == label).map_or(0.0, |(_, p)| *p)
}

/// The running state: at most one open stretch. Serialisable, so that a restart goes on where it stood.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Segmenter {
    open: Option<Stretch>,
}

impl Segmenter {
    /// Takes the next utterance; gives back the stretch that it closed, if any.
    pub fn push(&mut self, rules: &SegmentRules, next: Labelled) -> Option<Stretch> {
        let (best, p) = next.top.first().copied()?;
        let Some(open) = &mut self.open else {
            self.open = Some(Stretch { label: best, sku: next.sku.clone(), members: vec![next] });
            return None;
        };
        let span = open.span();
        let pause = next.span.start() - span.end();
        let grown = next.span.end() - span.start();
        let same_product = open.sku == next.sku || !open.label.sells();
        let same_topic = best == open.label
            || (p < rules.doubt_below
                && pause <= rules.join_pause_us
                && next.top.iter().take(3).any(|(l, _)| *l == open.label));
        if same_topic && same_product && pause < rules.close_pause_us && grown <= rules.length_us_max {
            open.members.push(next);
            return None;
        }
        self.open.replace(Stretch { label: best, sku: next.sku.clone(), members: vec![next] })
    }

    /// Says that everything up to `heard` is transcribed: a long enough silence closes the open stretch.
    pub fn silence_until(&mut self, rules: &SegmentRules, heard: MediaTime) -> Option<Stretch> {
        let open = self.open.as_ref()?;
        if heard - open.span().end() >= rules.close_pause_us { self.open.take() } else { None }
    }

    /// The recording is over: closes what is open.
    pub fn finish(&mut self) -> Option<Stretch> {
        self.open.take()
    }

    /// The open stretch, to be shown as "being said now".
    pub fn open(&self) -> Option<&Stretch> {
        self.open.as_ref()
    }
}

#[cfg(test)]
mod tests;
