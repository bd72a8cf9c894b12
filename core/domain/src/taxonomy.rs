//! What a stretch of talk can be about: the base labels of the taxonomy, and finer ones as data.

mod packs;

pub use packs::{
    Bilingual, EXAMPLES_MIN, Entry, NOT_MIN, PACK_BYTES_MAX, Pack, Sentences, Taxonomy, TaxonomyError,
    read_pack,
};

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! labels {
    ($($(#[$doc:meta])* $variant:ident = $key:literal, $zh:literal, $en:literal;)*) => {
        /// A label of the taxonomy.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Label { $($(#[$doc])* $variant,)* }

        impl Label {
            /// Every label, in the order that heads and tables use.
            pub const ALL: [Self; [$($key),*].len()] = [$(Self::$variant),*];

            /// The stable key used in files and the API.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }

            /// The name shown to Chinese operators.
            pub const fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh),* }
            }

            /// The name shown to English operators.
            pub const fn en(self) -> &'static str {
                match self { $(Self::$variant => $en),* }
            }
        }

        impl FromStr for Label {
            type Err = UnknownLabel;
            fn from_str(s: &str) -> Result<Self, UnknownLabel> {
                match s { $($key => Ok(Self::$variant),)* other => Err(UnknownLabel(other.to_owned())) }
            }
        }
    };
}

labels! {
    /// What it is made of.
    Fabric = "fabric", "面料", "Fabric";
    /// How it hangs and moves.
    Drape = "drape", "垂感", "Drape";
    /// How it feels on the skin.
    SkinFeel = "skin_feel", "肤感", "Skin feel";
    /// Cut and how it sits on the body.
    Fit = "fit", "版型", "Fit";
    /// Colours offered.
    Color = "color", "颜色", "Colour";
    /// Sizes and dimensions.
    Size = "size", "尺码规格", "Size";
    /// What it does.
    Function = "function", "功能", "Function";
    /// What is in it.
    Ingredients = "ingredients", "成分", "Ingredients";
    /// Shown working, live.
    Demo = "demo", "现场演示", "Demo";
    /// Before and after, or worn and not worn.
    BeforeAfter = "before_after", "前后对比", "Before and after";
    /// Price and promotion.
    Promo = "promo", "价格优惠", "Price and promotion";
    /// What comes with it.
    Gift = "gift", "赠品", "Gift";
    /// Stock or time running out.
    Urgency = "urgency", "限时限量", "Urgency";
    /// How to order.
    Order = "order", "下单引导", "How to order";
    /// Returns, warranty, shipping.
    AfterSales = "after_sales", "售后保障", "After-sales";
    /// Who makes it.
    Brand = "brand", "品牌", "Brand";
    /// A viewer's question and its answer.
    Qa = "qa", "答疑", "Q&A";
    /// Everything that does not sell.
    Chat = "chat", "闲聊", "Small talk";
}

impl Label {
    /// Whether talk under this label sells something, and so may become a clip.
    pub const fn sells(self) -> bool {
        !matches!(self, Self::Chat)
    }

    /// Its position in [`Label::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// A label that the taxonomy does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("label {0:?} is not in the taxonomy")]
pub struct UnknownLabel(
    /// As written.
    pub String,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_back_and_matches_serde() {
        for (i, l) in Label::ALL.into_iter().enumerate() {
            assert_eq!(l.key().parse::<Label>().unwrap(), l);
            assert_eq!(serde_json::to_string(&l).unwrap(), format!("{:?}", l.key()));
            assert_eq!(l.index(), i);
        }
        assert!("price".parse::<Label>().is_err());
    }
}
