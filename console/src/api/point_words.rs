//! What a person says about a selling point: carried out for the API and the command line alike.

use clipmill_clipper::{
    cut::title::title,
    review::{Change, corrected},
};
use clipmill_domain::{
    CorrectionId, Id as _, SellingPointId, Span, WallTime,
    review::{Correction, PointAnswer, Reviewed, Verdict},
    selling_point::SellingPoint,
    source::{Language, Script},
};
use clipmill_inference::script::{to_simplified, written_in};
use clipmill_store::{Store, StoreError, audit, clips, labellings, points};

/// How far around a selling point its bounds may be moved: 2 minutes, in microseconds.
pub(crate) const AROUND_US: i64 = 120_000_000;

/// The longest note.
const NOTE_CHARS_MAX: usize = 500;

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Say {
    /// It is right.
    Approve,
    /// It is no selling point.
    Reject,
    /// What was said is taken back: the machine's answer stands again.
    Restore,
    /// It is put right.
    Correct(Change),
}

/// Why it cannot be said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SayError {
    /// It makes no sense there; says what to do.
    #[error("{0}")]
    Invalid(String),
    /// Somebody was faster, there is no such selling point, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The stretch around a selling point in which its bounds may be moved.
pub(crate) fn around(span: Span) -> Span {
    Span::new(span.start() + -AROUND_US, span.end() + AROUND_US).unwrap_or(span)
}

/// Carries out what a person says about a selling point that they saw at `version`. Answers how it stands then.
///
/// # Errors
/// [`SayError`]; when somebody has changed it meanwhile, [`StoreError::Refused`].
pub(crate) async fn say(
    store: &Store,
    id: SellingPointId,
    version: i64,
    what: &Say,
    note: Option<&str>,
    by: &str,
    at: WallTime,
) -> Result<Reviewed, SayError> {
    let missing = || StoreError::NotFound { what: "selling point", id: id.to_string() };
    let seen = store.reviewed_point(id).await?.ok_or_else(missing)?;
    if version != seen.version {
        return Err(refused(id, seen.version).into());
    }
    let note = note.map(|n| to_simplified(n.trim())).filter(|n| !n.is_empty());
    if note.as_ref().is_some_and(|n| n.chars().count() > NOTE_CHARS_MAX) {
        return Err(SayError::Invalid(format!("a note has at most {NOTE_CHARS_MAX} characters")));
    }
    let was = PointAnswer::of(&seen.point);
    let recording = store.recording(seen.point.recording_id).await?.ok_or_else(missing)?;
    let source = store.source(recording.source_id).await?;
    let (verdict, became) = match what {
        Say::Approve => (Verdict::Approved, was.clone()),
        Say::Reject => (Verdict::Rejected, was.clone()),
        Say::Restore => {
            let first = store.corrections(id).await?.into_iter().next();
            (Verdict::Open, first.map_or_else(|| was.clone(), |c| c.was))
        }
        Say::Correct(change) => {
            let products = store.products(recording.source_id).await?;
            let said = store.utterances_in(recording.id, around(was.span)).await?;
            let became = corrected(&was, change, &products, &said).map_err(SayError::Invalid)?;
            if became == was {
                return Err(SayError::Invalid("nothing would change: approve it if it is right".to_owned()));
            }
            (Verdict::Corrected, became)
        }
    };
    if verdict == seen.verdict && became == was {
        // Said twice is said once.
        return Ok(seen);
    }
    let correction = Correction {
        id: CorrectionId::new_at(at),
        point_id: id,
        version: version + 1,
        verdict,
        was,
        became,
        carried_from: None,
        note,
        by: by.to_owned(),
        at,
    };
    let script = source.map_or(Script::Simplified, |s| s.settings.script);
    write(store, &seen.point, &correction, recording.language, script).await?;
    store.reviewed_point(id).await?.ok_or_else(|| missing().into())
}

fn refused(id: SellingPointId, version: i64) -> StoreError {
    StoreError::Refused {
        why: format!(
            "somebody has changed selling point {id} meanwhile: version {version} is shown now; look at it again"
        ),
    }
}

/// The correction, its clip's words, and the lines of the log, in one transaction.
async fn write(
    store: &Store,
    point: &SellingPoint,
    c: &Correction,
    language: Language,
    script: Script,
) -> Result<(), StoreError> {
    let mut now = point.clone();
    c.became.clone().put_on(&mut now);
    let clip = store.clip_of_point(point.id).await?.map(|(clip, _)| clip);
    let mut tx = store.begin().await?;
    // What is being labelled again carries over all that was said, or none of it is said yet.
    labellings::lock(&mut tx, point.recording_id).await?;
    points::correct(&mut tx, c).await?;
    let moved = c.was.span != c.became.span;
    let named = |p: &SellingPoint| (p.label, p.product_name.clone());
    if clip.is_some() && (moved || named(point) != named(&now)) {
        let titles =
            (written_in(script, &title(point, language)), written_in(script, &title(&now, language)));
        let (titles, about) = ((titles.0.as_str(), titles.1.as_str()), (now.label, &now.product_name));
        clips::follow_correction(&mut tx, point.id, about, titles, moved).await?;
    }
    let action = match c.verdict {
        Verdict::Open => "restore selling point",
        Verdict::Approved => "approve selling point",
        Verdict::Corrected => "correct selling point",
        Verdict::Rejected => "reject selling point",
    };
    let detail = in_words(c, moved && clip.is_some());
    audit::audit(&mut tx, c.at, &c.by, action, &point.id.to_string(), Some(&detail)).await?;
    tx.commit().await
}

/// From what to what, for the log.
fn in_words(c: &Correction, to_recut: bool) -> String {
    let (was, now) = (&c.was, &c.became);
    let mut all = vec![];
    let mut tell = |what: &str, before: String, after: String| {
        if before != after {
            all.push(format!("{what} {before} -> {after}"));
        }
    };
    let also = |a: &PointAnswer| {
        let keys: Vec<_> = a.details.also.iter().map(|(l, _)| l.key()).collect();
        if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
    };
    let product = |a: &PointAnswer| a.product_sku.clone().unwrap_or_else(|| "none".to_owned());
    tell("label", was.label.key().to_owned(), now.label.key().to_owned());
    tell("also", also(was), also(now));
    tell("product", product(was), product(now));
    tell("bounds", was.span.to_string(), now.span.to_string());
    if to_recut {
        all.push("its clip still shows the old bounds".to_owned());
    }
    all.extend(c.note.iter().map(|n| format!("note: {n}")));
    all.join("; ")
}
