//! Labelled talk, and the forms in which a recogniser would hand the same talk over.

use camino::Utf8Path;
use clipmill_domain::taxonomy::Label;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use super::ClassifyError;

/// A stretch of talk with its label, one JSON object a line of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Names it within its file: text, or a number in the file.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// `zh` or `en`; empty where not said.
    #[serde(default)]
    pub lang: String,
    /// What was said.
    pub text: String,
    /// What it is about first of all.
    pub label: Label,
    /// Labels that are acceptable too.
    #[serde(default)]
    pub also: Vec<Label>,
    /// Who speaks, or how: talk of one style is like itself. The file's name where nothing is said.
    #[serde(default)]
    pub style: String,
    /// Remarks; one that contains "hard" marks small talk with product words.
    #[serde(default)]
    pub note: String,
}

/// The form of an example's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// As written.
    Whole,
    /// The same without punctuation, as recognisers often write.
    Spoken,
    /// One clause of it.
    Clause,
}

/// A clause is kept as an example of its own from this many characters on.
const CLAUSE_CHARS: usize = 5;

/// Reads labelled talk, one JSON object a line; empty lines are passed over.
pub fn read_examples(path: &Utf8Path) -> Result<Vec<Example>, ClassifyError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ClassifyError::Read { path: path.to_owned(), source })?;
    let bad = |line: usize, reason: String| ClassifyError::BadLine { path: path.to_owned(), line, reason };
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(n, line)| {
            let mut example: Example = serde_json::from_str(line).map_err(|e| bad(n, e.to_string()))?;
            if example.style.is_empty() {
                path.file_stem().unwrap_or_default().clone_into(&mut example.style);
            }
            if example.text.trim().is_empty() {
                Err(bad(n, "its text is blank".to_owned()))
            } else {
                Ok(example)
            }
        })
        .collect()
}

/// The forms of `text` to fit on: as written, spoken, and its clauses; no text twice.
pub fn variants(text: &str) -> Vec<(Variant, String)> {
    let mut out = vec![(Variant::Whole, text.to_owned())];
    let clauses = text.split(['，', '。', '！', '？', '；', ',', '.', '!', '?', ';']).map(spoken);
    let clauses = clauses.filter(|c| c.chars().count() >= CLAUSE_CHARS).map(|c| (Variant::Clause, c));
    for next in [(Variant::Spoken, spoken(text))].into_iter().chain(clauses) {
        if !next.1.is_empty() && out.iter().all(|(_, known)| *known != next.1) {
            out.push(next);
        }
    }
    out
}

/// `text` without punctuation: gone between Chinese characters, a space elsewhere. Apostrophes stay.
fn spoken(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, '\'' | '%' | '$' | '&') {
            if gap && c.is_ascii() && out.chars().next_back().is_some_and(|p| p.is_ascii()) {
                out.push(' ');
            }
            gap = false;
            out.push(c);
        } else {
            gap = true;
        }
    }
    out
}

fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Number(i64),
    }
    Ok(match Written::deserialize(from)? {
        Written::Text(text) => text,
        Written::Number(number) => number.to_string(),
    })
}

/// Identifies a set of examples by what is fitted on: SHA-256 over label and text in order, lower-case hex. A head
/// carries it as [`super::HeadFacts::data_sha256`].
pub fn data_sha256(examples: &[Example]) -> String {
    let mut hash = Sha256::new();
    for e in examples {
        hash.update(e.label.key().as_bytes());
        hash.update(b"\t");
        hash.update(e.text.as_bytes());
        hash.update(b"\n");
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        variants(text).into_iter().map(|(_, t)| t).collect()
    }

    #[test]
    fn talk_varies_as_recognisers_write_it() {
        assert_eq!(
            texts("这件是纯棉的，很透气，一百支双股"),
            [
                "这件是纯棉的，很透气，一百支双股",
                "这件是纯棉的很透气一百支双股",
                "这件是纯棉的",
                "一百支双股"
            ]
        );
        assert_eq!(
            texts("it's food grade, no plastic"),
            ["it's food grade, no plastic", "it's food grade no plastic", "it's food grade", "no plastic"]
        );
        assert_eq!(texts("杯子是PP材质"), ["杯子是PP材质"]);
        assert_eq!(texts("……"), ["……"]);
    }

    #[test]
    fn a_bad_line_is_named_with_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::from_path_buf(dir.path().join("x.jsonl")).unwrap();
        let good = r#"{"id":"a","lang":"zh","text":"纯棉的","label":"fabric","also":["skin_feel"]}"#;
        let error = |second: &str| {
            std::fs::write(&path, format!("{good}\n\n{second}\n")).unwrap();
            read_examples(&path).unwrap_err().to_string()
        };
        assert!(error(r#"{"id":"b","lang":"zh","text":"x","label":"price"}"#).contains("line 3"));
        assert!(error(r#"{"id":"b","lang":"zh","text":" ","label":"chat"}"#).contains("blank"));
        std::fs::write(&path, format!("{good}\n{}", good.replace("\"a\"", "7"))).unwrap();
        let read = read_examples(&path).unwrap();
        assert_eq!((&*read[0].id, &*read[1].id), ("a", "7"));
        assert_eq!((read[0].label, &read[0].also[..]), (Label::Fabric, &[Label::SkinFeel][..]));
    }
}
