//! Amounts of money in Chinese talk.

use super::{
    super::{
        Number,
        text::Text,
        unit::{Currency, Unit},
    },
    numeral::{self, Numeral},
    units::{classifier, counted},
};

/// What an amount came to: its value and end. `Err`: it may mean two things; nothing is known up to this place.
pub(super) type Amount = Result<(Number, usize), usize>;

/// Pieces, not money: 两块布, 一块儿.
const PIECES: &[&str] = &[
    "布",
    "肉",
    "面膜",
    "面料",
    "蛋糕",
    "饼",
    "糖",
    "巧克力",
    "毛巾",
    "皂",
    "香皂",
    "手表",
    "电池",
    "屏",
    "板",
    "儿",
    "腹肌",
    "豆腐",
    "牛排",
    "石",
    "玉",
    "砖",
    "木",
    "地",
    "表",
];

/// Words before a bare number that make it a price.
const CUES: &[&str] = &["价", "到手", "券后", "实付", "只卖"];
/// Words between the two.
const BETWEEN: &[&str] = &["只要", "只需", "就是", "是", "才", "只", "就", ":", "："];
/// Not prices.
const NOT_CUES: &[&str] = &["评价", "改价"];

/// The digit at place `i`, in either script.
fn digit(t: &Text<'_>, i: usize) -> Option<u32> {
    numeral::digit(t.get(i)).filter(|_| t.get(i) != '两').or(t.get(i).to_digit(10))
}

/// Reads 块, 元, 毛 and what follows them, at place `j` after the numeral that starts at `start`.
pub(super) fn amount(t: &Text<'_>, start: usize, n: &Numeral, j: usize) -> Option<Amount> {
    match t.get(j) {
        '块' => blocks(t, start, n, j + 1),
        '元' | '圆' if !"素气旦宵件".contains(t.get(j + 1)) => Some(Ok(small_coins(t, n, j + 1))),
        '毛' if n.value < Number::small(10)
            && !n.fraction
            && !"衣巾呢领孔躁绒线料".contains(t.get(j + 1)) =>
        {
            let (value, end) = after_tenths(t, n.value.over(10)?, j + 1);
            Some(Ok((value, skip_money_word(t, end))))
        }
        _ => None,
    }
}

/// After 元: 九角九分.
fn small_coins(t: &Text<'_>, n: &Numeral, j: usize) -> (Number, usize) {
    let tenths = digit(t, j).filter(|_| "角毛".contains(t.get(j + 1)) && !n.fraction);
    let sum = tenths.and_then(|d| n.value.plus(Number::small(d).over(10)?));
    sum.map_or((n.value, skip_money_word(t, j)), |v| {
        let (v, end) = after_tenths(t, v, j + 2);
        (v, skip_money_word(t, end))
    })
}

/// After 毛 or 角: 九, 九分, nothing.
fn after_tenths(t: &Text<'_>, value: Number, j: usize) -> (Number, usize) {
    let Some(d) = digit(t, j) else { return (value, j) };
    let fen = t.get(j + 1) == '分' && t.get(j + 2) != '钟';
    if !fen && (joined(t, j + 1) || digit(t, j + 1).is_some()) {
        return (value, j);
    }
    match Number::small(d).over(100).and_then(|cents| value.plus(cents)) {
        Some(sum) => (sum, j + 1 + usize::from(fen)),
        None => (value, j),
    }
}

/// Whether the character at `j` makes a digit before it part of something else than the price.
fn joined(t: &Text<'_>, j: usize) -> bool {
    "十百千万亿多几".contains(t.get(j)) || counted(t, j)
}

fn skip_money_word(t: &Text<'_>, j: usize) -> usize {
    t.any(j, &["钱"]).unwrap_or(j)
}

/// After 块: 钱, 九, 九毛九, 九九, 半, or nothing.
fn blocks(t: &Text<'_>, start: usize, n: &Numeral, j: usize) -> Option<Amount> {
    if t.get(j) == '钱' {
        return Some(Ok((n.value, j + 1)));
    }
    let small = n.value.as_count().is_some_and(|v| v < 100);
    if small && t.any(j, PIECES).is_some() {
        return None;
    }
    let run: Vec<u32> = (j..).map_while(|k| digit(t, k)).take(4).collect();
    // "1.9块9" cannot be: 便宜一点|九块九.
    if n.fraction && !run.is_empty() && !joined(t, j + 1) {
        return if n.written { Some(Err(j + run.len())) } else { None };
    }
    let with = |parts: u32, of: i64, end: usize| {
        let sum = Number::small(parts).over(of).and_then(|p| n.value.plus(p))?;
        Some(Ok((sum, end)))
    };
    let written = t.get(j).is_ascii_digit();
    let alone = Some(Ok((n.value, j)));
    match run[..] {
        [] if t.get(j) == '半' && !"价身袖高截天块个斤小年".contains(t.get(j + 1)) => {
            with(5, 10, j + 1)
        }
        // 一块买: "together". Alone, it is one yuan only where nothing follows that it could belong to.
        [] if t.get(start) == '一' && n.single && is_word(t.get(j)) => None,
        [] => alone,
        [d] if "毛角".contains(t.get(j + 1)) => {
            let tenths = Number::small(d).over(10).and_then(|p| n.value.plus(p))?;
            let (value, end) = after_tenths(t, tenths, j + 2);
            Some(Ok((value, skip_money_word(t, end))))
        }
        [_] if joined(t, j + 1) && !two_pieces(t, j + 1) => alone,
        // 十块一起: the digit is a word of its own.
        [1] if !written && "起样直定共点些下切边旦只会".contains(t.get(j + 1)) => alone,
        [0] => Some(Err(j + 1)),
        [d] => with(d, 10, skip_money_word(t, j + 1)),
        [0, d] if t.get(j + 2) == '分' => with(d, 100, j + 3),
        [0, _] if !written => Some(Err(j + 2)),
        // 八十九块九|一件
        [d, _] if joined(t, j + 2) && !written => with(d, 10, j + 1),
        [_, _] if joined(t, j + 2) => alone,
        [a, b] if !written && b == a + 1 => Some(Err(j + 2)),
        [a, b] => with(10 * a + b, 100, skip_money_word(t, j + 2)),
        _ => alone,
    }
}

/// 两 and a classifier: the digit before belongs to the price (八十九块九|两件).
fn two_pieces(t: &Text<'_>, j: usize) -> bool {
    t.get(j) == '两' && classifier(t, j + 1, None).is_some()
}

/// A character that words are made of.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}

/// Whether a bare number that starts at place `i` is a price by the words before it.
pub(super) fn priced(t: &Text<'_>, i: usize) -> bool {
    let i = (0..i).rev().find(|k| t.get(*k) != ' ').map_or(0, |k| k + 1);
    let between = BETWEEN.iter().find(|w| t.ends(i, &[w])).map_or(i, |w| i - w.chars().count());
    [i, between].iter().any(|k| t.ends(*k, CUES) && !t.ends(*k, NOT_CUES))
}

/// A sign of money at place `i`: which, and where it ends.
pub(super) fn sign(t: &Text<'_>, i: usize) -> Option<(Currency, usize)> {
    let (currency, end) = match t.get(i) {
        '¥' => (Currency::Yuan, i + 1),
        '$' => (Currency::Dollar, i + 1),
        '€' => (Currency::Euro, i + 1),
        '£' => (Currency::Pound, i + 1),
        _ if t.before(i).is_ascii_alphabetic() => return None,
        _ => (Currency::Yuan, t.any(i, &["人民币", "rmb"])?),
    };
    Some((currency, t.skip_spaces(end)))
}

/// The unit of money in yuan.
pub(super) const YUAN: Unit = Unit::Money(Some(Currency::Yuan));
