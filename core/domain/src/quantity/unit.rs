//! What a number is of.

use serde::{Deserialize, Serialize};

/// Which money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Currency {
    /// 元, 块, ¥, RMB.
    Yuan,
    /// $ of any country.
    Dollar,
    /// €.
    Euro,
    /// £.
    Pound,
}

/// What is measured by lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// mm, 毫米.
    Millimetre,
    /// cm, 厘米, 公分.
    Centimetre,
    /// m, 米.
    Metre,
    /// km, 公里.
    Kilometre,
    /// Inches, 英寸, and 寸 as screens are measured.
    Inch,
    /// Feet.
    Foot,
    /// 尺, a third of a metre.
    Chi,
}

/// What is measured by weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// mg, 毫克.
    Milligram,
    /// g, 克.
    Gram,
    /// kg, 公斤, 千克.
    Kilogram,
    /// 斤, 500 g.
    Jin,
    /// 两, 50 g.
    Liang,
    /// Ounces.
    Ounce,
    /// Pounds.
    Pound,
}

/// What is measured by volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Volume {
    /// ml, 毫升.
    Millilitre,
    /// l, 升.
    Litre,
    /// Gallons.
    Gallon,
    /// Fluid ounces.
    FluidOunce,
}

/// What is measured by durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duration {
    /// Seconds, 秒.
    Second,
    /// Minutes, 分钟.
    Minute,
    /// Hours, 小时.
    Hour,
    /// Days, 天.
    Day,
    /// Weeks, 周, 星期.
    Week,
    /// Months, 个月.
    Month,
    /// Years, 年.
    Year,
}

/// What a number is of. Measures keep the unit that was said: 半斤 is 0.5 jin, not 250 g.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A price or an amount of money; `None`: it is money for certain, but which is not said.
    Money(Option<Currency>),
    /// So many of a hundred: 70 for seventy percent.
    Percent,
    /// The factor on the price: 0.5 for 五折 and for "half off", 0.7 for "30% off".
    Discount,
    /// The factor on the price of the nth piece: 0.5 with 2 for 第二件半价.
    DiscountOnNth(u32),
    /// So much off an order of at least `over`: 50 with 300 for 满三百减五十.
    Rebate {
        /// From which amount.
        over: super::Number,
    },
    /// So many pieces for this price in all: 30 with 2 for "two for thirty".
    Bundle {
        /// Pieces.
        count: u32,
        /// Of the price, where it is said.
        currency: Option<Currency>,
    },
    /// Pay for `buy` pieces, get `get` more; the value is `get`.
    Offer {
        /// Pieces paid for.
        buy: u32,
        /// Pieces given.
        get: u32,
    },
    /// So many pieces: the classifier (件) or the noun ("bottles") as said.
    Count(String),
    /// A numbered size: 38码, "size thirty eight".
    Size,
    /// A length.
    Length(Length),
    /// A weight.
    Weight(Weight),
    /// A volume.
    Volume(Volume),
    /// Watts; thousands of them are multiplied out.
    Power,
    /// Milliamp hours; amp hours are multiplied out.
    Capacity,
    /// A duration (not a time of day).
    Time(Duration),
    /// Number of a product's link in the live: 三号链接, "link number five".
    Link,
    /// Nothing certain is known besides the number.
    Plain,
}
