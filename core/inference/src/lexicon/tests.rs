//! Terms said in sentences, right and wrong; independent truth: the sentence that was said.

use clipmill_domain::{Id as _, LexiconEntryId, WallTime};
use pinyin::ToPinyin;
use proptest::prelude::*;

use super::*;
use crate::asr::RecognizedWord;

pub(super) fn entry(term: &str, aliases: &[&str], misheard: &[&str]) -> LexiconEntry {
    let all = |t: &[&str]| t.iter().map(|t| (*t).to_owned()).collect();
    LexiconEntry {
        id: LexiconEntryId::new_at(WallTime::from_millis(0)),
        source_id: None,
        language: None,
        term: term.into(),
        aliases: all(aliases),
        misheard: all(misheard),
        entered_by: "test".into(),
        entered_at: WallTime::from_millis(0),
    }
}

/// The words of a text, a fifth of a second each.
pub(super) fn said(text: &str, p: f32) -> Vec<RecognizedWord> {
    (0i32..)
        .zip(rewrite::pieces(text))
        .map(|(i, text)| {
            let start_s = f64::from(i) * 0.2;
            RecognizedWord { text, start_s, end_s: start_s + 0.2, p, mended: None }
        })
        .collect()
}

pub(super) fn text_of(words: &[RecognizedWord]) -> String {
    join_words(words.iter().map(|w| w.text.as_str()))
}

const TERMS: [&str; 18] = [
    "针织开衫",
    "莫代尔",
    "桑蚕丝",
    "樱花粉",
    "抹茶绿",
    "马齿苋",
    "角鲨烷",
    "玻尿酸",
    "依克多因",
    "磁吸充电宝",
    "冰川蓝",
    "三C认证",
    "运费险",
    "亚麻阔腿裤",
    "氨基酸洁面",
    "水分测试笔",
    "AeonGlow",
    "ceramide",
];

fn lexicon() -> Lexicon {
    Lexicon::new(&TERMS.map(|t| entry(t, &[], &[])), &[])
}

fn repaired(text: &str, p: f32) -> String {
    text_of(&lexicon().repair(&said(text, p)).words)
}

#[test]
fn terms_are_found_by_their_sound() {
    assert_eq!(repaired("主打成分是马尺线和角杀丸", 0.6), "主打成分是马齿苋和角鲨烷");
    assert_eq!(repaired("先看这件真汁开山,成分", 0.6), "先看这件针织开衫,成分");
    assert_eq!(repaired("三溪认证齐全", 0.6), "三C认证齐全");
    assert_eq!(repaired("this is the eon glow serum", 0.5), "this is the AeonGlow serum");
    assert_eq!(repaired("with see ramide inside.", 0.5), "with ceramide inside.");
    assert_eq!(repaired("这个 Aeon Glow 精华", 0.9), "这个AeonGlow精华");
}

#[test]
fn right_and_ordinary_text_stays() {
    for line in [
        "家人们中午好欢迎走进小棠的直播间",
        "亚麻阔腿裤和针织开衫一起拍",
        "日常价一百三十八今天粉丝价八十九块九两件一百六十九",
        "你看它的颜色是真的开心",
        "我号链接点进去直接提交订单就可以",
        "I see it in the morning and I do love the glow",
        "what a great deal for the three of us",
    ] {
        assert_eq!(repaired(line, 0.9), line);
    }
}

#[test]
fn a_repair_keeps_times_and_says_what_was_heard() {
    let before = said("有孕费嫌,收到", 0.6);
    let after = lexicon().repair(&before);
    assert_eq!((text_of(&after.words), after.mended), ("有运费险,收到".to_owned(), 1));
    let heard: Vec<_> =
        after.words.iter().map(|w| w.mended.as_ref().map(|m| (m.heard.as_str(), m.by))).collect();
    let by = MendedBy::Sound;
    assert_eq!(heard[..4], [None, Some(("孕费嫌,", by)), Some(("", by)), Some(("", by))]);
    for (a, b) in before.iter().zip(&after.words) {
        assert_eq!((a.start_s, a.end_s, a.p), (b.start_s, b.end_s, b.p));
    }
    assert_eq!(lexicon().repair(&after.words).words, after.words, "a second time changes nothing");
    // Two words in place of one, and the other way.
    let spread = lexicon().repair(&said("the eon glow", 0.5)).words;
    assert!((spread[1].start_s - 0.2).abs() < 1e-9 && (spread[1].end_s - 0.6).abs() < 1e-9, "{spread:?}");
}

#[test]
fn rules_are_letter_for_letter_longest_first_and_whole_words() {
    let lexicon =
        Lexicon::new(&[entry("小棠家", &[], &["小糖", "小糖家"]), entry("AeonGlow", &[], &["eon"])], &[]);
    let ruled = |t: &str| {
        let (words, count) = lexicon.ruled(&said(t, 0.99));
        (text_of(&words), count)
    };
    assert_eq!(ruled("欢迎来小糖家,小糖好"), ("欢迎来小棠家,小棠家好".to_owned(), 2));
    assert_eq!(ruled("an Eon of neon"), ("an AeonGlow of neon".to_owned(), 1));
    let mut edited = said("小糖", 0.9);
    edited[0].mended =
        Some(clipmill_domain::transcript::Mended { heard: "小".into(), by: MendedBy::Operator });
    assert_eq!(lexicon.ruled(&edited).1, 0, "what a person has written stays");
}

/// Frames in which a host says a term.
const FRAMES: [(&str, &str); 5] = [
    ("我们先来看一下这个", "喜欢的姐妹直接拍"),
    ("今天主推的是", ""),
    ("", "已经没有了"),
    ("大家都在问", "什么时候上"),
    ("这款有", "也有别的"),
];

/// Characters of many sounds, for making homophones.
const COMMON: &str = "真针贞镇指之只值织凯开慨删山杉衫墨莫末带代待袋尔耳二桑嗓蚕残惨丝私思四英应樱花华画粉份分抹茶查叉绿率律马\
    码妈齿尺吃迟现线先县角脚饺较杀沙纱傻完玩晚碗波玻剥尿鸟溺酸算蒜一依衣医科克客课多朵躲因音引阴此词次磁西吸希息冲充\
    虫电店点殿保宝包报冰病兵并穿川传船蓝兰拦南运云孕晕费飞非肥险现显鲜压亚牙鸦麻妈吗骂括扩阔腿推退库裤苦安氨按暗机基鸡记洁\
    节姐借面棉免水睡分份测册试是事笔比必";

fn homophone(c: char, pick: usize) -> char {
    let sound = |c: char| c.to_pinyin().map(|p| p.plain());
    let same: Vec<char> = COMMON.chars().filter(|o| sound(*o) == sound(c)).collect();
    if same.is_empty() { c } else { same[pick % same.len()] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A term of three characters or more, written with other characters of the same sound, is restored.
    #[test]
    fn homophones_of_a_term_become_the_term(
        term in 0..16usize, frame in 0..FRAMES.len(), picks in prop::collection::vec(0..50usize, 8), p in 0.2f32..0.8,
    ) {
        let (term, (before, after)) = (TERMS[term], FRAMES[frame]);
        let heard: String = term.chars().zip(picks).map(|(c, pick)| homophone(c, pick)).collect();
        prop_assert_eq!(repaired(&format!("{before}{heard}{after}"), p), format!("{before}{term}{after}"));
    }

    /// Whatever is recognised, every word's time stays in order and inside, and nothing is lost without a trace.
    #[test]
    fn repairs_lose_nothing(text in "[真指开山马尺线的好,，。3C aeonglw]{0,40}", p in 0.0f32..1.0) {
        let before = said(&text, p);
        let after = lexicon().repair(&before).words;
        prop_assert!(after.windows(2).all(|w| w[0].start_s <= w[1].start_s && w[0].end_s <= w[1].end_s + 1e-9));
        let heard: String = after.iter().map(SpokenWord::heard).collect();
        let plain = |t: &str| t.replace(' ', "");
        prop_assert_eq!(plain(&heard), plain(&text_of(&before)));
    }
}
