//! From a closed stretch to its rows: the segment, and the selling point with what speaks for it. Pure but for the finer
//! labels, which a model finds.

use std::collections::BTreeSet;

use clipmill_domain::{
    Id, SegmentId, SellingPointId, WallTime,
    attribute::{attributes, price_warning},
    product::Product,
    recording::Recording,
    selling_point::{Attribute, Evidence, FineLabel, PointDetails, Segment, SellingPoint, Warning},
    taxonomy::Label,
    transcript::Utterance,
    wording::wording,
};
use clipmill_inference::{
    classify::{Finer, LabelProbs},
    script::is_cjk,
};

use crate::{reader::Closed, rules::hits};

/// Labels kept as evidence.
const TOP: usize = 3;
/// A label that a stretch has besides its first one has at least this probability.
const ALSO_MIN: f32 = 0.2;

/// What the rows of a recording are made with.
#[derive(Clone, Copy)]
pub(super) struct Making<'a> {
    pub recording: &'a Recording,
    pub products: &'a [Product],
    pub finer: Option<&'a Finer>,
    pub now: WallTime,
}

impl Making<'_> {
    /// The rows of a closed stretch, number `seq` of its recording. `utterances` holds at least those of the stretch.
    pub fn rows(
        &self,
        seq: i64,
        closed: &Closed,
        utterances: &[Utterance],
    ) -> (Segment, Option<SellingPoint>) {
        let stretch = &closed.stretch;
        let has = |u: &&Utterance| stretch.members.iter().any(|m| m.seq == u.seq);
        let members: Vec<&Utterance> = utterances.iter().filter(has).collect();
        let probs = stretch.probs();
        let segment = Segment {
            id: SegmentId::new_at(self.now),
            recording_id: self.recording.id,
            seq,
            first_utterance: stretch.members.first().map_or(0, |m| m.seq),
            last_utterance: stretch.members.last().map_or(0, |m| m.seq),
            span: stretch.span(),
            label: stretch.label,
            confidence: probs.of(stretch.label),
            closed_at: self.now,
        };
        let point = stretch.label.sells().then(|| {
            let product = self.products.iter().find(|p| Some(&p.sku) == stretch.sku.as_ref());
            let quote = quote(&members);
            let said = said(&members);
            let by: BTreeSet<&str> = stretch.members.iter().map(|m| m.by.as_str()).collect();
            SellingPoint {
                id: SellingPointId::new_at(self.now),
                segment_id: segment.id,
                recording_id: self.recording.id,
                span: segment.span,
                label: segment.label,
                product_sku: product.map(|p| p.sku.clone()),
                product_name: product.map(|p| p.name.clone()),
                confidence: segment.confidence,
                evidence: self.evidence(closed, &members, &probs, product, &quote, &said),
                details: self.details(stretch.label, &probs, product, &quote, said),
                made_by: by.into_iter().collect::<Vec<_>>().join(" + "),
            }
        });
        (segment, point)
    }

    /// What a person may check the label and the product against.
    fn evidence(
        &self,
        closed: &Closed,
        members: &[&Utterance],
        probs: &LabelProbs,
        product: Option<&Product>,
        quote: &str,
        said: &[Attribute],
    ) -> Evidence {
        let mut words: Vec<String> = vec![];
        let named = closed.stretch.members.iter().flat_map(|m| m.quotes.iter());
        for word in named.chain(said.iter().map(|a| &a.raw)) {
            if !words.contains(word) {
                words.push(word.clone());
            }
        }
        let language = self.recording.language;
        Evidence {
            quote: quote.to_owned(),
            top: probs.top(TOP),
            words,
            rule_hits: members.iter().flat_map(|u| hits(&u.text)).map(|h| h.describe(language)).collect(),
            product_why: product.and(closed.binding.as_ref()).map(|b| b.why.clone()),
        }
    }

    fn details(
        &self,
        label: Label,
        probs: &LabelProbs,
        product: Option<&Product>,
        quote: &str,
        said: Vec<Attribute>,
    ) -> PointDetails {
        let also = probs.top(Label::ALL.len()).into_iter();
        let also = also.filter(|(l, p)| *l != label && l.sells() && *p >= ALSO_MIN).collect();
        let warning = match product {
            Some(product) => price_warning(&said, product),
            // Without a product list nothing can be bound, which is no doubt.
            None if self.products.is_empty() => None,
            None => Some(Warning::ProductUnsure),
        };
        let words = wording(label, product, quote, &said, self.recording.language);
        PointDetails {
            also,
            fine: self.fine(quote, probs, product),
            attributes: said,
            hook: words.hook,
            titles: words.titles,
            warnings: warning.into_iter().collect(),
        }
    }

    /// The finer labels; none where they cannot be found out.
    fn fine(&self, quote: &str, probs: &LabelProbs, product: Option<&Product>) -> Vec<FineLabel> {
        let Some(finer) = self.finer else { return vec![] };
        let category = product.and_then(|p| p.category.as_deref());
        finer.labels(quote, probs, category.map(pack_of)).unwrap_or_else(|error| {
            tracing::warn!(%error, "finer labels cannot be found");
            vec![]
        })
    }
}

/// The pack of a product's category, whatever the brand calls it.
fn pack_of(category: &str) -> &str {
    match category {
        "clothing" | "fashion" | "shoes" | "bags" => "apparel",
        "skincare" | "makeup" | "cosmetics" => "beauty",
        "electronics" | "digital" => "3c",
        "home" | "kitchen" | "homeware" => "household",
        "drinks" | "snacks" => "food",
        other => other,
    }
}

/// Whole utterances, joined.
fn quote(members: &[&Utterance]) -> String {
    let chinese = members.iter().any(|u| u.text.chars().any(is_cjk));
    let separator = if chinese { "，" } else { " " };
    members.iter().map(|u| u.text.trim()).collect::<Vec<_>>().join(separator)
}

/// The values that were said, each utterance read in the script it is written in.
fn said(members: &[&Utterance]) -> Vec<Attribute> {
    let read = |u: &&Utterance| attributes(&u.text, crate::rules::language_of(&u.text), u.seq);
    members.iter().flat_map(read).collect()
}
