//! The real models on the project's spoken fixtures, against their scripts.
//!
//! Models are looked for in the folder `CLIPMILL_MODELS`, else `target/models`; without them these tests fail with the line
//! that fetches them.

use std::{path::Path, process::Command, time::Instant};

use clipmill_inference::{
    asr::{
        AsrError, Effort, RecognizedSegment, Recognizer, Request, Terms, Whisper, WhisperOptions,
        live::{RecognizedChunk, SpeechToText},
    },
    guard::DropReason,
    registry::{ModelFile, Registry},
    vad::{ChunkerConfig, FRAME, Vad, Voice},
};

const RATE: usize = 16_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap()
}

fn model(name: &str) -> ModelFile {
    let folder = std::env::var("CLIPMILL_MODELS")
        .unwrap_or_else(|_| root().join("target/models").display().to_string());
    let registry = Registry::new(folder.as_str(), None).unwrap();
    registry.verify(name).unwrap_or_else(|e| {
        panic!(
            "{e}\nfetch it for the tests: cargo run -p clipmill-inference --example fetch -- {folder} {name}"
        )
    })
}

/// A fixture's sound from `from` seconds on, for `length` seconds.
fn sound(file: &str, from: f64, length: f64) -> Vec<f32> {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-ss", &from.to_string(), "-t", &length.to_string(), "-i"])
        .arg(root().join("fixtures/speech").join(file))
        .args(["-ac", "1", "-ar", "16000", "-f", "f32le", "-"])
        .output()
        .expect("the ffmpeg program decodes the fixtures");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    run.stdout.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// Start, end and text of each sentence of a fixture's script.
fn script(file: &str) -> Vec<(f64, f64, String)> {
    let text = std::fs::read_to_string(root().join("fixtures/speech").join(file)).unwrap();
    text.lines()
        .map(|l| {
            let v: serde_json::Value = serde_json::from_str(l).unwrap();
            (v["start"].as_f64().unwrap(), v["end"].as_f64().unwrap(), v["text"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn vad() -> Vad {
    Vad::load(&model("silero-vad").path).unwrap()
}

fn whisper() -> Whisper {
    Whisper::load(&model("whisper-base"), WhisperOptions::default()).unwrap()
}

/// `samples` as one piece, with the usual effort and no hints.
fn plainly(whisper: &Whisper, samples: &[f32], language: &str) -> Result<Vec<RecognizedSegment>, AsrError> {
    let request = Request { samples, language, or: &[], effort: Effort::Usual, terms: Terms::NONE };
    Ok(whisper.transcribe(&request)?.segments)
}

/// Runs `samples` through the whole composition, 100 ms at a time.
fn hear(samples: &[f32], language: &str) -> Vec<RecognizedChunk> {
    hear_with(samples, language, vec![])
}

/// As [`hear`], told which terms may be said.
fn hear_with(samples: &[f32], language: &str, terms: Vec<String>) -> Vec<RecognizedChunk> {
    let mut live = SpeechToText::new(vad().into_stream(), whisper(), language, ChunkerConfig::default());
    live.set_terms(Terms::of(terms));
    let mut chunks = vec![];
    let mut at = 0;
    for block in samples.chunks(1600) {
        let heard = live.push(at, block).unwrap();
        at += block.len() as u64;
        assert!(heard.final_until <= at);
        chunks.extend(heard.chunks);
    }
    let heard = live.finish().unwrap();
    assert_eq!(heard.final_until, at);
    chunks.extend(heard.chunks);
    chunks
}

fn text(chunks: &[RecognizedChunk]) -> String {
    chunks.iter().flat_map(|c| &c.segments).map(|s| s.text() + " ").collect()
}

/// Levenshtein's distance over the length of the truth.
fn error_rate<T: PartialEq>(truth: &[T], heard: &[T]) -> f64 {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, t) in truth.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, h) in heard.iter().enumerate() {
            let cost = diagonal + usize::from(t != h);
            let best = cost.min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[heard.len()] as f64 / truth.len() as f64
}

/// Chinese for comparison: letters and digits only, and numbers below a thousand million spelt one way, as a reader would:
/// "169" and "一百六十九" are equal, "15%" is "百分之十五".
fn plain_zh(text: &str) -> Vec<char> {
    let mut out = String::new();
    let mut digits = String::new();
    for c in text.chars().chain([' ']) {
        match c {
            '0'..='9' => digits.push(c),
            ',' if !digits.is_empty() => {}
            _ => {
                if !digits.is_empty() {
                    let percent = if c == '%' { "百分之" } else { "" };
                    out.push_str(percent);
                    out.push_str(&spelt(&std::mem::take(&mut digits)));
                }
                if c == '.' {
                    out.push('点');
                } else if c.is_alphanumeric() {
                    out.extend(c.to_lowercase());
                }
            }
        }
    }
    out.replace('两', "二").replace('点', "").chars().collect()
}

fn spelt(digits: &str) -> String {
    const NAMES: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    let group = |n: u32| {
        let mut out = String::new();
        let mut gap = false;
        for (unit, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
            match n / unit % 10 {
                0 => gap = !out.is_empty(),
                d => {
                    if std::mem::take(&mut gap) {
                        out.push('零');
                    }
                    if !(d == 1 && unit == 10 && out.is_empty()) {
                        out.push(NAMES[d as usize]);
                    }
                    out.push_str(name);
                }
            }
        }
        out
    };
    match digits.parse::<u32>() {
        Ok(0) => "零".into(),
        Ok(n) if n < 10_000 => group(n),
        Ok(n) if n < 100_000_000 => format!("{}万{}", group(n / 10_000), group(n % 10_000)),
        _ => digits.to_owned(),
    }
}

#[test]
fn numbers_compare_as_spoken() {
    let plain = |t: &str| plain_zh(t).into_iter().collect::<String>();
    for (a, b) in [
        ("两件169。", "二件一百六十九"),
        ("1万", "一万"),
        ("15%的亚麻", "百分之十五的亚麻"),
        ("22.5瓦", "二十二点五瓦"),
        ("109", "一百零九"),
    ] {
        assert_eq!(plain(a), plain(b));
    }
    assert!((error_rate(&plain_zh("一二三四"), &plain_zh("一二四五")) - 0.5).abs() < 1e-9);
}

/// The whole Chinese live: how much of the text is right, and how well the starts of sentences are placed.
#[test]
fn the_chinese_live_is_understood() {
    let samples = sound("zh_live.opus", 0.0, 1e4);
    let began = Instant::now();
    let chunks = hear(&samples, "zh");
    let seconds = samples.len() as f64 / RATE as f64;
    let truth = script("zh_live.jsonl");
    let said: String = truth.iter().map(|t| t.2.as_str()).collect();
    let cer = error_rate(&plain_zh(&said), &plain_zh(&text(&chunks)));
    println!(
        "character error rate {cer:.3}, {:.2} s wall a second of sound",
        began.elapsed().as_secs_f64() / seconds
    );
    assert!(cer < 0.23, "character error rate {cer:.3}: {}", text(&chunks));
    // No Traditional characters are left (these are among the commonest).
    assert!(!text(&chunks).contains(['們', '點', '這', '個', '說', '麼', '塊', '電']));

    for w in chunks.windows(2) {
        assert!(w[0].end_s <= w[1].start_s + 1e-9);
    }
    let words: Vec<_> = chunks.iter().flat_map(|c| &c.segments).flat_map(|s| &s.words).collect();
    assert!(words.is_sorted_by(|a, b| a.start_s <= b.start_s));
    assert!(words.iter().all(|w| w.end_s <= seconds && w.p > 0.0 && w.p <= 1.0));

    // Sentences after a pause: some segment begins where they begin. Sentence ends: some segment ends there.
    let segments: Vec<_> = chunks.iter().flat_map(|c| &c.segments).collect();
    let nearest = |t: f64, edge: &dyn Fn(usize) -> f64| {
        (0..segments.len()).map(|i| (edge(i) - t).abs()).min_by(f64::total_cmp).unwrap()
    };
    let mut off: Vec<f64> = truth
        .windows(2)
        .filter(|w| w[1].0 - w[0].1 > 0.4)
        .map(|w| nearest(w[1].0, &|i| segments[i].start_s))
        .collect();
    off.sort_by(f64::total_cmp);
    println!(
        "starts after a pause: median {:.0} ms, worst {:.0} ms of {}",
        off[off.len() / 2] * 1e3,
        off.last().unwrap() * 1e3,
        off.len()
    );
    assert!(off.len() > 5 && off[off.len() / 2] < 0.15, "{off:?}");
}

/// Terms of the shop's lists, most of them not on sale in this live: more of what is said is right, and nothing that is not
/// said comes in.
#[test]
fn terms_on_sale_are_heard_and_others_are_not() {
    let (from, until) = (10.0, 100.0);
    let samples = sound("zh_live.opus", from, until - from);
    let list = |file: &str| std::fs::read_to_string(root().join("fixtures/speech").join(file)).unwrap();
    let said: String =
        script("zh_live.jsonl").into_iter().filter(|t| t.0 > from && t.1 < until).map(|t| t.2).collect();
    let own: Vec<String> = list("zh_live.lexicon.txt")
        .split(['\n', '\t'])
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
        .collect();
    let others = "羊绒大衣 阔腿裤 冲锋衣 灯芯绒 防晒霜 粉底液 水杨酸 神经酰胺 空气炸锅 破壁机 蓝牙耳机 数据线 大闸蟹 车厘子 螺蛳粉 即食海参 乳胶枕 不粘锅 纸尿裤 翡翠手镯";
    let others: Vec<String> = others.split(' ').map(str::to_owned).collect();
    let heard = |terms: &[String]| text(&hear_with(&samples, "zh", terms.to_vec()));
    let (without, with) = (heard(&[]), heard(&[own.clone(), others.clone()].concat()));
    let found = |t: &str| own.iter().filter(|term| said.contains(*term) && t.contains(*term)).count();
    let wrong = |t: &str| error_rate(&plain_zh(&said), &plain_zh(t));
    println!(
        "{} terms, {:.3} wrong; with terms {}, {:.3}",
        found(&without),
        wrong(&without),
        found(&with),
        wrong(&with)
    );
    assert!(found(&with) > found(&without), "{without}\n{with}");
    assert!(wrong(&with) < wrong(&without), "{without}\n{with}");
    for term in others.iter().filter(|t| !said.contains(t.as_str())) {
        assert!(!with.contains(term), "{term}: {with}");
    }
}

/// Asked which of two languages it is, whichever it is to be written in; and what is written is the same as unasked.
#[test]
fn the_language_is_found_out() {
    let whisper = whisper();
    for (file, from, spoken) in [("zh_live.opus", 12.3, "zh"), ("en_live.opus", 6.0, "en")] {
        let samples = sound(file, from, 5.0);
        for (language, or) in [("zh", "en"), ("en", "zh")] {
            let ask = |or: &[&str]| {
                let request =
                    Request { samples: &samples, language, or, effort: Effort::Usual, terms: Terms::NONE };
                whisper.transcribe(&request).unwrap()
            };
            let (unasked, asked) = (ask(&[]), ask(&[or]));
            assert_eq!((&unasked.segments, unasked.spoken), (&asked.segments, None));
            let found = asked.spoken.unwrap();
            assert_eq!(found.language, spoken, "{file} as {language}");
            assert!(found.p > 0.8 && found.p <= 1.0, "{file} as {language}: {found:?}");
        }
    }
}

/// Two calls at once on one model hear what each hears alone.
#[test]
fn two_are_heard_at_once() {
    let options = WhisperOptions { states: 2, ..WhisperOptions::default() };
    let whisper = Whisper::load(&model("whisper-base"), options).unwrap();
    let (zh, en) = (sound("zh_live.opus", 12.3, 5.0), sound("en_live.opus", 6.0, 4.0));
    let alone = (plainly(&whisper, &zh, "zh").unwrap(), plainly(&whisper, &en, "en").unwrap());
    let together = std::thread::scope(|s| {
        let zh = s.spawn(|| plainly(&whisper, &zh, "zh").unwrap());
        let en = s.spawn(|| plainly(&whisper, &en, "en").unwrap());
        (zh.join().unwrap(), en.join().unwrap())
    });
    assert_eq!(alone, together);
}

/// A stretch where the plain search runs into an endless number: the second try must save the talk.
#[test]
fn a_loop_is_noticed_and_mended() {
    let (from, until) = (72.0, 92.0);
    let chunks = hear(&sound("en_live.opus", from, until - from), "en");
    let words = |t: &str| {
        let t = t
            .to_lowercase()
            .replace("ten thousand milliamp hours", "10000 mah")
            .replace("eighty percent", "80")
            .replace("fifty", "50")
            .replace("two hundred", "200");
        let t: String =
            t.replace(',', "").chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
        t.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let said: Vec<_> =
        script("en_live.jsonl").into_iter().filter(|t| t.0 > from && t.1 < until).map(|t| t.2).collect();
    let wer = error_rate(&words(&said.join(" ")), &words(&text(&chunks)));
    println!("word error rate {wer:.3}: {}", text(&chunks));
    assert!(wer < 0.15, "word error rate {wer:.3}: {}", text(&chunks));
    assert!(chunks.iter().flat_map(|c| &c.dropped).all(|d| d.reason != DropReason::Repetitive));
}

/// Noise, hum and silence: no word may come of them.
#[test]
fn nothing_is_heard_where_nobody_speaks() {
    let mut seed = 1u32;
    let mut low = 0.0f32;
    let samples: Vec<f32> = (0..20 * RATE)
        .map(|i| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = (seed >> 8) as f32 / 8_388_608.0 - 1.0;
            low = 0.95 * low + 0.05 * white;
            let hum = (i as f32 * 110.0 * std::f32::consts::TAU / RATE as f32).sin();
            match i / (5 * RATE) {
                0 => 0.0,
                1 => 0.1 * white,
                2 => 0.5 * low,
                _ => 0.2 * hum + 0.02 * white,
            }
        })
        .collect();
    assert_eq!(hear(&samples, "zh"), []);
}

#[test]
fn the_recogniser_refuses_what_it_cannot_do() {
    let whisper = whisper();
    assert!(matches!(plainly(&whisper, &[], "zh"), Err(AsrError::NoSound)));
    let err = plainly(&whisper, &[0.0; RATE], "klingon").unwrap_err();
    assert!(err.to_string().contains("klingon"), "{err}");
    assert!(
        whisper.id().starts_with("whisper-base@") && whisper.id().ends_with("/q8/greedy"),
        "{}",
        whisper.id()
    );
    let hurried = WhisperOptions { deadline: std::time::Duration::ZERO, ..WhisperOptions::default() };
    let hurried = Whisper::load(&model("whisper-base"), hurried).unwrap();
    assert!(matches!(plainly(&hurried, &[0.1; RATE], "zh"), Err(AsrError::TooSlow { .. })));
    // A short piece of real sound is padded; its words stay inside it.
    let cut = sound("zh_live.opus", 58.0, 1.2);
    for s in plainly(&whisper, &cut, "zh").unwrap() {
        assert!(
            s.end_s <= 1.2 && s.words.iter().all(|w| w.start_s <= w.end_s && w.end_s <= s.end_s),
            "{s:?}"
        );
    }
}

/// The stream runs the network in small blocks with little context; its answers are close to those over the whole sound.
#[test]
fn voice_activity_is_alike_in_a_stream_and_at_once() {
    let samples = sound("zh_live.opus", 0.0, 30.0);
    let at_once = vad().speech_probs(&samples).unwrap();
    let feed = |block: usize| {
        let mut stream = vad().into_stream();
        let mut probs: Vec<f32> = samples.chunks(block).flat_map(|b| stream.push(b).unwrap()).collect();
        probs.extend(stream.finish().unwrap());
        probs
    };
    let stream = feed(1600);
    assert_eq!(stream, feed(7777), "the size of blocks must not matter");
    assert_eq!(stream.len(), at_once.len());
    assert_eq!(stream.len(), samples.len().div_ceil(FRAME));
    let differ = stream.iter().zip(&at_once).filter(|(a, b)| (**a >= 0.5) != (**b >= 0.5)).count();
    let share = differ as f64 / stream.len() as f64;
    println!("{:.2} % of frames decided otherwise", share * 100.0);
    assert!(share < 0.03, "{differ} of {} frames", stream.len());
    // And against the script: frames well inside sentences are speech, those well outside are not.
    let truth = script("zh_live.jsonl");
    let inside = |t: f64, margin: f64| truth.iter().any(|s| s.0 + margin < t && t < s.1 - margin);
    let (mut hit, mut all, mut wrong, mut quiet) = (0, 0, 0, 0);
    for (i, p) in stream.iter().enumerate() {
        let t = (i as f64 + 0.5) * FRAME as f64 / RATE as f64;
        if inside(t, 0.15) {
            all += 1;
            hit += usize::from(*p >= 0.35);
        } else if !inside(t, -0.25) {
            quiet += 1;
            wrong += usize::from(*p >= 0.5);
        }
    }
    println!("speech found {hit} of {all}, wrong {wrong} of {quiet}");
    assert!(hit * 100 >= all * 95 && wrong * 100 <= quiet * 10 && quiet > 30, "{hit}/{all} {wrong}/{quiet}");
}

#[test]
fn the_converted_model_has_the_published_size() {
    let file = model("whisper-base");
    assert_eq!(std::fs::metadata(&file.path).unwrap().len(), 147_951_465);
    let known = [
        "60ed5bc3dd14eea856493d334349b405782ddcaf0028d4b5df4088345fba2efe",
        "46efeef38ca82aca008ed8edf3cc8e0865b4c793b38ae69d69d11b3aaf00f1b8",
    ];
    assert!(known.contains(&file.sha256.as_str()));
}
