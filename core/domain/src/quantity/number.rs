//! Exact decimal values.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// How many parts one is divided into.
const PARTS: i64 = 10_000;

/// An exact decimal of up to four places, held as a whole number of ten-thousandths. Written as text in JSON (`"89.9"`),
/// so that it stays exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(i64);

impl Number {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// A half.
    pub const HALF: Self = Self(PARTS / 2);

    /// A whole number; `None` where it is too big (beyond about 9 * 10^14).
    pub fn whole(n: i64) -> Option<Self> {
        n.checked_mul(PARTS).map(Self)
    }

    /// From a small whole number, which always fits.
    pub const fn small(n: u32) -> Self {
        Self(n as i64 * PARTS)
    }

    /// From ten-thousandths.
    pub const fn from_parts(ten_thousandths: i64) -> Self {
        Self(ten_thousandths)
    }

    /// In ten-thousandths.
    pub const fn parts(self) -> i64 {
        self.0
    }

    /// The whole number that this is, if it is one.
    pub const fn as_whole(self) -> Option<i64> {
        if self.0 % PARTS == 0 { Some(self.0 / PARTS) } else { None }
    }

    /// The small whole number, not negative, that this is, if it is one.
    pub fn as_count(self) -> Option<u32> {
        self.as_whole().and_then(|n| u32::try_from(n).ok())
    }

    /// The nearest floating-point number, for sums where exactness does not matter.
    #[expect(clippy::cast_precision_loss, reason = "the nearest is what is asked for")]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / PARTS as f64
    }

    /// Reads plain decimal digits with at most one point (`"89.90"`), without sign or separators; `None` for anything
    /// else, for more than four places that are not zero, and for what is too big.
    pub fn from_digits(text: &str) -> Option<Self> {
        let (whole, places) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') || places.contains('.')
        {
            return None;
        }
        let places = places.trim_end_matches('0');
        if places.len() > 4 {
            return None;
        }
        let parts: i64 = if places.is_empty() { 0 } else { format!("{places:0<4}").parse().ok()? };
        whole.parse::<i64>().ok()?.checked_mul(PARTS)?.checked_add(parts).map(Self)
    }

    /// `None` where it is too big.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// `None` where it is too big.
    pub fn times(self, factor: i64) -> Option<Self> {
        self.0.checked_mul(factor).map(Self)
    }

    /// `None` where it would take more than four places.
    pub const fn over(self, divisor: i64) -> Option<Self> {
        if divisor == 0 || self.0 % divisor != 0 { None } else { Some(Self(self.0 / divisor)) }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, places) = (self.0.unsigned_abs() / 10_000, self.0.unsigned_abs() % 10_000);
        if places == 0 {
            return write!(f, "{sign}{whole}");
        }
        write!(f, "{sign}{whole}.{}", format!("{places:04}").trim_end_matches('0'))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (sign, digits) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
        Self::from_digits(digits)
            .and_then(|n| n.times(sign))
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not a decimal of up to four places")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, shown) in
            [("89.90", "89.9"), ("0.05", "0.05"), ("007", "7"), ("1.00000", "1"), ("5.", "5")]
        {
            assert_eq!(Number::from_digits(text).unwrap().to_string(), shown, "{text}");
        }
        for bad in ["", ".", ".5", "1.2.3", "-1", "1e3", "0.00001", "99999999999999999999", "１"] {
            assert_eq!(Number::from_digits(bad), None, "{bad}");
        }
        assert_eq!(Number::small(169).times(2).unwrap().as_count(), Some(338));
        assert_eq!(Number::small(85).over(100).unwrap().to_string(), "0.85");
        assert_eq!(Number::small(1).over(3), None);
        assert_eq!(Number::from_parts(-5_000).to_string(), "-0.5");
    }

    #[test]
    fn json_keeps_every_place() {
        for n in [Number::ZERO, Number::HALF, Number::from_parts(-899_001), Number::from_parts(i64::MAX)] {
            let text = serde_json::to_string(&n).unwrap();
            assert_eq!(serde_json::from_str::<Number>(&text).unwrap(), n, "{text}");
        }
        assert!(serde_json::from_str::<Number>("\"1,5\"").is_err());
    }
}
