use clipmill_domain::{Id as _, MediaTime, RecordingId, Span, UtteranceId, WallTime, quantity::quantities};
use proptest::prelude::*;

use super::*;
use crate::script::join_words;

/// Words one after the other; "|" is a pause of 400 ms, "'" one of 200 ms.
fn said(words: &[&str]) -> Utterance {
    let mut at = 0;
    let mut out: Vec<Word> = vec![];
    for w in words {
        match *w {
            "|" => at += 400_000,
            "'" => at += 200_000,
            text => {
                let (start, end) = (MediaTime::from_micros(at), MediaTime::from_micros(at + 200_000));
                out.push(Word { text: text.to_owned(), start, end, p: 0.9, mended: None });
                at += 200_000;
            }
        }
    }
    Utterance {
        id: UtteranceId::new_at(WallTime::from_millis(1)),
        recording_id: RecordingId::new_at(WallTime::from_millis(1)),
        seq: 0,
        span: Span::new(MediaTime::ZERO, MediaTime::from_micros(at + 1)).unwrap(),
        text: join_words(out.iter().map(|w| w.text.as_str())),
        words: out,
        made_by: String::new(),
        language: None,
        speaker: None,
        edited_at: None,
    }
}

/// Chinese by character, with pauses.
fn zh(text: &str) -> Utterance {
    let words: Vec<String> = text.chars().map(String::from).collect();
    said(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn shown(u: Utterance) -> String {
    let shown = punctuated(u);
    assert_eq!(
        join_words(shown.words.iter().map(|w| w.text.as_str())),
        shown.text,
        "words say what the text says"
    );
    shown.text
}

fn en(text: &str) -> String {
    shown(said(&text.split(' ').collect::<Vec<_>>()))
}

#[test]
fn a_chinese_sentence_gets_a_full_stop_and_commas_at_its_pauses() {
    assert_eq!(
        shown(zh("家人们中午好|欢迎'走进小棠的直播间|今天上新")),
        "家人们中午好，欢迎走进小棠的直播间，今天上新。"
    );
    assert_eq!(shown(zh("|面料很软|")), "面料很软。");
    assert_eq!(shown(zh("它的|面料很|软")), "它的，面料很软。", "no clause ends with 很");
    assert_eq!(shown(zh("面料|的手感")), "面料的手感。");
    assert_eq!(
        shown(zh("到手八十|九块九|两件一百|六十九|拍五号链接")),
        "到手八十九块九，两件一百六十九，拍五号链接。"
    );
    assert_eq!(shown(said(&["穿", "Air", "|", "Max", "|", "好", "看"])), "穿Air Max，好看。");
}

#[test]
fn marks_that_stand_become_wide_beside_chinese_only() {
    let text = |words: &[&str]| shown(said(words));
    assert_eq!(
        text(&["好,", "iPhone", "15,", "今", "天", "到", "手", "价:", "89.9,", "冲!"]),
        "好，iPhone 15，今天到手价：89.9，冲！"
    );
    assert_eq!(
        text(&["通", "过", "3C", "认", "证", "看", "https://x.com/a,b", "3:30", "1,299", "块."]),
        "通过3C认证看https://x.com/a,b 3:30 1,299块。"
    );
    assert_eq!(text(&["有", "支", "架,", "|", "也", "有?"]), "有支架，也有？");
    assert_eq!(text(&["好，", "还", "有，"]), "好，还有，", "it goes on");
    assert_eq!(text(&["充", "电", "80%"]), "充电80%。");
    assert_eq!(text(&["99"]), "99");
}

#[test]
fn what_surely_asks_gets_a_question_mark() {
    for asks in [
        "油皮可以用吗",
        "大家看到了没有",
        "有没有想要的宝宝扣个一|有没有",
        "这个多少钱",
        "我们怎么选呢",
        "几号链接呢",
        "还有什么",
        "颜色好不好看|对不对",
    ] {
        let got = shown(zh(asks));
        assert!(got.ends_with('？'), "{got}");
    }
    for says in [
        "什么都没有",
        "不知道多少",
        "要多少有多少",
        "还没有",
        "就剩几件",
        "还在看呢",
        "没什么",
        "大家喜欢就拍吧",
        "告诉我你要什么",
        "看看有没有",
        "无论什么颜色都有",
        "一点毛边都没有",
        "教大家怎么洗都不变形",
    ] {
        let got = shown(zh(says));
        assert!(got.ends_with('。'), "{got}");
    }
}

#[test]
fn english_gets_a_capital_and_its_closing_mark() {
    assert_eq!(en("hey everybody welcome back"), "Hey everybody welcome back.");
    assert_eq!(en("so what do you think"), "So what do you think?");
    assert_eq!(en("does it run small"), "Does it run small?");
    assert_eq!(en("how much is it"), "How much is it?");
    assert_eq!(en("it is soft isn't it"), "It is soft isn't it?");
    assert_eq!(en("Great. can you see the lining"), "Great. can you see the lining?");
    for says in [
        "what I love is the lining",
        "when you buy two you save",
        "how it works is simple",
        "do it like this",
        "don't worry",
        "have a look",
        "which is why it is warm",
        "should you need more",
        "what is great is the lining",
        "what a price",
        "is good",
    ] {
        assert!(en(says).ends_with('.'), "{says}");
    }
    assert_eq!(en("iPhone cases from 9.99"), "iPhone cases from 9.99.");
    assert_eq!(en("go to shop.com"), "go to shop.com", "nothing is put at an address");
    assert_eq!(en("and it's soft."), "and it's soft.", "the recogniser gave marks");
    assert_eq!(en("lined with fleece,"), "lined with fleece,");
}

#[test]
fn what_a_person_wrote_stays() {
    let mut u = zh("你好|再见");
    u.edited_at = Some(WallTime::from_millis(1));
    assert_eq!(punctuated(u.clone()), u);
}

#[test]
fn numbers_are_found_where_they_moved_to() {
    let u = said(&[
        "好,", "OK", "|", "今", "天", "|", "八", "十", "九", "块", "九", "|", "拍", "五", "号", "链", "接",
    ]);
    let (marks, shown) = (Marks::of(&u), punctuated(u.clone()));
    assert_eq!(shown.text, "好，OK，今天，八十九块九，拍五号链接。");
    let chars: Vec<char> = shown.text.chars().collect();
    let found: Vec<String> = quantities(&u.text, Language::Zh)
        .into_iter()
        .map(|q| chars[marks.moved(&u.text, q.range)].iter().collect())
        .collect();
    assert_eq!(found, ["八十九块九", "五号链接"]);
}

fn any_words() -> impl Strategy<Value = Vec<&'static str>> {
    let word = prop::sample::select(vec![
        "好",
        "的",
        "吗",
        "呢",
        "什么",
        "没有",
        "好,",
        "软:",
        "八",
        "十",
        "块",
        "两",
        "件",
        "半",
        "百",
        "分",
        "之",
        "89.9",
        "1,299",
        "3C",
        "3:30",
        "80%",
        "iPhone",
        "ok",
        "what",
        "is",
        "it",
        "it,",
        "right?",
        "shop.com/a",
        "\u{201d}",
        "好\u{201d}",
        "OK.",
        "，",
        "|",
        "|",
        "'",
        ",,",
        "...",
        "?!",
        "-",
    ]);
    prop::collection::vec(word, 0..24)
}

proptest! {
    #[test]
    fn letters_words_and_times_stay_and_once_is_enough(words in any_words(), zh: bool) {
        let before = Utterance { language: zh.then_some(Language::Zh), ..said(&words) };
        let after = punctuated(before.clone());
        let letters = |s: &str| s.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        prop_assert_eq!(letters(&after.text), letters(&before.text));
        prop_assert_eq!(after.words.len(), before.words.len());
        for (a, b) in after.words.iter().zip(&before.words) {
            prop_assert_eq!((a.start, a.end, letters(&a.text)), (b.start, b.end, letters(&b.text)));
        }
        let joined: String = after.words.iter().map(|w| w.text.as_str()).collect();
        prop_assert_eq!(joined.replace(' ', ""), after.text.replace(' ', ""));
        prop_assert_eq!(&punctuated(after.clone()), &after);

        let chars: Vec<char> = after.text.chars().collect();
        let marks = Marks::of(&before);
        for q in quantities(&before.text, Language::Zh) {
            let there: String = chars[marks.moved(&before.text, q.range.clone())].iter().collect();
            prop_assert_eq!(letters(&there), letters(&before.text[q.range]));
        }
    }
}
