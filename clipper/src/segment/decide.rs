//! Which topic an utterance belongs to, given what was decided before it and what came after: the best path through a
//! chain of topics (Viterbi), decided as soon as no future can change it.
//!
//! The only preference between neighbours is that a topic goes on: it is `stay_odds` likelier than any one other. So the
//! future can favour one topic over another at most by that factor (or by `answer_odds` after a question), and a topic that
//! leads by it is final.

use clipmill_domain::taxonomy::Label;

use super::{Labelled, SegmentRules, Stretch};

const N: usize = Label::ALL.len();

/// The topic of the first of `waiting`, if it can be said already: it is beyond reach of what may follow, or enough has
/// followed. `None` for an empty list.
pub(super) fn first(rules: &SegmentRules, open: Option<&Stretch>, waiting: &[Labelled]) -> Option<Label> {
    if waiting.is_empty() {
        return None;
    }
    let scores = paths(rules, open, waiting);
    let label = argmax(&scores);
    let lead = scores[label.index()] - next_best(&scores, label);
    (lead >= reach(rules, waiting) || waiting.len() > rules.lag).then_some(label)
}

/// Whether the first of `waiting` is about something else than the open stretch whatever may follow, even if it is not
/// decided yet what about: the stretch can be closed.
pub(super) fn leaves(rules: &SegmentRules, open: &Stretch, waiting: &[Labelled]) -> bool {
    let Some(first) = waiting.first() else { return false };
    let scores = paths(rules, Some(open), waiting);
    let lead = next_best(&scores, open.label) - scores[open.label.index()];
    lead >= reach(rules, waiting) || !open.takes(rules, open.label, first)
}

/// The topic of the first of `waiting` if nothing more comes. `waiting` holds at least one.
pub(super) fn best(rules: &SegmentRules, open: Option<&Stretch>, waiting: &[Labelled]) -> Label {
    argmax(&paths(rules, open, waiting))
}

/// For each topic of the first of `waiting`, the logarithm of the best path's score that begins with it.
fn paths(rules: &SegmentRules, open: Option<&Stretch>, waiting: &[Labelled]) -> [f32; N] {
    let mut ahead = [0.0f32; N];
    for (i, here) in waiting.iter().enumerate().rev() {
        let mut scores = evidence(rules, here);
        for (s, a) in scores.iter_mut().zip(ahead) {
            *s += a;
        }
        let before = if i == 0 { None } else { waiting.get(i - 1) };
        let Some(before) = before else {
            if let Some((open, last)) = open.and_then(|o| Some((o, o.members.last()?))) {
                scores[open.label.index()] += staying(rules, last, here, open.label);
            }
            return scores;
        };
        // Going on with the same topic, or changing to the best of all.
        let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for label in Label::ALL {
            let stay = scores[label.index()] + staying(rules, before, here, label);
            ahead[label.index()] = stay.max(best);
        }
    }
    ahead
}

/// Logarithm of how much likelier it is that `b` goes on with `label`, the topic of `a`, than that it takes up any one
/// other: falls with the pause between them. A question is answered, whoever speaks and whatever the answer is about.
fn staying(rules: &SegmentRules, a: &Labelled, b: &Labelled, label: Label) -> f32 {
    let other_product = a.sku.is_some() && b.sku != a.sku;
    let other_voice = a.speaker.is_some() && b.speaker.is_some() && a.speaker != b.speaker;
    if a.asks && label == Label::Qa && !other_product {
        return rules.answer_odds.ln();
    }
    if other_product || other_voice {
        return 0.0;
    }
    let pause = b.span.start() - a.span.end();
    #[expect(clippy::cast_precision_loss, reason = "a pause")]
    let far = (rules.far_us - pause) as f32 / (rules.far_us - rules.near_us).max(1) as f32;
    rules.stay_odds.ln() * far.clamp(0.0, 1.0)
}

/// The most by which what follows `waiting` can favour one topic over another, as a logarithm.
fn reach(rules: &SegmentRules, waiting: &[Labelled]) -> f32 {
    let asks = waiting.last().is_some_and(|last| last.asks);
    if asks { rules.answer_odds.max(rules.stay_odds).ln() } else { rules.stay_odds.ln() }
}

/// What the utterance itself says for each topic, as logarithms: little, if it is short.
fn evidence(rules: &SegmentRules, said: &Labelled) -> [f32; N] {
    #[expect(clippy::cast_precision_loss, reason = "letters of a sentence")]
    let weight = (said.letters as f32 / rules.letters_full.max(1) as f32).min(1.0);
    said.probs.as_array().map(|p| weight * p.max(1e-6).ln())
}

/// The earliest of the best.
fn argmax(scores: &[f32; N]) -> Label {
    let pick = |best: Label, next: Label| {
        if scores[next.index()] > scores[best.index()] { next } else { best }
    };
    Label::ALL.into_iter().reduce(pick).unwrap_or_else(|| unreachable!("there are labels"))
}

fn next_best(scores: &[f32; N], best: Label) -> f32 {
    let others = Label::ALL.into_iter().filter(|l| *l != best).map(|l| scores[l.index()]);
    others.fold(f32::NEG_INFINITY, f32::max)
}
