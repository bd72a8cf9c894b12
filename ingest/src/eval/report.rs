//! What was measured.

use std::collections::BTreeMap;

use serde::Serialize;

/// The figures of one file. Shares are from 0 to 1; what has no meaning for the file is `None` (`null`).
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Report {
    /// Chinese: edits as a share of the characters said, in the common form.
    pub cer: Option<f64>,
    /// Chinese: the same with numbers as written.
    pub cer_raw: Option<f64>,
    /// English: edits as a share of the words said, in the common form.
    pub wer: Option<f64>,
    /// How far sentences begin from where they should: median, in milliseconds. Of the sentences whose first character or
    /// word was recognised; by the times of words.
    pub start_ms_p50: Option<f64>,
    /// Not exceeded by 90 % of them.
    pub start_ms_p90: Option<f64>,
    /// The same of the ends.
    pub end_ms_p50: Option<f64>,
    /// Not exceeded by 90 % of them.
    pub end_ms_p90: Option<f64>,
    /// Characters (Chinese) or words (English) that were said and for which nothing stands.
    pub words_lost: usize,
    /// Letters and digits recognised, and not said, where nobody speaks for a second or longer.
    pub nonspeech_chars: usize,
    /// The share of numbers recognised with value and unit.
    pub numbers_right: Option<f64>,
    /// The share of terms said that were recognised; `None` without a lexicon.
    pub term_recall: Option<f64>,
    /// The same before anything was put right.
    pub term_recall_raw: Option<f64>,
    /// CPU seconds for a second of sound.
    pub cpu_s_per_audio_s: f64,
    /// How many chunks went to the recogniser.
    pub chunks: u64,
    /// How often each guard took something out.
    pub guards: BTreeMap<&'static str, usize>,
    /// Length of the sound.
    pub audio_s: f64,
    /// Sentences of the script.
    pub sentences_truth: usize,
    /// Sentences that were recognised.
    pub sentences_heard: usize,
    /// What it was taken for, two letters.
    pub language: &'static str,
    /// Model and search.
    pub made_by: String,
    /// English: as `wer`, with numbers, contractions and spelling as written.
    pub wer_raw: Option<f64>,
    /// `cer` or `wer` of the text before anything was put right.
    pub error_unrepaired: Option<f64>,
    /// Characters or words said.
    pub words_said: usize,
    /// Recognised as others.
    pub words_wrong: usize,
    /// Recognised and not said.
    pub words_added: usize,
    /// Median error of starts with its sign; above zero is late.
    pub start_ms_bias: Option<f64>,
    /// Median error of ends with its sign.
    pub end_ms_bias: Option<f64>,
    /// How many sentences' starts could be measured.
    pub starts_measured: usize,
    /// How many sentences' ends could be measured.
    pub ends_measured: usize,
    /// How many sentences of the script start where an utterance starts, within 300 ms.
    pub starts_at_utterance: usize,
    /// How many end where an utterance ends.
    pub ends_at_utterance: usize,
    /// Numbers said.
    pub numbers_said: usize,
    /// Terms said, each occurrence.
    pub terms_said: usize,
    /// Seconds from the end of an utterance to its text: sound in blocks of 2 s, and CPU time. Median.
    pub final_s_p50: Option<f64>,
    /// Not exceeded by 95 % of the utterances.
    pub final_s_p95: Option<f64>,
    /// The sentences of the script one by one; on request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentences: Option<Vec<SentenceReport>>,
    /// The utterances one by one; on request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utterances: Option<Vec<UtteranceReport>>,
    /// Another recogniser on the same file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerReport>,
    /// Our `cer` (or `wer`) to the other's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cer_ratio: Option<f64>,
    /// Our CPU seconds to the other's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_ratio: Option<f64>,
}

/// A sentence of the script and what was recognised for it, in the common form.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SentenceReport {
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
    /// What is said.
    pub said: String,
    /// What was recognised.
    pub heard: String,
    /// Edits between the two.
    pub edits: usize,
    /// Error of the start, if its first token was recognised.
    pub start_ms: Option<f64>,
    /// Error of the end, if its last token was recognised.
    pub end_ms: Option<f64>,
    /// Numbers said that were not recognised.
    pub numbers_missed: usize,
    /// Terms said that were not recognised.
    pub terms_missed: usize,
}

/// An utterance as it went downstream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UtteranceReport {
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
    /// Its text.
    pub text: String,
    /// Seconds from its end to its text.
    pub final_s: f64,
}

/// The figures of another recogniser. See [`Report`] for their meaning.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct PeerReport {
    /// Its name.
    pub name: String,
    /// As in [`Report`].
    pub cer: Option<f64>,
    /// As in [`Report`].
    pub cer_raw: Option<f64>,
    /// As in [`Report`].
    pub wer: Option<f64>,
    /// As in [`Report`].
    pub wer_raw: Option<f64>,
    /// As in [`Report`].
    pub words_lost: usize,
    /// As in [`Report`].
    pub cpu_s_per_audio_s: f64,
}

impl Report {
    /// Puts the other's figures beside ours.
    pub fn beside(&mut self, peer: PeerReport) {
        let ratio = |ours: Option<f64>, theirs: Option<f64>| {
            ours.zip(theirs).filter(|(_, t)| *t > 0.0).map(|(o, t)| rounded(o / t))
        };
        self.cer_ratio = ratio(self.cer.or(self.wer), peer.cer.or(peer.wer));
        self.cpu_ratio = ratio(Some(self.cpu_s_per_audio_s), Some(peer.cpu_s_per_audio_s));
        self.peer = Some(peer);
    }
}

/// To four places.
pub(super) fn rounded(x: f64) -> f64 {
    (x * 10_000.0).round() / 10_000.0
}
