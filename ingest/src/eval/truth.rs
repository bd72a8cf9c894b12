//! The script of a file: what is said, and when. JSON Lines, an object a sentence.

use std::{
    io::{BufRead, BufReader, Read as _},
    path::Path,
};

use clipmill_domain::source::Language;
use clipmill_inference::script::is_cjk;
use serde::Deserialize;

use super::EvalError;

/// The longest line read, in bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// The most lines of one file.
const LINES_MAX: usize = 200_000;
/// A text is Chinese from this share of Chinese letters on, in percent.
const CHINESE_PERCENT: usize = 30;
/// A script may go on this long after the sound, in seconds: encoders cut the last of it off.
const OVERHANG_S: f64 = 1.0;

/// A sentence of the script. Fields of the line that are not named here are passed over.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TruthSentence {
    /// When the audible speech starts, in seconds from the start of the file.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// What is said, as it is spoken.
    pub text: String,
}

/// What is said in a file, in order of starting.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Truth {
    /// The sentences; none: nothing is said.
    pub sentences: Vec<TruthSentence>,
}

impl Truth {
    /// What the text looks like; `None` when there is none.
    pub fn language(&self) -> Option<Language> {
        let letters = || self.sentences.iter().flat_map(|s| s.text.chars()).filter(|c| c.is_alphabetic());
        let (all, chinese) = (letters().count(), letters().filter(|c| is_cjk(*c)).count());
        (all > 0).then_some(if chinese * 100 >= all * CHINESE_PERCENT { Language::Zh } else { Language::En })
    }

    /// When the last sentence ends, in seconds.
    pub fn end_s(&self) -> f64 {
        self.sentences.iter().map(|s| s.end).fold(0.0, f64::max)
    }

    /// # Errors
    /// [`EvalError::TruthTooLong`] when the script goes on for more than a second after the sound.
    pub fn fits(&self, audio_s: f64) -> Result<(), EvalError> {
        if self.end_s() > audio_s + OVERHANG_S {
            return Err(EvalError::TruthTooLong { truth_s: self.end_s(), audio_s });
        }
        Ok(())
    }
}

/// Reads a script. Empty lines are passed over; a file without any sentence says that nothing is said.
///
/// # Errors
/// [`EvalError::Read`], or [`EvalError::Line`] with the number of the line.
pub fn read_truth(path: &Path) -> Result<Truth, EvalError> {
    let mut sentences = Vec::new();
    read_lines(path, |text| {
        let s: TruthSentence = serde_json::from_str(text)
            .map_err(|e| format!("{e}; a line is a JSON object with start and end (seconds) and text"))?;
        if !(s.start.is_finite() && s.end.is_finite() && s.start >= 0.0 && s.end > s.start) {
            return Err(format!("a sentence from {} to {} s has no length", s.start, s.end));
        }
        if s.text.trim().is_empty() {
            return Err("the text is empty; leave the line out where nothing is said".to_owned());
        }
        sentences.push(s);
        Ok(())
    })?;
    sentences.sort_by(|a, b| a.start.total_cmp(&b.start));
    Ok(Truth { sentences })
}

/// Calls `take` with each line that is not blank, without the surrounding space; its error gets the line's number.
pub(super) fn read_lines(
    path: &Path,
    mut take: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), EvalError> {
    let shown = path.display().to_string();
    let failed = |source| EvalError::Read { path: shown.clone(), source };
    let mut file = BufReader::new(std::fs::File::open(path).map_err(failed)?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        if file.by_ref().take(limit).read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        let bad = |why: String| EvalError::Line { path: shown.clone(), line: number, why };
        if line.len() > LINE_BYTES_MAX {
            return Err(bad(format!(
                "the line is longer than {LINE_BYTES_MAX} bytes: this is not such a file"
            )));
        }
        if number > LINES_MAX {
            return Err(bad(format!("the file has more than {LINES_MAX} lines")));
        }
        let text = std::str::from_utf8(&line).map_err(|_| bad("it is not UTF-8 text".to_owned()))?;
        let text = text.trim_start_matches('\u{feff}').trim_matches([' ', '\r', '\n']);
        if !text.trim().is_empty() {
            take(text).map_err(bad)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Truth, EvalError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        read_truth(file.path())
    }

    #[test]
    fn sentences_come_in_order_and_tell_their_language() {
        let text = "\u{feff}{\"start\": 3, \"end\": 4.5, \"text\": \"好的\", \"label\": \"chat\"}\r\n\n\
                    {\"id\": 0, \"start\": 1, \"end\": 2, \"text\": \"开衫 ok\"}\n";
        let truth = read(text.as_bytes()).unwrap();
        assert_eq!(truth.sentences.iter().map(|s| s.start).collect::<Vec<_>>(), [1.0, 3.0]);
        assert_eq!((truth.language(), truth.end_s()), (Some(Language::Zh), 4.5));
        let english = read(b"{\"start\":0,\"end\":1,\"text\":\"The lip balm\"}").unwrap();
        assert_eq!(english.language(), Some(Language::En));
        assert_eq!(read(b"\n\n").unwrap().language(), None);
        assert!(truth.fits(4.0).is_ok());
        assert!(truth.fits(3.0).unwrap_err().to_string().contains("4.5 s"));
    }

    #[test]
    fn bad_lines_are_named_by_number() {
        let good = "{\"start\":0,\"end\":1,\"text\":\"a\"}\n";
        for (bad, says) in [
            ("{\"start\":0", "EOF"),
            ("{\"start\":0,\"end\":1}", "missing field `text`"),
            ("{\"start\":2,\"end\":1,\"text\":\"a\"}", "no length"),
            ("{\"start\":-1,\"end\":1,\"text\":\"a\"}", "no length"),
            ("{\"start\":0,\"end\":1,\"text\":\" \"}", "empty"),
        ] {
            let said = read(format!("{good}{bad}\n{good}").as_bytes()).unwrap_err().to_string();
            assert!(said.contains("line 2:") && said.contains(says), "{said}");
        }
        let said = read(&[b"\xff\xfe\n".as_slice(), good.as_bytes()].concat()).unwrap_err().to_string();
        assert!(said.contains("line 1: it is not UTF-8"), "{said}");
        let long = format!("{good}{}", " ".repeat(LINE_BYTES_MAX + 1));
        assert!(read(long.as_bytes()).unwrap_err().to_string().contains("line 2: the line is longer"));
        assert!(read_truth(Path::new("/nowhere.jsonl")).unwrap_err().to_string().contains("/nowhere.jsonl"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }

        #[test]
        fn nearly_right_lines_are_read_or_refused(
            start in any::<f64>(), end in any::<f64>(), text in ".{0,20}", cut in 0usize..60,
        ) {
            let line = serde_json::json!({ "start": start, "end": end, "text": text }).to_string();
            let cut = line.char_indices().nth(cut).map_or(line.len(), |(at, _)| at);
            if let Ok(truth) = read(&line.as_bytes()[..cut]) {
                prop_assert!(truth.sentences.iter().all(|s| s.end > s.start && s.start >= 0.0));
            }
        }
    }
}
