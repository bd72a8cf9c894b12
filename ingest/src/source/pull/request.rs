//! HTTP requests of our own to the addresses that are pulled, beside those that libavformat makes.

use std::{sync::OnceLock, time::Duration};

use clipmill_store::sources::Header;
use reqwest::{
    Response,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::ExposeSecret;
use url::Url;

use super::Address;

/// No request takes longer, its answer's body included.
const LONGEST: Duration = Duration::from_secs(5);

/// Asks for `url` with the source's `headers`; `None` when no answer came that the server calls a good one.
pub(super) async fn get(url: Url, headers: &[Header]) -> Option<Response> {
    static CLIENT: OnceLock<Option<reqwest::Client>> = OnceLock::new();
    let client = CLIENT.get_or_init(|| reqwest::Client::builder().timeout(LONGEST).build().ok()).as_ref()?;
    let mut map = HeaderMap::new();
    for h in headers.iter().filter(|h| h.check().is_ok()) {
        let name = HeaderName::from_bytes(h.name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(h.value.expose_secret().trim()).ok()?;
        value.set_sensitive(true);
        map.append(name, value);
    }
    client.get(url).headers(map).send().await.ok()?.error_for_status().ok()
}

/// Whether the server of an http(s) address would give it now. Of the answer only its head is read: some servers of
/// lives know no HEAD. `None` for an address that is none of HTTP.
pub(crate) async fn is_given(address: &Address, patience: Duration) -> Option<bool> {
    let url = Url::parse(address.url.expose_secret()).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let asked = tokio::time::timeout(patience, get(url, &address.headers)).await;
    Some(matches!(asked, Ok(Some(_))))
}
