//! Words as repairs see them, whether fresh from the recogniser or stored.

use clipmill_domain::{
    MediaTime,
    transcript::{Mended, MendedBy, Word},
};

use crate::asr::RecognizedWord;

/// A word with its time.
pub trait SpokenWord: Clone {
    /// As it is written now, marks behind it included.
    fn text(&self) -> &str;
    /// Its start in seconds.
    fn start_s(&self) -> f64;
    /// Its end in seconds.
    fn end_s(&self) -> f64;
    /// The recogniser's probability, 0 to 1.
    fn p(&self) -> f32;
    /// What was put right in it already.
    fn mended(&self) -> Option<&Mended>;
    /// The same word, or one like it, written otherwise.
    #[must_use]
    fn written(&self, text: String, start_s: f64, end_s: f64, p: f32, mended: Mended) -> Self;

    /// Who put it right, if anybody did.
    fn mended_by(&self) -> Option<MendedBy> {
        self.mended().map(|m| m.by)
    }

    /// What the recogniser gave.
    fn heard(&self) -> &str {
        self.mended().map_or(self.text(), |m| &m.heard)
    }
}

impl SpokenWord for RecognizedWord {
    fn text(&self) -> &str {
        &self.text
    }

    fn start_s(&self) -> f64 {
        self.start_s
    }

    fn end_s(&self) -> f64 {
        self.end_s
    }

    fn p(&self) -> f32 {
        self.p
    }

    fn mended(&self) -> Option<&Mended> {
        self.mended.as_ref()
    }

    fn written(&self, text: String, start_s: f64, end_s: f64, p: f32, mended: Mended) -> Self {
        Self { text, start_s, end_s, p, mended: Some(mended) }
    }
}

impl SpokenWord for Word {
    fn text(&self) -> &str {
        &self.text
    }

    fn start_s(&self) -> f64 {
        self.start.as_seconds()
    }

    fn end_s(&self) -> f64 {
        self.end.as_seconds()
    }

    fn p(&self) -> f32 {
        self.p
    }

    fn mended(&self) -> Option<&Mended> {
        self.mended.as_ref()
    }

    fn written(&self, text: String, start_s: f64, end_s: f64, p: f32, mended: Mended) -> Self {
        let (start, end) = (MediaTime::from_seconds(start_s), MediaTime::from_seconds(end_s));
        Self { text, start, end: end.max(start), p, mended: Some(mended) }
    }
}
