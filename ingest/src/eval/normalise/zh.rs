//! Chinese: characters, with numbers as digits.
//!
//! After a number, `块`, `块钱`, `圆` and `元` are `元` with what follows as its places (`八十九块九毛` = `89.9元`), `百分之N`
//! is `N%`, `八点五折` is `85折`, and signs of units are their Chinese names (`15W` = `15瓦`). `两` is 2 everywhere.

use super::{
    Letter, Token,
    number::{Found, digit, is_numeral, numeral, without_zeros},
    spread,
};

/// Signs of units, directly after a number, longest first; and what they are called.
const SIGNS: [(&str, &str); 12] = [
    ("mah", "毫安时"),
    ("kg", "公斤"),
    ("ml", "毫升"),
    ("mg", "毫克"),
    ("mm", "毫米"),
    ("cm", "厘米"),
    ("km", "公里"),
    ("g", "克"),
    ("w", "瓦"),
    ("m", "米"),
    ("l", "升"),
    ("v", "伏"),
];
/// A digit after 块 counts pieces when one of these follows: 十块三个.
const PIECES: &str = "个件只条双斤克盒瓶包块片支套罐袋款天点";

/// Every character that carries meaning, numbers as written.
pub(super) fn raw(letters: &[Letter]) -> Vec<Token> {
    letters.iter().filter(|l| l.c.is_alphanumeric()).map(token).collect()
}

/// The common form.
pub(super) fn normal(letters: &[Letter]) -> Vec<Token> {
    let letters = without_spaces(letters);
    let text: Vec<char> = letters.iter().map(|l| l.c).collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if let Some((said, end)) = number(&text, at) {
            let digits: Vec<String> = said.chars().map(String::from).collect();
            out.extend(spread(digits.into_iter(), &letters[at..end]));
            at = end;
            continue;
        }
        if text[at].is_alphanumeric() {
            out.push(token(&letters[at]));
        }
        at += 1;
    }
    out
}

/// Spaces mean nothing in Chinese, but between digits they part two numbers.
fn without_spaces(letters: &[Letter]) -> Vec<Letter> {
    let digit = |l: Option<&Letter>| l.is_some_and(|l| l.c.is_ascii_digit());
    let mut out: Vec<Letter> = Vec::with_capacity(letters.len());
    for (i, l) in letters.iter().enumerate() {
        let parts = || digit(out.last()) && digit(letters[i..].iter().find(|l| l.c != ' '));
        if l.c != ' ' || parts() {
            out.push(*l);
        }
    }
    out
}

fn token(l: &Letter) -> Token {
    Token { text: l.c.to_string(), start_us: l.start_us, end_us: l.end_us }
}

/// The number that starts at `at` with what belongs to it, in the common form, and one past its last character.
fn number(text: &[char], at: usize) -> Option<(String, usize)> {
    let starts = |at: usize, word: &str| word.chars().enumerate().all(|(i, c)| text.get(at + i) == Some(&c));
    if starts(at, "百分之") {
        let hundred = || starts(at + 3, "百").then(|| Found { text: "100".into(), end: at + 4, whole: true });
        let n = numeral(text, at + 3).map(|n| with_places(text, n)).or_else(hundred)?;
        return Some((n.text + "%", n.end));
    }
    if matches!(text.get(at), Some('¥' | '￥' | '$')) {
        let n = with_places(text, numeral(text, at + 1)?);
        let end = if starts(n.end, "元") { n.end + 1 } else { n.end };
        return Some((n.text + "元", end));
    }
    let n = numeral(text, at)?;
    if !n.whole {
        return Some((n.text, n.end));
    }
    let n = with_places(text, n);
    if text.get(n.end) == Some(&'%') {
        return Some((n.text + "%", n.end + 1));
    }
    if let Some((places, end)) = money(text, n.end) {
        let whole = n.text.contains('.') || places.is_empty();
        let amount = if whole { n.text } else { without_zeros(&format!("{}.{places}", n.text)) };
        return Some((amount + "元", end));
    }
    if let Some(amount) = dimes(text, &n) {
        return Some(amount);
    }
    if text.get(n.end) == Some(&'折') {
        return Some((n.text.replace('.', ""), n.end));
    }
    for (sign, name) in SIGNS {
        let end = n.end + sign.len();
        if starts(n.end, sign) && !text.get(end).is_some_and(char::is_ascii_alphanumeric) {
            return Some((n.text + name, end));
        }
    }
    Some((n.text, n.end))
}

/// Takes 点 and the digits after it.
fn with_places(text: &[char], n: Found) -> Found {
    if text.get(n.end) != Some(&'点') || n.text.contains('.') {
        return n;
    }
    match numeral(text, n.end + 1) {
        Some(p) if p.whole && !p.text.contains('.') => {
            // A point before leading zeros: their text is digits as said, so they stay.
            Found { text: without_zeros(&format!("{}.{}", n.text, p.text)), end: p.end, whole: true }
        }
        _ => n,
    }
}

/// 块 or 元 at `at`: the places that follow (九毛九 is 99), and one past the last character of all that.
fn money(text: &[char], at: usize) -> Option<(String, usize)> {
    let is = |at: usize, c: char| text.get(at) == Some(&c);
    if !(is(at, '块') || is(at, '元') || is(at, '圆')) {
        return None;
    }
    let after = at + 1;
    if is(at, '块') && is(after, '钱') {
        return Some((String::new(), after + 1));
    }
    let nothing = Some((String::new(), after));
    let from = if is(after, '零') { after + 1 } else { after };
    let Some(first) = text.get(from).and_then(|c| digit(*c)) else { return nothing };
    let zero = if from > after { "0" } else { "" };
    let next = from + 1;
    if is(next, '毛') || is(next, '角') {
        let second = text.get(next + 1).and_then(|c| digit(*c)).filter(|_| !is_numeral(text, next + 2));
        return Some(match second {
            Some(d) => (format!("{first}{d}"), if is(next + 2, '分') { next + 3 } else { next + 2 }),
            None => (first.to_string(), if is(next + 1, '钱') { next + 2 } else { next + 1 }),
        });
    }
    // 八十九块九两件, written 89块92件: the second digit counts pieces. 三块12个 stays three and twelve.
    let second_counts = first > 1
        && text.get(next).is_some_and(|c| digit(*c).is_some())
        && text.get(next + 1).is_some_and(|c| PIECES.contains(*c));
    if second_counts {
        return Some((format!("{zero}{first}"), next));
    }
    if is_numeral(text, next) || text.get(next).is_some_and(|c| PIECES.contains(*c)) {
        return nothing;
    }
    Some((format!("{zero}{first}"), if is(next, '分') { next + 1 } else { next }))
}

/// 九毛九 without 块.
fn dimes(text: &[char], n: &Found) -> Option<(String, usize)> {
    let one = n.text.len() == 1 && matches!(text.get(n.end), Some('毛' | '角'));
    if !one {
        return None;
    }
    let second = text.get(n.end + 1).and_then(|c| digit(*c)).filter(|_| !is_numeral(text, n.end + 2));
    let end = n.end + 1 + usize::from(second.is_some());
    let amount = second.map_or_else(|| format!("0.{}", n.text), |d| format!("0.{}{d}", n.text));
    Some((without_zeros(&amount) + "元", end))
}

#[cfg(test)]
mod tests {
    use clipmill_domain::source::Language;

    use super::super::text_tokens;

    fn form(text: &str) -> String {
        text_tokens(text, Language::Zh).concat()
    }

    #[test]
    fn spoken_and_written_are_one() {
        for (spoken, written, common) in [
            ("百分之五十五的亚麻，", "55%的亞麻", "55%的亚麻"),
            ("粉丝价八十九块九，两件一百六十九。", "粉絲價89块9 2件169", "粉丝价89.9元2件169"),
            ("八十九块九两件", "89块92件", "89.9元2件"),
            ("三块钱十二个", "3块12个", "3元12个"),
            ("八十九块九", "¥89.90", "89.9元"),
            ("八十九块九毛", "89.9元", "89.9元"),
            ("八十九块九毛九", "89.99元", "89.99元"),
            ("九毛九", "0.99元", "0.99元"),
            ("再减十块，一百零九", "再减10块，109", "再减10元109"),
            ("十块钱三个", "10元3个", "10元3个"),
            ("二十二点五瓦", "22.5W", "22.5瓦"),
            ("两百克", "200g", "200克"),
            ("八点五折", "八五折", "85折"),
            ("三，二，一，上车！", "3 2 1 上车", "321上车"),
            ("三C认证", "3c 認證", "3c认证"),
            ("百分之百", "100％", "100%"),
            ("两百五", "250", "250"),
            ("一万毫安", "10,000毫安", "10000毫安"),
            ("晚上八点还有一场", "晚上8点还有1场", "晚上8点还有1场"),
            ("千万不要，百搭", "千萬不要百搭", "千万不要百搭"),
        ] {
            assert_eq!(form(spoken), common, "{spoken}");
            assert_eq!(form(written), common, "{written}");
        }
    }
}
