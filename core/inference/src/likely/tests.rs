use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// Words, their sound and how often they are said in ten thousand words: written for these tests.
const WORDS: &str = "\
充电宝 chong1'dian4'bao3 20
面料 mian4'liao4 60
舒服 shu1'fu2 60
裤腰 ku4'yao1 10
班主任 ban1'zhu3'ren4 20
保质期 bao3'zhi4'qi1 20
链接 lian4'jie1 60
这 zhe4 300
个 ge4 300
的 de 500
是 shi4 400
很 hen3 200
充 chong1 5
冲 chong1 5
电 dian4 10
宝 bao3 5
保 bao3 5
报 bao4 5
面 mian4 20
料 liao4 5
廖 liao4 1
舒 shu1 1
书 shu1 30
服 fu2 3
福 fu2 5
裤 ku4 2
库 ku4 2
腰 yao1 5
耀 yao4 1
班 ban1 5
颁 ban1 1
主 zhu3 5
住 zhu4 10
任 ren4 5
人 ren2 50
质 zhi4 3
制 zhi4 3
期 qi1 5
七 qi1 20
链 lian4 2
恋 lian4 2
接 jie1 10
街 jie1 10
";

#[derive(Debug)]
struct Counts(HashMap<String, f32>);

impl Language for Counts {
    type State = ();

    fn start(&self) {}

    fn next(&self, (): &(), word: &str) -> (f32, ()) {
        ((self.0.get(word).copied().unwrap_or(0.01) / 10_000.0).ln(), ())
    }
}

fn likely() -> Likely<Counts> {
    let counts = WORDS.lines().map(|l| {
        let parts: Vec<_> = l.split(' ').collect();
        (parts[0].to_owned(), parts[2].parse().unwrap())
    });
    Likely::new(Dictionary::parse(WORDS).unwrap(), Counts(counts.collect()))
}

fn words(text: &str, p: f32) -> Vec<RecognizedWord> {
    let mut out: Vec<RecognizedWord> = vec![];
    for c in text.chars() {
        let start_s = out.len() as f64 / 4.0;
        match out.last_mut() {
            Some(w) if !c.is_alphanumeric() => w.text.push(c),
            _ => out.push(RecognizedWord {
                text: c.to_string(),
                start_s,
                end_s: start_s + 0.25,
                p,
                mended: None,
            }),
        }
    }
    out
}

fn repaired(text: &str, p: f32) -> String {
    likely().repair(&words(text, p)).iter().map(|w| w.text.as_str()).collect()
}

#[test]
fn what_sounds_right_and_reads_wrong_is_put_right() {
    assert_eq!(repaired("这个充电保，面廖很舒福", 0.5), "这个充电宝，面料很舒服");
    assert_eq!(repaired("库耀", 0.4), "裤腰");
    // Another initial, another tone.
    assert_eq!(repaired("班住任", 0.4), "班主任");
}

#[test]
fn a_changed_word_keeps_its_time_its_mark_and_what_was_heard() {
    let heard = words("充电保，5很", 0.5);
    let out = likely().repair(&heard);
    assert_eq!(out[2].text, "宝，");
    assert_eq!(out[2].mended, Some(Mended { heard: "保，".into(), by: MendedBy::Likelihood }));
    assert_eq!(out[0], heard[0]);
    assert_eq!((out[3].text.as_str(), out[4].text.as_str()), ("5", "很"));
}

#[test]
fn what_somebody_put_right_stays() {
    let mut heard = words("充电保", 0.3);
    heard[2].mended = Some(Mended { heard: "宝".into(), by: MendedBy::Operator });
    assert_eq!(likely().repair(&heard), heard);
}

#[test]
fn the_surer_the_recogniser_the_less_is_changed() {
    assert_eq!(repaired("充电保", 0.5), "充电宝");
    assert_eq!(repaired("充电保", 0.99), "充电保");
}

#[test]
fn a_line_that_is_no_entry_is_named() {
    assert_eq!(Dictionary::parse("面料 mian4'liao4\n面料 mian4").unwrap_err().line, 2);
    assert_eq!(Dictionary::parse("面料").unwrap_err().line, 1);
}

proptest! {
    /// Whatever is said: as many words, at the same times, and only single Chinese characters differ.
    #[test]
    fn words_and_times_stay(text in "[充电宝保报面料廖舒书福裤库腰耀a5，。]{0,24}", p in 0.0f32..1.0) {
        let heard = words(&text, p);
        let out = likely().repair(&heard);
        prop_assert_eq!(out.len(), heard.len());
        for (a, b) in heard.iter().zip(&out) {
            prop_assert_eq!((a.start_s, a.end_s, a.p), (b.start_s, b.end_s, b.p));
            prop_assert_eq!(&a.text[first(a).len_utf8()..], &b.text[first(b).len_utf8()..]);
            prop_assert_eq!(a.text != b.text, b.mended.is_some());
            prop_assert!(a.text == b.text || (is_han(first(a)) && is_han(first(b))));
        }
    }

    /// Nothing is changed where the recogniser was sure.
    #[test]
    fn what_is_sure_stays(text in "[充电宝保报面料廖舒书福裤库腰耀a5，。]{0,24}", p in 0.981f32..1.0) {
        let heard = words(&text, p);
        prop_assert_eq!(likely().repair(&heard), heard);
    }

    /// A sentence of words, each hit by one other character of the same sound, comes back.
    #[test]
    fn other_characters_of_the_same_sound_are_mostly_restored(which in prop::collection::vec((0usize..7, 0usize..3), 1..6)) {
        const SAID: [(&str, &str); 7] = [
            ("充电宝", "冲电保"), ("面料", "面廖"), ("舒服", "书福"), ("裤腰", "库耀"),
            ("班主任", "颁主任"), ("保质期", "报制期"), ("链接", "恋街"),
        ];
        let mut said = String::new();
        let mut heard = vec![];
        for (word, place) in &which {
            let (right, wrong) = SAID[*word];
            let place = place % right.chars().count();
            for (i, (r, w)) in right.chars().zip(wrong.chars()).enumerate() {
                said.push(r);
                let (c, p) = if i == place { (w, 0.4) } else { (r, 0.8) };
                heard.extend(words(&c.to_string(), p));
            }
        }
        let out: String = likely().repair(&heard).iter().map(|w| w.text.as_str()).collect();
        let wrong = said.chars().zip(out.chars()).filter(|(a, b)| a != b).count();
        prop_assert!(wrong * 5 <= which.len(), "{} for {}", out, said);
    }
}
