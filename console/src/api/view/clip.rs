//! Clips, as the feed and the clip page show them.

use clipmill_domain::{Span, post, taxonomy::Label, transcript::Utterance};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{seconds, share, wall};

/// How far a clip has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Cut at key frames: reviewable.
    Draft,
    /// Cut to the frame.
    Exact,
    /// Rendered as a captioned vertical video.
    Captioned,
}

/// Where a post stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PostState {
    /// Waits for its slot.
    Planned,
    /// Being published.
    Publishing,
    /// The answer was lost; it is looked up before anything else.
    OutcomeUnknown,
    /// Published.
    Live,
    /// Given up.
    Failed,
}

impl From<post::PostState> for PostState {
    fn from(s: post::PostState) -> Self {
        match s {
            post::PostState::Planned => Self::Planned,
            post::PostState::Publishing => Self::Publishing,
            post::PostState::OutcomeUnknown => Self::OutcomeUnknown,
            post::PostState::Live => Self::Live,
            post::PostState::Failed => Self::Failed,
        }
    }
}

/// A label's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabelName {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl From<Label> for LabelName {
    fn from(l: Label) -> Self {
        Self { zh: l.zh().to_owned(), en: l.en().to_owned() }
    }
}

/// A clip's post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PostSummary {
    /// Where it stands.
    pub state: PostState,
    /// The account or folder it goes to.
    pub target: String,
    /// Its slot.
    pub due_at: String,
    /// When it went live.
    pub published_at: Option<String>,
    /// What the target calls it.
    pub reference: Option<String>,
    /// The last failure, in plain words.
    pub last_error: Option<String>,
}

impl From<post::Post> for PostSummary {
    fn from(p: post::Post) -> Self {
        Self {
            state: p.state.into(),
            target: p.target,
            due_at: wall(p.due_at),
            published_at: p.published_at.map(wall),
            reference: p.reference,
            last_error: p.last_error,
        }
    }
}

/// A clip as the feed shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClipCard {
    /// Its id.
    pub id: String,
    /// What it shows.
    pub selling_point_id: String,
    /// The recording it is cut from.
    pub recording_id: String,
    /// Name of that recording's source.
    pub source_name: String,
    /// One line.
    pub title: String,
    /// Key of its label.
    pub label: String,
    /// Names of its label.
    pub label_name: LabelName,
    /// The product on sale; null when unsure.
    pub product_name: Option<String>,
    /// Its stock-keeping unit.
    pub product_sku: Option<String>,
    /// How sure the classifier is, 0 to 1.
    pub confidence: f64,
    /// Where it starts in the recording, in seconds.
    pub start_s: f64,
    /// Where it ends in the recording, in seconds.
    pub end_s: f64,
    /// Its playing time in seconds.
    pub duration_s: f64,
    /// When the talk it shows ended.
    pub talk_ended_at: String,
    /// When it could first be played.
    pub reviewable_at: String,
    /// Seconds between the two.
    pub latency_s: f64,
    /// A JPEG.
    pub thumbnail_url: String,
    /// The best version there is: captioned, else exact, else draft.
    pub video_url: String,
    /// Which version that is.
    pub stage: Stage,
    /// The captioned video, once rendered.
    pub remix_url: Option<String>,
    /// Its post, once planned.
    pub post: Option<PostSummary>,
}

/// A page of the feed, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClipPage {
    /// The clips.
    pub clips: Vec<ClipCard>,
    /// Pass as `before` for the next older page; null at the end.
    pub next: Option<String>,
}

/// A recognised word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Start in the recording, in seconds.
    pub start_s: f64,
    /// End in the recording, in seconds.
    pub end_s: f64,
    /// How sure the recogniser is, 0 to 1.
    pub p: f64,
}

/// A sentence of the transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TranscriptLine {
    /// Its number in the recording.
    pub seq: i64,
    /// Start in the recording, in seconds.
    pub start_s: f64,
    /// End in the recording, in seconds.
    pub end_s: f64,
    /// The text.
    pub text: String,
    /// Whether it is part of the clip, or context around it.
    pub inside: bool,
    /// Its words.
    pub words: Vec<Word>,
}

impl TranscriptLine {
    pub(in crate::api) fn new(u: Utterance, spans: &[Span]) -> Self {
        let word = |w: clipmill_domain::transcript::Word| Word {
            text: w.text,
            start_s: seconds(w.start),
            end_s: seconds(w.end),
            p: share(w.p),
        };
        Self {
            seq: u.seq,
            start_s: seconds(u.span.start()),
            end_s: seconds(u.span.end()),
            inside: spans.iter().any(|s| s.overlaps(u.span)),
            text: u.text,
            words: u.words.into_iter().map(word).collect(),
        }
    }
}

/// A label and how likely it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LabelShare {
    /// Key of the label.
    pub label: String,
    /// 0 to 1.
    pub p: f64,
}

/// What a clip's label and product rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceView {
    /// The words said.
    pub quote: String,
    /// The likeliest labels, best first.
    pub top: Vec<LabelShare>,
    /// Rules that fired.
    pub rule_hits: Vec<String>,
    /// How the product was bound.
    pub product_why: Option<String>,
}

/// One line of a clip's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryLine {
    /// When.
    pub at: String,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// With which particulars.
    pub detail: Option<String>,
}

/// Everything about one clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClipDetail {
    /// As in the feed.
    #[serde(flatten)]
    pub card: ClipCard,
    /// Sentences that explain the cut.
    pub why: Vec<String>,
    /// What label and product rest on.
    pub evidence: EvidenceView,
    /// The sentences of the clip, with some before and after.
    pub transcript: Vec<TranscriptLine>,
    /// The key-frame cut.
    pub draft_url: String,
    /// The cut to the frame, once made.
    pub exact_url: Option<String>,
    /// The captioned video, once rendered.
    pub captioned_url: Option<String>,
    /// What classified it: model and version.
    pub made_by: String,
    /// What happened to it, oldest first.
    pub history: Vec<HistoryLine>,
}
