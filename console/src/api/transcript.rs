//! The transcript of a recording: read page by page, or taken away as a file.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use clipmill_domain::{
    MediaTime, Span,
    recording::Recording,
    source::Script,
    transcript::{Utterance, heard_until},
};
use clipmill_inference::script::{shown_in, to_simplified};
use clipmill_ingest::export::{CaptionWriter, Captions, last_speaker, plain_text};
use clipmill_store::{Store, StoreError};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    App,
    error::ApiError,
    extract::{Named, Params, id},
    view::{DroppedView, ErrorBody, TranscriptView, UtteranceView, seconds},
};

/// The most that one answer tells: an hour, in microseconds.
const PAGE_MICROS: i64 = 3_600_000_000;

/// The most that one search tells.
const FOUND_MAX: usize = 200;

/// Utterances are read in stretches of ten minutes, in microseconds.
const STRETCH_MICROS: i64 = 600_000_000;

/// The follower that writes transcripts.
const TRANSCRIBER: &str = "ingest.transcribe";

/// Which file a transcript is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// `SubRip` captions.
    Srt,
    /// WebVTT captions.
    Vtt,
    /// Plain text, a line for each sentence.
    Txt,
    /// All that is known: words, times, numbers, what was dropped.
    Json,
}

/// Which part of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    pub(crate) from: MediaTime,
    /// `None`: to the end.
    pub(crate) to: Option<MediaTime>,
}

impl Range {
    /// # Errors
    /// What to correct, in words.
    pub(crate) fn new(from_s: Option<f64>, to_s: Option<f64>) -> Result<Self, String> {
        // A recording of a century is not one.
        let fits = |s: f64| (0.0..3.2e9).contains(&s);
        let (from, to) = (from_s.unwrap_or(0.0), to_s.unwrap_or(3.1e9));
        if !fits(from) || !fits(to) || from >= to {
            return Err("a range is two numbers of seconds, `from` at least 0 and less than `to`".to_owned());
        }
        Ok(Self { from: MediaTime::from_seconds(from), to: to_s.map(MediaTime::from_seconds) })
    }

    /// Up to the end of what is there; `None` where nothing is.
    async fn within(self, store: &Store, recording: &Recording) -> Result<Option<Span>, StoreError> {
        let Some(end) = store.transcript_end(recording.id).await? else { return Ok(None) };
        Ok(Span::new(self.from, self.to.map_or(end, |to| to.min(end))).ok())
    }
}

/// The utterances of `span`, a stretch of it at a time, each once.
struct Stretches<'a> {
    store: &'a Store,
    recording: &'a Recording,
    at: MediaTime,
    end: MediaTime,
    /// Up to where sentences were told. (Their numbers change when another revision is shown meanwhile.)
    told_until: MediaTime,
}

impl<'a> Stretches<'a> {
    fn new(store: &'a Store, recording: &'a Recording, span: Option<Span>) -> Self {
        let (at, end) = span.map_or((MediaTime::ZERO, MediaTime::ZERO), |s| (s.start(), s.end()));
        Self { store, recording, at, end, told_until: MediaTime::ZERO }
    }

    /// `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<Utterance>>, StoreError> {
        let Ok(span) = Span::new(self.at, self.end.min(self.at + STRETCH_MICROS)) else { return Ok(None) };
        self.at = span.end();
        let mut some = self.store.utterances_in(self.recording.id, span).await?;
        some.retain(|u| u.span.start() >= self.told_until);
        self.told_until = some.last().map_or(self.told_until, |u| u.span.end());
        Ok(Some(some))
    }

    /// The same as they are shown.
    async fn next_shown(&mut self, script: Script) -> Result<Option<Vec<Utterance>>, StoreError> {
        let some = self.next().await?;
        Ok(some.map(|some| some.into_iter().map(|u| shown_in(script, u)).collect()))
    }
}

/// What Chinese of `recording` is shown in.
pub(super) async fn script_of(store: &Store, recording: &Recording) -> Result<Script, StoreError> {
    let source = store.source(recording.source_id).await?;
    Ok(source.map_or(Script::Simplified, |s| s.settings.script))
}

/// The transcript of `range` as a file. `from_zero`: times of captions count from the beginning of the range.
///
/// # Errors
/// When the store fails.
pub(crate) async fn file(
    store: &Store,
    recording: &Recording,
    range: Range,
    from_zero: bool,
    format: Format,
) -> Result<String, StoreError> {
    let span = range.within(store, recording).await?;
    let script = script_of(store, recording).await?;
    let captions = match format {
        Format::Srt => Captions::Srt,
        Format::Vtt => Captions::Vtt,
        Format::Txt => {
            let (mut out, mut speaker) = (String::new(), None);
            let mut stretches = Stretches::new(store, recording, span);
            while let Some(some) = stretches.next_shown(script).await? {
                out.push_str(&plain_text(&some, recording.language, speaker));
                speaker = last_speaker(&some).or(speaker);
            }
            return Ok(out);
        }
        Format::Json => {
            let view = told(store, recording, range.from, span).await?;
            return Ok(serde_json::to_string_pretty(&view).unwrap_or_default() + "\n");
        }
    };
    let zero = if from_zero { range.from } else { MediaTime::ZERO };
    let mut writer = CaptionWriter::new(captions, recording.language, span, zero);
    let mut out = writer.header().to_owned();
    let mut stretches = Stretches::new(store, recording, span);
    while let Some(some) = stretches.next_shown(script).await? {
        out.push_str(&writer.write(&some));
    }
    Ok(out)
}

/// All that is known of `span`.
async fn told(
    store: &Store,
    recording: &Recording,
    from: MediaTime,
    span: Option<Span>,
) -> Result<TranscriptView, StoreError> {
    let script = script_of(store, recording).await?;
    let heard = heard_until(&store.follower(recording.id, TRANSCRIBER).await?.state);
    let mut utterances = vec![];
    let mut stretches = Stretches::new(store, recording, span);
    while let Some(some) = stretches.next().await? {
        utterances.extend(some.into_iter().map(|u| UtteranceView::new(u, recording.language, script)));
    }
    // What was dropped may lie where nothing was said at all.
    let to = span.map_or(from, Span::end);
    let dropped = store.dropped_texts(recording.id).await?.into_iter();
    let dropped =
        dropped.filter(|d| span.is_none_or(|s| s.overlaps(d.span))).map(DroppedView::from).collect();
    Ok(TranscriptView {
        recording_id: recording.id.to_string(),
        language: recording.language.into(),
        revision: store.shown_revision(recording.id).await?,
        from_s: seconds(from),
        to_s: seconds(to),
        next_s: None,
        heard_until_s: heard.map(seconds),
        utterances,
        dropped,
    })
}

/// The first sentences of `range` that have `words` in them; `next_s` where there are more.
async fn found(
    store: &Store,
    recording: &Recording,
    range: Range,
    words: &str,
) -> Result<TranscriptView, StoreError> {
    let script = script_of(store, recording).await?;
    let words = to_simplified(&words.to_lowercase());
    let mut view = told(store, recording, range.from, None).await?;
    view.dropped.clear();
    let span = range.within(store, recording).await?;
    view.to_s = span.map_or(view.to_s, |s| seconds(s.end()));
    let mut stretches = Stretches::new(store, recording, span);
    while let Some(some) = stretches.next().await? {
        for u in some.into_iter().filter(|u| u.text.to_lowercase().contains(&words)) {
            if view.utterances.len() == FOUND_MAX {
                let last = view.utterances.last().map(|u| u.end_s);
                (view.next_s, view.to_s) = (last, last.unwrap_or(view.to_s));
                return Ok(view);
            }
            view.utterances.push(UtteranceView::new(u, recording.language, script));
        }
    }
    Ok(view)
}

pub(super) async fn recording_of(app: &App, text: &str) -> Result<Recording, ApiError> {
    let recording = app.store.recording(id("recording", text)?).await?;
    recording.ok_or_else(|| ApiError::not_found("recording", text))
}

/// Which part of a transcript.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// From this moment of the recording, in seconds; 0 when left out.
    from: Option<f64>,
    /// To this moment, in seconds; the end when left out.
    to: Option<f64>,
    /// Only sentences with these words in them, whatever their case; then the whole range is looked through, for the
    /// first 200 of them.
    find: Option<String>,
}

/// Which part of a transcript, and how its times count.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AskedFile {
    /// From this moment of the recording, in seconds; 0 when left out.
    from: Option<f64>,
    /// To this moment, in seconds; the end when left out.
    to: Option<f64>,
    /// `true`: the times of captions count from `from`, as for a clip that begins there.
    zero: Option<bool>,
}

/// The transcript of a recording, or of a range of it: sentences with words, times and numbers, and what was dropped
/// and why. At most an hour in one answer, or what was searched for: `next_s` says where to go on.
#[utoipa::path(get, path = "/api/recordings/{id}/transcript", tag = "transcripts",
    params(("id" = String, Path, description = "The recording."), Asked),
    responses(
        (status = 200, body = TranscriptView),
        (status = 404, body = ErrorBody, description = "No such recording."),
        (status = 422, body = ErrorBody, description = "The range is none."),
    ))]
pub(super) async fn read(
    State(app): State<App>,
    Named(text): Named,
    Params(Asked { from, to, find }): Params<Asked>,
) -> Result<Json<TranscriptView>, ApiError> {
    let range = Range::new(from, to).map_err(ApiError::invalid)?;
    let recording = recording_of(&app, &text).await?;
    if let Some(words) = find.as_deref().map(str::trim).filter(|w| !w.is_empty()) {
        return Ok(Json(found(&app.store, &recording, range, words).await?));
    }
    let whole = range.within(&app.store, &recording).await?;
    let page = whole.and_then(|s| Span::new(s.start(), s.end().min(s.start() + PAGE_MICROS)).ok());
    let mut view = told(&app.store, &recording, range.from, page).await?;
    if let (Some(whole), Some(page)) = (whole, page)
        && page.end() < whole.end()
    {
        // A sentence over the edge was told here; the next page begins after it.
        let edge = view.utterances.last().map_or(view.to_s, |u| u.end_s.max(view.to_s));
        view.next_s = (edge < seconds(whole.end())).then_some(edge);
    }
    Ok(Json(view))
}

async fn download(app: &App, text: &str, asked: AskedFile, format: Format) -> Result<Response, ApiError> {
    let range = Range::new(asked.from, asked.to).map_err(ApiError::invalid)?;
    let recording = recording_of(app, text).await?;
    let content = file(&app.store, &recording, range, asked.zero.unwrap_or(false), format).await?;
    let (kind, ending) = match format {
        Format::Srt => ("application/x-subrip; charset=utf-8", "srt"),
        Format::Vtt => ("text/vtt; charset=utf-8", "vtt"),
        Format::Txt => ("text/plain; charset=utf-8", "txt"),
        Format::Json => ("application/json", "json"),
    };
    let mut response = ([(header::CONTENT_TYPE, kind)], content).into_response();
    let name = format!("attachment; filename=\"{}.{ending}\"", recording.id);
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// The transcript as SubRip captions.
#[utoipa::path(get, path = "/api/recordings/{id}/transcript.srt", tag = "transcripts",
    params(("id" = String, Path, description = "The recording."), AskedFile),
    responses(
        (status = 200, description = "The file.", content_type = "application/x-subrip"),
        (status = 404, body = ErrorBody, description = "No such recording."),
        (status = 422, body = ErrorBody, description = "The range is none."),
    ))]
pub(super) async fn srt(
    State(app): State<App>,
    Named(text): Named,
    Params(asked): Params<AskedFile>,
) -> Result<Response, ApiError> {
    download(&app, &text, asked, Format::Srt).await
}

/// The transcript as WebVTT captions.
#[utoipa::path(get, path = "/api/recordings/{id}/transcript.vtt", tag = "transcripts",
    params(("id" = String, Path, description = "The recording."), AskedFile),
    responses(
        (status = 200, description = "The file.", content_type = "text/vtt"),
        (status = 404, body = ErrorBody, description = "No such recording."),
        (status = 422, body = ErrorBody, description = "The range is none."),
    ))]
pub(super) async fn vtt(
    State(app): State<App>,
    Named(text): Named,
    Params(asked): Params<AskedFile>,
) -> Result<Response, ApiError> {
    download(&app, &text, asked, Format::Vtt).await
}

/// The transcript as plain text, a line for each sentence.
#[utoipa::path(get, path = "/api/recordings/{id}/transcript.txt", tag = "transcripts",
    params(("id" = String, Path, description = "The recording."), AskedFile),
    responses(
        (status = 200, description = "The file.", content_type = "text/plain"),
        (status = 404, body = ErrorBody, description = "No such recording."),
        (status = 422, body = ErrorBody, description = "The range is none."),
    ))]
pub(super) async fn txt(
    State(app): State<App>,
    Named(text): Named,
    Params(asked): Params<AskedFile>,
) -> Result<Response, ApiError> {
    download(&app, &text, asked, Format::Txt).await
}

/// The whole transcript, or a range of it, in one JSON file.
#[utoipa::path(get, path = "/api/recordings/{id}/transcript.json", tag = "transcripts",
    params(("id" = String, Path, description = "The recording."), AskedFile),
    responses(
        (status = 200, body = TranscriptView),
        (status = 404, body = ErrorBody, description = "No such recording."),
        (status = 422, body = ErrorBody, description = "The range is none."),
    ))]
pub(super) async fn json(
    State(app): State<App>,
    Named(text): Named,
    Params(asked): Params<AskedFile>,
) -> Result<Response, ApiError> {
    download(&app, &text, asked, Format::Json).await
}
