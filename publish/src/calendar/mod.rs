//! Which slot a post gets. Pure.

use clipmill_domain::WallTime;

/// The rhythm of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Least time between two posts to the target, in milliseconds.
    pub spacing_ms: i64,
}

/// The next free slot: now, or one spacing after the latest slot given so far, whichever is later.
pub fn next_slot(now: WallTime, latest: Option<WallTime>, rhythm: Rhythm) -> WallTime {
    latest.map_or(now, |l| now.max(l.plus_millis(rhythm.spacing_ms)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However remixes arrive and the clock steps, no two slots are nearer than the spacing.
        #[test]
        fn slots_keep_their_distance(nows in prop::collection::vec(0i64..10_000_000, 1..50), spacing_ms in 1i64..600_000) {
            let mut latest = None;
            for now in nows {
                let slot = next_slot(WallTime::from_millis(now), latest, Rhythm { spacing_ms });
                prop_assert!(slot >= WallTime::from_millis(now));
                if let Some(l) = latest {
                    prop_assert!(slot.millis_since(l) >= spacing_ms);
                }
                latest = Some(slot);
            }
        }
    }
}
