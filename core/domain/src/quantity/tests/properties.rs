use proptest::prelude::*;

use super::*;
use crate::quantity::Number;

/// Writes a whole number below 10^8 as it is spoken in full.
fn spoken_zh(n: u32) -> String {
    const DIGITS: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    fn section(n: u32, leading: bool) -> String {
        let mut out = String::new();
        let mut gap = false;
        for (power, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
            let d = n / power % 10;
            if d == 0 {
                gap = !out.is_empty() || leading;
                continue;
            }
            if gap {
                out.push('零');
                gap = false;
            }
            if !(d == 1 && power == 10 && out.is_empty() && !leading) {
                out.push_str(DIGITS[d as usize]);
            }
            out.push_str(name);
        }
        out
    }
    match (n / 10_000, n % 10_000) {
        (0, 0) => "零".to_owned(),
        (0, low) => section(low, false),
        (high, 0) => format!("{}万", section(high, false)),
        (high, low) => {
            let zero = if low < 1000 { "零" } else { "" };
            format!(
                "{}万{zero}{}",
                section(high, false),
                section(low, false).replacen("十", if (10..20).contains(&low) { "一十" } else { "十" }, 1)
            )
        }
    }
}

/// Writes a whole number below 10^9 in English words.
fn spoken_en(n: u32, and: bool) -> String {
    const ONES: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] =
        ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let join = |a: String, b: u32, word: &str| match b {
        0 => a,
        b if and && b < 100 => format!("{a} and {}", spoken_en(b, and)),
        b => format!("{a}{word}{}", spoken_en(b, and)),
    };
    match n {
        0..20 => ONES[n as usize].to_owned(),
        20..100 if n.is_multiple_of(10) => TENS[(n / 10) as usize].to_owned(),
        20..100 => format!("{}-{}", TENS[(n / 10) as usize], ONES[(n % 10) as usize]),
        100..1_000 => join(format!("{} hundred", ONES[(n / 100) as usize]), n % 100, " "),
        1_000..1_000_000 => join(format!("{} thousand", spoken_en(n / 1_000, and)), n % 1_000, " "),
        _ => join(format!("{} million", spoken_en(n / 1_000_000, and)), n % 1_000_000, " "),
    }
}

fn one(text: &str, language: Language) -> (Number, Unit) {
    let found = quantities(text, language);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    (found[0].value, found[0].unit.clone())
}

fn whole(n: u32) -> Number {
    Number::small(n)
}

/// Texts of the characters that numbers are made of, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let words = vec![
        "零",
        "一",
        "二",
        "两",
        "三",
        "五",
        "九",
        "十",
        "百",
        "千",
        "万",
        "亿",
        "点",
        "半",
        "块",
        "毛",
        "元",
        "分",
        "折",
        "成",
        "件",
        "个",
        "第",
        "买",
        "送",
        "满",
        "减",
        "百分之",
        "号链接",
        "链接",
        "码",
        "斤",
        "米",
        "到手",
        "价",
        "0",
        "1",
        "89",
        "9",
        ".",
        ",",
        "%",
        "$",
        "¥",
        " ",
        "-",
        "k",
        "K",
        "W",
        "one",
        "two",
        "nine",
        "twenty",
        "ninety",
        "hundred",
        "thousand",
        "million",
        "and",
        "a",
        "half",
        "point",
        "dollars",
        "cents",
        "for",
        "buy",
        "get",
        "off",
        "percent",
        "dozen",
        "hour",
        "price",
        "é",
        "😀",
        "\n",
        "９",
    ];
    prop::collection::vec(prop::sample::select(words), 0..24).prop_map(|w| w.join(""))
}

fn well_formed(text: &str) {
    for language in [Language::Zh, Language::En] {
        let mut from = 0;
        for q in quantities(text, language) {
            assert!(q.range.start >= from && q.range.start < q.range.end, "{text:?} {q:?}");
            assert!(text.is_char_boundary(q.range.start) && text.is_char_boundary(q.range.end), "{text:?}");
            assert_eq!(text[q.range.clone()], q.raw);
            assert!(q.value >= Number::ZERO, "{text:?} {q:?}");
            from = q.range.end;
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_harm(text in any::<String>()) {
        well_formed(&text);
    }

    #[test]
    fn any_number_words_are_read_without_harm(text in pieces(), spaced in any::<bool>()) {
        well_formed(&text);
        if spaced {
            well_formed(&text.chars().map(|c| format!("{c} ")).collect::<String>());
        }
    }

    #[test]
    fn a_price_said_in_chinese_keeps_its_value(yuan in 1_u32..100_000, tenths in 0_u32..10, form in 0..4) {
        let name = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
        let tail = if tenths == 0 { "钱" } else { name[tenths as usize] };
        let value = whole(yuan).plus(whole(tenths).over(10).unwrap()).unwrap();
        let text = match form {
            0 => format!("{}块{tail}", spoken_zh(yuan)),
            1 if tenths > 0 => format!("{}块{tail}毛", spoken_zh(yuan)),
            2 => format!("¥{yuan}.{tenths}"),
            _ => format!("{yuan}.{tenths}元"),
        };
        for text in [text.clone(), format!("今天{text}，家人们"), format!("现在只要{text}两件")] {
            let found = quantities(&text, Language::Zh);
            prop_assert_eq!(found[0].value, value, "{}", text);
            prop_assert_eq!(&found[0].unit, &Unit::Money(Some(Currency::Yuan)), "{}", text);
        }
    }

    #[test]
    fn a_measure_said_in_chinese_keeps_its_value(n in 0_u32..100_000_000, places in 1_u32..10) {
        prop_assert_eq!(one(&format!("{}克", spoken_zh(n)), Language::Zh).0, whole(n));
        prop_assert_eq!(one(&format!("{n}克"), Language::Zh).0, whole(n));
        let fraction = whole(n).plus(whole(places).over(10).unwrap()).unwrap();
        prop_assert_eq!(one(&format!("{}点{}克", spoken_zh(n), spoken_zh(places)), Language::Zh).0, fraction);
        prop_assert_eq!(one(&format!("{n}.{places}克"), Language::Zh).0, fraction);
    }

    #[test]
    fn an_amount_said_in_english_keeps_its_value(n in 1_u32..1_000_000_000, cents in 1_u32..100, and in any::<bool>()) {
        let dollars = Unit::Money(Some(Currency::Dollar));
        let said = spoken_en(n, and);
        prop_assert_eq!(one(&format!("{said} dollars"), Language::En), (whole(n), dollars.clone()));
        let value = whole(n).plus(whole(cents).over(100).unwrap()).unwrap();
        let text = format!("it is {said} dollars and {} cents today", spoken_en(cents, and));
        prop_assert_eq!(one(&text, Language::En), (value, dollars.clone()));
        prop_assert_eq!(one(&format!("${n}.{cents:02}"), Language::En), (value, dollars));
        prop_assert_eq!(one(&format!("{said} grams"), Language::En).0, whole(n));
    }

    /// Dollars and cents said as two numbers: either the very price or no money at all.
    #[test]
    fn two_numbers_are_the_right_price_or_none(a in 1_u32..1000, b in 1_u32..100) {
        let text = format!("{} {}", spoken_en(a, true), spoken_en(b, true));
        let meant = whole(a).plus(whole(b).over(100).unwrap()).unwrap();
        for q in quantities(&text, Language::En) {
            prop_assert!(!matches!(q.unit, Unit::Money(_)) || q.value == meant, "{} {:?}", text, q);
        }
    }
}
