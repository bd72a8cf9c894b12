use std::process::{Command, Stdio};

use clipmill_domain::{
    Id as _, MediaTime, RecordingId, Span, UtteranceId, WallTime,
    source::Language,
    transcript::{Utterance, Word},
};
use proptest::prelude::*;

use super::{
    cue::{columns, columns_max},
    *,
};

fn at(s: f64) -> MediaTime {
    MediaTime::from_seconds(s)
}

/// An utterance whose words are said evenly, a tenth of a second for each character, without the marks.
fn utterance(seq: i64, start: f64, text: &str, speaker: Option<u32>) -> Utterance {
    let now = WallTime::from_millis(seq);
    let mut words = vec![];
    let mut from = start;
    let chinese = !text.is_ascii();
    let tokens: Vec<String> = if chinese {
        text.chars().map(String::from).collect()
    } else {
        text.split(' ').map(str::to_owned).collect()
    };
    for token in tokens {
        let token: String = token.chars().filter(|c| c.is_alphanumeric()).collect();
        if token.is_empty() {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "short")]
        let to = from + token.chars().count() as f64 / 10.0;
        words.push(Word { text: token, start: at(from), end: at(to), p: 0.9, mended: None });
        from = to;
    }
    Utterance {
        id: UtteranceId::new_at(now),
        recording_id: RecordingId::new_at(WallTime::from_millis(0)),
        seq,
        span: Span::new(at(start), at(from.max(start + 0.1))).unwrap(),
        text: text.to_owned(),
        words,
        made_by: "test".to_owned(),
        language: None,
        speaker,
        edited_at: None,
    }
}

const ZH: &str =
    "先看这件针织开衫，成分是百分之五十五的亚麻，加上百分之四十五的莫代尔，贴身穿就像没穿一样，软软糯糯的。";
const EN: &str =
    "It was one hundred and ten dollars, and right now it is sixty nine fifty, so click the link below.";

fn talk() -> Vec<Utterance> {
    vec![
        utterance(0, 1.0, "家人们中午好", Some(0)),
        utterance(1, 3.5, ZH, Some(0)),
        utterance(2, 10.0, "油皮可以用吗？", Some(1)),
        utterance(3, 12.25, EN, Some(0)),
        utterance(4, 3700.0, "Fish & chips <b>5 > 3</b> --> now", None),
    ]
}

fn whole(captions: Captions, within: Option<Span>, zero: MediaTime) -> String {
    let mut w = CaptionWriter::new(captions, Language::En, within, zero);
    let mut out = w.header().to_owned();
    // In stretches, as a long recording is read.
    for some in talk().chunks(2) {
        out.push_str(&w.write(some));
    }
    out
}

#[test]
fn captions_are_two_short_lines_at_the_time_of_their_words() {
    let cues = cues(&talk()[1..2], None, None, None);
    let lines: Vec<Vec<String>> = cues.iter().map(|c| c.lines.clone()).collect();
    assert_eq!(
        lines,
        [
            vec!["先看这件针织开衫，", "成分是百分之五十五的亚麻，"],
            vec!["加上百分之四十五的莫代尔，", "贴身穿就像没穿一样，软软糯糯的。"],
        ]
    );
    // 加 is the 21st character that is said.
    assert_eq!((cues[0].start, cues[1].start), (at(3.5), at(5.5)));
    assert_eq!(cues[0].end, at(5.5));
    assert_eq!(cues[1].end, talk()[1].span.end());
}

#[test]
fn srt_and_vtt_are_written_by_the_book() {
    let srt = whole(Captions::Srt, Some(Span::new(at(0.0), at(3.0)).unwrap()), at(0.5));
    assert_eq!(srt, "1\n00:00:00,500 --> 00:00:01,100\nSpeaker 1：家人们中午好\n\n".replace('：', ": "));
    let vtt = whole(Captions::Vtt, Some(Span::new(at(3600.0), at(3800.0)).unwrap()), at(0.0));
    assert_eq!(
        vtt,
        "WEBVTT\n\n1\n01:01:40.000 --> 01:01:41.600\nFish &amp; chips &lt;b&gt;5 &gt; 3&lt;/b&gt; --&gt; now\n\n"
    );
    assert!(whole(Captions::Vtt, None, at(0.0)).contains("\n<v Speaker 2>油皮可以用吗？\n"));
    let named = cues(&talk(), None, Some(Language::En), None);
    assert_eq!(whole(Captions::Srt, None, at(0.0)).matches("-->").count(), named.len());
}

#[test]
fn plain_text_names_who_speaks_when_that_changes() {
    let text = plain_text(&talk()[..3], Language::Zh, None);
    assert_eq!(text, format!("说话人1：家人们中午好\n{ZH}\n说话人2：油皮可以用吗？\n"));
}

#[test]
fn an_edited_text_is_spread_over_the_time_of_its_words() {
    let mut u = utterance(0, 0.0, ZH, None);
    u.text = "完全是另外一句话，而且写得很长很长，比一条字幕能放下的还要长得多，所以它必须分开来显示，每一部分都有自己的时间。".to_owned();
    let cues = cues(&[u.clone()], None, None, None);
    assert!(cues.len() >= 2);
    assert!(cues.windows(2).all(|w| w[0].end <= w[1].start));
    assert_eq!((cues[0].start, cues.last().unwrap().end), (u.span.start(), u.span.end()));
}

/// What the ffmpeg program reads of a caption file: (start ms, end ms, text) of each cue.
fn read_back(content: &str, ending: &str) -> Vec<(i64, i64, String)> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("x.{ending}"));
    std::fs::write(&path, content).unwrap();
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-show_packets", "-show_data", "-of", "json"]).arg(&path);
    let out = probe.stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let found: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let ms = |p: &serde_json::Value, key: &str| {
        let seconds: f64 = p[key].as_str().unwrap().parse().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "small")]
        let ms = (seconds * 1000.0).round() as i64;
        ms
    };
    let text = |p: &serde_json::Value| {
        let bytes: Vec<u8> = p["data"]
            .as_str()
            .unwrap()
            .lines()
            .filter_map(|l| l.split_once(": "))
            .flat_map(|(_, hex)| {
                hex[..hex.len().min(40)].split("  ").next().unwrap_or("").replace(' ', "").into_bytes()
            })
            .collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        String::from_utf8(bytes.chunks(2).map(byte).collect()).unwrap()
    };
    let cue = |p: &serde_json::Value| {
        let start = ms(p, "pts_time");
        (start, start + ms(p, "duration_time"), text(p))
    };
    found["packets"].as_array().unwrap().iter().map(cue).collect()
}

#[test]
fn the_ffmpeg_program_reads_the_same_captions() {
    let round = |t: MediaTime| (t.as_micros() + 500) / 1000;
    for (captions, ending) in [(Captions::Srt, "srt"), (Captions::Vtt, "vtt")] {
        let named = (captions == Captions::Srt).then_some(Language::En);
        let expected: Vec<(i64, i64)> =
            cues(&talk(), None, named, None).iter().map(|c| (round(c.start), round(c.end))).collect();
        assert!(expected.len() >= 6, "{}", expected.len());
        let read = read_back(&whole(captions, None, MediaTime::ZERO), ending);
        let times: Vec<(i64, i64)> = read.iter().map(|(a, b, _)| (*a, *b)).collect();
        assert_eq!(times, expected, "{ending}");
        assert!(read[1].2.contains("针织开衫，\n成分是"), "{ending}: {:?}", read[1].2);
    }
}

fn some_talk() -> impl Strategy<Value = Vec<Utterance>> {
    let word = prop::sample::select(vec![
        "好",
        "看",
        "，",
        "。",
        "针织",
        "百分之五十",
        " word ",
        " a ",
        " extraordinarily ",
        ", ",
        "-->",
        "<i>",
        "\n",
        "\n\n",
        "&",
        "89.9",
    ]);
    let text = prop::collection::vec(word, 0..60).prop_map(|w| w.join(""));
    prop::collection::vec((text, 0.1_f64..3.0, prop::option::of(0_u32..2)), 0..8).prop_map(|all| {
        let mut start = 0.0;
        (0_i64..)
            .zip(all)
            .map(|(seq, (text, pause, speaker))| {
                let u = utterance(seq, start + pause, &text, speaker);
                start = u.span.end().as_seconds();
                u
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing is lost, no line is too long, times follow each other inside their utterances.
    #[test]
    fn captions_hold_all_the_text_in_order(talk in some_talk()) {
        let all = cues(&talk, None, None, None);
        let bare = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let said: String = talk.iter().map(|u| bare(&u.text)).collect();
        let shown: String = all.iter().flat_map(|c| &c.lines).map(|l| bare(l)).collect();
        prop_assert_eq!(said, shown);
        prop_assert!(all.windows(2).all(|w| w[0].end <= w[1].start));
        for cue in &all {
            prop_assert!(cue.start < cue.end && (1..=2).contains(&cue.lines.len()));
            for line in &cue.lines {
                let one_piece = unicode_linebreak::linebreaks(line).count() == 1;
                prop_assert!(columns(line) <= columns_max("中").max(columns_max(line)) || one_piece, "{}", line);
                prop_assert!(!line.contains('\n') && !line.is_empty());
            }
        }
    }

    /// A range gives what of the whole lies in it.
    #[test]
    fn a_range_is_cut_from_the_whole(talk in some_talk(), from in 0.0_f64..10.0, length in 0.1_f64..10.0) {
        let span = Span::new(at(from), at(from + length)).unwrap();
        let some = cues(&talk, Some(span), None, None);
        let all = cues(&talk, None, None, None);
        let inside = all.iter().filter(|c| c.start < span.end() && c.end > span.start()).count();
        prop_assert_eq!(some.len(), inside);
        prop_assert!(some.iter().all(|c| c.start >= span.start() && c.end <= span.end()));
    }
}
