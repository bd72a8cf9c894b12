//! Segments against the truth.

use clipmill_domain::{product::Product, taxonomy::Label};

use super::{
    report::{INSIDE_S, Report, Shown},
    truth::TruthLine,
};

/// A segment as it was closed. Times in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    /// Start of its first sentence.
    pub start: f64,
    /// End of its last.
    pub end: f64,
    /// Its topic.
    pub label: Label,
    /// Its product.
    pub sku: Option<String>,
    /// When it was closed: media time fed by then, and the computing after it.
    pub closed_at: f64,
    /// What was understood.
    pub text: String,
}

/// A stretch of talk on one topic and one product.
#[derive(Debug, Clone, PartialEq)]
struct Block<'a> {
    start: f64,
    end: f64,
    label: Label,
    /// Labels that all its sentences accept.
    also: Vec<Label>,
    sku: Option<&'a str>,
}

trait Lies {
    fn at(&self) -> (f64, f64);
}

impl Lies for Predicted {
    fn at(&self) -> (f64, f64) {
        (self.start, self.end)
    }
}

impl Lies for Block<'_> {
    fn at(&self) -> (f64, f64) {
        (self.start, self.end)
    }
}

/// Measures `found` against `truth`; products of the truth are looked up in `products`. `cpu_s` is what reading took,
/// for `utterances` sentences.
pub fn score(
    truth: &[TruthLine],
    products: &[Product],
    found: &[Predicted],
    (cpu_s, utterances): (f64, usize),
) -> Report {
    let all = blocks(truth, products, |a, b| a.label == b.label && a.product == b.product);
    let wanted: Vec<Block<'_>> = all.into_iter().filter(|b| b.label.sells()).collect();
    let selling: Vec<&Predicted> = found.iter().filter(|p| p.label.sells()).collect();
    let pairs = matched(&wanted, &selling, |b, p| b.label == p.label);
    let pairs_also = matched(&wanted, &selling, |b, p| b.label == p.label || b.also.contains(&p.label));

    let sold: Vec<Block<'_>> =
        blocks(truth, products, |a, b| a.label.sells() == b.label.sells() && a.product == b.product)
            .into_iter()
            .filter(|b| b.label.sells())
            .collect();
    let offered = joined(found);
    let offered: Vec<&Predicted> = offered.iter().collect();
    let sold_pairs = matched(&sold, &offered, |_, _| true);

    let inside = selling.iter().filter(|p| truth.iter().any(|s| cuts(s, p.start) || cuts(s, p.end))).count();
    let bound: Vec<(&Predicted, &str, bool)> = selling
        .iter()
        .filter_map(|p| {
            let sku = most(truth, p, |s| s.product.as_deref().and_then(|name| sku_of(products, name)))?;
            let product = products.iter().find(|q| q.sku == sku)?;
            let under = truth.iter().filter(|s| common((s.start, s.end), p.at()) > INSIDE_S);
            let named = under.filter(|s| s.product.is_some()).any(|s| names(product, &s.text));
            Some((*p, sku, named))
        })
        .collect();
    let right = |of: &dyn Fn(&(&Predicted, &str, bool)) -> bool| {
        let of: Vec<_> = bound.iter().filter(|b| of(b)).collect();
        share(of.iter().filter(|(p, sku, _)| p.sku.as_deref() == Some(sku)).count(), of.len())
    };
    let wrong = bound.iter().filter(|(p, sku, _)| p.sku.as_deref().is_some_and(|s| s != *sku)).count();

    let off: Vec<f64> = pairs
        .iter()
        .flat_map(|(b, p)| [(b.start - p.start).abs() * 1e3, (b.end - p.end).abs() * 1e3])
        .collect();
    let waits: Vec<f64> = pairs.iter().map(|(b, p)| p.closed_at - b.end).collect();
    let shown = found.iter().map(|p| Shown {
        start: p.start,
        end: p.end,
        label: p.label,
        sku: p.sku.clone(),
        truth_label: most(truth, p, |s| Some(s.label)),
        truth_sku: most(truth, p, |s| s.product.as_deref().and_then(|n| sku_of(products, n)))
            .map(str::to_owned),
        right: pairs.iter().any(|(_, q)| std::ptr::eq(*q, p)),
        text: p.text.clone(),
    });
    Report {
        spans_truth: wanted.len(),
        spans_found: selling.len(),
        span_f1: f1(pairs.len(), wanted.len(), selling.len()),
        span_precision: share(pairs.len(), selling.len()),
        span_recall: share(pairs.len(), wanted.len()),
        span_f1_also: f1(pairs_also.len(), wanted.len(), selling.len()),
        selling_f1: f1(sold_pairs.len(), sold.len(), offered.len()),
        inside_sentence_share: share(inside, selling.len()),
        binding_accuracy: right(&|b| b.2),
        bindings: bound.iter().filter(|b| b.2).count(),
        binding_accuracy_all: right(&|_| true),
        binding_wrong: share(wrong, bound.len()),
        boundary_ms_p50: quantile(&off, 0.5),
        boundary_ms_p90: quantile(&off, 0.9),
        close_s_p50: quantile(&waits, 0.5),
        close_s_p90: quantile(&waits, 0.9),
        cpu_s_per_utterance: (utterances > 0).then(|| cpu_s / utterances as f64),
        segments: Some(shown.collect()),
    }
}

/// Neighbouring sentences that are `alike`, joined.
fn blocks<'a>(
    truth: &[TruthLine],
    products: &'a [Product],
    alike: impl Fn(&TruthLine, &TruthLine) -> bool,
) -> Vec<Block<'a>> {
    truth
        .chunk_by(alike)
        .map(|run| Block {
            start: run[0].start,
            end: run.iter().map(|s| s.end).fold(0.0, f64::max),
            label: run[0].label,
            also: run[0].also.iter().copied().filter(|l| run.iter().all(|s| s.also.contains(l))).collect(),
            sku: run[0].product.as_deref().and_then(|name| sku_of(products, name)),
        })
        .collect()
}

/// Selling segments of one product in a row, joined.
fn joined(found: &[Predicted]) -> Vec<Predicted> {
    found
        .chunk_by(|a, b| a.label.sells() == b.label.sells() && a.sku == b.sku)
        .filter(|run| run[0].label.sells())
        .filter_map(|run| Some(Predicted { end: run.last()?.end, ..run[0].clone() }))
        .collect()
}

/// Pairs that have at least half of their union in common, each side used once: the largest overlap first.
fn matched<'a, 'b, 'c>(
    wanted: &'a [Block<'c>],
    found: &[&'b Predicted],
    right: impl Fn(&Block<'c>, &Predicted) -> bool,
) -> Vec<(&'a Block<'c>, &'b Predicted)> {
    let mut candidates: Vec<(f64, usize, usize)> = vec![];
    for (i, b) in wanted.iter().enumerate() {
        for (j, p) in found.iter().enumerate() {
            let both = common(b.at(), p.at());
            let iou = both / (b.end - b.start + p.end - p.start - both);
            if iou >= 0.5 && right(b, p) {
                candidates.push((iou, i, j));
            }
        }
    }
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut used_i, mut used_j) = (vec![false; wanted.len()], vec![false; found.len()]);
    let mut pairs = vec![];
    for (_, i, j) in candidates {
        if !used_i[i] && !used_j[j] {
            (used_i[i], used_j[j]) = (true, true);
            pairs.push((&wanted[i], found[j]));
        }
    }
    pairs
}

/// Whether `at` lies inside the sentence, away from its ends.
fn cuts(sentence: &TruthLine, at: f64) -> bool {
    at > sentence.start + INSIDE_S && at < sentence.end - INSIDE_S
}

/// What most of the talk under `p` is, by time.
fn most<T: PartialEq + Copy>(
    truth: &[TruthLine],
    p: &Predicted,
    what: impl Fn(&TruthLine) -> Option<T>,
) -> Option<T> {
    let mut sums: Vec<(Option<T>, f64)> = vec![];
    for s in truth {
        let seconds = common((s.start, s.end), p.at());
        if seconds > 0.0 {
            let what = what(s);
            match sums.iter_mut().find(|(w, _)| *w == what) {
                Some((_, sum)) => *sum += seconds,
                None => sums.push((what, seconds)),
            }
        }
    }
    sums.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).and_then(|(what, _)| what)
}

/// The SKU of the product that is called so.
fn sku_of<'a>(products: &'a [Product], called: &str) -> Option<&'a str> {
    let is = |p: &&Product| p.sku == called || p.name == called || p.aliases.iter().any(|a| a == called);
    products.iter().find(is).map(|p| p.sku.as_str())
}

/// Whether `text` says the product's name or an alias of it.
fn names(product: &Product, text: &str) -> bool {
    let lower = text.to_lowercase();
    std::iter::once(&product.name).chain(&product.aliases).any(|n| lower.contains(&n.to_lowercase()))
}

/// Seconds in common.
fn common(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.1.min(b.1) - a.0.max(b.0)).max(0.0)
}

fn f1(right: usize, wanted: usize, found: usize) -> Option<f64> {
    share(2 * right, wanted + found)
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The value below which the share `q` lies; `None` of nothing.
fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let at = ((sorted.len() as f64 * q).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: f64, end: f64, label: Label, product: Option<&str>, text: &str) -> TruthLine {
        TruthLine { start, end, text: text.to_owned(), label, also: vec![], product: product.map(Into::into) }
    }

    fn segment(start: f64, end: f64, label: Label, sku: Option<&str>) -> Predicted {
        let sku = sku.map(Into::into);
        Predicted { start, end, label, sku, closed_at: end + 5.0, text: String::new() }
    }

    fn products() -> Vec<Product> {
        serde_json::from_str(
            r#"[{"sku": "K", "name": "开衫", "aliases": ["针织"]}, {"sku": "C", "name": "充电宝"}]"#,
        )
        .unwrap()
    }

    /// Counted by hand: a fabric block of two sentences found whole; a promo found as gift; small talk cut as brand.
    #[test]
    fn figures_match_a_count_by_hand() {
        let truth = [
            line(0.0, 4.0, Label::Chat, None, "家人们中午好"),
            line(5.0, 8.0, Label::Fabric, Some("开衫"), "这件开衫是亚麻的"),
            line(8.5, 11.0, Label::Fabric, Some("开衫"), "很细"),
            line(11.5, 15.0, Label::Promo, Some("充电宝"), "充电宝一百零九"),
        ];
        let found = [
            segment(0.0, 4.0, Label::Brand, None),
            segment(5.1, 11.3, Label::Fabric, Some("K")),
            segment(13.0, 15.0, Label::Gift, Some("K")),
        ];
        let r = score(&truth, &products(), &found, (0.6, 6));
        assert_eq!((r.spans_truth, r.spans_found), (2, 3));
        assert_eq!((r.span_precision, r.span_recall, r.span_f1), (Some(1.0 / 3.0), Some(0.5), Some(0.4)));
        // Sold: 5-11 and 11.5-15; found: 0-4 unbound and 5.1-15 in one, which has 5.9 of 9.9 s in common with the first.
        assert_eq!(r.selling_f1, Some(0.5));
        assert_eq!(r.inside_sentence_share, Some(1.0 / 3.0));
        assert_eq!((r.binding_accuracy, r.bindings, r.binding_wrong), (Some(0.5), 2, Some(0.5)));
        assert!((r.boundary_ms_p50.unwrap() - 100.0).abs() < 1e-6);
        assert!((r.boundary_ms_p90.unwrap() - 300.0).abs() < 1e-6);
        assert!((r.close_s_p50.unwrap() - 5.3).abs() < 1e-6);
        assert_eq!(r.cpu_s_per_utterance, Some(0.6 / 6.0));
        let shown = r.segments.unwrap();
        assert_eq!((shown[1].right, shown[2].right), (true, false));
        assert_eq!((shown[2].truth_label, shown[2].truth_sku.as_deref()), (Some(Label::Promo), Some("C")));
    }

    #[test]
    fn nothing_said_and_nothing_found_has_no_shares() {
        let r = score(&[], &[], &[], (0.0, 0));
        assert_eq!((r.span_f1, r.binding_accuracy, r.close_s_p90), (None, None, None));
    }
}
