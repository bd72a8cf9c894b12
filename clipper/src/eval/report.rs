//! The figures, as they are printed.

use clipmill_domain::taxonomy::Label;
use serde::Serialize;

/// Figures of a file. Shares are 0 to 1; `None` where there is nothing to take a share of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Stretches of selling talk on one topic and one product that there are.
    pub spans_truth: usize,
    /// Selling segments that were found.
    pub spans_found: usize,
    /// Harmonic mean of precision and recall: found with the right topic, at least half in common (intersection over
    /// union).
    pub span_f1: Option<f64>,
    /// Share of what was found that is right.
    pub span_precision: Option<f64>,
    /// Share of what there is that was found.
    pub span_recall: Option<f64>,
    /// As `span_f1`, where a topic that the truth lists as acceptable counts as right.
    pub span_f1_also: Option<f64>,
    /// As `span_f1`, for stretches of selling talk of one product, whatever the topic, against everything else.
    pub selling_f1: Option<f64>,
    /// Share of selling segments that begin or end inside a true sentence, more than a fifth of a second from its ends.
    pub inside_sentence_share: Option<f64>,
    /// Share bound to the right product, of the selling segments in which that product is named.
    pub binding_accuracy: Option<f64>,
    /// Selling segments in which their product is named.
    pub bindings: usize,
    /// The same share of all selling segments about a product.
    pub binding_accuracy_all: Option<f64>,
    /// Share of those that are bound to another product.
    pub binding_wrong: Option<f64>,
    /// How far the borders of right segments are off, in milliseconds: median.
    pub boundary_ms_p50: Option<f64>,
    /// The same: nine in ten are nearer.
    pub boundary_ms_p90: Option<f64>,
    /// From the end of a stretch of talk to its segment's being closed, in seconds of media time and computing: median.
    pub close_s_p50: Option<f64>,
    /// The same: nine in ten are quicker.
    pub close_s_p90: Option<f64>,
    /// CPU seconds for each sentence read.
    pub cpu_s_per_utterance: Option<f64>,
    /// Every segment, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<Shown>>,
}

/// A segment beside the truth it lies on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// In seconds.
    pub start: f64,
    /// In seconds.
    pub end: f64,
    /// What was made of it.
    pub label: Label,
    /// Its product.
    pub sku: Option<String>,
    /// The topic of most of the talk under it.
    pub truth_label: Option<Label>,
    /// The product of most of the talk under it.
    pub truth_sku: Option<String>,
    /// Whether it counts as right.
    pub right: bool,
    /// What was understood.
    pub text: String,
}

/// A border this near to an end of a sentence, in seconds, does not lie inside it: about what the times of recognised
/// words are off.
pub const INSIDE_S: f64 = 0.2;
