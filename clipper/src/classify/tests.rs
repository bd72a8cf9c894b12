use clipmill_domain::{
    product::OnAir,
    recording::EndReason,
    selling_point::{Attribute, Warning},
    taxonomy::Label,
};
use clipmill_inference::classify::{LabelProbs, Talk};
use clipmill_store::{
    on_air, recordings, sources,
    testing::{self, NOW, TestStore, on_each, seconds},
    utterances,
};

use tokio_util::sync::CancellationToken;

use super::{batch::Job, *};

/// Knows a few words.
struct Words;

impl Classifier for Words {
    fn classify(&self, talk: &[Talk<'_>]) -> Result<Vec<Answer>, ClassifyError> {
        let about = |text: &str| match text {
            t if t.contains("亚麻") => Label::Fabric,
            t if t.contains('块') => Label::Promo,
            t if t.contains("送") => Label::Gift,
            _ => Label::Chat,
        };
        let answer = |t: &Talk<'_>| {
            let quotes = t.text.contains("亚麻").then(|| "亚麻".to_owned());
            let probs = LabelProbs::certain(about(t.text));
            Answer { probs, quotes: quotes.into_iter().collect(), by: "words".into() }
        };
        Ok(talk.iter().map(answer).collect())
    }

    fn id(&self) -> String {
        "words".to_owned()
    }
}

const SAID: [(f64, f64, &str); 9] = [
    (1.0, 4.0, "家人们中午好"),
    (5.0, 8.0, "先看这件针织开衫，百分之五十五的亚麻"),
    (8.2, 10.0, "亚麻很细"),
    (10.5, 13.0, "今天八十九块九"),
    (13.4, 15.0, "再送一双袜子"),
    (20.0, 23.0, "换个话题"),
    (24.0, 27.0, "这一款一百零九块"),
    (27.2, 29.0, "也是亚麻做的"),
    (40.0, 42.0, "谢谢大家"),
];

/// A source with two products, a recording of it, and what was said; nothing is labelled yet.
async fn live(t: &TestStore) -> Recording {
    let source = testing::new_source("studio");
    let recording = testing::recording(source.id);
    let products: Vec<Product> = serde_json::from_str(
        r#"[{"sku": "K", "name": "针织开衫", "price": 99.0, "category": "apparel"}, {"sku": "S", "name": "沙发巾"}]"#,
    )
    .unwrap();
    let mut tx = t.store.begin().await.unwrap();
    sources::add_source(&mut tx, &source).await.unwrap();
    sources::set_products(&mut tx, source.id, &products).await.unwrap();
    recordings::insert_recording(&mut tx, &recording).await.unwrap();
    // Said at second 23.5 of the live.
    let on = OnAir {
        source_id: source.id,
        at: recording.started_at.plus_millis(23_500),
        sku: Some("S".to_owned()),
        said_by: "feed".to_owned(),
    };
    on_air::put_on_air(&mut tx, &on).await.unwrap();
    tx.commit().await.unwrap();
    recording
}

/// Says the utterances `which`, and that everything up to `heard` seconds is heard.
async fn say(t: &TestStore, recording: &Recording, which: std::ops::Range<usize>, heard: f64, done: bool) {
    let mut tx = t.store.begin().await.unwrap();
    for i in which {
        let (start, end, text) = SAID[i];
        let seq = i64::try_from(i).unwrap();
        let one = testing::utterance(recording.id, seq, seconds(start, end), text);
        utterances::insert_utterances(&mut tx, &[one]).await.unwrap();
    }
    #[expect(clippy::cast_possible_truncation, reason = "a test's seconds")]
    let state = serde_json::json!({ "final_until": (heard * 16_000.0) as i64 });
    let position = FollowerPos { position: 0, state };
    if done {
        followers::finish_follower(&mut tx, recording.id, UPSTREAM, &position).await.unwrap();
        recordings::end_recording(&mut tx, recording.id, NOW, EndReason::Stopped).await.unwrap();
    } else {
        followers::set_follower(&mut tx, recording.id, UPSTREAM, &position).await.unwrap();
    }
    tx.commit().await.unwrap();
}

type Shape = Vec<(Label, i64, i64, Option<String>)>;

async fn shape(t: &TestStore, recording: &Recording) -> Shape {
    let points = t.store.selling_points(recording.id).await.unwrap();
    let segments = t.store.segments(recording.id).await.unwrap();
    let sku = |s: &clipmill_domain::SegmentId| {
        points.iter().find(|p| p.segment_id == *s).and_then(|p| p.product_sku.clone())
    };
    segments.iter().map(|s| (s.label, s.first_utterance, s.last_utterance, sku(&s.id))).collect()
}

fn labeller() -> Classify {
    Classify::new(Arc::new(Words), SegmentRules::default())
}

fn expected() -> Shape {
    let of = |label, first, last, sku: Option<&str>| (label, first, last, sku.map(str::to_owned));
    vec![
        of(Label::Chat, 0, 0, None),
        of(Label::Fabric, 1, 2, Some("K")),
        of(Label::Promo, 3, 3, Some("K")),
        of(Label::Gift, 4, 4, Some("K")),
        of(Label::Chat, 5, 5, None),
        of(Label::Promo, 6, 6, Some("S")),
        of(Label::Fabric, 7, 7, Some("S")),
        of(Label::Chat, 8, 8, None),
    ]
}

/// Sentence by sentence with a new worker for each, all at once, and labelled again: the same segments.
#[tokio::test]
async fn a_live_a_late_start_and_a_relabelling_give_the_same() {
    on_each(async |t| {
        let recording = live(t).await;
        let cx = FollowCtx::by_hand(t.store.clone(), CancellationToken::new(), Arc::new(SystemClock));
        for (i, (_, end, _)) in SAID.into_iter().enumerate() {
            let last = i + 1 == SAID.len();
            say(t, &recording, i..i + 1, end + 0.4, last).await;
            // A worker that is new each time knows only what is stored.
            labeller().step(&cx, &recording).await.unwrap();
        }
        assert_eq!(labeller().step(&cx, &recording).await.unwrap(), Progress::Done);
        assert_eq!(shape(t, &recording).await, expected());

        let utterances = t.store.utterances(recording.id).await.unwrap();
        let products = t.store.products(recording.source_id).await.unwrap();
        let rules = SegmentRules::default();
        let job = Job { recording: &recording, products: &products, rules: &rules, finer: None, now: NOW };
        let feed = Feed::read(&t.store, &recording, None).await.unwrap();
        let rows = batch::label_all(&Words, &job, &utterances, feed).unwrap();
        let again: Shape = rows
            .into_iter()
            .map(|(s, p)| (s.label, s.first_utterance, s.last_utterance, p.and_then(|p| p.product_sku)))
            .collect();
        assert_eq!(again, expected());
    })
    .await;
}

#[tokio::test]
async fn a_selling_point_carries_what_speaks_for_it() {
    on_each(async |t| {
        let recording = live(t).await;
        say(t, &recording, 0..SAID.len(), 60.0, true).await;
        let cx = FollowCtx::by_hand(t.store.clone(), CancellationToken::new(), Arc::new(SystemClock));
        labeller().step(&cx, &recording).await.unwrap();
        assert_eq!(shape(t, &recording).await, expected());
        let points = t.store.selling_points(recording.id).await.unwrap();
        let fabric = &points[0];
        assert_eq!(fabric.evidence.quote, "先看这件针织开衫，百分之五十五的亚麻，亚麻很细");
        assert!(fabric.evidence.words.contains(&"亚麻".to_owned()), "{:?}", fabric.evidence.words);
        assert!(fabric.evidence.product_why.as_ref().unwrap().contains("针织开衫"));
        let material = |a: &&Attribute| a.what == "亚麻" && a.amount == Some(55.0);
        assert_eq!(fabric.details.attributes.iter().find(material).unwrap().utterance, 1);
        assert!(!fabric.details.hook.is_empty() && !fabric.details.titles.is_empty());
        assert_eq!(fabric.made_by, "words");
        let promo = &points[1];
        assert_eq!(promo.details.warnings, [Warning::PriceDiffers { said: 89.9, listed: 99.0 }]);
        let fed = &points[3];
        assert!(
            fed.evidence.product_why.as_ref().unwrap().contains("商品推送"),
            "{:?}",
            fed.evidence.product_why
        );
    })
    .await;
}
