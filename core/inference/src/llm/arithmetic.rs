//! The decoder's arithmetic between the matrix products, on plain row-major slices.

/// Root-mean-square norm of each `width`-wide row of `x`, times `gain`, written into rows of `out_width`; the
/// columns past `width` are zero.
pub(super) fn norm_rows(x: &[f32], gain: &[f32], epsilon: f32, out_width: usize) -> Vec<f32> {
    let width = gain.len();
    let mut out = vec![0.0; x.len() / width * out_width];
    for (row, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(out_width)) {
        #[expect(clippy::cast_precision_loss, reason = "a width is small")]
        let mean = dot(row, row) / width as f32;
        let scale = 1.0 / (mean + epsilon).sqrt();
        for ((o, x), g) in out.iter_mut().zip(row).zip(gain) {
            *o = x * scale * g;
        }
    }
    out
}

/// Adds `bias` to every row of `x`.
pub(super) fn add_bias(x: &mut [f32], bias: &[f32]) {
    for row in x.chunks_exact_mut(bias.len()) {
        add(row, bias);
    }
}

/// `x += y`.
pub(crate) fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// How far each pair of numbers of a head is turned at each position: sine and cosine, `width / 2` for a position.
pub(super) struct Turns {
    half: usize,
    turns: Vec<(f32, f32)>,
}

impl Turns {
    /// Of `rows` positions from `from` on, with heads `width` wide. Frequencies are divided by `factors`, one for each pair,
    /// where a model has some.
    pub(super) fn new(from: usize, rows: usize, width: usize, base: f32, factors: Option<&[f32]>) -> Self {
        let half = width / 2;
        let mut turns = Vec::with_capacity(rows * half);
        #[expect(clippy::cast_precision_loss, reason = "positions and widths are small")]
        let frequencies: Vec<f64> = (0..half)
            .map(|i| {
                let factor = factors.and_then(|f| f.get(i)).map_or(1.0, |f| f64::from(*f));
                f64::from(base).powf(-((2 * i) as f64) / width as f64) / factor
            })
            .collect();
        for position in from..from + rows {
            turns.extend(frequencies.iter().map(|f| {
                #[expect(clippy::cast_precision_loss, reason = "bounded by the token limit")]
                let (sin, cos) = (position as f64 * f).sin_cos();
                #[expect(clippy::cast_possible_truncation, reason = "single precision is enough")]
                let single = (sin as f32, cos as f32);
                single
            }));
        }
        Self { half, turns }
    }

    /// Turns each head of each row of `x`, the first row by the first position: neighbouring numbers against each other, or
    /// the first half of a head against its second half.
    pub(super) fn apply(&self, x: &mut [f32], heads: usize, neighbours: bool) {
        let width = 2 * self.half;
        for (row, turns) in x.chunks_exact_mut(heads * width).zip(self.turns.chunks_exact(self.half)) {
            for head in row.chunks_exact_mut(width) {
                if neighbours {
                    for (pair, (sin, cos)) in head.chunks_exact_mut(2).zip(turns) {
                        let (a, b) = (pair[0], pair[1]);
                        (pair[0], pair[1]) = (a * cos - b * sin, b * cos + a * sin);
                    }
                } else {
                    let (a, b) = head.split_at_mut(self.half);
                    for ((a, b), (sin, cos)) in a.iter_mut().zip(b).zip(turns) {
                        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                    }
                }
            }
        }
    }
}

/// How heads lie in the rows of queries, keys and values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    /// Query heads.
    pub queries: usize,
    /// Key and value heads, each shared by `queries / keys` query heads.
    pub keys: usize,
    /// Width of one head.
    pub width: usize,
}

/// Causal attention of all heads; the answer's rows are `out_width` wide, zero past the heads. `k` and `v` may have more
/// rows than `q`: what came before it.
pub(super) fn attend(q: &[f32], k: &[f32], v: &[f32], heads: Heads, out_width: usize) -> Vec<f32> {
    let Heads { queries, keys, width } = heads;
    let rows = q.len() / (queries * width);
    let before = k.len() / (keys * width) - rows;
    #[expect(clippy::cast_precision_loss, reason = "a width is small")]
    let scale = 1.0 / (width as f32).sqrt();
    let mut out = vec![0.0; rows * out_width];
    let mut weights = Vec::with_capacity(before + rows);
    let key_row = keys * width;
    for head in 0..queries {
        let at = head / (queries / keys) * width;
        for row in 0..rows {
            let query = &q[(row * queries + head) * width..][..width];
            weights.clear();
            weights.extend(
                (0..=before + row).map(|past| dot(query, &k[past * key_row + at..][..width]) * scale),
            );
            softmax(&mut weights);
            let out = &mut out[row * out_width + head * width..][..width];
            for (past, weight) in weights.iter().enumerate() {
                for (o, v) in out.iter_mut().zip(&v[past * key_row + at..][..width]) {
                    *o += weight * v;
                }
            }
        }
    }
    out
}

/// `gate * sigmoid(gate) * up`, row by row, into rows of `out_width`.
pub(super) fn gated(gate: &[f32], up: &[f32], width: usize, out_width: usize) -> Vec<f32> {
    let mut out = vec![0.0; gate.len() / width * out_width];
    for ((gate, up), out) in
        gate.chunks_exact(width).zip(up.chunks_exact(width)).zip(out.chunks_exact_mut(out_width))
    {
        for ((o, g), u) in out.iter_mut().zip(gate).zip(up) {
            *o = g / (1.0 + (-g).exp()) * u;
        }
    }
    out
}

/// Makes scores into weights that sum to one.
pub(crate) fn softmax(x: &mut [f32]) {
    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for x in x.iter_mut() {
        *x = (*x - max).exp();
        sum += *x;
    }
    for x in x {
        *x /= sum;
    }
}

/// Inner product, in eight lanes so that it needs no reassociation to be fast.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for i in 0..8 {
            lanes[i] += a[i] * b[i];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_turn_by_position_keeps_length_and_depends_on_distance_only() {
        let raw: Vec<f32> = (0u8..16).map(|i| f32::from(i) * 0.3 - 2.0).collect();
        for neighbours in [false, true] {
            let mut turned = raw.repeat(6);
            Turns::new(0, 6, 8, 10_000.0, None).apply(&mut turned, 2, neighbours);
            assert_eq!(turned[..16], raw[..], "position 0 is not turned");
            let head = |p: usize| &turned[p * 16..p * 16 + 8];
            for p in 0..6 {
                assert!((dot(head(p), head(p)) - dot(&raw[..8], &raw[..8])).abs() < 1e-3);
            }
            assert!((dot(head(1), head(3)) - dot(head(3), head(5))).abs() < 1e-3);
            assert!((dot(head(1), head(3)) - dot(head(1), head(4))).abs() > 1e-3);
            let mut later = raw.repeat(2);
            Turns::new(4, 2, 8, 10_000.0, None).apply(&mut later, 2, neighbours);
            assert_eq!(later[..], turned[4 * 16..], "a later beginning turns as far");
        }
    }

    #[test]
    fn rows_with_a_past_attend_as_if_all_had_come_at_once() {
        let heads = Heads { queries: 4, keys: 2, width: 2 };
        let wave = |n: u8, step: f32| (0..n).map(|i| (f32::from(i) * step).sin()).collect::<Vec<f32>>();
        let (q, k, v) = (wave(40, 0.7), wave(20, 1.3), wave(20, 0.4));
        let whole = attend(&q, &k, &v, heads, 8);
        assert_eq!(attend(&q[24..], &k, &v, heads, 8), whole[24..]);
    }

    #[test]
    fn the_first_row_attends_to_itself_alone_and_padding_stays_zero() {
        let heads = Heads { queries: 4, keys: 2, width: 2 };
        let q: Vec<f32> = (0u8..24).map(f32::from).collect();
        let k: Vec<f32> = (0u8..12).map(|i| f32::from(i).sin()).collect();
        let v: Vec<f32> = (0u8..12).map(|i| f32::from(i) * 10.0).collect();
        let out = attend(&q, &k, &v, heads, 10);
        assert_eq!(out[..10], [0.0, 10.0, 0.0, 10.0, 20.0, 30.0, 20.0, 30.0, 0.0, 0.0]);
        assert_eq!(out[18..20], [0.0, 0.0]);
    }

    proptest! {
        #[test]
        fn lanes_and_plain_sum_agree(pairs in prop::collection::vec((-2.0f32..2.0, -2.0f32..2.0), 0..70)) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-3);
        }

        #[test]
        fn a_softmax_sums_to_one_and_keeps_order(mut x in prop::collection::vec(-80.0f32..80.0, 1..40)) {
            let before = x.clone();
            softmax(&mut x);
            prop_assert!((x.iter().sum::<f32>() - 1.0).abs() < 1e-4);
            for i in 1..x.len() {
                prop_assert!((before[i] >= before[i - 1]) == (x[i] >= x[i - 1]) || x[i] == x[i - 1]);
            }
        }
    }
}
