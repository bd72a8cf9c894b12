//! Chinese numerals, as written and as spoken: 一百六十九, 两百五, 一万三, 二十二点五, 二〇二六, 1万3.

use super::{
    super::{
        Number,
        text::{Text, digits},
    },
    units::counted,
};

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// A number.
    Number(Numeral),
    /// Numerals without a certain value, up to this place: 八九十, 三二一.
    Nothing(usize),
}

/// A number and how it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numeral {
    pub(super) value: Number,
    pub(super) end: usize,
    /// A single Chinese character: often no number at all (一样, 十分).
    pub(super) single: bool,
    /// In ASCII digits from beginning to end.
    pub(super) written: bool,
    /// With a fraction.
    pub(super) fraction: bool,
}

/// The digit that a character stands for; 两 is 2.
pub(super) fn digit(c: char) -> Option<u32> {
    match c {
        '〇' => Some(0),
        '两' => Some(2),
        _ => "零一二三四五六七八九".chars().position(|d| d == c).and_then(|p| u32::try_from(p).ok()),
    }
}

fn power(c: char) -> Option<i64> {
    Some(match c {
        '十' => 10,
        '百' => 100,
        '千' => 1_000,
        '万' => 10_000,
        '亿' => 100_000_000,
        _ => return None,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// 0 to 9.
    Digit(u32),
    /// A number written in two or more ASCII digits, or with a point.
    Written(Number),
    Power(i64),
}

/// Reads what begins at place `i`; `None` where no numeral begins.
pub(super) fn read(t: &Text<'_>, i: usize) -> Option<Reading> {
    if let Some(d) = digits(t, i)
        && power(t.get(d.end)).is_none_or(|_| d.value.is_none())
    {
        return Some(d.value.map_or(Reading::Nothing(d.end), |value| {
            let fraction = d.places > 0;
            Reading::Number(Numeral { value, end: d.end, single: false, written: true, fraction })
        }));
    }
    // 一两个, 一两百: one or two of them.
    if t.has(i, "一两") {
        return Some(Reading::Nothing((i + 2..).find(|k| power(t.get(*k)).is_none()).unwrap_or(i + 2)));
    }
    let (tokens, ends) = tokens(t, i);
    let end = *ends.last()?;
    let nothing = Some(Reading::Nothing(end));
    let number = |value: Number, end: usize| {
        let single = end == i + 1;
        Some(Reading::Number(Numeral { value, end, single, written: false, fraction: false }))
    };
    if let Some(n) = fraction(t, &tokens, end) {
        return Some(Reading::Number(n));
    }
    let spoken: Option<Vec<u32>> =
        tokens.iter().map(|k| if let Token::Digit(d) = k { Some(*d) } else { None }).collect();
    if let Some(run) = spoken
        && run.len() >= 2
    {
        return digit_string(&run).map_or(nothing, |v| number(v, end));
    }
    if let Some(value) = whole(&tokens) {
        return number(value, end);
    }
    // Two numbers without a pause: 一百五十九|一百一十九. Certain only where the first is complete to its ones.
    for k in 1..tokens.len() {
        let (first, rest) = tokens.split_at(k);
        let complete = matches!(first, [.., Token::Power(10), Token::Digit(1..)]);
        let begins = matches!(rest, [Token::Digit(_), Token::Power(10..=1000), ..]);
        let apart = matches!((first, rest), ([.., Token::Digit(a)], [Token::Digit(b), ..]) if !about(*a, *b));
        if let (true, Some(value), Some(_)) = (complete && begins && apart, whole(first), whole(rest)) {
            return number(value, ends[k - 1]);
        }
    }
    nothing
}

/// The numeral tokens from place `i`, and where each ends.
fn tokens(t: &Text<'_>, i: usize) -> (Vec<Token>, Vec<usize>) {
    let (mut tokens, mut ends, mut at) = (vec![], vec![], i);
    loop {
        let c = t.get(at);
        let (token, end) = if let Some(d) = digit(c) {
            (Token::Digit(d), at + 1)
        } else if let Some(p) = power(c) {
            // 百分之, 万一: not a power of what stands before. 千克 and the like stay right either way.
            if c == '百' && t.has(at + 1, "分") {
                break;
            }
            (Token::Power(p), at + 1)
        } else if let Some(d) = digits(t, at) {
            let Some(value) = d.value else { break };
            let one = (d.end == at + 1).then(|| value.as_count()).flatten();
            (one.map_or(Token::Written(value), Token::Digit), d.end)
        } else {
            break;
        };
        tokens.push(token);
        ends.push(end);
        at = end;
    }
    // 两 after a numeral belongs to what follows: 一百六十九|两件, 二|两.
    while ends.len() > 1 && ends.last().is_some_and(|end| t.get(end - 1) == '两') {
        tokens.pop();
        ends.pop();
    }
    // 两 within: the number ends before it, unless it is the coefficient of a power (一万两千).
    let middle = (1..tokens.len()).find(|k| {
        t.get(ends[*k] - 1) == '两'
            && !matches!(
                (tokens.get(k - 1), tokens.get(k + 1)),
                (Some(Token::Power(_) | Token::Digit(0)), Some(Token::Power(100..)))
            )
    });
    if let Some(k) = middle {
        tokens.truncate(k);
        ends.truncate(k);
    }
    (tokens, ends)
}

/// Whether two digits one after the other mean "about so many": 七八, 三五.
fn about(a: u32, b: u32) -> bool {
    b == a + 1 || (a, b) == (3, 5)
}

/// 二〇二六 is 2026; 三二一 is a countdown and 八九 means "eight or nine".
fn digit_string(run: &[u32]) -> Option<Number> {
    let steps = |by: i64| run.windows(2).all(|w| i64::from(w[1]) - i64::from(w[0]) == by);
    if !(3..=14).contains(&run.len()) || run[0] == 0 || steps(1) || steps(-1) || steps(0) {
        return None;
    }
    run.iter().try_fold(0_i64, |n, d| n.checked_mul(10)?.checked_add(i64::from(*d))).and_then(Number::whole)
}

/// A whole numeral, with its spoken short forms: the last digit stands one power below the one before (两百五, 一万三).
fn whole(tokens: &[Token]) -> Option<Number> {
    let mut total = Number::ZERO;
    let mut section = Number::ZERO;
    let mut digit: Option<Number> = None;
    let mut zero = false;
    // The power that the next one must stay below: within a section of four places, and of sections.
    let (mut below, mut sections_below) = (i64::MAX, i64::MAX);
    let mut last = 1;
    for token in tokens {
        match *token {
            Token::Digit(0) if digit.is_none() && !(zero || tokens.len() == 1) => zero = true,
            Token::Digit(d) if digit.is_none() => digit = Some(Number::small(d)),
            Token::Written(n) if digit.is_none() => digit = Some(n),
            Token::Power(p @ 10..=1_000) if p < below => {
                let implied = (p == 10).then_some(Number::small(1));
                section = section.plus(digit.take().or(implied)?.times(p)?)?;
                (below, last, zero) = (p, p, false);
            }
            Token::Power(p @ 10_000..) if p < sections_below => {
                section = section.plus(digit.take().unwrap_or_default())?;
                if section == Number::ZERO {
                    return None;
                }
                total = total.plus(section.times(p)?)?;
                section = Number::ZERO;
                (below, sections_below, last, zero) = (i64::MAX, p, p, false);
            }
            _ => return None,
        }
    }
    let rest = match digit {
        None if zero => return None,
        None => Number::ZERO,
        // 一百零五, 二十五, 五
        Some(d) if zero || last <= 10 => d,
        // 1万500
        Some(n) if n >= Number::small(10) => Some(n).filter(|n| n.as_whole().is_some_and(|n| n < last))?,
        // 两百五, 一万三
        Some(d) => d.times(last / 10)?,
    };
    let value = total.plus(section)?.plus(rest)?;
    (value != Number::ZERO || tokens == [Token::Digit(0)]).then_some(value)
}

/// 二十二点五, 一点五万.
fn fraction(t: &Text<'_>, tokens: &[Token], end: usize) -> Option<Numeral> {
    if t.get(end) != '点' {
        return None;
    }
    let front = whole(tokens)?;
    let one = |c: char| digit(c).filter(|_| c != '两').or(c.to_digit(10));
    let places: Vec<u32> = (end + 1..).map_while(|k| one(t.get(k))).collect();
    let after = end + 1 + places.len();
    // 三点五十 is a time of day; 一点一点 is "bit by bit".
    if places.is_empty() || places.len() > 4 || "十百点".contains(t.get(after)) {
        return None;
    }
    // 一点 is "a bit" as well: 便宜一点|九块九, 一点一些.
    let bit = matches!(tokens, [Token::Digit(1)]);
    let block = t.get(after) == '块' && one(t.get(after + 1)).is_some();
    if bit && (block || t.get(after).is_alphanumeric() && power(t.get(after)).is_none() && !counted(t, after))
    {
        return None;
    }
    let written: String = places.iter().map(u32::to_string).collect();
    let mut value = front.plus(Number::from_digits(&format!("0.{written}"))?)?;
    let mut end = after;
    if let Some(p @ 1_000..) = power(t.get(after)) {
        value = value.times(p)?;
        end += 1;
    }
    Some(Numeral { value, end, single: false, written: false, fraction: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        match read(&Text::new(text), 0) {
            Some(Reading::Number(n)) => n.value.to_string(),
            Some(Reading::Nothing(_)) => "nothing".to_owned(),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn numerals_have_the_value_that_is_meant() {
        for (text, expected) in [
            ("五", "5"),
            ("十", "10"),
            ("十五", "15"),
            ("二十", "20"),
            ("一百零五", "105"),
            ("一百一十九", "119"),
            ("一百六十九", "169"),
            ("两百五", "250"),
            ("一百二", "120"),
            ("三千五", "3500"),
            ("三千零五", "3005"),
            ("三千零五十", "3050"),
            ("一万", "10000"),
            ("一万三", "13000"),
            ("一万三千五", "13500"),
            ("一万两千", "12000"),
            ("十二万", "120000"),
            ("一亿两千万", "120000000"),
            ("1万3", "13000"),
            ("1万500", "10500"),
            ("2.5万", "25000"),
            ("3千", "3000"),
            ("3千5百", "3500"),
            ("二〇二六", "2026"),
            ("一三八", "138"),
            ("零点五", "0.5"),
            ("一点四", "1.4"),
            ("二十二点五", "22.5"),
            ("一点五万", "15000"),
            ("一百五十九一百一十九", "159"),
            ("零", "0"),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_certain_has_no_value() {
        for text in [
            "八九十",
            "十七八",
            "一百七八十",
            "三五百",
            "三二一",
            "五四三二一",
            "八九",
            "百",
            "千万",
            "万一",
            "一百三百",
        ] {
            assert_eq!(value(text), "nothing", "{text}");
        }
        assert_eq!(value("好"), "none");
    }
}
