//! Phrases that hold their number inside: 百分之七十, 五折, 满三百减五十, 买二送一, 第二件半价, ¥89.9.

use super::{
    super::{Number, Unit, text::Text, unit::Currency},
    Step, halved, money,
    numeral::{self, Numeral, Reading, digit},
    units,
};

/// A phrase that begins at place `i`.
pub(super) fn read(t: &Text<'_>, i: usize) -> Option<Step> {
    match t.get(i) {
        '百' => percent(t, i),
        '满' => rebate(t, i),
        '买' | '拍' => offer(t, i),
        '第' => ordinal(t, i),
        '半' => half(t, i),
        '对' if t.has(i, "对折") && t.get(i + 2) != '叠' => {
            Step::some(i..i + 2, Number::HALF, Unit::Discount)
        }
        '一' if t.has(i, "一半") => Step::nothing(i + 2),
        '尺' | '码' => size(t, i),
        '链' => link(t, i),
        _ => discount(t, i)
            .map(|(factor, end)| Step { end, found: Some((i..end, factor, Unit::Discount)) })
            .or_else(|| signed(t, i)),
    }
}

/// The number at place `i`, of any script.
fn numeral_at(t: &Text<'_>, i: usize) -> Option<Numeral> {
    match numeral::read(t, i) {
        Some(Reading::Number(n)) => Some(n),
        _ => None,
    }
}

fn percent(t: &Text<'_>, i: usize) -> Option<Step> {
    if let Some(at) = t.any(i, &["百分之"]) {
        if t.get(at) == '百' {
            return Step::some(i..at + 1, Number::small(100), Unit::Percent);
        }
        // 百分之五六: about.
        return match numeral::read(t, at)? {
            Reading::Number(n) => Step::some(i..n.end, n.value, Unit::Percent),
            Reading::Nothing(end) => Step::nothing(end),
        };
    }
    let end = t.any(i, &["百分百"])?;
    Step::some(i..end, Number::small(100), Unit::Percent)
}

/// 满三百减五十.
fn rebate(t: &Text<'_>, i: usize) -> Option<Step> {
    let (over, at) = sum(t, t.skip_spaces(i + 1))?;
    let at = t.any(at, &["立减", "减"])?;
    let (off, end) = sum(t, t.skip_spaces(at))?;
    Step::some(i..end, off, Unit::Rebate { over })
}

/// A number with or without 块 or 元.
fn sum(t: &Text<'_>, i: usize) -> Option<(Number, usize)> {
    let n = numeral_at(t, i)?;
    match money::amount(t, i, &n, t.skip_spaces(n.end)) {
        Some(Ok(amount)) => Some(amount),
        Some(Err(_)) => None,
        None if n.fraction || !units::counted(t, n.end) => Some((n.value, n.end)),
        None => None,
    }
}

/// 买二送一, 买两件送一件, 拍一发三 (three for the price of one).
fn offer(t: &Text<'_>, i: usize) -> Option<Step> {
    let pieces = |at: usize| {
        let n = numeral_at(t, at)?;
        let count = n.value.as_count().filter(|c| (1..=100).contains(c))?;
        let end = units::classifier(t, n.end, None).map_or(n.end, |_| n.end + 1);
        Some((count, end))
    };
    let (buy, at) = pieces(i + 1)?;
    let given = t.any(at, &["送", "赠"]);
    let at = given.or_else(|| t.any(at, &["发", "得"]))?;
    let (second, end) = pieces(at)?;
    let get = if given.is_some() { second } else { second.checked_sub(buy).filter(|g| *g > 0)? };
    Step::some(i..end, Number::small(get), Unit::Offer { buy, get })
}

/// 第二件半价; other ordinals are no quantities.
fn ordinal(t: &Text<'_>, i: usize) -> Option<Step> {
    let n = numeral_at(t, i + 1)?;
    let at = units::classifier(t, n.end, None).map_or(n.end, |_| n.end + 1);
    if let (Some(nth @ 2..=100), true) = (n.value.as_count(), at > n.end) {
        let at = t.any(at, &["只要", "就是", "是", "打"]).unwrap_or(at);
        let half = t.any(at, &["半价", "五折", "对折"]).map(|end| (Number::HALF, end));
        let free = t.any(at, &["免费", "零元", "0元"]).map(|end| (Number::ZERO, end));
        if let Some((factor, end)) = half.or(free).or_else(|| discount(t, at)) {
            return Step::some(i..end, factor, Unit::DiscountOnNth(nth));
        }
    }
    Step::nothing(at)
}

/// 半价, 半斤, 半个小时, 半箱. 半天 is "a long while".
fn half(t: &Text<'_>, i: usize) -> Option<Step> {
    if t.has(i, "半价") {
        return Step::some(i..i + 2, Number::HALF, Unit::Discount);
    }
    if t.has(i, "半折") || "大小多一".contains(t.before(i)) {
        return None;
    }
    let (unit, factor, end) = units::measure(t, i + 1)?;
    halved(&unit).then(|| Step::some(i..end, Number::HALF.times(factor)?, unit)).flatten()
}

/// 五折, 七五折, 8.5折, 85折, 八点五折: the factor, and the end.
fn discount(t: &Text<'_>, i: usize) -> Option<(Number, usize)> {
    // The digits before must not be the tail of a longer number.
    if digit(t.before(i)).is_some() || t.before(i).is_ascii_digit() || "十百千万.点".contains(t.before(i))
    {
        return None;
    }
    let one = |k: usize| digit(t.get(k)).filter(|_| t.get(k) != '两').or(t.get(k).to_digit(10));
    let first = one(i).filter(|d| *d > 0)?;
    let point = usize::from("点.".contains(t.get(i + 1)));
    let second = one(i + 1 + point);
    let (tenths, at) = match second {
        Some(d) => (10 * first + d, i + 2 + point),
        None if point == 0 => (10 * first, i + 1),
        None => return None,
    };
    let at = t.skip_spaces(at);
    let folded = t.get(at) == '折' && !"叠伞页屏痕".contains(t.get(at + 1));
    folded.then(|| Some((Number::small(tenths).over(100)?, at + 1))).flatten()
}

/// 尺码38, 码数38.
fn size(t: &Text<'_>, i: usize) -> Option<Step> {
    let at = t.any(i, &["尺码", "码数"])?;
    let n = numeral_at(t, t.skip_spaces(at)).filter(|n| !n.single)?;
    let end = t.any(n.end, &["码"]).unwrap_or(n.end);
    (end > n.end || !units::counted(t, n.end)).then(|| Step::some(i..end, n.value, Unit::Size)).flatten()
}

/// 链接三号.
fn link(t: &Text<'_>, i: usize) -> Option<Step> {
    let at = t.skip_spaces(t.any(i, &["链接"])?);
    let n = numeral_at(t, at)?;
    (t.get(n.end) == '号').then(|| Step::some(i..n.end + 1, n.value, Unit::Link)).flatten()
}

/// ¥89.9, RMB 100, ¥89块9.
fn signed(t: &Text<'_>, i: usize) -> Option<Step> {
    let (currency, at) = money::sign(t, i)?;
    let n = numeral_at(t, at)?;
    let j = t.skip_spaces(n.end);
    match money::amount(t, at, &n, j) {
        Some(Ok((value, end))) if currency == Currency::Yuan => {
            Step::some(i..end, value, Unit::Money(Some(currency)))
        }
        Some(_) => Step::nothing(j),
        None if t.get(n.end).is_ascii_alphabetic() => Step::nothing(t.skip_name(n.end)),
        None => Step::some(i..n.end, n.value, Unit::Money(Some(currency))),
    }
}

/// A price for all of so many pieces, said right after them: 两件一百六十九, 三个五块.
pub(super) fn bundle(t: &Text<'_>, i: usize, pieces: Number, at: usize) -> Option<Step> {
    let count = pieces.as_count().filter(|c| (2..=10).contains(c))?;
    let at = t.any(t.skip_spaces(at), &["一共", "只要", "到手价", "到手", "才", "共"]).unwrap_or(at);
    let at = t.skip_spaces(at);
    if let Some((currency, from)) = money::sign(t, at) {
        let n = numeral_at(t, from)?;
        let plain = money::amount(t, from, &n, n.end).is_none() && !t.get(n.end).is_ascii_alphabetic();
        let unit = Unit::Bundle { count, currency: Some(currency) };
        return plain.then(|| Step::some(i..n.end, n.value, unit)).flatten();
    }
    let n = numeral_at(t, at)?;
    let j = t.skip_spaces(n.end);
    if let Some(amount) = money::amount(t, at, &n, j) {
        let (value, end) = amount.ok()?;
        return Step::some(i..end, value, Unit::Bundle { count, currency: Some(Currency::Yuan) });
    }
    let bare =
        !n.single && !units::counted(t, j) && !"多几余来".contains(t.get(j)) && discount(t, at).is_none();
    let whole = n.value.as_whole().is_some_and(|v| v >= 10 && v > i64::from(count)) || n.fraction;
    (bare && whole).then(|| Step::some(i..n.end, n.value, Unit::Bundle { count, currency: None })).flatten()
}
