//! What is known of a file: its sentences with topic and product, and the product list. JSON Lines.

use std::path::Path;

use clipmill_domain::{product::Product, taxonomy::Label};
use serde::{Deserialize, de::DeserializeOwned};

use super::EvalError;

/// The longest file read, in bytes: ten hours of talk take three million.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A sentence as it was said. Fields of the line that are not named here are passed over.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TruthLine {
    /// When the audible speech starts, in seconds from the start of the file.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// What is said.
    pub text: String,
    /// What it is about first of all.
    pub label: Label,
    /// Labels that are acceptable too.
    #[serde(default)]
    pub also: Vec<Label>,
    /// The product it is about: its SKU, its name or one of its aliases.
    #[serde(default)]
    pub product: Option<String>,
}

/// Reads what is said, in order of starting.
///
/// # Errors
/// [`EvalError`], with the number of the line.
pub fn read_truth(path: &Path) -> Result<Vec<TruthLine>, EvalError> {
    let mut lines: Vec<TruthLine> =
        read(path, "start and end (seconds), text and label", |l: &TruthLine| {
            let sound = l.start.is_finite() && l.end.is_finite() && l.start >= 0.0 && l.end > l.start;
            if sound {
                Ok(())
            } else {
                Err(format!("a sentence from {} to {} s has no length", l.start, l.end))
            }
        })?;
    lines.sort_by(|a, b| a.start.total_cmp(&b.start));
    Ok(lines)
}

/// Reads a product list.
///
/// # Errors
/// [`EvalError`], with the number of the line.
pub fn read_products(path: &Path) -> Result<Vec<Product>, EvalError> {
    read(path, "sku and name, and what else is known of the product", |_| Ok(()))
}

fn read<T: DeserializeOwned>(
    path: &Path,
    fields: &str,
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<Vec<T>, EvalError> {
    let shown = path.display().to_string();
    let failed = |source| EvalError::Read { path: shown.clone(), source };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > FILE_BYTES_MAX {
        let why = format!("the file has {length} bytes: this is not such a file");
        return Err(EvalError::Line { path: shown, line: 1, why });
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let lines = text.trim_start_matches('\u{feff}').lines();
    (1..)
        .zip(lines)
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            let bad = |why| EvalError::Line { path: shown.clone(), line: number, why };
            let value = serde_json::from_str(line)
                .map_err(|e| bad(format!("{e}; a line is a JSON object with {fields}")))?;
            check(&value).map_err(bad)?;
            Ok(value)
        })
        .collect()
}
