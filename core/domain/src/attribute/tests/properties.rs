use proptest::prelude::*;

use super::*;

/// Texts of the words that values are made of, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let words = vec![
        "百分之五十五",
        "的",
        "亚麻",
        "莫代尔",
        "九五",
        "白鹅绒",
        "棉",
        "没有",
        "不是",
        "有没有",
        "像",
        "一样",
        "原价",
        "到手",
        "只要",
        "八十九块九",
        "两件",
        "一百六十九",
        "再减",
        "十块",
        "打八折",
        "买二送一",
        "包邮",
        "均码",
        "S",
        "到",
        "XXL",
        "码",
        "八十",
        "一百二十五斤",
        "一米六五",
        "抹茶绿",
        "黑色",
        "深",
        "蓝",
        "色",
        "黑白灰",
        "颜色",
        "只剩",
        "二十二件",
        "个",
        "七天",
        "无理由",
        "质保",
        "今晚",
        "十二点",
        "截止",
        "月",
        "号",
        "内发货",
        "，",
        "。",
        "？",
        "、",
        "70%",
        " linen",
        " cotton ",
        "sage green",
        " black",
        " no ",
        " not only ",
        "sold out",
        " and ",
        " size ",
        "small",
        "one size",
        " two-year ",
        "warranty",
        "until ",
        "midnight",
        "8 pm",
        "$19.99",
        " for ",
        "thirty percent off",
        "free",
        "was ",
        "only ",
        "left",
        "é",
        "😀",
        "’",
        "\n",
        "1",
        "9",
        ".",
        ",",
        "-",
        " ",
    ];
    prop::collection::vec(prop::sample::select(words), 0..24).prop_map(|w| w.join(""))
}

/// Every value keeps its words letter for letter, in the order said, and invents none of them.
fn well_formed(text: &str) {
    for language in [Language::Zh, Language::En] {
        let mut from = 0;
        for a in attributes(text, language, 3) {
            let at = text[from..].find(&a.raw).map(|i| from + i);
            let at = at.unwrap_or_else(|| panic!("{text:?}: {a:?} was not said after byte {from}"));
            from = at + a.raw.len();
            assert!(!a.raw.is_empty() && text.contains(&a.what), "{text:?} {a:?}");
            assert!(a.amount.is_none_or(|v| v.is_finite() && v >= 0.0), "{text:?} {a:?}");
            assert!(a.amount.is_some() || a.unit.is_empty() && a.to.is_none(), "{text:?} {a:?}");
            assert_eq!(a.utterance, 3);
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_letter_for_letter(text in any::<String>()) {
        well_formed(&text);
    }

    #[test]
    fn any_words_of_the_trade_are_read_letter_for_letter(text in pieces()) {
        well_formed(&text);
    }

    #[test]
    fn a_denied_colour_is_never_offered(colour in prop::sample::select(vec!["黑色", "抹茶绿", "米白", "雾霾蓝", "焦糖色"])) {
        for text in [format!("没有{colour}"), format!("{colour}没有了"), format!("有没有{colour}"), format!("不是{colour}的")] {
            prop_assert!(attributes(&text, Language::Zh, 0).is_empty(), "{}", text);
        }
        prop_assert_eq!(attributes(&format!("有{colour}"), Language::Zh, 0).len(), 1);
    }
}
