//! Multinomial logistic regression with an L2 penalty, all examples in every step: the same data always give
//! the same head.

use candle_core::{Device, Result, Tensor};

use super::LABELS;
use crate::llm::{add, softmax};

/// Rows to fit on.
pub(super) struct Rows {
    /// Standardised features, `labels.len()` rows.
    pub x: Vec<f32>,
    /// Index of each row's label.
    pub labels: Vec<usize>,
    /// How much each row counts.
    pub weights: Vec<f32>,
}

/// The fitted layer: [`LABELS`] rows of weights, and one bias each.
pub(super) struct Fitted {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// Minimises `sum of weighted cross entropies + |weight|^2 / (2 c)` in `steps` steps of Adam, whose step length
/// falls along a half cosine from `pace` to zero. The bias is not penalised.
pub(super) fn fit(rows: &Rows, c: f32, steps: usize, pace: f32) -> Result<Fitted> {
    let n = rows.labels.len();
    let width = rows.x.len() / n.max(1);
    let whole: f32 = rows.weights.iter().sum();
    let x = Tensor::from_slice(&rows.x, (n, width), &Device::Cpu)?;
    let columns = x.t()?.contiguous()?;
    let penalty = 1.0 / (c * whole);
    let (mut weight, mut bias) = (Adam::new(LABELS * width), Adam::new(LABELS));
    for step in 0..steps {
        let w = Tensor::from_slice(&weight.at, (LABELS, width), &Device::Cpu)?;
        let mut scores = x.matmul(&w.t()?)?.flatten_all()?.to_vec1::<f32>()?;
        let mut slope_bias = vec![0.0; LABELS];
        for ((row, label), counts) in scores.chunks_exact_mut(LABELS).zip(&rows.labels).zip(&rows.weights) {
            add(row, &bias.at);
            softmax(row);
            row[*label] -= 1.0;
            row.iter_mut().for_each(|s| *s *= counts / whole);
            add(&mut slope_bias, row);
        }
        let slope = columns.matmul(&Tensor::from_vec(scores, (n, LABELS), &Device::Cpu)?)?;
        let mut slope = slope.t()?.flatten_all()?.to_vec1::<f32>()?;
        for (s, w) in slope.iter_mut().zip(&weight.at) {
            *s += penalty * w;
        }
        #[expect(clippy::cast_precision_loss, reason = "a share of the way")]
        let way = step as f32 / steps as f32;
        let pace = pace * 0.5 * (1.0 + (std::f32::consts::PI * way).cos());
        weight.step(&slope, pace);
        bias.step(&slope_bias, pace);
    }
    Ok(Fitted { weight: weight.at, bias: bias.at })
}

/// Numbers with their running slopes and squared slopes.
struct Adam {
    at: Vec<f32>,
    slope: Vec<f32>,
    square: Vec<f32>,
    /// Powers of the two decay rates, which undo the start from zero.
    young: (f32, f32),
}

impl Adam {
    fn new(len: usize) -> Self {
        Self { at: vec![0.0; len], slope: vec![0.0; len], square: vec![0.0; len], young: (1.0, 1.0) }
    }

    fn step(&mut self, slope: &[f32], pace: f32) {
        const KEEP: (f32, f32) = (0.9, 0.99);
        self.young = (self.young.0 * KEEP.0, self.young.1 * KEEP.1);
        for (((at, s), q), now) in self.at.iter_mut().zip(&mut self.slope).zip(&mut self.square).zip(slope) {
            *s = KEEP.0 * *s + (1.0 - KEEP.0) * now;
            *q = KEEP.1 * *q + (1.0 - KEEP.1) * now * now;
            *at -= pace * (*s / (1.0 - self.young.0)) / ((*q / (1.0 - self.young.1)).sqrt() + 1e-10);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clusters, some labels wrong: the optimum is inside, and its slope must vanish.
    fn rows() -> Rows {
        let mut rows = Rows { x: vec![], labels: vec![], weights: vec![] };
        for i in 0usize..90 {
            let wobble = f32::from(u8::try_from(i * 53 % 97).unwrap()) / 97.0 - 0.5;
            let label = i % 3;
            for k in 0..3 {
                rows.x.push(if k == label { 0.8 } else { 0.1 } + wobble * if k == 1 { 0.5 } else { -0.3 });
            }
            rows.labels.push(if i % 17 == 0 { (label + 1) % 3 } else { label });
            rows.weights.push(if i % 2 == 0 { 1.0 } else { 0.5 });
        }
        rows
    }

    #[test]
    fn the_slope_vanishes_where_it_stops_and_repeats_exactly() {
        let rows = rows();
        let c = 2.0;
        let fitted = fit(&rows, c, 800, 0.1).unwrap();
        for label in 0..LABELS {
            for k in 0..3 {
                let mut slope = f64::from(fitted.weight[label * 3 + k] / c);
                for i in 0..90 {
                    let x = &rows.x[i * 3..i * 3 + 3];
                    let score = |l: usize| {
                        (0..3).map(|j| f64::from(fitted.weight[l * 3 + j] * x[j])).sum::<f64>()
                            + f64::from(fitted.bias[l])
                    };
                    let sum: f64 = (0..LABELS).map(|l| score(l).exp()).sum();
                    let wrong = score(label).exp() / sum - f64::from(u8::from(rows.labels[i] == label));
                    slope += f64::from(rows.weights[i]) * wrong * f64::from(x[k]);
                }
                assert!(slope.abs() < 0.02, "label {label}, feature {k}: {slope}");
            }
        }
        let again = fit(&rows, c, 800, 0.1).unwrap();
        assert_eq!((fitted.weight, fitted.bias), (again.weight, again.bias));
    }
}
