//! From labelled utterances to segments: pure, incremental, and the same answer however it is fed.
//!
//! Hosts change the topic with nearly every sentence, so the evidence of a sentence counts far more than what went
//! before; that only tips the balance of what is short or doubtful. How: [`decide`].

pub mod decide;

use clipmill_domain::{MediaTime, Span, taxonomy::Label};
use clipmill_inference::classify::LabelProbs;
use serde::{Deserialize, Serialize};

/// Limits and cues of the segmenter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SegmentRules {
    /// How much likelier the running topic is than any one other after a short pause, before the utterance is looked
    /// at; 1 or more.
    pub stay_odds: f32,
    /// How much likelier it is that an answer follows a question than any one other topic; 1 or more.
    pub answer_odds: f32,
    /// A pause is short up to this, in microseconds …
    pub near_us: i64,
    /// … and from this on every topic is as likely as the running one.
    pub far_us: i64,
    /// An utterance of fewer letters than this counts in proportion: Chinese characters, or English letters by four.
    pub letters_full: usize,
    /// An utterance that stays doubtful is decided at the latest when so many more have come.
    pub lag: usize,
    /// A pause of this many microseconds closes a segment whatever follows.
    pub close_pause_us: i64,
    /// A segment is closed before it grows past this many microseconds.
    pub length_us_max: i64,
}

impl Default for SegmentRules {
    fn default() -> Self {
        Self {
            stay_odds: 8.0,
            answer_odds: 60.0,
            near_us: 300_000,
            far_us: 1_200_000,
            letters_full: 8,
            lag: 1,
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
    /// What it is about.
    pub probs: LabelProbs,
    /// How many letters it has: Chinese characters, and a quarter for each letter of other scripts.
    pub letters: usize,
    /// Who says it, where voices are told apart.
    pub speaker: Option<u32>,
    /// Whether it is a question.
    #[serde(default)]
    pub asks: bool,
    /// SKU on sale while it was said, if known.
    pub sku: Option<String>,
    /// Words of it that the answer rests on, where the back end names any.
    #[serde(default)]
    pub quotes: Vec<String>,
    /// What answered.
    #[serde(default)]
    pub by: String,
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

    /// What it is about as a whole: the mean over its utterances, each by its length.
    pub fn probs(&self) -> LabelProbs {
        #[expect(clippy::cast_precision_loss, reason = "letters of a sentence")]
        let weighted = self.members.iter().map(|m| (&m.probs, m.letters.max(1) as f32));
        LabelProbs::mean(weighted).unwrap_or_else(|| LabelProbs::certain(self.label))
    }

    /// Whether the next utterance may belong to it.
    fn takes(&self, rules: &SegmentRules, label: Label, next: &Labelled) -> bool {
        let grown = next.span.end() - self.span().start();
        let pause = next.span.start() - self.span().end();
        // A product that is named in mid-topic is what the topic was about; another product is another topic.
        let same_product = !label.sells() || self.sku.is_none() || self.sku == next.sku;
        label == self.label && same_product && pause < rules.close_pause_us && grown <= rules.length_us_max
    }

    fn of(label: Label, first: Labelled) -> Self {
        let sku = first.sku.clone().filter(|_| label.sells());
        Self { label, sku, members: vec![first] }
    }

    fn add(&mut self, next: Labelled) {
        if self.sku.is_none() && self.label.sells() {
            self.sku.clone_from(&next.sku);
        }
        self.members.push(next);
    }
}

/// The running state: at most one open stretch, and utterances whose topic is not decided yet. Serialisable, so that a
/// restart goes on where it stood.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Segmenter {
    open: Option<Stretch>,
    waiting: Vec<Labelled>,
}

impl Segmenter {
    /// Takes the next utterance; gives back the stretches that are closed by it, in order.
    pub fn push(&mut self, rules: &SegmentRules, next: Labelled) -> Vec<Stretch> {
        let mut closed = self.silence_until(rules, next.span.start());
        self.waiting.push(next);
        while let Some(label) = decide::first(rules, self.open.as_ref(), &self.waiting) {
            closed.extend(self.settle(rules, label));
        }
        closed.extend(self.open.take_if(|open| decide::leaves(rules, open, &self.waiting)));
        closed
    }

    /// Says that no utterance begins before `heard`: a long enough silence closes everything.
    pub fn silence_until(&mut self, rules: &SegmentRules, heard: MediaTime) -> Vec<Stretch> {
        let last = self.waiting.last().map(|m| m.span.end());
        match last.or_else(|| self.open.as_ref().map(|o| o.span().end())) {
            Some(end) if heard - end >= rules.close_pause_us => self.finish(rules),
            _ => vec![],
        }
    }

    /// Nothing more comes: closes everything.
    pub fn finish(&mut self, rules: &SegmentRules) -> Vec<Stretch> {
        let mut closed = vec![];
        while !self.waiting.is_empty() {
            let label = decide::best(rules, self.open.as_ref(), &self.waiting);
            closed.extend(self.settle(rules, label));
        }
        closed.extend(self.open.take());
        closed
    }

    /// The first waiting utterance is about `label`; gives back the stretch that it closes, if any.
    fn settle(&mut self, rules: &SegmentRules, label: Label) -> Option<Stretch> {
        let next = self.waiting.remove(0);
        match &mut self.open {
            Some(open) if open.takes(rules, label, &next) => {
                open.add(next);
                None
            }
            open => open.replace(Stretch::of(label, next)),
        }
    }

    /// The open stretch, to be shown as "being said now".
    pub fn open(&self) -> Option<&Stretch> {
        self.open.as_ref()
    }
}

#[cfg(test)]
mod tests;
