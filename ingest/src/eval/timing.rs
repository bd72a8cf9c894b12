//! How far sentences begin and end from where they should.

/// An utterance's border this close to a sentence's border is at it: 300 ms.
const AT_BORDER_US: i64 = 300_000;

/// Errors of one kind of border.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Borders {
    /// Found minus true, in microseconds, of the sentences whose bordering token was recognised.
    pub(super) errors_us: Vec<i64>,
    /// How many sentences have a border of an utterance within 300 ms.
    pub(super) at_utterance: usize,
}

impl Borders {
    /// Whether one of `utterances` (microseconds) is at `truth_us`.
    pub(super) fn look(&mut self, truth_us: i64, utterances: impl Iterator<Item = i64>) {
        self.at_utterance += usize::from({ utterances }.any(|u| (u - truth_us).abs() <= AT_BORDER_US));
    }

    /// The size of the error, in milliseconds, that this share of the sentences does not exceed.
    pub(super) fn size_ms(&self, share: f64) -> Option<f64> {
        percentile(self.errors_us.iter().map(|e| to_ms(e.abs())).collect(), share)
    }

    /// The median error in milliseconds with its sign: above zero is late.
    pub(super) fn bias_ms(&self) -> Option<f64> {
        percentile(self.errors_us.iter().map(|e| to_ms(*e)).collect(), 0.5)
    }
}

#[expect(clippy::cast_precision_loss, reason = "errors are seconds, not ages")]
fn to_ms(us: i64) -> f64 {
    us as f64 / 1000.0
}

/// The value below which `share` (0 to 1) of `values` lie, interpolated between neighbours; `None` of none.
pub(super) fn percentile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    #[expect(clippy::cast_precision_loss, reason = "there are few values")]
    let place = last as f64 * share.clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the last index"
    )]
    let below = place as usize;
    let (a, b) = (values[below], values[(below + 1).min(last)]);
    Some(a + (b - a) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_neighbours() {
        assert_eq!(percentile(vec![], 0.5), None);
        assert_eq!(percentile(vec![7.0], 0.9), Some(7.0));
        assert_eq!(percentile(vec![4.0, 1.0, 2.0, 3.0], 0.5), Some(2.5));
        assert_eq!(percentile((0..=10).map(f64::from).collect(), 0.9), Some(9.0));
    }

    #[test]
    fn errors_have_a_size_and_a_side() {
        let b = Borders { errors_us: vec![-30_000, 10_000, 50_000], at_utterance: 0 };
        assert_eq!((b.size_ms(0.5), b.bias_ms()), (Some(30.0), Some(10.0)));
        let mut b = Borders::default();
        b.look(1_000_000, [0, 1_300_000].into_iter());
        b.look(1_000_000, [0, 1_300_001].into_iter());
        assert_eq!(b.at_utterance, 1);
    }
}
