//! The model's tokens as bytes, and what is done to their likelihoods at each step of decoding.

use std::ffi::{c_int, c_void};

use whisper_rs::{WhisperContext, WhisperTokenData, WhisperTokenId};

use super::bias::{Bias, Place};
use crate::script::{is_cjk, to_simplified};

/// Tokens further behind the likeliest than this, in nats, are left alone: no bonus may bring in what was not heard.
const MARGIN: f32 = 8.0;

/// The text of every token, and the pairs that differ only in script.
#[derive(Debug)]
pub(super) struct Vocabulary {
    /// Bytes of each token below the first special one.
    bytes: Vec<Box<[u8]>>,
    /// A token with Traditional characters, and the token that spells it Simplified.
    scripts: Vec<(usize, usize)>,
}

impl Vocabulary {
    /// The vocabulary of a loaded model.
    pub fn of(context: &WhisperContext) -> Self {
        let text = |id: WhisperTokenId| context.token_to_bytes(id).unwrap_or_default().into();
        Self::new((0..context.token_eot()).map(text).collect())
    }

    fn new(bytes: Vec<Box<[u8]>>) -> Self {
        let mut ids = std::collections::HashMap::new();
        for (id, b) in bytes.iter().enumerate() {
            ids.entry(b.as_ref()).or_insert(id);
        }
        let simplified = |id: usize| {
            let text = std::str::from_utf8(&bytes[id]).ok().filter(|t| t.chars().any(is_cjk))?;
            let simple = to_simplified(text).replace('著', "着");
            let to = *ids.get(simple.as_bytes())?;
            (simple != text).then_some((id, to))
        };
        let scripts = (0..bytes.len()).filter_map(simplified).collect();
        Self { bytes, scripts }
    }
}

/// What is done to the likelihoods.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    pub vocabulary: &'a Vocabulary,
    /// Whether likelihoods of the two Chinese scripts are joined. The model spreads them over both, so that a wrong
    /// character can win over a right one that it writes in two ways.
    pub one_script: bool,
    /// Terms that may be said.
    pub bias: Option<&'a Bias>,
}

impl Filter<'_> {
    /// Whether there is anything to do.
    pub fn is_idle(&self) -> bool {
        !self.one_script && self.bias.is_none_or(Bias::is_empty)
    }

    /// Changes `logits`, one for each token, for the step after the tokens `said`.
    pub fn apply(&self, said: impl Iterator<Item = usize>, logits: &mut [f32]) {
        if self.one_script {
            self.join_scripts(logits);
        }
        if let Some(bias) = self.bias.filter(|b| !b.is_empty()) {
            self.favour(bias, said, logits);
        }
    }

    fn join_scripts(&self, logits: &mut [f32]) {
        for (from, to) in &self.vocabulary.scripts {
            let (Some(a), Some(b)) = (logits.get(*from).copied(), logits.get(*to).copied()) else { continue };
            let most = a.max(b);
            if a.is_finite() && most.is_finite() {
                logits[*to] = most + ((a - most).exp() + (b - most).exp()).ln();
                logits[*from] = f32::NEG_INFINITY;
            }
        }
    }

    fn favour(&self, bias: &Bias, said: impl Iterator<Item = usize>, logits: &mut [f32]) {
        let bytes = &self.vocabulary.bytes;
        let place = said.fold(Place::default(), |place, id| match bytes.get(id) {
            Some(b) => bias.after(place, b),
            // A time or another special token: a term does not run across it.
            None => Place::default(),
        });
        let texts = logits.len().min(bytes.len());
        let most = logits[..texts].iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for (logit, b) in logits[..texts].iter_mut().zip(bytes) {
            if *logit >= most - MARGIN {
                *logit += bias.gain(place, b);
            }
        }
    }
}

/// whisper.cpp's hook into decoding.
///
/// # Safety
/// `filter` points to a [`Filter`] that outlives the call; `tokens` and `logits` are whisper.cpp's own, `count` tokens and
/// one number for each token of the vocabulary.
pub(super) unsafe extern "C" fn on_logits(
    _context: *mut whisper_rs::WhisperSysContext,
    _state: *mut whisper_rs::WhisperSysState,
    tokens: *const WhisperTokenData,
    count: c_int,
    logits: *mut f32,
    filter: *mut c_void,
) {
    if filter.is_null() || logits.is_null() {
        return;
    }
    // SAFETY: the caller's promise; the filter is only read.
    let filter = unsafe { &*filter.cast::<Filter<'_>>() };
    let count = if tokens.is_null() { 0 } else { usize::try_from(count).unwrap_or(0) };
    let said: &[WhisperTokenData] = if count == 0 {
        &[]
    } else {
        // SAFETY: whisper.cpp gives `count` tokens.
        unsafe { std::slice::from_raw_parts(tokens, count) }
    };
    // SAFETY: whisper.cpp gives a number for each token, and there are more tokens than those with a text.
    let logits = unsafe { std::slice::from_raw_parts_mut(logits, filter.vocabulary.bytes.len()) };
    filter.apply(said.iter().map(|t| usize::try_from(t.id).unwrap_or(usize::MAX)), logits);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(texts: &[&str]) -> Vocabulary {
        Vocabulary::new(texts.iter().map(|t| t.as_bytes().into()).collect())
    }

    #[test]
    fn what_is_written_in_two_scripts_counts_together() {
        let v = vocabulary(&["电", "電", "店", "a"]);
        let filter = Filter { vocabulary: &v, one_script: true, bias: None };
        // 40 % and 30 % for the two spellings beat 50 % for another character.
        let mut logits = [0.3f32.ln(), 0.4f32.ln(), 0.5f32.ln(), f32::NEG_INFINITY];
        filter.apply(std::iter::empty(), &mut logits);
        assert!((logits[0] - 0.7f32.ln()).abs() < 1e-5, "{logits:?}");
        assert_eq!(logits[1], f32::NEG_INFINITY);
        assert!((logits[2] - 0.5f32.ln()).abs() < 1e-6 && logits[3] == f32::NEG_INFINITY);
    }

    #[test]
    fn a_term_wins_over_what_sounds_like_it_and_never_from_afar() {
        let v = vocabulary(&["马", "尺", "齿", "线"]);
        let terms = Bias::new(["马齿苋".to_owned()], []);
        let filter = Filter { vocabulary: &v, one_script: false, bias: Some(&terms) };
        let best = |logits: [f32; 4]| {
            let mut logits = logits;
            filter.apply([0].into_iter(), &mut logits);
            (0..4).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap()
        };
        assert_eq!(best([-9.0, -0.5, -2.0, -4.0]), 2);
        assert_eq!(best([-9.0, 0.0, -9.0, -4.0]), 1);
        // After a time the term begins anew.
        let mut logits = [-9.0, -0.5, -2.0, -4.0];
        filter.apply([0, 99].into_iter(), &mut logits);
        assert_eq!(logits, [-9.0, -0.5, -2.0, -4.0]);
    }
}
