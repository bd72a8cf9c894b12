//! What was recognised where nobody speaks.

/// A shorter pause is no place to look at: 1 s.
const GAP_US_MIN: i64 = 1_000_000;
/// Words may stray this far into a gap: 300 ms.
const MARGIN_US: i64 = 300_000;

/// The stretches (start, end; microseconds) of a file of `length_us` in which nothing is said for a second at least,
/// shorter by 300 ms at each side where speech is. `spoken`: the sentences, in order of starting.
pub(super) fn stretches(spoken: impl Iterator<Item = (i64, i64)>, length_us: i64) -> Vec<(i64, i64)> {
    let mut out = Vec::new();
    let (mut silent_from, mut margin) = (0, 0);
    for (start, end) in spoken {
        if start - silent_from >= GAP_US_MIN {
            out.push((silent_from + margin, start - MARGIN_US));
        }
        if end > silent_from {
            (silent_from, margin) = (end, MARGIN_US);
        }
    }
    if length_us - silent_from >= GAP_US_MIN || margin == 0 {
        // Decoders may give a little more sound than the length says.
        out.push((silent_from + margin, i64::MAX));
    }
    out
}

/// Whether a word lies wholly in one of the stretches.
pub(super) fn is_in(stretches: &[(i64, i64)], start_us: i64, end_us: i64) -> bool {
    stretches.iter().any(|(from, to)| *from <= start_us && end_us <= *to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_of_a_second_count_without_their_margins() {
        let s = |from: i64, to: i64| (from * 1000, to * 1000);
        let spoken = [s(1200, 2000), s(2900, 4000), s(3000, 3500), s(5000, 6000)];
        let found = stretches(spoken.into_iter(), 7_500_000);
        assert_eq!(found, [s(0, 900), s(4300, 4700), (6_300_000, i64::MAX)]);
        assert!(is_in(&found, 4_300_000, 4_700_000) && !is_in(&found, 4_200_000, 4_400_000));
        assert_eq!(
            stretches([].into_iter(), 300_000),
            [(0, i64::MAX)],
            "where nothing is said, all of it counts"
        );
    }
}
