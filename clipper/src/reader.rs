//! Reads talk as it comes: utterances with what they are about in, closed stretches with their product out. Pure. Lives,
//! old recordings and measurements go through here, so the same words give the same answer.

use clipmill_domain::{MediaTime, Span, source::Language, taxonomy::Label, transcript::Utterance};
use clipmill_inference::{classify::Answer, script::is_cjk};
use serde::{Deserialize, Serialize};

use crate::{
    product::{Binding, Matcher, OnSale, Said},
    rules::asks,
    segment::{Labelled, SegmentRules, Segmenter, Stretch},
};

/// What does not change while a recording is read.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Limits and cues of the segmenter.
    pub rules: SegmentRules,
    /// The products that may be on sale.
    pub products: Vec<Matcher>,
    /// What reasons are written in.
    pub language: Language,
}

/// A sentence to be read.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// `seq` of the utterance.
    pub seq: i64,
    /// When it was said.
    pub span: Span,
    /// What was said.
    pub text: &'a str,
    /// Who said it, where voices are told apart.
    pub speaker: Option<u32>,
}

impl<'a> From<&'a Utterance> for Line<'a> {
    fn from(u: &'a Utterance) -> Self {
        Self { seq: u.seq, span: u.span, text: &u.text, speaker: u.speaker }
    }
}

/// A stretch that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed {
    /// Its utterances and topic.
    pub stretch: Stretch,
    /// The product it is bound to, and why; `None`: unsure.
    pub binding: Option<Binding>,
}

/// The running state. Serialisable, so that a restart goes on where it stood.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reader {
    segmenter: Segmenter,
    on_sale: OnSale,
    /// The bindings that an utterance not yet in a closed stretch has, by its `seq`.
    bindings: Vec<(i64, Binding)>,
}

impl Reader {
    /// Takes the next sentence with what it is about; gives back what is closed by it, in order.
    pub fn push(&mut self, setting: &Setting, line: Line<'_>, answer: Answer) -> Vec<Closed> {
        let said = Said { text: line.text, at: line.span.start(), chat: answer.probs.of(Label::Chat) };
        let binding = self.on_sale.hear(&setting.products, said, setting.language);
        let next = Labelled {
            seq: line.seq,
            span: line.span,
            probs: answer.probs,
            letters: letters(line.text),
            speaker: line.speaker,
            asks: asks(line.text),
            sku: binding.as_ref().map(|b| b.sku.clone()),
            quotes: answer.quotes,
            by: answer.by.to_string(),
        };
        self.bindings.extend(binding.map(|b| (line.seq, b)));
        let closed = self.segmenter.push(&setting.rules, next);
        self.with_bindings(closed)
    }

    /// Takes word from the brand's product feed that `sku` is on air since `at`; `None`: nothing is. Comes before the
    /// sentences that begin at or after `at`.
    pub fn fed(&mut self, setting: &Setting, sku: Option<&str>, at: MediaTime) {
        self.on_sale.fed(&setting.products, sku, at, setting.language);
    }

    /// Says that no sentence begins before `heard`.
    pub fn silence_until(&mut self, setting: &Setting, heard: MediaTime) -> Vec<Closed> {
        let closed = self.segmenter.silence_until(&setting.rules, heard);
        self.with_bindings(closed)
    }

    /// Nothing more comes.
    pub fn finish(&mut self, setting: &Setting) -> Vec<Closed> {
        let closed = self.segmenter.finish(&setting.rules);
        self.with_bindings(closed)
    }

    /// The product on sale after the last sentence.
    pub fn on_sale(&self) -> Option<Binding> {
        self.on_sale.current()
    }

    fn with_bindings(&mut self, closed: Vec<Stretch>) -> Vec<Closed> {
        let closed: Vec<Closed> = closed
            .into_iter()
            .map(|stretch| {
                let has = |seq: i64| stretch.members.iter().any(|m| m.seq == seq);
                let own =
                    self.bindings.iter().filter(|(seq, b)| has(*seq) && Some(&b.sku) == stretch.sku.as_ref());
                Closed { binding: own.map(|(_, b)| b).next().cloned(), stretch }
            })
            .collect();
        if let Some(last) = closed.iter().flat_map(|c| &c.stretch.members).map(|m| m.seq).max() {
            self.bindings.retain(|(seq, _)| *seq > last);
        }
        closed
    }
}

/// Chinese characters, and a quarter for each letter or digit of other scripts: about what a syllable is.
fn letters(text: &str) -> usize {
    let quarters: usize =
        text.chars().filter(|c| c.is_alphanumeric()).map(|c| if is_cjk(c) { 4 } else { 1 }).sum();
    quarters.div_ceil(4)
}
