//! Typed identifiers: UUID version 7, so that ids sort by the time they were made, on every database.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

use crate::WallTime;

/// What every typed id can do. Stored as lower-case hyphenated text.
pub trait Id:
    Copy + Eq + Ord + fmt::Display + fmt::Debug + FromStr<Err = uuid::Error> + Send + Sync + 'static
{
    /// A new id whose order follows `now`.
    fn new_at(now: WallTime) -> Self;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl Id for $name {
            fn new_at(now: WallTime) -> Self {
                let ms = now.as_millis().max(0).unsigned_abs();
                let nanos = u32::try_from(ms % 1000).unwrap_or(0) * 1_000_000;
                Self(Uuid::new_v7(Timestamp::from_unix(NoContext, ms / 1000, nanos)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(s).map(Self)
            }
        }
    )*};
}

ids! {
    /// Names a [`crate::source::Source`].
    SourceId;
    /// Names a [`crate::product::Product`].
    ProductId;
    /// Names a [`crate::recording::Recording`].
    RecordingId;
    /// Names a [`crate::recording::Epoch`].
    EpochId;
    /// Names a [`crate::recording::Part`].
    PartId;
    /// Names a [`crate::transcript::Utterance`].
    UtteranceId;
    /// Names a [`crate::lexicon::LexiconEntry`].
    LexiconEntryId;
    /// Names a [`crate::selling_point::Segment`].
    SegmentId;
    /// Names a [`crate::selling_point::SellingPoint`].
    SellingPointId;
    /// Names a [`crate::clip::Clip`].
    ClipId;
    /// Names a [`crate::remix::Remix`].
    RemixId;
    /// Names a [`crate::post::Post`].
    PostId;
    /// Names what a person said about a selling point: a [`crate::review::Correction`].
    CorrectionId;
    /// Names a [`crate::head::HeadRow`].
    HeadId;
    /// Names a row of work.
    JobId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_survive_text() {
        let a = ClipId::new_at(WallTime::from_millis(1_000));
        let b = ClipId::new_at(WallTime::from_millis(2_000));
        assert!(a < b && a.to_string() < b.to_string());
        assert_eq!(a, a.to_string().parse().unwrap());
    }
}
