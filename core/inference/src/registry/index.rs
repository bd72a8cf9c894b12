//! Reading the index of a Python package registry: the JSON form (PEP 691) and the older HTML form (PEP 503),
//! since mirrors answer with either whatever they are asked for.

use serde::Deserialize;
use url::Url;

/// The media types to ask an index for.
pub(crate) const ACCEPT: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// A file that a package offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offered {
    /// Its file name.
    pub file: String,
    /// Where it is.
    pub url: Url,
    /// Its SHA-256 as the index says, if it does.
    pub sha256: Option<String>,
}

/// The address of `package`'s page under `index`, which ends in a slash or not. Names are normalised as the registry does.
pub(crate) fn page_url(index: &Url, package: &str) -> Result<Url, String> {
    let mut name = String::new();
    for c in package.chars() {
        match c {
            '-' | '_' | '.' if name.ends_with('-') => {}
            '-' | '_' | '.' => name.push('-'),
            c => name.push(c.to_ascii_lowercase()),
        }
    }
    let mut base = index.clone();
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", index.path()));
    }
    base.join(&format!("{name}/")).map_err(|e| format!("{name}: {e}"))
}

/// The files listed on a package's page. `page` is the address it came from: links may be relative to it.
pub(crate) fn parse_page(page: &Url, content_type: &str, body: &str) -> Result<Vec<Offered>, String> {
    if content_type.contains("json") || body.trim_start().starts_with('{') {
        parse_json(page, body)
    } else {
        Ok(parse_html(page, body))
    }
}

#[derive(Deserialize)]
struct JsonPage {
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: std::collections::BTreeMap<String, String>,
}

fn parse_json(page: &Url, body: &str) -> Result<Vec<Offered>, String> {
    let json: JsonPage = serde_json::from_str(body).map_err(|e| format!("its index is not readable: {e}"))?;
    json.files
        .into_iter()
        .map(|f| {
            let url = page.join(&f.url).map_err(|e| format!("its index has a bad link {}: {e}", f.url))?;
            Ok(Offered { file: f.filename, url, sha256: f.hashes.get("sha256").cloned() })
        })
        .collect()
}

/// Every `href` of an `<a>` whose address ends in a file name. Anything else on the page is passed over.
fn parse_html(page: &Url, body: &str) -> Vec<Offered> {
    let mut found = vec![];
    let mut rest = body;
    while let Some(at) = rest.find("<a") {
        rest = &rest[at + 2..];
        let Some(end) = rest.find('>') else { break };
        let (tag, after) = rest.split_at(end);
        rest = after;
        let Some(href) = attribute(tag, "href") else { continue };
        let Ok(mut url) = page.join(&href.replace("&amp;", "&")) else { continue };
        let sha256 = url.fragment().and_then(|f| f.strip_prefix("sha256=")).map(str::to_ascii_lowercase);
        url.set_fragment(None);
        let Some(file) = url.path_segments().and_then(|mut s| s.next_back()).map(str::to_owned) else {
            continue;
        };
        if !file.is_empty() {
            found.push(Offered { file, url, sha256 });
        }
    }
    found
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        let at = rest.find(name)?;
        let starts_word = rest[..at].chars().next_back().is_none_or(char::is_whitespace);
        let value = rest[at + name.len()..].trim_start();
        match value.strip_prefix('=').map(str::trim_start) {
            Some(v) if starts_word => {
                let quote = v.chars().next().filter(|c| matches!(c, '"' | '\''))?;
                return v[1..].split(quote).next();
            }
            _ => rest = &rest[at + name.len()..],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Url {
        Url::parse("https://registry.test/simple/silero-vad/").unwrap()
    }

    #[test]
    fn names_are_normalised_under_any_index() {
        for index in ["https://registry.test/simple", "https://registry.test/simple/"] {
            let url = page_url(&Url::parse(index).unwrap(), "Silero__VAD").unwrap();
            assert_eq!(url, page());
        }
    }

    #[test]
    fn the_json_form_reads() {
        let body = r#"{"meta":{"api-version":"1.1"},"name":"silero-vad","files":[
            {"filename":"silero_vad-6.2.3-py3-none-any.whl","url":"../../files/silero_vad-6.2.3-py3-none-any.whl",
             "hashes":{"sha256":"7b7f"},"size":11317527,"yanked":false}]}"#;
        let files = parse_page(&page(), "application/vnd.pypi.simple.v1+json", body).unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].url.as_str(), "https://registry.test/files/silero_vad-6.2.3-py3-none-any.whl");
        assert_eq!(files[0].sha256.as_deref(), Some("7b7f"));
        assert!(parse_page(&page(), "application/json", "{\"files\":3}").is_err());
    }

    #[test]
    fn the_html_form_reads() {
        let body = "<!DOCTYPE html><html><body><h1>Links</h1>\n\
            <a data-requires-python=\"&gt;=3.9\" href=\"https://files.test/ab/silero_vad-6.2.3-py3-none-any.whl#sha256=7B7F\"\
            >silero_vad-6.2.3-py3-none-any.whl</a><br/><a data-href='no'>x</a><a href='/files/old.tar.gz?a=1&amp;b=2'>old</a>";
        let files = parse_page(&page(), "text/html", body).unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(files[0].file, "silero_vad-6.2.3-py3-none-any.whl");
        assert_eq!(files[0].url.as_str(), "https://files.test/ab/silero_vad-6.2.3-py3-none-any.whl");
        assert_eq!(files[0].sha256.as_deref(), Some("7b7f"));
        assert_eq!(files[1].url.as_str(), "https://registry.test/files/old.tar.gz?a=1&b=2");
        assert_eq!(files[1].file, "old.tar.gz");
    }
}
