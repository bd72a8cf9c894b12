//! How Chinese sounds: syllables, and how far apart two of them are to an ear (and to a recogniser). Pure.

use pinyin::{Pinyin, ToPinyin, ToPinyinMulti};

/// A syllable of Mandarin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syllable {
    /// What it begins with; empty where it begins with a vowel.
    initial: &'static str,
    /// The rest, in one spelling whatever it begins with: `yan` is `ian`, `wei` is `ui`, `ju` is `j` and `v`.
    rest: &'static str,
    /// 1 to 4, 5 for the neutral tone, 0 where it has none that is known.
    tone: u8,
}

/// What a character can sound like, the usual way first; empty for one that has no sound of its own.
pub type Readings = Vec<Syllable>;

/// More readings than this are scholars' business.
const READINGS_MAX: usize = 3;

/// What `c` sounds like in Chinese: a Chinese character, a digit, or a Latin letter by its name.
pub fn readings(c: char) -> Readings {
    if let Some(spoken) = name_of(c) {
        return spoken.to_pinyin().flatten().next().map(syllable).into_iter().collect();
    }
    let Some(usual) = c.to_pinyin() else { return vec![] };
    let mut out = vec![syllable(usual)];
    for other in c.to_pinyin_multi().into_iter().flatten().map(syllable) {
        let known = out.iter().any(|s| (s.initial, s.rest) == (other.initial, other.rest));
        if !known && out.len() < READINGS_MAX {
            out.push(other);
        }
    }
    out
}

/// A character that sounds like the digit or letter `c`, where one syllable says it.
fn name_of(c: char) -> Option<&'static str> {
    Some(match c.to_ascii_lowercase() {
        '0' => "零",
        '1' => "一",
        '2' => "二",
        '3' => "三",
        '4' => "四",
        '5' => "五",
        '6' => "六",
        '7' => "七",
        '8' => "八",
        '9' => "九",
        'a' => "诶",
        'b' => "逼",
        'c' => "西",
        'd' => "弟",
        'e' => "一",
        'g' => "鸡",
        'i' => "爱",
        'j' => "街",
        'k' => "开",
        'n' => "恩",
        'o' => "欧",
        'p' => "批",
        'q' => "秋",
        'r' => "啊",
        't' => "踢",
        'u' => "优",
        'v' => "微",
        'y' => "歪",
        'z' => "贼",
        _ => return None,
    })
}

fn syllable(p: Pinyin) -> Syllable {
    let tone =
        p.with_tone_num_end().chars().next_back().and_then(|c| c.to_digit(10)).map_or(5, |t| t.min(5) as u8);
    let plain = p.plain();
    let (initial, rest) = parts(plain);
    Syllable { initial, rest, tone }
}

const INITIALS: [&str; 21] = [
    "zh", "ch", "sh", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x", "r", "z", "c",
    "s",
];

fn parts(plain: &'static str) -> (&'static str, &'static str) {
    let initial = INITIALS.into_iter().find(|i| plain.starts_with(i)).unwrap_or("");
    let rest = &plain[initial.len()..];
    let rest = match (initial, rest) {
        ("", "yi") => "i",
        ("", "ya") => "ia",
        ("", "ye") => "ie",
        ("", "yao") => "iao",
        ("", "you") => "iu",
        ("", "yan") => "ian",
        ("", "yin") => "in",
        ("", "yang") => "iang",
        ("", "ying") => "ing",
        ("", "yong") => "iong",
        ("", "yo") => "uo",
        ("", "yu") | ("j" | "q" | "x", "u") => "v",
        ("", "yue") | ("j" | "q" | "x", "ue") => "ve",
        ("", "yuan") | ("j" | "q" | "x", "uan") => "van",
        ("", "yun") | ("j" | "q" | "x", "un") => "vn",
        ("", "wu") => "u",
        ("", "wa") => "ua",
        ("", "wo") => "uo",
        ("", "wai") => "uai",
        ("", "wei") => "ui",
        ("", "wan") => "uan",
        ("", "wen") => "un",
        ("", "wang") => "uang",
        ("", "weng") => "ong",
        ("zh" | "ch" | "sh" | "r" | "z" | "c" | "s", "i") => "~",
        (_, "ü") => "v",
        (_, "üe") => "ve",
        (_, rest) => rest,
    };
    (initial, rest)
}

/// Initials that accents and recognisers mix up, and how far apart they are.
const NEAR_INITIALS: [(&str, &str, f32); 24] = [
    ("zh", "z", 0.1),
    ("ch", "c", 0.1),
    ("sh", "s", 0.1),
    ("n", "l", 0.2),
    ("f", "h", 0.25),
    ("r", "l", 0.25),
    ("r", "", 0.35),
    ("b", "p", 0.3),
    ("d", "t", 0.3),
    ("g", "k", 0.3),
    ("j", "q", 0.3),
    ("zh", "ch", 0.3),
    ("z", "c", 0.3),
    ("zh", "j", 0.35),
    ("ch", "q", 0.35),
    ("sh", "x", 0.35),
    ("x", "s", 0.35),
    ("q", "x", 0.35),
    ("ch", "sh", 0.35),
    ("c", "s", 0.35),
    ("m", "n", 0.4),
    ("k", "h", 0.4),
    ("g", "h", 0.4),
    ("b", "m", 0.5),
];

/// The same for what follows.
const NEAR_RESTS: [(&str, &str, f32); 30] = [
    ("an", "ang", 0.1),
    ("en", "eng", 0.1),
    ("in", "ing", 0.1),
    ("ian", "iang", 0.1),
    ("uan", "uang", 0.1),
    ("un", "ong", 0.2),
    ("eng", "ong", 0.2),
    ("o", "uo", 0.05),
    ("o", "e", 0.3),
    ("uo", "e", 0.3),
    ("uo", "ou", 0.35),
    ("u", "ou", 0.3),
    ("u", "v", 0.3),
    ("i", "v", 0.3),
    ("i", "~", 0.2),
    ("e", "~", 0.25),
    ("ie", "ve", 0.3),
    ("ian", "van", 0.25),
    ("in", "vn", 0.25),
    ("ai", "ei", 0.35),
    ("ao", "ou", 0.35),
    ("iao", "iu", 0.35),
    ("ui", "ei", 0.15),
    ("iao", "ia", 0.35),
    ("ao", "a", 0.35),
    ("ia", "a", 0.35),
    ("uan", "an", 0.3),
    ("uang", "ang", 0.3),
    ("un", "en", 0.25),
    ("iu", "ou", 0.3),
];

/// A tone that differs: recognisers get tones wrong as often as characters.
const OTHER_TONE: f32 = 0.06;
/// A reading that is not the usual one.
const OTHER_READING: f32 = 0.08;

fn near(table: &[(&str, &str, f32)], a: &str, b: &str) -> f32 {
    if a == b {
        return 0.0;
    }
    table.iter().find(|(x, y, _)| (*x, *y) == (a, b) || (*y, *x) == (a, b)).map_or(0.7, |(.., d)| *d)
}

impl Syllable {
    /// 0 for the same sound whatever the tone, 1 for sounds that nobody mixes up.
    pub fn apart(self, other: Self) -> f32 {
        (near(&NEAR_INITIALS, self.initial, other.initial) + near(&NEAR_RESTS, self.rest, other.rest))
            .min(1.0)
    }

    fn apart_with_tone(self, other: Self) -> f32 {
        let tone = self.tone != 0 && other.tone != 0 && self.tone != other.tone;
        (self.apart(other) + if tone { OTHER_TONE } else { 0.0 }).min(1.0)
    }
}

/// How far apart two characters sound at their likeliest readings, 0 to 1; 1 where one has no sound.
pub fn apart(a: &[Syllable], b: &[Syllable]) -> f32 {
    let mut best = 1.0f32;
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            let unusual = f32::from(u8::from(i > 0) + u8::from(j > 0)) * OTHER_READING;
            best = best.min(x.apart_with_tone(*y) + unusual);
        }
    }
    best
}

/// Whether two characters are taken for each other by many speakers and recognisers: the same syllable in any tone, or
/// one that differs as zh and z, n and l, an and ang do.
pub fn alike(a: &[Syllable], b: &[Syllable]) -> bool {
    a.iter().any(|x| b.iter().any(|y| x.apart(*y) <= ALIKE))
}

/// Two common confusions at once are still alike (zhang, zan), a wrong aspiration is not.
const ALIKE: f32 = 0.26;

#[cfg(test)]
mod tests {
    use super::*;

    fn between(a: char, b: char) -> f32 {
        apart(&readings(a), &readings(b))
    }

    #[test]
    fn homophones_are_near_and_strangers_far() {
        assert!(between('宝', '保') < 0.01);
        assert!(between('霜', '双') < 0.01);
        assert!(between('腰', '耀') < 0.1, "another tone");
        assert!(between('纱', '撒') < 0.2 && between('蓝', '南') < 0.3 && between('帆', '方') < 0.2);
        assert!(between('霜', '面') > 0.9);
        assert!(between('马', '一') > 0.9);
        assert!(between('长', '常') < 0.1 && between('长', '掌') < 0.2, "both readings of 长");
        assert!(between('3', '三') < 0.01 && between('C', '系') < 0.2);
        assert!(between('女', '旅') < 0.3 && between('远', '院') < 0.1);
        assert!((between('，', '好') - 1.0).abs() < f32::EPSILON);
    }

    #[test]
    fn alike_is_the_same_both_ways() {
        let all: Vec<_> = "充电宝马齿苋角鲨烷玻尿酸莫代尔亚麻针织开衫冰川蓝".chars().map(readings).collect();
        for a in &all {
            assert!(alike(a, a) && apart(a, a) < 1e-6);
            for b in &all {
                assert_eq!(alike(a, b), alike(b, a));
                assert!((apart(a, b) - apart(b, a)).abs() < 1e-6);
            }
        }
    }
}
