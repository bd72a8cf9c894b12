//! Chinese numerals, digits, and both mixed, as digits.

/// A value in millionths, so that places are exact.
const ONE: i128 = 1_000_000;
/// Longer runs are not numbers.
const RUN_MAX: usize = 24;

/// A number found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// In digits, with a point where it has places; zeros at the end of the places are left out.
    pub(super) text: String,
    /// One past its last character.
    pub(super) end: usize,
    /// Whether it was a numeral that makes sense; otherwise each digit stands for itself.
    pub(super) whole: bool,
}

enum Part {
    Digits(i128),
    Power(u32),
}

/// The digit that `c` stands for.
pub(super) fn digit(c: char) -> Option<u32> {
    match c {
        '0'..='9' => c.to_digit(10),
        '零' | '〇' => Some(0),
        '两' => Some(2),
        _ => "一二三四五六七八九".chars().position(|d| d == c).and_then(|i| u32::try_from(i + 1).ok()),
    }
}

fn power(c: char) -> Option<u32> {
    Some(match c {
        '十' => 1,
        '百' => 2,
        '千' => 3,
        '万' => 4,
        '亿' => 8,
        _ => return None,
    })
}

/// Whether a digit or a power of ten stands at `at`.
pub(super) fn is_numeral(text: &[char], at: usize) -> bool {
    text.get(at).is_some_and(|c| digit(*c).is_some() || power(*c).is_some())
}

/// The numeral that starts at `at`, without what may follow it (点, 块, %).
pub(super) fn numeral(text: &[char], at: usize) -> Option<Found> {
    let first = *text.get(at)?;
    if digit(first).is_none() && first != '十' {
        return None;
    }
    let (parts, end) = parts(text, at);
    let digits_only = parts.iter().all(|p| matches!(p, Part::Digits(_)));
    if !digits_only
        && end - at <= RUN_MAX
        && let Some(value) = value(&parts)
    {
        return Some(Found { text: shown(value), end, whole: true });
    }
    let plain: String = text
        .get(at..end)?
        .iter()
        .filter(|c| **c != ',')
        .map(|c| digit(*c).and_then(|d| char::from_digit(d, 10)).unwrap_or(*c))
        .collect();
    Some(Found { text: if digits_only { without_zeros(&plain) } else { plain }, end, whole: digits_only })
}

/// Reads on while digits and powers come. `1,234` is one number; `1.5` has places.
fn parts(text: &[char], from: usize) -> (Vec<Part>, usize) {
    let mut parts = Vec::new();
    let mut at = from;
    let ascii = |i: usize| text.get(i).is_some_and(char::is_ascii_digit);
    while let Some(&c) = text.get(at) {
        if let Some(p) = power(c) {
            parts.push(Part::Power(p));
            at += 1;
        } else if c.is_ascii_digit() {
            let start = at;
            while ascii(at)
                || (text.get(at) == Some(&',') && (1..=3).all(|i| ascii(at + i)) && !ascii(at + 4))
                || (text.get(at) == Some(&'.') && ascii(at + 1) && !text[start..at].contains(&'.'))
            {
                at += 1;
            }
            let run: String = text[start..at].iter().filter(|c| **c != ',').collect();
            parts.push(Part::Digits(millionths(&run).unwrap_or(-1)));
        } else if let Some(d) = digit(c) {
            parts.push(Part::Digits(i128::from(d) * ONE));
            at += 1;
        } else {
            break;
        }
    }
    (parts, at)
}

fn millionths(run: &str) -> Option<i128> {
    let (whole, places) = run.split_once('.').unwrap_or((run, ""));
    if whole.len() > 15 || places.len() > 6 {
        return None;
    }
    Some(whole.parse::<i128>().ok()? * ONE + format!("{places:0<6}").parse::<i128>().ok()?)
}

/// What a numeral with powers of ten is worth; `None` when it is none (三四百, 十百).
fn value(parts: &[Part]) -> Option<i128> {
    let (mut total, mut section) = (0_i128, 0_i128);
    let mut current: Option<i128> = None;
    // The power before, and whether a zero came since: 一百零五 is 105, 一百五 is 150.
    let mut last: Option<u32> = None;
    let mut small: Option<u32> = None;
    let mut big: Option<u32> = None;
    let mut zero = false;
    for part in parts {
        match part {
            Part::Digits(-1) => return None,
            Part::Digits(0) if last.is_some() && current.is_none() => zero = true,
            Part::Digits(_) if current.is_some() => return None,
            Part::Digits(n) => current = Some(*n),
            Part::Power(p @ 1..=3) => {
                if small.is_some_and(|s| s <= *p) {
                    return None;
                }
                let n = match current.take() {
                    Some(n) => n,
                    None if *p == 1 && (last.is_none() || zero) => ONE,
                    None => return None,
                };
                section += n.checked_mul(10_i128.pow(*p))?;
                (small, last, zero) = (Some(*p), Some(*p), false);
            }
            Part::Power(p) => {
                if big.is_some_and(|b| b <= *p) {
                    return None;
                }
                section += current.take().unwrap_or(0);
                if section == 0 {
                    return None;
                }
                total += section.checked_mul(10_i128.pow(*p))?;
                (section, small, last, big, zero) = (0, None, Some(*p), Some(*p), false);
            }
        }
    }
    let rest = match (current, last) {
        (Some(n), Some(p)) if p >= 2 && !zero && n < 10 * ONE && n % ONE == 0 => n * 10_i128.pow(p - 1),
        (n, _) => n.unwrap_or(0),
    };
    Some(total + section + rest)
}

fn shown(millionths: i128) -> String {
    without_zeros(&format!("{}.{:06}", millionths / ONE, millionths % ONE))
}

/// `89.90` as `89.9`, `5.00` as `5`.
pub(super) fn without_zeros(digits: &str) -> String {
    if !digits.contains('.') {
        return digits.to_owned();
    }
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let chars: Vec<char> = text.chars().collect();
        numeral(&chars, 0).map(|f| f.text + &chars[f.end..].iter().collect::<String>())
    }

    #[test]
    fn numerals_become_digits() {
        for (said, digits) in [
            ("八十九", "89"),
            ("十五瓦", "15瓦"),
            ("一百零九", "109"),
            ("一百三十八", "138"),
            ("两百五", "250"),
            ("一万三", "13000"),
            ("一万毫安", "10000毫安"),
            ("1万3", "13000"),
            ("1.5万", "15000"),
            ("10,000", "10000"),
            ("2百5十", "250"),
            ("五四三二一", "54321"),
            ("二零二六", "2026"),
            ("一亿两千万", "120000000"),
            ("一百一十九", "119"),
            ("一千零五十", "1050"),
            ("89.90", "89.9"),
            ("三四百", "34百"),
            ("1, 2", "1, 2"),
        ] {
            assert_eq!(read(said).as_deref(), Some(digits), "{said}");
        }
        for word in ["百搭", "千万不要", "万一", "块"] {
            assert_eq!(read(word), None, "{word}");
        }
    }

    #[test]
    fn every_numeral_up_to_twenty_thousand_is_read_back() {
        for n in 1..20_000_u32 {
            assert_eq!(read(&spoken(n)), Some(n.to_string()), "{}", spoken(n));
        }
    }

    /// The numeral as it is taught in school.
    fn spoken(n: u32) -> String {
        let digits: Vec<char> = "零一二三四五六七八九".chars().collect();
        let mut out = String::new();
        let mut zero = false;
        for (p, name) in [(10_000, "万"), (1000, "千"), (100, "百"), (10, "十"), (1, "")] {
            let d = n / p % 10;
            if d == 0 {
                zero = !out.is_empty();
                continue;
            }
            if std::mem::take(&mut zero) {
                out.push('零');
            }
            let bare_ten = p == 10 && d == 1 && out.is_empty();
            if !(bare_ten || p == 10_000 && n / p >= 10) {
                out.push(digits[d as usize]);
            }
            out.push_str(name);
        }
        out
    }
}
