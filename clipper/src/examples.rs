//! What heads learn from people: judged talk as labelled examples, in the format of labelled talk files.
//!
//! A text is read from the transcript that is shown when it is asked for, so it never holds what is not there, and a
//! sentence that was put right later is put right in the example too.

use std::collections::HashMap;

use clipmill_domain::{
    Span,
    review::{JudgedTalk, Verdict},
    source::Source,
    taxonomy::Label,
};
use clipmill_store::{Store, StoreError};
use serde::Serialize;

use crate::review::{members, words_of};

/// Judged talk read at a time.
const PAGE: u32 = 500;

/// One example: what labelled talk files hold, and where it is from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaughtExample {
    /// Names it: the id of the selling point.
    pub id: String,
    /// `zh` or `en`.
    pub lang: String,
    /// Category pack of the source; left out where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The words, as they stand in the transcript.
    pub text: String,
    /// What it is about first of all.
    pub label: Label,
    /// Labels that it has too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Label>,
    /// "hard negative" where a person said that it sells nothing: small talk with the words of selling.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Name of the source.
    pub source: String,
    /// The brand it sells for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// What a person said of it: approved, corrected, rejected.
    pub from: Verdict,
    /// Where it was said: the recording, and seconds in it.
    pub recording: String,
    /// Where it begins, in seconds of the recording.
    pub start_s: f64,
    /// Where it ends.
    pub end_s: f64,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: String,
}

/// The examples that a head for `target` may learn from (`None`: for all), oldest judgement first: those of its own
/// brand, and those that other sources give to the shared pool.
///
/// # Errors
/// When the store fails.
pub async fn examples(store: &Store, target: Option<&Source>) -> Result<Vec<TaughtExample>, StoreError> {
    let sources: HashMap<_, _> = store.sources().await?.into_iter().map(|s| (s.id, s)).collect();
    let mut judged: Vec<JudgedTalk> = vec![];
    let mut after = None;
    loop {
        let page = store.judged_talk(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.point_id);
        let may = |j: &JudgedTalk| sources.get(&j.source_id).is_some_and(|s| s.may_teach(target));
        judged.extend(page.into_iter().filter(may));
    }
    let mut all = vec![];
    for j in latest(judged) {
        let Some(source) = sources.get(&j.source_id) else { continue };
        let language = store.recording(j.recording_id).await?.map_or(source.language, |r| r.language);
        let said = store.utterances_in(j.recording_id, j.span).await?;
        let text = words_of(&members(&said, j.span));
        if text.is_empty() {
            continue;
        }
        let rejected = j.verdict == Verdict::Rejected;
        all.push(TaughtExample {
            id: j.point_id.to_string(),
            lang: language.code().to_owned(),
            category: source.category.clone(),
            text,
            label: j.label,
            also: j.also,
            note: if rejected { "hard negative".to_owned() } else { String::new() },
            source: source.name.clone(),
            brand: source.brand().map(str::to_owned),
            from: j.verdict,
            recording: j.recording_id.to_string(),
            start_s: j.span.start().as_seconds(),
            end_s: j.span.end().as_seconds(),
            by: j.by,
            at: j.at.to_string(),
        });
    }
    Ok(all)
}

/// One judgement for each stretch of talk: where two share half of either, the later one stands. Oldest first.
fn latest(mut judged: Vec<JudgedTalk>) -> Vec<JudgedTalk> {
    judged.sort_by_key(|j| std::cmp::Reverse((j.at, j.point_id)));
    let mut kept: Vec<JudgedTalk> = vec![];
    for j in judged {
        let again = |k: &JudgedTalk| k.recording_id == j.recording_id && half_shared(k.span, j.span);
        if !kept.iter().any(again) {
            kept.push(j);
        }
    }
    kept.reverse();
    kept
}

fn half_shared(a: Span, b: Span) -> bool {
    let shared = (a.end().min(b.end()) - a.start().max(b.start())).max(0);
    shared * 2 >= a.micros().min(b.micros())
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{
        CorrectionId, Id as _,
        review::{Correction, PointAnswer},
        source::ShareExamples,
    };
    use clipmill_inference::classify::read_examples;
    use clipmill_store::{
        points, recordings, segments, sources,
        testing::{self, NOW, TestStore, on_each, seconds},
        utterances,
    };

    use super::*;

    /// A source with a recording of three sentences, the second of which a person judged.
    async fn taught(
        t: &TestStore,
        name: &str,
        brand: Option<&str>,
        share: ShareExamples,
        verdict: Verdict,
    ) -> Source {
        let mut new = testing::new_source(name);
        new.settings.brand = brand.map(str::to_owned);
        new.settings.share_examples = share;
        let recording = testing::recording(new.id);
        let segment = testing::segment(recording.id, 1, seconds(3.0, 5.5));
        let point = testing::selling_point(&segment);
        let mut tx = t.store.begin().await.unwrap();
        let source = sources::add_source(&mut tx, &new).await.unwrap();
        recordings::insert_recording(&mut tx, &recording).await.unwrap();
        for (seq, text) in (0i64..).zip(["大家好", "这件是亚麻的", "很软"]) {
            let at = 3.0 * f64::from(i32::try_from(seq).unwrap());
            let said = testing::utterance(recording.id, seq, seconds(at, at + 2.5), &format!("{text}{name}"));
            utterances::insert_utterances(&mut tx, &[said]).await.unwrap();
        }
        segments::insert_segment(&mut tx, &segment).await.unwrap();
        segments::insert_selling_point(&mut tx, &point).await.unwrap();
        let was = PointAnswer::of(&point);
        let said = Correction {
            id: CorrectionId::new_at(NOW),
            point_id: point.id,
            version: 1,
            verdict,
            became: was.clone(),
            was,
            carried_from: None,
            note: None,
            by: "operator".to_owned(),
            at: NOW,
        };
        points::correct(&mut tx, &said).await.unwrap();
        tx.commit().await.unwrap();
        source
    }

    #[tokio::test]
    async fn a_brand_learns_from_its_own_and_from_the_pool_and_every_word_was_said() {
        on_each(async |t| {
            let a = taught(t, "a", Some("Lumi"), ShareExamples::Own, Verdict::Approved).await;
            taught(t, "b", Some("Lumi"), ShareExamples::Own, Verdict::Rejected).await;
            taught(t, "c", None, ShareExamples::Own, Verdict::Approved).await;
            let d = taught(t, "d", Some("Other"), ShareExamples::Pool, Verdict::Approved).await;
            let names = async |target: Option<&Source>| {
                let mut all: Vec<_> =
                    examples(&t.store, target).await.unwrap().into_iter().map(|e| e.source).collect();
                all.sort();
                all.concat()
            };
            assert_eq!(names(Some(&a)).await, "abd");
            assert_eq!(names(Some(&d)).await, "d");
            assert_eq!(names(None).await, "d", "a head for all learns from the pool alone");

            let all = examples(&t.store, Some(&a)).await.unwrap();
            for e in &all {
                assert_eq!(e.text, format!("这件是亚麻的{}", e.source));
            }
            let hard = all.iter().find(|e| e.source == "b").unwrap();
            assert_eq!(
                (hard.label, hard.note.as_str(), &hard.also[..]),
                (Label::Chat, "hard negative", &[][..])
            );
            // Whoever reads labelled talk files reads these.
            let dir = tempfile::tempdir().unwrap();
            let path = camino::Utf8PathBuf::from_path_buf(dir.path().join("x.jsonl")).unwrap();
            let lines: Vec<String> = all.iter().map(|e| serde_json::to_string(e).unwrap()).collect();
            std::fs::write(&path, lines.join("\n")).unwrap();
            let read = read_examples(&path).unwrap();
            assert_eq!(read.len(), 3);
            assert!(
                read.iter()
                    .zip(&all)
                    .all(|(r, e)| (&r.text, r.label, &r.also) == (&e.text, e.label, &e.also))
            );
        })
        .await;
    }

    #[test]
    fn of_two_judgements_of_the_same_talk_the_later_stands() {
        let recording_id = clipmill_domain::RecordingId::new_at(NOW);
        let source_id = clipmill_domain::SourceId::new_at(NOW);
        let one = |at: i64, from: f64, to: f64| JudgedTalk {
            point_id: clipmill_domain::SellingPointId::new_at(NOW),
            source_id,
            recording_id,
            span: seconds(from, to),
            label: Label::Fabric,
            also: vec![],
            verdict: Verdict::Approved,
            by: String::new(),
            at: NOW.plus_millis(at),
        };
        let kept = latest(vec![one(1, 0.0, 10.0), one(3, 0.0, 9.0), one(2, 8.0, 20.0)]);
        let ends: Vec<_> = kept.iter().map(|j| j.at.millis_since(NOW)).collect();
        assert_eq!(ends, [2, 3]);
    }
}
