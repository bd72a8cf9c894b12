use clipmill_domain::MediaTime;
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
春药 chun1'yao4 90
蠢 chun3 1
放屁 fang4'pi4 60
放 fang4 20
屁 pi4 60
防 fang2 5
皮 pi2 5
";

/// The n-grams that those counts make, without pairs.
fn ngrams() -> String {
    let mut out = "\\1-grams:\n-6\t<unk>\n".to_owned();
    for line in WORDS.lines() {
        let parts: Vec<_> = line.split(' ').collect();
        let log = (parts[2].parse::<f32>().unwrap() / 10_000.0).log10();
        out.push_str(&format!("{log}\t{}\n", parts[0]));
    }
    out + "\\2-grams:\n\\end\\\n"
}

fn likely() -> Likely {
    Likely::from_text(WORDS.as_bytes(), ngrams().as_bytes()).unwrap()
}

fn words(text: &str, p: f32) -> Vec<Word> {
    let mut out: Vec<Word> = vec![];
    for c in text.chars() {
        let start_s = out.len() as f64 / 4.0;
        match out.last_mut() {
            Some(w) if !c.is_alphanumeric() => w.text.push(c),
            _ => out.push(Word {
                text: c.to_string(),
                start: MediaTime::from_seconds(start_s),
                end: MediaTime::from_seconds(start_s + 0.25),
                p,
                mended: None,
            }),
        }
    }
    out
}

fn after(words: &[Word]) -> Vec<Word> {
    let mut out = words.to_vec();
    likely().repair(&mut out);
    out
}

fn repaired(text: &str, p: f32) -> String {
    after(&words(text, p)).iter().map(|w| w.text.as_str()).collect()
}

#[test]
fn what_sounds_right_and_reads_wrong_is_put_right() {
    assert_eq!(repaired("这个充电保，面廖很舒福", 0.5), "这个充电宝，面料很舒服");
    // Another initial, another tone.
    assert_eq!(repaired("班住任", 0.4), "班主任");
}

#[test]
fn an_ugly_word_is_not_brought_in_and_stays_where_it_was_said() {
    // By itself "屁" is the likelier word too: two words make what one may not.
    for heard in ["蠢耀", "防皮", "放皮", "这个面料很放皮"] {
        assert_eq!(repaired(heard, 0.4), heard);
    }
    assert_eq!(repaired("放屁，充电保", 0.4), "放屁，充电宝");
}

#[test]
fn a_changed_word_keeps_its_time_its_mark_and_what_was_heard() {
    let heard = words("充电保，5很", 0.5);
    let out = after(&heard);
    assert_eq!(out[2].text, "宝，");
    assert_eq!(out[2].mended, Some(Mended { heard: "保，".into(), by: MendedBy::Likelihood }));
    assert_eq!(out[0], heard[0]);
    assert_eq!((out[3].text.as_str(), out[4].text.as_str()), ("5", "很"));
}

/// Two wrong characters among ones that are sure, and by themselves.
#[test]
fn doubt_about_the_words_around_is_doubt_about_a_repair() {
    let said = |sure: f32| {
        let mut heard = words("这个面料的", sure);
        heard.extend(words("书福", 0.2));
        after(&heard).iter().map(|w| w.text.as_str()).collect::<String>()
    };
    assert_eq!(said(0.97), "这个面料的舒服");
    assert_eq!(said(0.2), "这个面料的书福");
}

#[test]
fn what_somebody_put_right_stays() {
    let mut heard = words("充电保", 0.3);
    heard[2].mended = Some(Mended { heard: "宝".into(), by: MendedBy::Operator });
    assert_eq!(after(&heard), heard);
}

#[test]
fn the_surer_the_recogniser_the_less_is_changed() {
    assert_eq!(repaired("充电保", 0.5), "充电宝");
    assert_eq!(repaired("充电保", 0.99), "充电保");
}

const MODEL: &str = "\\data\\\nngram 1=6\nngram 2=4\nngram 3=1\n
\\1-grams:\n-5.5\t<unk>\n-99\t<s>\t-0.7\n-2.0\t</s>\n-1.1\t面料\t-0.4\n-1.2\t很\t-0.3\n-2.3\t舒服\t-0.2\n
\\2-grams:\n-0.5\t<s> 面料\t-0.15\n-0.6\t面料 很\t-0.25\n-0.9\t很 舒服\n-0.4\t舒服 </s>\n
\\3-grams:\n-0.1\t<s> 面料 很\n
\\end\\\n";

/// Expected values: KenLM's `full_scores` of the same words and pairs.
#[test]
fn it_scores_as_the_reference_program_does() {
    let words = Words::new(gather(WORDS.as_bytes(), MODEL.as_bytes()).unwrap());
    for (text, expected) in [
        ("面料 很 舒服", &[-0.5, -0.6, -0.9][..]),
        ("很 面料 很", &[-1.9, -1.4, -0.6]),
        ("面料 廖 很", &[-0.5, -5.9, -1.2]),
    ] {
        let mut before = words.start();
        for (word, expected) in text.split(' ').zip(expected) {
            let id = words.id(word);
            let got = words.likely(before, id) / std::f32::consts::LN_10;
            assert!((got - expected).abs() < 1e-3, "{text}, {word}: {got} for {expected}");
            before = id;
        }
    }
}

#[test]
fn what_gives_no_tables_is_refused() {
    let no = |dictionary: &str, ngrams: &str| {
        gather(dictionary.as_bytes(), ngrams.as_bytes()).unwrap_err().to_string()
    };
    assert_eq!(no(WORDS, "hello"), "the n-grams have no pairs of words: not in the ARPA form, or cut short");
    assert_eq!(
        no(WORDS, &MODEL.replace("-0.9\t很 舒服", "很 舒服")),
        "line 17 of the n-grams is not of the form"
    );
    assert_eq!(no("面料 mian4'liao4\n面料 mian4", MODEL), "line 2 of the dictionary is not of the form");
    assert_eq!(no("面料", MODEL), "line 1 of the dictionary is not of the form");
    assert_eq!(no("hello", MODEL), "the dictionary has no word of the n-grams");
}

fn file_of(dictionary: &str, ngrams: &str) -> Vec<u8> {
    let mut out = vec![];
    write(&gather(dictionary.as_bytes(), ngrams.as_bytes()).unwrap(), &mut out).unwrap();
    out
}

/// The order of the lines makes no difference.
#[test]
fn the_same_words_make_the_same_file() {
    let backwards = |text: &str| text.lines().rev().map(|l| format!("{l}\n")).collect::<String>();
    let singles =
        ngrams().lines().filter(|l| !l.starts_with('\\')).map(|l| format!("{l}\n")).collect::<String>();
    let around = format!("\\1-grams:\n{}\\2-grams:\n", backwards(&singles));
    assert_eq!(file_of(WORDS, &ngrams()), file_of(&backwards(WORDS), &around));
}

#[test]
fn what_is_written_is_read_again() {
    let tables = gather(WORDS.as_bytes(), MODEL.as_bytes()).unwrap();
    assert_eq!(file::read(&file_of(WORDS, MODEL)).unwrap(), tables);
}

#[test]
fn a_file_that_ends_anywhere_else_is_refused() {
    let whole = file_of(WORDS, MODEL);
    for to in 0..whole.len() {
        assert!(file::read(&whole[..to]).is_err(), "{to} of {}", whole.len());
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert!(matches!(file::read(&longer), Err(BadWords::Damaged("it goes on behind its end"))));
}

/// Counts of four thousand million are believed by nobody.
#[test]
fn counts_the_file_does_not_bear_out_are_refused() {
    let whole = file_of(WORDS, MODEL);
    for count in 0..5 {
        let mut bytes = whole.clone();
        bytes[8 + 4 * count..12 + 4 * count].fill(0xff);
        assert!(matches!(file::read(&bytes), Err(BadWords::Damaged(_))), "count {count}");
    }
    let mut bytes = whole;
    bytes[7] = b'2';
    assert!(matches!(file::read(&bytes), Err(BadWords::Unknown)));
}

proptest! {
    /// Whatever is said: as many words, at the same times, and only single Chinese characters differ.
    #[test]
    fn words_and_times_stay(text in "[充电宝保报面料廖舒书福裤库腰耀a5，。]{0,24}", p in 0.0f32..1.0) {
        let heard = words(&text, p);
        let out = after(&heard);
        prop_assert_eq!(out.len(), heard.len());
        for (a, b) in heard.iter().zip(&out) {
            prop_assert_eq!((a.start, a.end, a.p), (b.start, b.end, b.p));
            prop_assert_eq!(&a.text[first(a).len_utf8()..], &b.text[first(b).len_utf8()..]);
            prop_assert_eq!(a.text != b.text, b.mended.is_some());
            prop_assert!(a.text == b.text || (is_han(first(a)) && is_han(first(b))));
        }
    }

    /// Nothing is changed where the recogniser was sure.
    #[test]
    fn what_is_sure_stays(text in "[充电宝保报面料廖舒书福裤库腰耀a5，。]{0,24}", p in 0.981f32..1.0) {
        let heard = words(&text, p);
        prop_assert_eq!(after(&heard), heard);
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
        let out: String = after(&heard).iter().map(|w| w.text.as_str()).collect();
        let wrong = said.chars().zip(out.chars()).filter(|(a, b)| a != b).count();
        prop_assert!(wrong * 5 <= which.len(), "{} for {}", out, said);
    }

    #[test]
    fn garbled_sources_are_read_or_refused(
        dictionary in crate::mangled::damaged(WORDS.as_bytes().to_vec()),
        pairs in crate::mangled::damaged(ngrams().into_bytes()),
    ) {
        for (dictionary, pairs) in [(&dictionary[..], ngrams().as_bytes()), (WORDS.as_bytes(), &pairs)] {
            if let Ok(likely) = Likely::from_text(dictionary, pairs) {
                likely.repair(&mut words("这个充电保", 0.5));
            }
        }
    }

    /// Whatever the bytes, reading ends, and what is taken for words can be used.
    #[test]
    fn garbled_files_do_no_harm(at in prop::collection::vec((0usize..100_000, any::<u8>()), 1..6)) {
        let mut bytes = file_of(WORDS, &ngrams());
        for (at, to) in at {
            let at = at % bytes.len();
            bytes[at] = to;
        }
        if let Ok(tables) = file::read(&bytes) {
            let likely = Likely { words: Words::new(tables) };
            let heard = words("这个充电保，面廖很舒福", 0.5);
            let mut after = heard.clone();
            likely.repair(&mut after);
            prop_assert_eq!(after.len(), heard.len());
        }
    }
}
