//! From labelled talk to a head: forms, features, cross-validation, calibration, the final fit.

use camino::Utf8Path;

use super::{
    ClassifyError, Encoder, Example, Head, Judged, LABELS, LabelProbs, Part, Report, Variant,
    data::{data_sha256, read_examples, variants},
    fit::{Rows, fit},
    folds::{by_label, by_style},
    head::standardise,
};

/// How to fit. The defaults are what the built-in head was fitted with.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// How freely weights may grow: the inverse of the penalty.
    pub c: f32,
    /// Steps of the optimiser at most.
    pub steps: usize,
    /// Parts for cross-validation; 2 at least. All forms of an example lie in one part.
    pub folds: usize,
    /// How much a text counts that is an example without its punctuation; the example itself counts 1.
    pub spoken_weight: f32,
    /// How much a clause of an example counts.
    pub clause_weight: f32,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self { c: 5.0, steps: 80, folds: 5, spoken_weight: 1.0, clause_weight: 0.5 }
    }
}

/// A fitted head with what cross-validation says about it.
#[derive(Debug, Clone)]
pub struct Trained {
    /// Fitted on everything.
    pub head: Head,
    /// Answers of heads that had not seen the example, on the examples as written.
    pub as_written: Report,
    /// The same on the examples without punctuation.
    pub spoken: Report,
    /// Answers, on the examples as written, of heads that had heard nobody of the example's style: what to expect of
    /// a host who is new. `None` where there are too few styles to tell.
    pub unseen: Option<Report>,
}

/// One text to fit on, with its feature.
struct Text {
    example: usize,
    variant: Variant,
    feature: Vec<f32>,
}

/// Fits a head on the labelled talk in `files`, taken together in order. The same files, model and options give
/// the same head. `progress` is told texts encoded so far and in all; encoding is nearly all of the time.
pub fn train_files(
    encoder: &dyn Encoder,
    files: &[&Utf8Path],
    options: &TrainOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Trained, ClassifyError> {
    let mut examples = vec![];
    for file in files {
        examples.extend(read_examples(file)?);
    }
    train(encoder, &examples, options, progress)
}

/// Fits a head on `examples`: see [`train_files`].
pub fn train(
    encoder: &dyn Encoder,
    examples: &[Example],
    options: &TrainOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Trained, ClassifyError> {
    let folds = options.folds.max(2);
    let parts = by_label(examples, folds)?;
    let texts = encode(encoder, examples, progress)?;
    let judge = |parts: &[usize]| held_out(encoder, examples, &texts, parts, folds, options);

    let judged = judge(&parts)?;
    let of_unseen = by_style(examples, folds).map(|parts| judge(&parts)).transpose()?;
    // Confidence should mean what it says about a host who is new.
    let temperature = temperature(of_unseen.as_ref().unwrap_or(&judged), examples);
    let report =
        |judged: &[(&Text, [f32; LABELS])], form| Report::of(&answers(judged, examples, form, temperature));
    let (as_written, spoken) = (report(&judged, Variant::Whole), report(&judged, Variant::Spoken));
    let unseen = of_unseen.map(|judged| report(&judged, Variant::Whole));

    let mut head = fit_head(encoder, examples, &texts.iter().collect::<Vec<_>>(), options)?;
    head.weight.iter_mut().chain(&mut head.bias).for_each(|w| *w /= temperature);
    head.facts.data_sha256 = data_sha256(examples);
    head.facts.examples = examples.len();
    head.facts.texts = texts.len();
    head.facts.temperature = temperature;
    head.facts.cv_accuracy = as_written.accuracy;
    head.facts.cv_macro_f1 = as_written.macro_f1;
    head.facts.unseen_accuracy = unseen.as_ref().map(|r| r.accuracy);
    Ok(Trained { head, as_written, spoken, unseen })
}

/// Each text with the scores of the head that was fitted without its part.
fn held_out<'a>(
    encoder: &dyn Encoder,
    examples: &[Example],
    texts: &'a [Text],
    parts: &[usize],
    folds: usize,
    options: &TrainOptions,
) -> Result<Vec<(&'a Text, [f32; LABELS])>, ClassifyError> {
    let mut out = vec![None; texts.len()];
    for fold in 0..folds {
        let seen: Vec<&Text> = texts.iter().filter(|t| parts[t.example] != fold).collect();
        let head = fit_head(encoder, examples, &seen, options)?;
        for (text, scores) in texts.iter().zip(&mut out).filter(|(t, _)| parts[t.example] == fold) {
            *scores = Some(head.scores(&text.feature));
        }
    }
    Ok(texts.iter().zip(out).filter_map(|(t, s)| Some((t, s?))).collect())
}

/// One answer for each example: on its text in `form`, or as written where it has no such form of its own.
fn answers<'a>(
    judged: &[(&Text, [f32; LABELS])],
    examples: &'a [Example],
    form: Variant,
    temperature: f32,
) -> Vec<Judged<'a>> {
    let mut chosen = vec![None; examples.len()];
    for (text, scores) in judged.iter().filter(|(t, _)| t.variant == Variant::Whole || t.variant == form) {
        chosen[text.example] = Some(LabelProbs::from_scores(scores.map(|s| s / temperature)));
    }
    examples
        .iter()
        .zip(chosen)
        .filter_map(|(example, probs)| Some(Judged { example, probs: probs? }))
        .collect()
}

fn encode(
    encoder: &dyn Encoder,
    examples: &[Example],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Text>, ClassifyError> {
    let forms: Vec<(usize, Variant, String)> = examples
        .iter()
        .enumerate()
        .flat_map(|(i, e)| variants(&e.text).into_iter().map(move |(variant, text)| (i, variant, text)))
        .collect();
    let all = forms.len();
    let mut texts = Vec::with_capacity(all);
    for (example, variant, text) in forms {
        texts.push(Text { example, variant, feature: encoder.encode(&text)? });
        progress(texts.len(), all);
    }
    Ok(texts)
}

fn fit_head(
    encoder: &dyn Encoder,
    examples: &[Example],
    texts: &[&Text],
    options: &TrainOptions,
) -> Result<Head, ClassifyError> {
    let parts = encoder.parts();
    let facts = Head::new_facts(&parts);
    let (mean, deviation) = spread(texts, &parts);
    let rows = Rows {
        x: texts.iter().flat_map(|t| standardise(&t.feature, &mean, &deviation, &facts.widths)).collect(),
        labels: texts.iter().map(|t| examples[t.example].label.index()).collect(),
        weights: texts
            .iter()
            .map(|t| match t.variant {
                Variant::Whole => 1.0,
                Variant::Spoken => options.spoken_weight,
                Variant::Clause => options.clause_weight,
            })
            .collect(),
    };
    let fitted = fit(&rows, options.c, options.steps)?;
    Ok(Head { facts, mean, deviation, weight: fitted.weight, bias: fitted.bias })
}

/// Mean and standard deviation of each feature; a feature that never varies gets deviation 1, and those of a part that
/// is a direction already stay as they are.
fn spread(texts: &[&Text], parts: &[Part]) -> (Vec<f32>, Vec<f32>) {
    let width = parts.iter().map(|p| p.width).sum();
    let n = texts.len().max(1) as f64;
    let (mut mean, mut square) = (vec![0.0f64; width], vec![0.0f64; width]);
    for t in texts {
        for ((m, s), x) in mean.iter_mut().zip(&mut square).zip(&t.feature) {
            *m += f64::from(*x) / n;
            *s += f64::from(*x) * f64::from(*x) / n;
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "single precision is what heads hold")]
    let deviation = mean.iter().zip(&square).map(|(m, s)| {
        let d = (s - m * m).max(0.0).sqrt();
        if d > 1e-6 { d as f32 } else { 1.0 }
    });
    let mut deviation: Vec<f32> = deviation.collect();
    #[expect(clippy::cast_possible_truncation, reason = "single precision is what heads hold")]
    let mut mean: Vec<f32> = mean.into_iter().map(|m| m as f32).collect();
    let mut from = 0;
    for part in parts {
        if part.unit {
            mean[from..from + part.width].fill(0.0);
            deviation[from..from + part.width].fill(1.0);
        }
        from += part.width;
    }
    (mean, deviation)
}

/// What held-out scores have to be divided by for the truth to be most probable under them.
fn temperature(judged: &[(&Text, [f32; LABELS])], examples: &[Example]) -> f32 {
    let surprise = |t: f32| -> f64 {
        judged
            .iter()
            .filter(|(text, _)| text.variant != Variant::Clause)
            .map(|(text, scores)| {
                let p = LabelProbs::from_scores(scores.map(|s| s / t)).of(examples[text.example].label);
                -f64::from(p.max(1e-12)).ln()
            })
            .sum()
    };
    let tried = (0u8..61).map(|i| 0.25 * 16f32.powf(f32::from(i) / 60.0));
    tried.map(|t| (t, surprise(t))).min_by(|a, b| a.1.total_cmp(&b.1)).map_or(1.0, |(t, _)| t)
}

/// An encoder for tests: counts of characters and pairs of them, folded into a fixed width.
#[cfg(test)]
pub(super) struct Pairs;

#[cfg(test)]
impl Encoder for Pairs {
    fn parts(&self) -> Vec<Part> {
        vec![Part { id: "pairs@00000000/test".to_owned(), width: 2048, unit: true }]
    }

    fn encode(&self, text: &str) -> Result<Vec<f32>, ClassifyError> {
        let mut out = vec![0.0; self.width()];
        let chars: Vec<u32> = text.chars().map(u32::from).collect();
        for (w, c) in chars.windows(2).zip(&chars) {
            out[(w[0] as usize * 31 + w[1] as usize) % 2048] += 1.0;
            out[*c as usize % 2048] += 1.0;
        }
        let length = crate::llm::dot(&out, &out).sqrt().max(1.0);
        out.iter_mut().for_each(|x| *x /= length);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use clipmill_domain::taxonomy::Label;

    use super::*;

    fn examples() -> Vec<Example> {
        let path = camino::Utf8PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../fixtures/selling-points/train.jsonl");
        read_examples(&path).unwrap()
    }

    fn quick() -> TrainOptions {
        TrainOptions { steps: 25, folds: 3, ..TrainOptions::default() }
    }

    #[test]
    fn fitting_repeats_exactly_and_learns_more_than_guessing() {
        let examples = examples();
        let mut told = vec![];
        let once = train(&Pairs, &examples, &quick(), &mut |done, all| told.push((done, all))).unwrap();
        let again = train(&Pairs, &examples, &quick(), &mut |_, _| {}).unwrap();
        assert_eq!(once.head, again.head);
        assert_eq!(once.as_written, again.as_written);
        assert_eq!(once.as_written.items, examples.len());
        assert!(once.as_written.accuracy > 0.2, "{}", once.as_written.accuracy);
        assert_eq!(told.last(), Some(&(once.head.facts().texts, once.head.facts().texts)));
        assert!(once.head.facts().texts > examples.len());

        let seen =
            examples.iter().filter(|e| once.head.apply(&Pairs.encode(&e.text).unwrap()).best().0 == e.label);
        assert!(seen.count() * 10 > examples.len() * 9, "a head should know what it was fitted on");
    }

    #[test]
    fn every_part_has_its_share_of_every_label() {
        let examples = examples();
        let parts = by_label(&examples, 5).unwrap();
        for label in Label::ALL {
            let of: Vec<_> =
                examples.iter().zip(&parts).filter(|(e, _)| e.label == label).map(|(_, p)| *p).collect();
            for part in 0..5 {
                let here = of.iter().filter(|p| **p == part).count();
                assert!(here.abs_diff(of.len() / 5) <= 2, "{label}: {here} of {}", of.len());
            }
        }
    }

    #[test]
    fn hosts_that_were_not_heard_are_judged_apart() {
        let mut examples = examples();
        let alone = train(&Pairs, &examples, &quick(), &mut |_, _| {}).unwrap();
        assert!(alone.unseen.is_none(), "one style tells nothing of others");
        for (i, e) in examples.iter_mut().enumerate() {
            e.style = (i % 6).to_string();
        }
        let trained = train(&Pairs, &examples, &quick(), &mut |_, _| {}).unwrap();
        let unseen = trained.unseen.unwrap();
        assert_eq!(unseen.items, examples.len());
        assert_eq!(trained.head.facts().unseen_accuracy, Some(unseen.accuracy));
    }

    #[test]
    fn a_label_without_examples_is_named() {
        let examples: Vec<_> = examples().into_iter().filter(|e| e.label != Label::Brand).collect();
        let error = train(&Pairs, &examples, &quick(), &mut |_, _| {}).unwrap_err().to_string();
        assert!(error.contains("label brand has 0 examples"), "{error}");
    }
}
