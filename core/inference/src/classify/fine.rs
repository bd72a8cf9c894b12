//! Finer labels: few examples each, told apart by a sentence encoder.
//!
//! Each finer label is one line through the vectors: regularised least squares of its examples (+1) against its
//! counter-examples, the examples of its siblings and those of other base labels (-1), both sides weighing the same. What
//! each sentence would score had it been left out follows from the same solution without fitting again (the
//! leave-one-out residual of ridge regression, Cawley and Talbot 2003). From those scores comes the threshold, one for a
//! pack: with ten examples a threshold of one's own is chance.

use clipmill_domain::{
    selling_point::FineLabel,
    taxonomy::{Label, Pack, Taxonomy},
};

use super::{ClassifyError, Encoder, LabelProbs};

/// How much a line is held back, against a weight of one half for all examples of a label. Chosen by leave-one-out over
/// the built-in packs; 0.1 to 1 differ by less than two sentences in a hundred.
const PENALTY: f64 = 0.3;
/// The constant appended to unit vectors, for the offset.
const OFFSET: f64 = 1.0;
/// A label scoring this much below the best of its pack is left out: nearly always a sibling.
const MARGIN: f64 = 0.15;
/// A base label is likely with at least this probability.
const PARENT_MIN: f32 = 0.2;
/// How steeply a score becomes a probability: over the width of the scale (-1 to +1) from 0.02 to 0.98.
const STEEPNESS: f64 = 4.0;

/// The finer labels of one taxonomy, fitted on one encoder's vectors.
#[derive(Debug, Clone)]
pub struct FineLabels {
    packs: Vec<Fitted>,
    feature: String,
}

#[derive(Debug, Clone)]
struct Fitted {
    /// Scores above it are yes.
    threshold: f64,
    lines: Vec<Line>,
    figures: FineFigures,
}

#[derive(Debug, Clone)]
struct Line {
    id: String,
    under: Label,
    weight: Vec<f64>,
}

/// How well a pack's labels tell its own examples apart, each judged by lines that never saw it.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct FineFigures {
    /// The pack.
    pub pack: String,
    /// Examples that got their label.
    pub hits: usize,
    /// Labels given to sentences that are not theirs.
    pub false_hits: usize,
    /// Examples in all.
    pub examples: usize,
    /// Per label: its id, its hits, the false hits on it, its examples.
    pub per_label: Vec<(String, usize, usize, usize)>,
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
impl FineFigures {
    /// Of the labels given, the share that is right.
    pub fn precision(&self) -> f64 {
        self.hits as f64 / (self.hits + self.false_hits).max(1) as f64
    }

    /// Of the examples, the share that got their label.
    pub fn recall(&self) -> f64 {
        self.hits as f64 / self.examples.max(1) as f64
    }
}

impl FineLabels {
    /// Fits every pack of `taxonomy`. Encodes each of its sentences once: about 500 for the built-in packs.
    pub fn fit(taxonomy: &Taxonomy, encoder: &dyn Encoder) -> Result<Self, ClassifyError> {
        let base: Vec<(Label, Vec<f64>)> = taxonomy
            .base()
            .iter()
            .filter_map(|entry| entry.parent().map(|label| (label, entry)))
            .flat_map(|(label, entry)| entry.examples.all().map(move |text| (label, text)))
            .map(|(label, text)| Ok((label, unit(encoder, text)?)))
            .collect::<Result<_, ClassifyError>>()?;
        let packs =
            taxonomy.packs().iter().map(|pack| fit_pack(pack, &base, encoder)).collect::<Result<_, _>>()?;
        Ok(Self { packs, feature: encoder.feature_id() })
    }

    /// The feature that they were fitted on: their vectors must come from the same.
    pub fn feature_id(&self) -> &str {
        &self.feature
    }

    /// How well each pack tells its own examples apart.
    pub fn figures(&self) -> impl Iterator<Item = &FineFigures> {
        self.packs.iter().map(|p| &p.figures)
    }

    /// The finer labels of an utterance whose vector is `vector` and whose base labels are `probs`, best first. `packs`
    /// names the packs that may answer (the product's category, the brand's own); empty: all.
    pub fn labels(&self, vector: &[f32], probs: &LabelProbs, packs: &[&str]) -> Vec<FineLabel> {
        let (best, _) = probs.best();
        let likely = |label: Label| label == best || probs.of(label) >= PARENT_MIN;
        self.answer(vector, packs, likely)
    }

    fn answer(&self, vector: &[f32], packs: &[&str], likely: impl Fn(Label) -> bool) -> Vec<FineLabel> {
        let vector = lengthened(vector);
        let mut all = vec![];
        for pack in &self.packs {
            if !packs.is_empty() && !packs.contains(&pack.figures.pack.as_str()) {
                continue;
            }
            let scores: Vec<f64> = pack.lines.iter().map(|l| dot(&l.weight, &vector)).collect();
            for (line, given) in pack.lines.iter().zip(decide(&scores, pack.threshold)) {
                if given && likely(line.under) {
                    let over = dot(&line.weight, &vector) - pack.threshold;
                    #[expect(clippy::cast_possible_truncation, reason = "a probability")]
                    let p = (1.0 / (1.0 + (-STEEPNESS * over).exp())) as f32;
                    all.push(FineLabel { key: line.id.clone(), under: line.under, p });
                }
            }
        }
        all.sort_by(|a, b| b.p.total_cmp(&a.p));
        all
    }
}

/// Which scores are yes: above the threshold, and near the best.
fn decide(scores: &[f64], threshold: f64) -> Vec<bool> {
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores.iter().map(|s| *s > threshold && *s >= best - MARGIN).collect()
}

fn fit_pack(pack: &Pack, base: &[(Label, Vec<f64>)], encoder: &dyn Encoder) -> Result<Fitted, ClassifyError> {
    // Rows of the pack: whose they are, whether as an example, and the vector.
    let mut rows: Vec<(usize, bool, Vec<f64>)> = vec![];
    for (k, label) in pack.labels.iter().enumerate() {
        for (is, sentences) in [(true, &label.examples), (false, &label.not)] {
            for text in sentences.all() {
                rows.push((k, is, unit(encoder, text)?));
            }
        }
    }
    let mut lines = vec![];
    // Of each line the scores of the pack's rows, left out where it was fitted on them.
    let mut scores: Vec<Vec<f64>> = vec![];
    for (k, label) in pack.labels.iter().enumerate() {
        let Some(under) = label.parent() else { continue };
        let own: Vec<usize> = (0..rows.len()).filter(|r| rows[*r].0 == k || rows[*r].1).collect();
        let other = base.iter().filter(|(l, _)| *l != under).map(|(_, v)| v);
        let vectors: Vec<&Vec<f64>> = own.iter().map(|r| &rows[*r].2).chain(other).collect();
        let yes: Vec<bool> =
            (0..vectors.len()).map(|i| own.get(i).is_some_and(|r| rows[*r].0 == k && rows[*r].1)).collect();
        let (weight, left_out) = line(&vectors, &yes);
        let mut all: Vec<f64> = rows.iter().map(|(_, _, v)| dot(&weight, v)).collect();
        for (i, r) in own.iter().enumerate() {
            all[*r] = left_out[i];
        }
        scores.push(all);
        lines.push(Line { id: format!("{}.{}", pack.key, label.key), under, weight });
    }
    // Judged on what is known: examples for every label, counter-examples for their own.
    let mut judged: Vec<(f64, bool)> = vec![];
    for (k, column) in scores.iter().enumerate() {
        for (r, score) in column.iter().enumerate().filter(|(r, _)| rows[*r].1 || rows[*r].0 == k) {
            judged.push((*score, rows[r].0 == k && rows[r].1));
        }
    }
    let threshold = best_threshold(judged);
    let figures = judge(pack, &rows, &scores, threshold);
    Ok(Fitted { threshold, lines, figures })
}

fn judge(pack: &Pack, rows: &[(usize, bool, Vec<f64>)], scores: &[Vec<f64>], threshold: f64) -> FineFigures {
    let mut figures = FineFigures { pack: pack.key.clone(), ..FineFigures::default() };
    figures.per_label = pack.labels.iter().map(|l| (format!("{}.{}", pack.key, l.key), 0, 0, 0)).collect();
    for (r, (owner, is, _)) in rows.iter().enumerate() {
        let row: Vec<f64> = scores.iter().map(|column| column[r]).collect();
        for (k, given) in decide(&row, threshold).into_iter().enumerate() {
            let (_, hits, false_hits, examples) = &mut figures.per_label[k];
            *examples += usize::from(*is && *owner == k);
            // Whether a counter-example of another label has this one is not known.
            match given.then_some((*is, *owner == k)) {
                Some((true, true)) => *hits += 1,
                Some((true, false) | (false, true)) => *false_hits += 1,
                _ => {}
            }
        }
    }
    figures.hits = figures.per_label.iter().map(|l| l.1).sum();
    figures.false_hits = figures.per_label.iter().map(|l| l.2).sum();
    figures.examples = figures.per_label.iter().map(|l| l.3).sum();
    figures
}

/// The threshold with the best F1, in the middle of its gap.
fn best_threshold(mut judged: Vec<(f64, bool)>) -> f64 {
    judged.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total = judged.iter().filter(|j| j.1).count();
    let mut best = (-1.0, 0.0);
    let mut hits = 0;
    for (i, pair) in judged.windows(2).enumerate() {
        hits += usize::from(pair[0].1);
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let f1 = 2.0 * hits as f64 / (i + 1 + total) as f64;
        if f1 > best.0 && pair[1].0 < pair[0].0 {
            best = (f1, f64::midpoint(pair[0].0, pair[1].0));
        }
    }
    best.1
}

/// The line that tells `yes` from the rest, and what it says of each of `vectors` had that been left out.
fn line(vectors: &[&Vec<f64>], yes: &[bool]) -> (Vec<f64>, Vec<f64>) {
    let n = vectors.len();
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let (n_all, n_yes) = (n as f64, yes.iter().filter(|y| **y).count() as f64);
    let target: Vec<f64> = yes.iter().map(|y| if *y { 1.0 } else { -1.0 }).collect();
    let mut g: Vec<Vec<f64>> = vectors.iter().map(|a| vectors.iter().map(|b| dot(a, b)).collect()).collect();
    for (i, row) in g.iter_mut().enumerate() {
        // Both sides weigh the same, however many sentences they have.
        let weight = if yes[i] { 0.5 / n_yes } else { 0.5 / (n_all - n_yes) } * n_all;
        row[i] += PENALTY / weight;
    }
    let inverse = invert(g);
    let part: Vec<f64> = inverse.iter().map(|row| dot(row, &target)).collect();
    let left_out = (0..n).map(|i| target[i] - part[i] / inverse[i][i]).collect();
    let mut weight = vec![0.0; vectors.first().map_or(0, |v| v.len())];
    for (vector, part) in vectors.iter().zip(&part) {
        weight.iter_mut().zip(vector.iter()).for_each(|(w, v)| *w += part * v);
    }
    (weight, left_out)
}

/// The inverse of a symmetric positive matrix (Gauss-Jordan without pivoting, which such a matrix does not need).
fn invert(mut a: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = a.len();
    for k in 0..n {
        let pivot = a[k][k].recip();
        let mut row = std::mem::take(&mut a[k]);
        row[k] = 1.0;
        row.iter_mut().for_each(|v| *v *= pivot);
        for (i, other) in a.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            debug_assert!(i < n);
            let factor = std::mem::replace(&mut other[k], 0.0);
            other.iter_mut().zip(&row).for_each(|(o, r)| *o -= factor * r);
        }
        a[k] = row;
    }
    a
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unit(encoder: &dyn Encoder, text: &str) -> Result<Vec<f64>, ClassifyError> {
    Ok(lengthened(&encoder.encode(text)?))
}

/// The vector at length one, with the offset appended.
fn lengthened(vector: &[f32]) -> Vec<f64> {
    let length = vector.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt().max(1e-12);
    vector.iter().map(|v| f64::from(*v) / length).chain([OFFSET]).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::Part, *};

    /// Counts characters and pairs of them into a short vector: near for texts that share words.
    struct Letters;

    impl Encoder for Letters {
        fn parts(&self) -> Vec<Part> {
            vec![Part { id: "letters".to_owned(), width: 512, unit: false }]
        }

        fn encode(&self, text: &str) -> Result<Vec<f32>, ClassifyError> {
            let mut v = vec![0.0; 512];
            let chars: Vec<u32> = text.chars().map(u32::from).collect();
            for (i, c) in chars.iter().enumerate() {
                v[(*c as usize).wrapping_mul(2_654_435_761) % 512] += 1.0;
                let next = chars.get(i + 1).copied().unwrap_or(0);
                v[((c * 31 + next) as usize).wrapping_mul(2_654_435_761) % 512] += 1.0;
            }
            Ok(v)
        }
    }

    fn brand() -> Taxonomy {
        let pack = r#"
            key = "ours"
            version = 1
            zh = "自家"
            en = "Ours"
            [[label]]
            key = "cooling"
            under = "function"
            zh = "冰感"
            en = "Cooling"
            define = { zh = "凉", en = "Cool" }
            examples = { zh = ["摸着冰冰凉", "一上身就冰凉", "冰凉的布", "夏天冰凉", "冰凉一整天", "凉席一样冰凉", "贴着冰凉", "冰凉不热", "枕着冰凉", "冰凉得很"] }
            not = { zh = ["冬天穿很暖和", "暖和不冷"] }
            [[label]]
            key = "gloss"
            under = "skin_feel"
            zh = "光泽"
            en = "Gloss"
            define = { zh = "亮", en = "Shine" }
            examples = { zh = ["缎面有光泽", "光泽很好", "光泽像珍珠", "带光泽", "有光泽的面", "光泽细", "灯下有光泽", "光泽不贼", "光泽高级", "一点光泽"] }
            not = { zh = ["哑光的", "没有亮片"] }
        "#;
        Taxonomy::built_in().with(&[("ours", pack)]).unwrap()
    }

    #[test]
    fn ten_examples_make_a_label_under_its_parent_only() {
        let fine = FineLabels::fit(&brand(), &Letters).unwrap();
        let ask = |text: &str, likely: Label| {
            let vector = Letters.encode(text).unwrap();
            let labels = fine.answer(&vector, &["ours"], |l| l == likely);
            labels.into_iter().map(|l| l.key).collect::<Vec<_>>()
        };
        assert_eq!(ask("这个料子冰凉", Label::Function), ["ours.cooling"]);
        assert_eq!(ask("这个料子冰凉", Label::SkinFeel), [""; 0], "its parent is not likely");
        assert_eq!(ask("面上有光泽", Label::SkinFeel), ["ours.gloss"]);
        assert_eq!(ask("家人们点个关注", Label::Function), [""; 0]);
        let ours = fine.figures().last().unwrap();
        assert!(ours.precision() > 0.8 && ours.recall() > 0.8, "{ours:?}");
        assert_eq!(ours.examples, 20);
    }

    #[test]
    fn what_is_left_out_scores_as_if_never_seen() {
        let texts = ["冰凉", "冰凉的", "很凉", "暖和", "不冷", "亮", "有光泽的"];
        let vectors: Vec<Vec<f64>> = texts.iter().map(|t| unit(&Letters, t).unwrap()).collect();
        let yes = [true, true, true, false, false, false, false];
        let all: Vec<&Vec<f64>> = vectors.iter().collect();
        let (_, left_out) = line(&all, &yes);
        // Fitted again without it, with the weights that it had: the penalties of the others stay.
        for k in 0..all.len() {
            let others: Vec<usize> = (0..all.len()).filter(|i| *i != k).collect();
            let g: Vec<Vec<f64>> = others
                .iter()
                .map(|i| {
                    let penalty = PENALTY / (if yes[*i] { 0.5 / 3.0 } else { 0.5 / 4.0 } * 7.0);
                    let row =
                        others.iter().map(|j| dot(all[*i], all[*j]) + if i == j { penalty } else { 0.0 });
                    row.collect()
                })
                .collect();
            let target: Vec<f64> = others.iter().map(|i| if yes[*i] { 1.0 } else { -1.0 }).collect();
            let part: Vec<f64> = invert(g).iter().map(|row| dot(row, &target)).collect();
            let score: f64 = others.iter().zip(&part).map(|(i, p)| p * dot(all[*i], all[k])).sum();
            assert!((score - left_out[k]).abs() < 1e-9, "{k}: {score} {}", left_out[k]);
        }
    }
}
