//! Reading Chinese talk from left to right.

mod money;
mod numeral;
mod phrase;
mod units;

use std::ops::Range;

use super::{
    Number, Quantity, Unit,
    text::Text,
    unit::{Length, Volume, Weight},
};
use numeral::{Numeral, Reading};

/// What was read: up to which place, and the quantity, if there is one, with its places.
pub(super) struct Step {
    pub(super) end: usize,
    pub(super) found: Option<(Range<usize>, Number, Unit)>,
}

impl Step {
    fn some(places: Range<usize>, value: Number, unit: Unit) -> Option<Self> {
        Some(Self { end: places.end, found: Some((places, value, unit)) })
    }

    const fn nothing(end: usize) -> Option<Self> {
        Some(Self { end, found: None })
    }
}

/// Every quantity of a text, in order.
pub(super) fn read(t: &Text<'_>) -> Vec<Quantity> {
    let mut all = vec![];
    let mut i = 0;
    while i < t.len() {
        let Some(step) = phrase::read(t, i).or_else(|| number(t, i)) else {
            i += 1;
            continue;
        };
        all.extend(step.found.map(|(places, value, unit)| t.quantity(places, value, unit)));
        i = step.end.max(i + 1);
    }
    all
}

/// A number at place `i` and what it is of.
fn number(t: &Text<'_>, i: usize) -> Option<Step> {
    let n = match numeral::read(t, i)? {
        Reading::Number(n) => n,
        Reading::Nothing(end) => return Step::nothing(end),
    };
    // 几十, 好几百, 双十一, 十分, 十足
    // 零下二十度: a sign is not told.
    let about = t.before(i) == '几' && !n.written || t.ends(i, &["零下", "负"]);
    if about
        || t.ends(i, &["双"]) && t.has(i, "十一")
        || n.single && t.any(i, &["十分", "十足", "十全"]).is_some()
    {
        return Step::nothing(n.end);
    }
    let j = if n.written { t.skip_spaces(n.end) } else { n.end };
    if approximate(t, &n, j) {
        return Step::nothing(j + 1);
    }
    of_money(t, i, &n, j)
        .or_else(|| of_link_size_share(t, i, &n, j))
        .or_else(|| of_measure(t, i, &n, j))
        .or_else(|| of_pieces(t, i, &n, j))
        .or_else(|| bare(t, i, &n, j))
}

/// 二十多, 十几, 一百余, 十来个, 一百出头.
fn approximate(t: &Text<'_>, n: &Numeral, j: usize) -> bool {
    let tens = n.value.as_whole().is_some_and(|v| v >= 10 && v % 10 == 0);
    let few = "多余".contains(t.get(j)) && !t.has(j, "多少");
    tens && (few || t.get(j) == '几' || t.get(j) == '来' && units::counted(t, j + 1) || t.has(j, "出头"))
}

fn of_money(t: &Text<'_>, i: usize, n: &Numeral, j: usize) -> Option<Step> {
    if let Some((currency, end)) = units::currency(t, j) {
        return Step::some(i..end, n.value, Unit::Money(Some(currency)));
    }
    match money::amount(t, i, n, j)? {
        Ok((value, end)) => Step::some(i..end, value, money::YUAN),
        Err(end) => Step::nothing(end),
    }
}

fn of_link_size_share(t: &Text<'_>, i: usize, n: &Numeral, j: usize) -> Option<Step> {
    let after_hao = t.skip_spaces(j + 1);
    if t.get(j) == '号'
        && let Some(end) = t.any(after_hao, &["链接", "连接", "链"])
    {
        return Step::some(i..end, n.value, Unit::Link);
    }
    match t.get(j) {
        '码' if !n.fraction => Step::some(i..j + 1, n.value, Unit::Size),
        '%' | '％' => {
            let off = t.skip_spaces(j + 1);
            if t.has(off, "off")
                && let Some(factor) = off_factor(n.value)
            {
                return Step::some(i..off + 3, factor, Unit::Discount);
            }
            Step::some(i..j + 1, n.value, Unit::Percent)
        }
        '成' if n.value <= Number::small(10) && !"分本员为了功立".contains(t.get(j + 1)) => {
            Step::some(i..j + 1, n.value.times(10)?, Unit::Percent)
        }
        // Dates and times of day are no amounts.
        '月' | '日' => Step::nothing(day_end(t, j + 1)),
        '点' if !n.fraction => Step::nothing(clock_end(t, j + 1)),
        '年' if n.value >= Number::small(1900) && n.value < Number::small(2200) => {
            Step::some(i..n.end, n.value, Unit::Plain)
        }
        _ => None,
    }
}

/// The end of a date after its 月: 二十一号.
fn day_end(t: &Text<'_>, j: usize) -> usize {
    match numeral::read(t, j) {
        Some(Reading::Number(n)) if "日号".contains(t.get(n.end)) => n.end + 1,
        _ => j,
    }
}

/// The end of a time of day after its 点: 半, 钟, 十分.
fn clock_end(t: &Text<'_>, j: usize) -> usize {
    let minutes = match numeral::read(t, j) {
        Some(Reading::Number(n)) if t.get(n.end) == '分' => Some(n.end + 1),
        Some(Reading::Number(n)) if !n.single && n.value < Number::small(60) && !units::counted(t, n.end) => {
            Some(n.end)
        }
        _ => None,
    };
    minutes.or_else(|| t.any(j, &["半", "钟", "整"])).unwrap_or(j)
}

fn of_measure(t: &Text<'_>, i: usize, n: &Numeral, j: usize) -> Option<Step> {
    // 一个半小时
    if let Some(unit) = t.any(j, &["个半"])
        && let Some((unit, 1, end)) = units::measure(t, unit).or_else(|| units::measure_after_ge(t, unit))
    {
        return Step::some(i..end, n.value.plus(Number::HALF)?, unit);
    }
    if t.get(j) == '两' && !n.single_one(t, i) {
        let next = t.get(j + 1);
        let more = units::counted(t, j + 1) || numeral::digit(next).is_some() || "十百千万半".contains(next);
        return if more { None } else { Step::some(i..j + 1, n.value, Unit::Weight(Weight::Liang)) };
    }
    let (unit, factor, end) = units::measure(t, j)?;
    let mut value = n.value.times(factor)?;
    // 一斤半
    let halves = !matches!(unit, Unit::Capacity | Unit::Power);
    if halves && t.get(end) == '半' && !"价身袖高截天块个斤小年".contains(t.get(end + 1)) {
        value = value.plus(Number::HALF)?;
        return Step::some(i..end + 1, value, unit);
    }
    // 一米六, 一米六五, 二尺三: the digits after it are a fraction.
    if let Unit::Length(Length::Metre | Length::Chi) = unit
        && !n.fraction
    {
        let places: String = (end..)
            .map_while(|k| numeral::digit(t.get(k)).filter(|_| t.get(k) != '两').or(t.get(k).to_digit(10)))
            .map(|d| d.to_string())
            .collect();
        let after = end + places.len();
        if (1..=2).contains(&places.len()) && !units::counted(t, after) && !"十百千".contains(t.get(after))
        {
            let part = Number::from_digits(&format!("0.{places}"))?;
            return Step::some(i..after, value.plus(part)?, unit);
        }
    }
    Step::some(i..end, value, unit)
}

fn of_pieces(t: &Text<'_>, i: usize, n: &Numeral, j: usize) -> Option<Step> {
    let one = n.single_one(t, i).then_some(i);
    if t.get(j) == '块' && n.value.as_count().is_some_and(|v| (2..100).contains(&v)) {
        return Step::some(i..j + 1, n.value, Unit::Count("块".to_owned()));
    }
    let classifier = units::classifier(t, j, one)?;
    let end = j + 1;
    // 两个半
    if t.get(end) == '半' && classifier == '个' && !"价身袖高截天块个斤小年".contains(t.get(end + 1))
    {
        return Step::some(i..end + 1, n.value.plus(Number::HALF)?, Unit::Count("个".to_owned()));
    }
    if "件罐瓶盒包袋箱支条双套桶卷个只对组份".contains(classifier)
        && let Some(bundle) = phrase::bundle(t, i, n.value, end)
    {
        return Some(bundle);
    }
    Step::some(i..end, n.value, Unit::Count(classifier.to_string()))
}

/// A number of which nothing more is said.
fn bare(t: &Text<'_>, i: usize, n: &Numeral, j: usize) -> Option<Step> {
    // 三C, 5G, 10w: names, and letters that mean several things.
    if t.get(n.end).is_ascii_alphabetic() {
        return Step::nothing(t.skip_name(n.end));
    }
    if n.single {
        let apart = |c: char| !money::is_word(c);
        let said_alone = apart(t.before(i)) && apart(t.get(n.end)) && t.get(i) != '两';
        return if said_alone { Step::some(i..n.end, n.value, Unit::Plain) } else { Step::nothing(n.end) };
    }
    // "89, 9": maybe 89.9, maybe two numbers.
    let broken = t.get(n.end) == ',' && t.get(t.skip_spaces(n.end + 1)).is_ascii_digit();
    let grouped = (i..n.end).any(|k| t.get(k) == ',');
    if (money::priced(t, i) || t.any(j, &["到手", "包邮"]).is_some())
        && !broken
        && !grouped
        && !units::counted(t, j)
    {
        return Step::some(i..n.end, n.value, Unit::Money(None));
    }
    Step::some(i..n.end, n.value, Unit::Plain)
}

/// The factor on a price of so many percent off.
fn off_factor(percent: Number) -> Option<Number> {
    let left = 1_000_000 - percent.parts();
    (0..1_000_000).contains(&left).then(|| Number::from_parts(left).over(100)).flatten()
}

impl Numeral {
    /// Whether it is 一 alone.
    fn single_one(&self, t: &Text<'_>, i: usize) -> bool {
        self.single && t.get(i) == '一'
    }
}

/// The unit that 半 stands before: 半斤, 半小时; a volume or a length too.
fn halved(unit: &Unit) -> bool {
    !matches!(
        unit,
        Unit::Time(super::Duration::Day | super::Duration::Second)
            | Unit::Power
            | Unit::Capacity
            | Unit::Volume(Volume::FluidOunce)
    )
}
