//! What may stand after a number in Chinese talk.

use super::super::{
    text::Text,
    unit::{Currency, Duration, Length, Unit, Volume, Weight},
};

/// Words for a unit, how many of it they stand for, and what may not follow (米 but not 米色).
type Row = (&'static [&'static str], Unit, i64, &'static str);

/// Longer words stand before those they begin with.
const MEASURES: &[Row] = &[
    (&["毫安时", "毫安小时", "毫安", "mah"], Unit::Capacity, 1, ""),
    (&["安时"], Unit::Capacity, 1_000, ""),
    (&["毫米", "mm"], Unit::Length(Length::Millimetre), 1, ""),
    (&["厘米", "公分", "cm"], Unit::Length(Length::Centimetre), 1, ""),
    (&["公里", "千米", "km"], Unit::Length(Length::Kilometre), 1, ""),
    (&["英寸", "寸"], Unit::Length(Length::Inch), 1, ""),
    (&["英尺"], Unit::Length(Length::Foot), 1, ""),
    (&["尺"], Unit::Length(Length::Chi), 1, "码寸"),
    (&["毫克", "mg"], Unit::Weight(Weight::Milligram), 1, ""),
    (&["公斤", "千克", "kg"], Unit::Weight(Weight::Kilogram), 1, ""),
    (&["克", "g"], Unit::Weight(Weight::Gram), 1, "拉服"),
    (&["斤"], Unit::Weight(Weight::Jin), 1, ""),
    (&["盎司", "oz"], Unit::Weight(Weight::Ounce), 1, ""),
    (&["磅"], Unit::Weight(Weight::Pound), 1, ""),
    (&["毫升", "ml"], Unit::Volume(Volume::Millilitre), 1, ""),
    (&["升", "l"], Unit::Volume(Volume::Litre), 1, "级温值华"),
    (&["千瓦", "kw"], Unit::Power, 1_000, "时"),
    (&["瓦", "W"], Unit::Power, 1, "时"),
    (&["米", "m"], Unit::Length(Length::Metre), 1, "色白饭粉面奶其线兰"),
    (&["秒钟", "秒", "s"], Unit::Time(Duration::Second), 1, "杀"),
    (&["分钟", "min"], Unit::Time(Duration::Minute), 1, ""),
    (&["个小时", "个钟头", "个钟", "小时", "钟头", "h"], Unit::Time(Duration::Hour), 1, ""),
    (&["个星期", "个礼拜", "星期", "周"], Unit::Time(Duration::Week), 1, "年边"),
    (&["个月"], Unit::Time(Duration::Month), 1, ""),
    (&["天"], Unit::Time(Duration::Day), 1, "猫丝然气"),
    (&["年"], Unit::Time(Duration::Year), 1, "代级"),
];

const MONEY: &[(&[&str], Currency)] = &[
    (&["美元", "美金", "usd"], Currency::Dollar),
    (&["欧元"], Currency::Euro),
    (&["英镑"], Currency::Pound),
    (&["人民币", "rmb"], Currency::Yuan),
];

/// Classifiers of goods: 一 before them counts too. With what may not follow them.
const GOODS: &[(char, &str)] = &[
    ('件', ""),
    ('单', "品独价色鞋层"),
    ('罐', ""),
    ('瓶', ""),
    ('盒', ""),
    ('包', "邮装括里包含"),
    ('袋', ""),
    ('箱', ""),
    ('支', "持付架棱撑"),
    ('条', "件"),
    ('双', "十面层重"),
    ('套', "上餐"),
    ('片', ""),
    ('张', ""),
    ('桶', ""),
    ('卷', ""),
    ('粒', ""),
    ('颗', ""),
    ('枚', ""),
    ('份', ""),
    ('杯', ""),
];

/// Other classifiers: 一 before them is often no number (一个, 一种, 一次).
const OTHERS: &[(char, &str)] = &[
    ('个', "性"),
    ('只', "要剩有需能卖是用会限"),
    ('款', "式"),
    ('种', ""),
    ('色', ""),
    ('层', ""),
    ('倍', ""),
    ('次', "日"),
    ('人', "家民"),
    ('位', "置"),
    ('名', "字牌"),
    ('岁', ""),
    ('组', "合"),
    ('对', "折比于吧的了"),
    ('根', "本"),
    ('台', "词"),
    ('排', "队"),
    ('档', ""),
    ('重', "量新点"),
    ('本', "身来店场期"),
    ('度', ""),
    ('斤', ""),
];

/// Before 一 these point at one thing instead of counting it: 下一件, 这一款.
const POINTING: &str = "下上这那每同后另第哪某任";

/// A unit of measure at place `i`: what it is, how many of it the word stands for, where it ends.
pub(super) fn measure(t: &Text<'_>, i: usize) -> Option<(Unit, i64, usize)> {
    MEASURES.iter().find_map(|(words, unit, factor, not)| {
        let end = words.iter().find_map(|w| {
            let end = i + w.chars().count();
            let ascii = w.is_ascii();
            // One letter as it is written: 5G is no weight, 10w is 100,000 as often as watts.
            let stands = if ascii && w.len() == 1 {
                w.starts_with(t.get(i)) || *w == "l" && t.get(i) == 'L'
            } else {
                t.has(i, w)
            };
            (stands && !(ascii && t.get(end).is_ascii_alphanumeric())).then_some(end)
        })?;
        (!not.contains(t.get(end))).then(|| (unit.clone(), *factor, end))
    })
}

/// The name of a currency at place `i`, and its end. 块 and 元 are read elsewhere: they take fractions after them.
pub(super) fn currency(t: &Text<'_>, i: usize) -> Option<(Currency, usize)> {
    MONEY.iter().find_map(|(words, c)| t.any(i, words).map(|end| (*c, end)))
}

/// A classifier at place `i`; `one`: the number before it is 一, which starts at place `start`.
pub(super) fn classifier(t: &Text<'_>, i: usize, one: Option<usize>) -> Option<char> {
    let find = |rows: &[(char, &str)]| {
        rows.iter().any(|(c, not)| t.get(i) == *c && !not.contains(t.get(i + 1))).then(|| t.get(i))
    };
    match one {
        Some(start) if POINTING.contains(t.before(start)) => None,
        Some(_) => find(GOODS),
        None => find(GOODS).or_else(|| find(OTHERS)),
    }
}

/// Whether what stands at place `i` makes a number before it anything but a bare one.
pub(super) fn counted(t: &Text<'_>, i: usize) -> bool {
    "块元毛角折成码号点月日%％两度级期楼".contains(t.get(i))
        || t.get(i).is_ascii_alphabetic()
        || measure(t, i).is_some()
        || currency(t, i).is_some()
        || classifier(t, i, None).is_some()
}

/// 月, 小时 and the like after 个半: 一个半月.
pub(super) fn measure_after_ge(t: &Text<'_>, i: usize) -> Option<(Unit, i64, usize)> {
    let end = t.any(i, &["月"])?;
    Some((Unit::Time(Duration::Month), 1, end))
}
