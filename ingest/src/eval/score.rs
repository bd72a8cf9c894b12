//! From what was said and what was recognised to figures. Pure.

use clipmill_domain::{MediaTime, source::Language, transcript::Word};
use clipmill_inference::script::join_words;

use super::{
    align::{Alignment, Item, align},
    hear::Heard,
    lexicon::Term,
    normalise::{Form, Piece, Token, tokens},
    numbers,
    peer::PeerAnswer,
    report::{PeerReport, Report, SentenceReport, UtteranceReport, rounded},
    silence,
    terms::{Recall, TermSet},
    timing::{Borders, percentile},
    truth::{Truth, TruthSentence},
};
use crate::transcribe::sentence::Sentence;

/// Words this far outside a sentence still belong to it: 500 ms.
const SLACK_US: i64 = 500_000;

/// What a text is of a word: as it was recognised, or as it stands after repairs.
type TextOf = fn(&Word) -> &str;

const REPAIRED: TextOf = |w| &w.text;
const RAW: TextOf = Word::heard;

/// Measures what was heard of a file against its script.
pub fn score(truth: &Truth, heard: &Heard, terms: &[Term], language: Language) -> Report {
    let repaired = runs(heard, REPAIRED);
    let laid = Laid::new(truth, &repaired, language, Form::Normal);
    let as_written = Laid::new(truth, &repaired, language, Form::Raw);
    let unrepaired = Laid::new(truth, &runs(heard, RAW), language, Form::Normal);
    let (starts, ends) = borders(truth, heard, &laid);
    let set = TermSet::new(terms, language);
    let mut report = Report {
        words_lost: laid.alignment.lost,
        words_wrong: laid.alignment.wrong,
        words_added: laid.alignment.added,
        words_said: laid.said.len(),
        error_unrepaired: unrepaired.rate(),
        start_ms_p50: starts.size_ms(0.5).map(rounded),
        start_ms_p90: starts.size_ms(0.9).map(rounded),
        end_ms_p50: ends.size_ms(0.5).map(rounded),
        end_ms_p90: ends.size_ms(0.9).map(rounded),
        start_ms_bias: starts.bias_ms().map(rounded),
        end_ms_bias: ends.bias_ms().map(rounded),
        starts_measured: starts.errors_us.len(),
        ends_measured: ends.errors_us.len(),
        starts_at_utterance: starts.at_utterance,
        ends_at_utterance: ends.at_utterance,
        nonspeech_chars: nonspeech_chars(truth, heard, &laid),
        cpu_s_per_audio_s: rounded(heard.cpu_s / heard.audio_s),
        chunks: heard.chunks,
        audio_s: rounded(heard.audio_s),
        sentences_truth: truth.sentences.len(),
        sentences_heard: heard.sentences.len(),
        language: language.code(),
        made_by: heard.made_by.clone(),
        final_s_p50: percentile(heard.waits_s.clone(), 0.5).map(rounded),
        final_s_p95: percentile(heard.waits_s.clone(), 0.95).map(rounded),
        ..Report::default()
    };
    (report.cer, report.wer) = by_language(language, laid.rate());
    (report.cer_raw, report.wer_raw) = by_language(language, as_written.rate());
    for dropped in &heard.dropped {
        *report.guards.entry(dropped.reason).or_default() += 1;
    }
    let mut recalls = Recalls::default();
    let each = truth.sentences.iter().enumerate();
    report.sentences =
        Some(each.map(|(i, s)| sentence(i, s, heard, &laid, &set, language, &mut recalls)).collect());
    report.utterances = Some(heard.sentences.iter().zip(&heard.waits_s).map(utterance).collect());
    (report.numbers_said, report.numbers_right) =
        (recalls.numbers.said, recalls.numbers.share().map(rounded));
    report.terms_said = recalls.terms.said;
    report.term_recall = recalls.terms.share().map(rounded);
    report.term_recall_raw = recalls.terms_raw.share().map(rounded);
    report
}

/// Measures another recogniser's answer; `audio_s` is the length of the sound.
pub fn score_peer(truth: &Truth, answer: &PeerAnswer, language: Language) -> PeerReport {
    let runs: Vec<Vec<Piece<'_>>> = answer
        .segments
        .iter()
        .map(|s| vec![Piece { text: &s.text, start_us: micros(s.start), end_us: micros(s.end) }])
        .collect();
    let laid = Laid::new(truth, &runs, language, Form::Normal);
    let (cer, wer) = by_language(language, laid.rate());
    let (cer_raw, wer_raw) = by_language(language, Laid::new(truth, &runs, language, Form::Raw).rate());
    PeerReport {
        name: answer.name.clone(),
        cer,
        cer_raw,
        wer,
        wer_raw,
        words_lost: laid.alignment.lost,
        cpu_s_per_audio_s: rounded(answer.cpu_s / answer.audio_s),
    }
}

fn utterance((s, wait_s): (&Sentence, &f64)) -> UtteranceReport {
    let (start, end) = (rounded(s.span.start().as_seconds()), rounded(s.span.end().as_seconds()));
    UtteranceReport { start, end, text: s.text.clone(), final_s: rounded(*wait_s) }
}

fn by_language(language: Language, rate: Option<f64>) -> (Option<f64>, Option<f64>) {
    match language {
        Language::Zh => (rate, None),
        Language::En => (None, rate),
    }
}

fn micros(seconds: f64) -> i64 {
    MediaTime::from_seconds(seconds).as_micros()
}

fn runs(heard: &Heard, text: TextOf) -> Vec<Vec<Piece<'_>>> {
    let piece = |w| Piece { text: text(w), start_us: w.start.as_micros(), end_us: w.end.as_micros() };
    heard
        .sentences
        .iter()
        .map(|s| s.words.iter().map(piece).filter(|p| !p.text.is_empty()).collect())
        .collect()
}

/// Said and heard side by side.
struct Laid {
    said: Vec<Token>,
    /// Where each sentence's tokens lie in `said`.
    sentences: Vec<std::ops::Range<usize>>,
    heard: Vec<Token>,
    alignment: Alignment,
}

impl Laid {
    fn new(truth: &Truth, runs: &[Vec<Piece<'_>>], language: Language, form: Form) -> Self {
        let (mut said, mut sentences, mut times) = (Vec::new(), Vec::new(), Vec::new());
        for s in &truth.sentences {
            let (start_us, end_us) = (micros(s.start), micros(s.end));
            let from = said.len();
            said.extend(tokens(&[Piece { text: &s.text, start_us, end_us }], language, form));
            sentences.push(from..said.len());
            times.resize(said.len(), (start_us - SLACK_US, end_us + SLACK_US));
        }
        let heard: Vec<Token> = runs.iter().flat_map(|run| tokens(run, language, form)).collect();
        let a: Vec<Item<'_>> = said
            .iter()
            .zip(&times)
            .map(|(t, (from_us, to_us))| Item { text: &t.text, from_us: *from_us, to_us: *to_us })
            .collect();
        let b: Vec<Item<'_>> =
            heard.iter().map(|t| Item { text: &t.text, from_us: t.start_us, to_us: t.end_us }).collect();
        let alignment = align(&a, &b);
        Self { said, sentences, heard, alignment }
    }

    /// Edits as a share of what was said; `None` where nothing was.
    #[expect(clippy::cast_precision_loss, reason = "counts of words")]
    fn rate(&self) -> Option<f64> {
        (!self.said.is_empty()).then(|| rounded(self.alignment.edits() as f64 / self.said.len() as f64))
    }

    /// The token heard in place of `said`, if it is the same.
    fn right(&self, said: Option<usize>) -> Option<&Token> {
        let said = said?;
        let heard = &self.heard[self.alignment.said[said]?];
        (heard.text == self.said[said].text).then_some(heard)
    }
}

/// Errors of starts and ends, by the times of words.
fn borders(truth: &Truth, heard: &Heard, laid: &Laid) -> (Borders, Borders) {
    let (mut starts, mut ends) = (Borders::default(), Borders::default());
    for (i, s) in truth.sentences.iter().enumerate() {
        let (start, end) = border_errors(i, s, laid);
        starts.errors_us.extend(start);
        ends.errors_us.extend(end);
        starts.look(micros(s.start), heard.sentences.iter().map(|u| u.span.start().as_micros()));
        ends.look(micros(s.end), heard.sentences.iter().map(|u| u.span.end().as_micros()));
    }
    (starts, ends)
}

/// Errors of start and end of a sentence, in microseconds, where its first and last token were recognised.
fn border_errors(i: usize, s: &TruthSentence, laid: &Laid) -> (Option<i64>, Option<i64>) {
    let range = &laid.sentences[i];
    let first = (!range.is_empty()).then_some(range.start);
    let last = (!range.is_empty()).then(|| range.end - 1);
    (
        laid.right(first).map(|t| t.start_us - micros(s.start)),
        laid.right(last).map(|t| t.end_us - micros(s.end)),
    )
}

/// Letters and digits of tokens that were put in where nobody speaks.
fn nonspeech_chars(truth: &Truth, heard: &Heard, laid: &Laid) -> usize {
    let spoken = truth.sentences.iter().map(|s| (micros(s.start), micros(s.end)));
    let gaps = silence::stretches(spoken, micros(heard.audio_s));
    let right = |h: usize| laid.alignment.heard[h].is_some_and(|s| laid.said[s].text == laid.heard[h].text);
    let found = laid.heard.iter().enumerate();
    found
        .filter(|(h, t)| !right(*h) && silence::is_in(&gaps, t.start_us, t.end_us))
        .map(|(_, t)| t.text.chars().filter(|c| c.is_alphanumeric()).count())
        .sum()
}

#[derive(Default)]
struct Recalls {
    numbers: Recall,
    terms: Recall,
    terms_raw: Recall,
}

fn sentence(
    i: usize,
    s: &TruthSentence,
    heard: &Heard,
    laid: &Laid,
    set: &TermSet,
    language: Language,
    recalls: &mut Recalls,
) -> SentenceReport {
    let said = &laid.said[laid.sentences[i].clone()];
    let in_time = |text: TextOf| words_in(heard, s, text);
    let numbers = numbers::compare(&s.text, &in_time(REPAIRED), language);
    let said_terms = set.count(said.iter().map(|t| t.text.as_str()));
    let count = |text: TextOf| {
        let found = tokens(&[Piece { text: &in_time(text), start_us: 0, end_us: 0 }], language, Form::Normal);
        set.count(found.iter().map(|t| t.text.as_str()))
    };
    let mut terms = Recall::default();
    terms.add(&said_terms, &count(REPAIRED));
    recalls.terms_raw.add(&said_terms, &count(RAW));
    recalls.terms.join(terms);
    recalls.numbers.join(numbers);
    let (edits, text) = heard_for(i, laid, language);
    let (start, end) = border_errors(i, s, laid);
    #[expect(clippy::cast_precision_loss, reason = "errors are seconds, not ages")]
    let ms = |us: Option<i64>| us.map(|us| rounded(us as f64 / 1000.0));
    SentenceReport {
        start: s.start,
        end: s.end,
        said: shown(said.iter(), language),
        heard: text,
        edits,
        start_ms: ms(start),
        end_ms: ms(end),
        numbers_missed: numbers.said - numbers.found,
        terms_missed: terms.said - terms.found,
    }
}

/// The words whose middle lies in the sentence's time, half a second around it included; a mark between two utterances.
fn words_in(heard: &Heard, s: &TruthSentence, text: TextOf) -> String {
    let (from, to) = (micros(s.start) - SLACK_US, micros(s.end) + SLACK_US);
    let inside = |w: &&Word| {
        let middle = i64::midpoint(w.start.as_micros(), w.end.as_micros());
        (from..=to).contains(&middle)
    };
    let each = heard
        .sentences
        .iter()
        .filter(|u| u.span.start().as_micros() <= to && u.span.end().as_micros() >= from);
    let texts: Vec<String> = each
        .map(|u| join_words(u.words.iter().filter(inside).map(text).filter(|t| !t.is_empty())))
        .filter(|t| !t.is_empty())
        .collect();
    texts.join(", ")
}

/// What was recognised for a sentence, and the edits that belong to it: tokens put in belong to the sentence before them.
fn heard_for(i: usize, laid: &Laid, language: Language) -> (usize, String) {
    let range = &laid.sentences[i];
    let first = |i: usize| {
        laid.sentences.get(i..)?.iter().flat_map(Clone::clone).find_map(|t| laid.alignment.said[t])
    };
    let from = if i == 0 { 0 } else { first(i).unwrap_or(laid.heard.len()) };
    let to = first(i + 1).unwrap_or(laid.heard.len());
    let tokens = laid.heard.get(from..to).unwrap_or_default();
    let lost_or_wrong = range.clone().filter(|t| laid.right(Some(*t)).is_none()).count();
    let added = (from..to.max(from)).filter(|h| laid.alignment.heard[*h].is_none()).count();
    (lost_or_wrong + added, shown(tokens.iter(), language))
}

fn shown<'a>(tokens: impl Iterator<Item = &'a Token>, language: Language) -> String {
    let texts: Vec<&str> = tokens.map(|t| t.text.as_str()).collect();
    texts.join(if language == Language::Zh { "" } else { " " })
}

#[cfg(test)]
mod tests;
