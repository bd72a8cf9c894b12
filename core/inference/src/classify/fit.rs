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

/// Minimises `sum of weighted cross entropies + |weight|^2 / (2 c)` in at most `steps` steps; it stops where the slope
/// is flat. The bias is not penalised.
pub(super) fn fit(rows: &Rows, c: f32, steps: usize) -> Result<Fitted> {
    let n = rows.labels.len();
    let width = rows.x.len() / n.max(1);
    let x = Tensor::from_slice(&rows.x, (n, width), &Device::Cpu)?;
    let task = Task { rows, columns: x.t()?.contiguous()?, x, width, penalty: 1.0 / c };
    let mut at = vec![0.0f32; LABELS * (width + 1)];
    let (mut cost, mut slope) = task.slope(&at)?;
    let flat = FLAT * length(&slope).max(1e-12);
    let mut memory = Memory::default();
    for _ in 0..steps {
        if length(&slope) <= flat {
            break;
        }
        let way = memory.way(&slope);
        let downhill = wide_dot(&way, &slope);
        let mut step = if memory.pairs.is_empty() { 1.0 / length(&slope) } else { 1.0 };
        let found = loop {
            let there: Vec<f32> =
                at.iter().zip(&way).map(|(a, w)| narrow(f64::from(*a) - step * f64::from(*w))).collect();
            let (new_cost, new_slope) = task.slope(&there)?;
            if new_cost <= cost - 1e-4 * step * downhill {
                break Some((there, new_cost, new_slope));
            }
            step *= 0.5;
            if step < 1e-6 {
                break None;
            }
        };
        let Some((there, new_cost, new_slope)) = found else { break };
        memory.keep(difference(&there, &at), difference(&new_slope, &slope));
        (at, cost, slope) = (there, new_cost, new_slope);
    }
    let bias = at.split_off(LABELS * width);
    Ok(Fitted { weight: at, bias })
}

/// Where the slope is this share of what it was at the beginning, it counts as flat.
const FLAT: f64 = 1e-4;

/// What is minimised, over all weights with the biases behind them.
struct Task<'a> {
    rows: &'a Rows,
    x: Tensor,
    columns: Tensor,
    width: usize,
    penalty: f32,
}

impl Task<'_> {
    /// The cost at a place, and its slope there.
    fn slope(&self, at: &[f32]) -> Result<(f64, Vec<f32>)> {
        let (weight, bias) = at.split_at(LABELS * self.width);
        let w = Tensor::from_slice(weight, (LABELS, self.width), &Device::Cpu)?;
        let mut scores = self.x.matmul(&w.t()?)?.flatten_all()?.to_vec1::<f32>()?;
        let mut slope_bias = vec![0.0; LABELS];
        let mut cost = f64::from(self.penalty) / 2.0 * wide_dot(weight, weight);
        let rows = self.rows.labels.iter().zip(&self.rows.weights);
        for (row, (label, counts)) in scores.chunks_exact_mut(LABELS).zip(rows) {
            add(row, bias);
            softmax(row);
            cost -= f64::from(*counts) * f64::from(row[*label].max(f32::MIN_POSITIVE)).ln();
            row[*label] -= 1.0;
            row.iter_mut().for_each(|s| *s *= counts);
            add(&mut slope_bias, row);
        }
        let errors = Tensor::from_vec(scores, (self.rows.labels.len(), LABELS), &Device::Cpu)?;
        let mut slope = self.columns.matmul(&errors)?.t()?.flatten_all()?.to_vec1::<f32>()?;
        for (s, w) in slope.iter_mut().zip(weight) {
            *s += self.penalty * w;
        }
        slope.append(&mut slope_bias);
        Ok((cost, slope))
    }
}

/// The last steps with what they changed in the slope, from which the next direction follows (limited-memory BFGS:
/// Nocedal, "Updating quasi-Newton matrices with limited storage", 1980).
#[derive(Default)]
struct Memory {
    pairs: std::collections::VecDeque<(Vec<f32>, Vec<f32>, f64)>,
}

impl Memory {
    const PAIRS: usize = 8;

    fn keep(&mut self, step: Vec<f32>, change: Vec<f32>) {
        let bend = wide_dot(&step, &change);
        if bend <= 1e-12 {
            return;
        }
        if self.pairs.len() == Self::PAIRS {
            self.pairs.pop_front();
        }
        self.pairs.push_back((step, change, 1.0 / bend));
    }

    /// The direction to walk against.
    fn way(&self, slope: &[f32]) -> Vec<f32> {
        let mut way = slope.to_vec();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for (step, change, inverse) in self.pairs.iter().rev() {
            let share = inverse * wide_dot(step, &way);
            more(&mut way, change, -share);
            shares.push(share);
        }
        if let Some((_, change, inverse)) = self.pairs.back() {
            let scale = 1.0 / (inverse * wide_dot(change, change));
            way.iter_mut().for_each(|w| *w = narrow(f64::from(*w) * scale));
        }
        for ((step, change, inverse), share) in self.pairs.iter().zip(shares.iter().rev()) {
            let back = inverse * wide_dot(change, &way);
            more(&mut way, step, share - back);
        }
        way
    }
}

/// `x += times * y`.
fn more(x: &mut [f32], y: &[f32], times: f64) {
    let times = narrow(times);
    for (x, y) in x.iter_mut().zip(y) {
        *x += times * y;
    }
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// Inner product in double precision.
fn wide_dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn length(a: &[f32]) -> f64 {
    wide_dot(a, a).sqrt()
}

#[expect(clippy::cast_possible_truncation, reason = "single precision is what heads hold")]
fn narrow(x: f64) -> f32 {
    x as f32
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
        let fitted = fit(&rows, c, 200).unwrap();
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
        let again = fit(&rows, c, 200).unwrap();
        assert_eq!((fitted.weight, fitted.bias), (again.weight, again.bias));
    }
}
