//! The shapes the API speaks: media times in seconds, wall times as RFC 3339 text.
//!
//! They are made from the domain's nouns by hand, so that a change in there is not a change out here.

mod clip;
mod keeping;
mod point;
mod recording;
mod revision;
mod service;
mod settings;
mod source;
mod taxonomy;
mod transcript;

use clipmill_domain::{MediaTime, WallTime, recording as domain};

pub use clip::*;
pub use keeping::*;
pub use point::*;
pub use recording::*;
pub use revision::*;
pub use service::*;
pub use settings::*;
pub use source::*;
pub use taxonomy::*;
pub use transcript::*;

/// Media time in seconds.
pub(super) fn seconds(at: MediaTime) -> f64 {
    at.as_seconds()
}

/// Wall time as text.
pub(super) fn wall(at: WallTime) -> String {
    at.to_string()
}

/// A probability without the noise of its single precision: four decimals.
pub(super) fn share(p: f32) -> f64 {
    (f64::from(p) * 10_000.0).round() / 10_000.0
}

/// An end reason by its stable key.
pub(super) fn reason(r: domain::EndReason) -> String {
    serde_json::to_value(r).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Where a file of the library is served.
pub(super) fn media_url(path: &str) -> String {
    let mut url = String::with_capacity(path.len() + 8);
    url.push_str("/media/");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_urls_are_safe_to_put_into_a_page() {
        assert_eq!(media_url("clips/0192/draft-1.mp4"), "/media/clips/0192/draft-1.mp4");
        assert_eq!(media_url("a b/\"?é"), "/media/a%20b/%22%3F%C3%A9");
    }

    #[test]
    fn probabilities_lose_their_noise() {
        assert_eq!(share(0.9), 0.9);
        assert_eq!(reason(domain::EndReason::FormatChanged), "format_changed");
    }
}
