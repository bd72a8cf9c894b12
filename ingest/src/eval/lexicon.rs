//! The words of the trade that a measurement looks for.

use std::path::Path;

use serde::Deserialize;

use super::{EvalError, truth::read_lines};

/// A term and the other names that are as right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// How it is written first, then its aliases; at least one.
    pub names: Vec<String>,
}

/// A product as brands enter it; other fields are passed over.
#[derive(Deserialize)]
struct Product {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
}

/// Reads terms: one a line with its aliases after tabs, or JSON Lines with `name` and `aliases` (products). Both may stand
/// in one file.
///
/// # Errors
/// [`EvalError::Read`], or [`EvalError::Line`] with the number of the line.
pub fn read_terms(path: &Path) -> Result<Vec<Term>, EvalError> {
    let mut terms = Vec::new();
    read_lines(path, |line| {
        let names: Vec<String> = if line.starts_with('{') {
            let product: Product = serde_json::from_str(line)
                .map_err(|e| format!("{e}; a product is a JSON object with name and aliases"))?;
            std::iter::once(product.name).chain(product.aliases).collect()
        } else {
            line.split('\t').map(str::to_owned).collect()
        };
        let names: Vec<String> =
            names.iter().map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect();
        if names.is_empty() {
            return Err("the term has no name".to_owned());
        }
        terms.push(Term { names });
        Ok(())
    })?;
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_come_from_tabs_and_from_products() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "亚麻\n毫安\t毫安时\tmAh\r\n\n{\"sku\":\"A\",\"name\":\"Lip Balm\",\"aliases\":[\"balm\"],\"price\":1}\n";
        std::fs::write(file.path(), text).unwrap();
        let terms: Vec<Vec<String>> = read_terms(file.path()).unwrap().into_iter().map(|t| t.names).collect();
        assert_eq!(terms, [vec!["亚麻"], vec!["毫安", "毫安时", "mAh"], vec!["Lip Balm", "balm"]]);
        std::fs::write(file.path(), "亚麻\n{\"aliases\":[]}\n").unwrap();
        assert!(read_terms(file.path()).unwrap_err().to_string().contains("line 2: missing field `name`"));
    }

    proptest::proptest! {
        /// Lines of any kind are terms with names, or an error that names the line.
        #[test]
        fn any_lines_are_read_or_refused(lines in proptest::collection::vec("[\\{\\}\\[\\]\":,a-z亚\t 0-9\\\\]{0,30}", 0..5)) {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), lines.join("\n")).unwrap();
            match read_terms(file.path()) {
                Ok(terms) => proptest::prop_assert!(terms.iter().all(|t| !t.names.is_empty())),
                Err(e) => proptest::prop_assert!(e.to_string().contains("line "), "{e}"),
            }
        }
    }
}
