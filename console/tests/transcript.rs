//! Transcripts over HTTP and on the command line. Caption files are judged by the ffmpeg program.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::{net::SocketAddr, process::Command, time::Duration};

use clipmill_console::{api::serve, config::Config};
use clipmill_domain::{
    recording::{EndReason, Recording},
    source::Language,
    transcript::{Mended, MendedBy, Utterance, Word},
};
use clipmill_store::{
    followers::{FollowerPos, finish_follower, set_follower},
    recordings::{end_recording, insert_recording},
    revisions::{self, Asked},
    sources::add_source,
    testing::{self, TestStore, seconds},
    utterances::{insert_dropped, insert_in_revision, insert_utterances},
};
use reqwest::{Client, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use common::{clipmill, ends_within, said};

struct Served {
    db: TestStore,
    address: SocketAddr,
    http: Client,
    stop: CancellationToken,
    recording: Recording,
}

/// A word for each character, evenly over the utterance.
fn with_words(u: Utterance) -> Utterance {
    let chars: Vec<char> = u.text.chars().filter(|c| c.is_alphanumeric()).collect();
    let each = u.span.micros() / i64::try_from(chars.len()).unwrap();
    let word = |(i, c): (i64, char)| Word {
        text: c.to_string(),
        start: u.span.start() + i * each,
        end: u.span.start() + (i + 1) * each,
        p: 0.75,
        mended: None,
    };
    Utterance { words: (0..).zip(chars).map(word).collect(), ..u }
}

impl Served {
    async fn open() -> Self {
        let db = TestStore::sqlite().await;
        let env = [
            ("CLIPMILL__DATA_DIR".to_owned(), db.data_dir.to_string()),
            ("CLIPMILL__SERVE__BIND".to_owned(), "127.0.0.1:0".to_owned()),
        ];
        let config = Config::load_from(None, env.to_vec()).unwrap();

        let mut tx = db.store.begin().await.unwrap();
        let source = add_source(&mut tx, &testing::new_source("live")).await.unwrap();
        let recording = testing::recording(source.id);
        insert_recording(&mut tx, &recording).await.unwrap();
        let say = |seq, from, to, text: &str| {
            with_words(testing::utterance(recording.id, seq, seconds(from, to), text))
        };
        let mut price = say(1, 4.0, 8.0, "粉丝价八十九块九，两件一百六十九，五号链接");
        price.speaker = Some(1);
        price.language = Some(Language::Zh);
        price.words[2].mended = Some(Mended { heard: "加".to_owned(), by: MendedBy::Sound });
        let talk = [
            Utterance { speaker: Some(0), ..say(0, 1.0, 3.0, "家人们中午好") },
            price,
            say(2, 3599.0, 3601.0, "跨过一个小时"),
            say(3, 7300.0, 7302.0, "再见"),
        ];
        insert_utterances(&mut tx, &talk).await.unwrap();
        insert_dropped(&mut tx, recording.id, 0, seconds(20.0, 25.0), "谢谢谢谢谢谢", "it repeats itself")
            .await
            .unwrap();
        let state = json!({"final_until": 7_302 * 16_000});
        let position = FollowerPos { position: 9, state };
        set_follower(&mut tx, recording.id, "ingest.transcribe", &position).await.unwrap();
        tx.commit().await.unwrap();

        let (store, stop) = (db.store.clone(), CancellationToken::new());
        let (tell, ready) = tokio::sync::oneshot::channel();
        let stopping = stop.clone();
        tokio::spawn(async move {
            let told = serve(config, store, stopping, move |address| {
                let _ = tell.send(address);
            });
            told.await.unwrap();
        });
        let address = tokio::time::timeout(Duration::from_secs(10), ready).await.unwrap().unwrap();
        let http = Client::builder().timeout(Duration::from_secs(10)).no_proxy().build().unwrap();
        Self { db, address, http, stop, recording }
    }

    async fn get(&self, what: &str) -> Response {
        let url = format!("http://{}/api/recordings/{}/transcript{what}", self.address, self.recording.id);
        self.http.get(url).send().await.unwrap()
    }

    async fn json(&self, what: &str) -> Value {
        let answer = self.get(what).await;
        assert_eq!(answer.status(), StatusCode::OK, "{what}");
        answer.json().await.unwrap()
    }

    async fn close(self) {
        self.stop.cancel();
        self.db.remove().await;
    }
}

fn seqs(page: &Value) -> Vec<i64> {
    page["utterances"].as_array().unwrap().iter().map(|u| u["seq"].as_i64().unwrap()).collect()
}

/// Shown in Traditional characters everywhere; numbers are still understood, and rows stay Simplified.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_may_be_shown_in_traditional_characters() {
    let s = Served::open().await;
    let source = format!("http://{}/api/sources/{}", s.address, s.recording.source_id);
    let change = json!({"settings": {"script": "traditional_tw"}});
    let done = s.http.patch(source).json(&change).send().await.unwrap();
    assert_eq!(done.status(), StatusCode::OK);
    let simplified = "粉丝价八十九块九，两件一百六十九，五号链接";
    let traditional = "粉絲價八十九塊九，兩件一百六十九，五號連結";
    // 链接 is 鏈接 by its characters; another word (連結) would have been a translation.
    let traditional = traditional.replace("連結", "鏈接");
    for file in [".srt", ".vtt", ".txt"] {
        let text = s.get(file).await.text().await.unwrap();
        assert!(
            text.replace('\n', "").contains(&traditional) && text.contains("跨過一個小時"),
            "{file}: {text}"
        );
    }
    let page = s.json("?from=3.5&to=30").await;
    let u = &page["utterances"][0];
    assert_eq!(u["text"], format!("{traditional}。"));
    let words: String = u["words"].as_array().unwrap().iter().map(|w| w["text"].as_str().unwrap()).collect();
    assert_eq!(words, traditional.replace('，', "") + "。", "marks stand at the words before them");
    assert_eq!(
        (&u["quantities"][0]["value"], &u["quantities"][0]["raw"]),
        (&json!("89.9"), &json!("八十九塊九"))
    );

    let correct = format!(
        "http://{}/api/recordings/{}/utterances/{}/correct",
        s.address,
        s.recording.id,
        u["id"].as_str().unwrap()
    );
    let said = traditional.replace("粉絲價", "粉絲專享價");
    let answer = s.http.post(correct).json(&json!({"text": said})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["text"], said.as_str());
    let rows = s.db.store.utterances(s.recording.id).await.unwrap();
    assert_eq!(rows[1].text, simplified.replace("粉丝价", "粉丝专享价"));
    s.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transcript_is_told_with_its_numbers_and_what_was_dropped() {
    let s = Served::open().await;
    let page = s.json("?from=3.5&to=30").await;
    assert_eq!(seqs(&page), [1]);
    assert_eq!((page["from_s"].as_f64(), page["to_s"].as_f64()), (Some(3.5), Some(30.0)));
    assert_eq!((&page["next_s"], page["heard_until_s"].as_f64()), (&Value::Null, Some(7302.0)));
    let u = &page["utterances"][0];
    assert_eq!((u["speaker"].as_u64(), u["language"].as_str()), (Some(1), Some("zh")));
    assert_eq!(u["raw"], "粉丝加八十九块九两件一百六十九五号链接");
    let word = &u["words"][2];
    assert_eq!((word["heard"].as_str(), word["mended_by"].as_str()), (Some("加"), Some("sound")));
    assert_eq!((word["text"].as_str(), word["p"].as_f64()), (Some("价"), Some(0.75)));
    assert_eq!(u["words"][0]["heard"], Value::Null);
    let found = u["quantities"].as_array().unwrap();
    let short: Vec<Value> =
        found.iter().map(|q| json!([q["value"], q["unit"], q["of"], q["pieces"], q["raw"]])).collect();
    assert_eq!(
        short,
        [
            json!(["89.9", "money", "yuan", null, "八十九块九"]),
            json!(["169", "bundle", null, 2, "两件一百六十九"]),
            json!(["5", "link", null, null, "五号链接"]),
        ]
    );
    assert_eq!((found[1]["start"].as_u64(), found[1]["end"].as_u64()), (Some(9), Some(16)));
    assert_eq!(
        page["dropped"],
        json!([{"start_s": 20.0, "end_s": 25.0, "text": "谢谢谢谢谢谢", "reason": "it repeats itself"}])
    );
    s.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_tell_each_sentence_once() {
    let s = Served::open().await;
    let (mut all, mut from) = (vec![], 0.0);
    for _ in 0..10 {
        let page = s.json(&format!("?from={from}")).await;
        all.extend(seqs(&page));
        let Some(next) = page["next_s"].as_f64() else { break };
        assert!(next > from);
        from = next;
    }
    assert_eq!(all, [0, 1, 2, 3]);
    assert_eq!(seqs(&s.json(".json").await), [0, 1, 2, 3]);
    assert_eq!(seqs(&s.json("?from=9000").await), [] as [i64; 0]);

    for bad in ["?from=-1", "?from=5&to=5", "?to=nan", ".srt?from=9&to=1"] {
        assert_eq!(s.get(bad).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    assert_eq!(s.get(".doc").await.status(), StatusCode::NOT_FOUND);
    let url = format!("http://{}/api/recordings/nobody/transcript.vtt", s.address);
    assert_eq!(s.http.get(url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    s.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_found_anywhere_in_the_range() {
    let s = Served::open().await;
    let find = async |words: &str, range: &str| {
        let url = format!("http://{}/api/recordings/{}/transcript{range}", s.address, s.recording.id);
        let url = reqwest::Url::parse_with_params(&url, [("find", words)]).unwrap();
        let answer = s.http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json::<Value>().await.unwrap()
    };
    let far = find(" 再见 ", "").await;
    assert_eq!((seqs(&far), &far["next_s"]), (vec![3], &Value::Null), "beyond the hour of a page");
    assert_eq!(seqs(&find("。", "").await), [] as [i64; 0]);
    assert_eq!(seqs(&find("再见", "?to=7000").await), [] as [i64; 0]);
    assert_eq!(seqs(&find("  ", "").await), [0, 1, 2], "no words: a page as ever");

    let mut tx = s.db.store.begin().await.unwrap();
    let say = |n: i32| {
        let at = 8000.0 + f64::from(n);
        with_words(testing::utterance(s.recording.id, 4 + i64::from(n), seconds(at, at + 1.0), "OLED screen"))
    };
    insert_utterances(&mut tx, &(0..201).map(say).collect::<Vec<_>>()).await.unwrap();
    tx.commit().await.unwrap();
    let first = find("oled", "").await;
    assert_eq!((seqs(&first).len(), &first["next_s"]), (200, &json!(8200.0)));
    assert_eq!(
        seqs(&find("oled", "?from=8200").await),
        [204],
        "where the first search ended, the next begins"
    );
    s.close().await;
}

/// What the ffmpeg program makes of a caption file: SubRip, in its own spelling.
fn through_ffmpeg(content: &str, ending: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("x.{ending}"));
    std::fs::write(&path, content).unwrap();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-xerror", "-i"]).arg(&path).args(["-f", "srt", "-"]);
    let done = ends_within(&mut ffmpeg, Duration::from_secs(60));
    assert!(done.status.success(), "{}", said(&done));
    String::from_utf8(done.stdout).unwrap().replace("\r\n", "\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caption_files_are_what_the_ffmpeg_program_reads() {
    let s = Served::open().await;
    let answer = s.get(".srt").await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/x-subrip; charset=utf-8");
    let name = answer.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().to_owned();
    assert_eq!(name, format!("attachment; filename=\"{}.srt\"", s.recording.id));
    let srt = answer.text().await.unwrap();
    assert!(srt.starts_with("1\n00:00:01,000 --> 00:00:03,000\n说话人1：家人们中午好。\n\n2\n"), "{srt}");
    assert!(srt.ends_with("4\n02:01:40,000 --> 02:01:42,000\n再见。\n\n"), "{srt}");
    assert_eq!(tokio::task::block_in_place(|| through_ffmpeg(&srt, "srt")), srt);

    let cut = s.get(".vtt?from=2&to=5&zero=true").await.text().await.unwrap();
    assert!(cut.starts_with("WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.000\n<v 说话人1>家人们中午好。\n\n2\n00:00:02.000 --> 00:00:03.000\n"), "{cut}");
    let read = tokio::task::block_in_place(|| through_ffmpeg(&cut, "vtt"));
    assert!(read.contains("00:00:02,000 --> 00:00:03,000\n"), "{read}");

    let text = s.get(".txt").await.text().await.unwrap();
    assert_eq!(
        text,
        "说话人1：家人们中午好。\n说话人2：粉丝价八十九块九，两件一百六十九，五号链接。\n跨过一个小时。\n再见。\n"
    );

    let command = |more: &[&str]| {
        let mut c = clipmill();
        c.env("CLIPMILL__DATA_DIR", s.db.data_dir.as_str()).args(["transcript", "export"]).args(more);
        ends_within(&mut c, Duration::from_secs(60))
    };
    let (out, file, wrong) = tokio::task::block_in_place(|| {
        let path = s.db.data_dir.join("x.vtt");
        let to_file =
            ["live", "--format", "vtt", "--from", "2", "--to", "5", "--zero", "--out", path.as_str()];
        let done = command(&to_file);
        assert!(done.status.success(), "{}", said(&done));
        let id = s.recording.id.to_string();
        (
            command(&[&id, "--format", "srt"]),
            std::fs::read_to_string(path),
            command(&["live", "--from", "5", "--to", "1", "--format", "txt"]),
        )
    });
    assert_eq!(String::from_utf8_lossy(&out.stdout), srt, "{}", said(&out));
    assert_eq!(file.unwrap(), cut);
    assert!(!wrong.status.success() && said(&wrong).contains("less than"), "{}", said(&wrong));
    s.close().await;
}

/// The recording has ended, all are through with it, and a better model has heard it again.
async fn heard_again(s: &Served) -> Vec<Utterance> {
    let id = s.recording.id;
    let mut tx = s.db.store.begin().await.unwrap();
    end_recording(&mut tx, id, testing::NOW, EndReason::Finished).await.unwrap();
    let read = ["ingest.transcribe", "clipper.classify"];
    for name in read {
        finish_follower(&mut tx, id, name, &FollowerPos::default()).await.unwrap();
    }
    let asked =
        Asked { model: "larger", by: "operator", at: testing::NOW, transcriber: read[0], readers: &read };
    assert_eq!(revisions::ask(&mut tx, id, asked).await.unwrap(), 1);
    let all = [
        with_words(testing::utterance(id, 0, seconds(1.0, 3.0), "家人们中午好呀")),
        with_words(testing::utterance(id, 1, seconds(4.0, 8.0), "粉丝价九十九块九")),
    ];
    insert_in_revision(&mut tx, 1, &all).await.unwrap();
    tx.commit().await.unwrap();
    all.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revisions_are_listed_chosen_and_corrected_where_they_are_shown() {
    let s = Served::open().await;
    let post = async |what: &str, body: Value| {
        let url =
            format!("http://{}/api/recordings/{}/transcript/revisions{what}", s.address, s.recording.id);
        s.http.post(url).json(&body).send().await.unwrap()
    };
    let refused = async |answer: Response, status: StatusCode, why: &str| {
        assert_eq!(answer.status(), status);
        let body: Value = answer.json().await.unwrap();
        let said = body["error"]["message"].as_str().unwrap();
        assert!(said.contains(why), "{said}");
    };
    let list = s.json("/revisions").await;
    assert_eq!((&list[0]["state"], &list[0]["shown"]), (&json!("running"), &json!(true)));
    let unknown = StatusCode::UNPROCESSABLE_ENTITY;
    refused(post("", json!({ "model": "nobody" })).await, unknown, "nobody").await;
    refused(post("", json!({ "model": "silero-vad" })).await, unknown, "clipmill models fetch").await;

    let again = heard_again(&s).await;
    let list = s.json("/revisions").await;
    let states: Vec<&Value> = list.as_array().unwrap().iter().map(|r| &r["state"]).collect();
    assert_eq!(states, ["ready", "asked"]);
    assert_eq!((&list[1]["model"], &list[1]["asked_by"]), (&json!("larger"), &json!("operator")));
    refused(post("/1/use", json!({})).await, StatusCode::CONFLICT, "still being made").await;
    assert_eq!(post("/9/use", json!({})).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(post("/x/use", json!({})).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(s.json("").await["utterances"].as_array().unwrap().len(), 3, "an hour of the first one");

    let mut tx = s.db.store.begin().await.unwrap();
    revisions::finish(&mut tx, s.recording.id, 1, testing::NOW).await.unwrap();
    tx.commit().await.unwrap();
    let page = s.json("").await;
    assert_eq!((seqs(&page), &page["revision"]), (vec![0, 1], &json!(1)));
    assert_eq!(page["dropped"], json!([]), "what was dropped belongs to the first");
    assert!(s.get(".txt").await.text().await.unwrap().contains("粉丝价九十九块九"));

    // A page that was loaded before cannot correct what is no longer shown.
    let correct = async |id: String| {
        let path = format!("/api/recordings/{}/utterances/{id}/correct", s.recording.id);
        let url = format!("http://{}{path}", s.address);
        s.http.post(url).json(&json!({ "text": "家人们晚上好" })).send().await.unwrap()
    };
    let old = s.db.store.utterances(s.recording.id).await.unwrap();
    assert_eq!(old[0].id, again[0].id);
    assert_eq!(correct(again[0].id.to_string()).await.status(), StatusCode::OK);
    assert_eq!(post("/0/use", json!({})).await.status(), StatusCode::OK);
    refused(correct(again[0].id.to_string()).await, StatusCode::CONFLICT, "revision 0").await;
    assert_eq!(seqs(&s.json(".json").await), [0, 1, 2, 3]);
    let list = s.json("/revisions").await;
    assert_eq!(
        (&list[0]["shown"], &list[1]["shown"], &list[1]["edited"]),
        (&json!(true), &json!(false), &json!(1))
    );
    s.close().await;
}
