//! An operator's correction of an utterance, and the rule it makes.

use axum::{Json, extract::State, http::StatusCode};
use clipmill_domain::{RecordingId, UtteranceId, source::Script, transcript::Utterance};
use clipmill_inference::{
    lexicon::{corrected, rule_between},
    punctuation::punctuated,
    script::{join_words, shown_in, to_simplified},
};
use clipmill_store::{audit, revisions, utterances::rewrite_utterance};

use super::{
    App,
    error::ApiError,
    extract::{Body, Inside, id},
    lexicon::SHOWN,
    lexicon_rules as rules,
    lexicon_view::{CorrectedUtterance, CorrectedWord, Correction, RulePreview, SuggestedRule},
    now,
    sources::ACTOR,
    transcript::script_of,
    view::{ErrorBody, wall},
};

/// The longest text of an utterance.
const TEXT_CHARS_MAX: usize = 1000;

/// Corrects the text of an utterance. Words that stay keep their times; with `make_rule` the difference becomes a rule for what is heard from now on, and the answer says what else it would change.
#[utoipa::path(post, path = "/api/recordings/{id}/utterances/{utterance}/correct", tag = "lexicon",
    params(
        ("id" = String, Path, description = "The recording."),
        ("utterance" = String, Path, description = "The utterance."),
    ),
    request_body = Correction,
    responses(
        (status = 200, body = CorrectedUtterance),
        (status = 404, body = ErrorBody, description = "No such utterance in this recording."),
        (status = 409, body = ErrorBody, description = "The utterance is of a revision that is not shown."),
        (status = 422, body = ErrorBody, description = "The text cannot be used."),
    ))]
pub(super) async fn correct(
    State(app): State<App>,
    Inside(recording_text, utterance_text): Inside,
    Body(request): Body<Correction>,
) -> Result<Json<CorrectedUtterance>, ApiError> {
    let recording_id: RecordingId = id("recording", &recording_text)?;
    let utterance_id: UtteranceId = id("utterance", &utterance_text)?;
    let missing = || ApiError::not_found("utterance", &utterance_text);
    let before = app.store.utterance(utterance_id).await?.filter(|u| u.recording_id == recording_id);
    let before = before.ok_or_else(missing)?;
    // What is shown in Traditional characters comes back in them.
    let text = to_simplified(request.text.trim());
    let text = text.as_str();
    if text.chars().count() > TEXT_CHARS_MAX || text.chars().any(char::is_control) {
        return Err(ApiError::invalid(format!(
            "the text is one line of at most {TEXT_CHARS_MAX} characters"
        )));
    }
    // What was typed began as what was shown: marks that were put in there are no corrections.
    let seen = punctuated(before.clone());
    let words = corrected(&seen.words, text).map_err(|e| ApiError::invalid(e.to_string()))?;
    let text = join_words(words.iter().map(|w| w.text.as_str()));
    let at = now();
    let mut tx = app.store.begin().await?;
    let shown = revisions::lock(&mut tx, recording_id).await?;
    if revisions::revision_of(&mut tx, utterance_id).await? != Some(shown) {
        let said =
            format!("revision {shown} of this transcript is shown now, and this sentence is of another one");
        let refused = ApiError::new(StatusCode::CONFLICT, "refused", said);
        return Err(refused.hint("load the transcript again, and correct the sentence there"));
    }
    if !rewrite_utterance(&mut tx, utterance_id, &text, &words, Some(at)).await? {
        return Err(missing());
    }
    let detail = format!("{} -> {text}", before.text);
    audit::audit(&mut tx, at, ACTOR, "correct utterance", &utterance_text, Some(&detail)).await?;
    tx.commit().await?;

    let suggested = rule_between(&seen.words, &text);
    let (mut rule, mut rule_heard, mut preview) = (None, None, None);
    if request.make_rule
        && let Some((heard, right)) = suggested.clone()
    {
        let recording = app.store.recording(recording_id).await?.ok_or_else(missing)?;
        let entry = rules::rule(Some(recording.source_id), &heard, &right, ACTOR, at);
        // What cannot be a rule (too long, say) makes none; the correction stands.
        if let Ok(stored) = rules::put(&app.store, &entry, true, ACTOR).await? {
            preview = Some(RulePreview::new(rules::preview(&app.store, &entry, SHOWN).await?, None));
            rule = Some(stored.into());
            rule_heard = Some(heard);
        }
    }
    let script = match app.store.recording(recording_id).await? {
        Some(recording) => script_of(&app.store, &recording).await?,
        None => Script::Simplified,
    };
    let shown = shown_in(script, Utterance { text, words, edited_at: Some(at), ..before });
    Ok(Json(CorrectedUtterance {
        id: utterance_text,
        recording_id: recording_text,
        text: shown.text,
        words: shown.words.iter().map(CorrectedWord::from).collect(),
        edited_at: wall(at),
        suggested: suggested.map(|(heard, term)| SuggestedRule { heard, term }),
        rule,
        rule_heard,
        preview,
    }))
}
