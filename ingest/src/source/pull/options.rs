//! What FFmpeg is told about an address, by protocol.

use std::time::Duration;

use clipmill_store::sources::Header;
use secrecy::ExposeSecret;
use url::Url;

use super::{Address, PullKind};

/// Options for libavformat; they may hold secrets.
pub(super) fn of(address: &Address, stall: Duration, begin: Option<i64>) -> Vec<(String, String)> {
    let Ok(url) = Url::parse(address.url.expose_secret()) else { return vec![] };
    let mut options: Vec<(&str, String)> = vec![];
    match url.scheme() {
        "rtsp" | "rtsps" => {
            options.push(("rtsp_transport", "tcp".to_owned()));
            options.push(("timeout", stall.as_micros().to_string()));
        }
        "http" | "https" => options.extend(request(&address.headers, &url)),
        _ => {}
    }
    if address.kind() == PullKind::RemoteFile {
        // Asks again for the rest of the file from the byte where it broke. (Not for lives: what they send next
        // does not begin where they broke off.) The time-out counts twice inside libavformat.
        options.push(("reconnect", "1".to_owned()));
        options.push(("reconnect_delay_max", "30".to_owned()));
        options.push(("rw_timeout", (stall / 2).as_micros().to_string()));
    }
    if let (PullKind::Playlist, Some(begin)) = (address.kind(), begin) {
        options.push(("live_start_index", begin.to_string()));
    }
    options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The options of a request with `headers` to `url`. Cookies go to its host alone, also when a playlist names
/// segments elsewhere. libavformat's host of a request has the port if the address has one, so both are named.
fn request(headers: &[Header], url: &Url) -> Vec<(&'static str, String)> {
    let host = url.host_str().unwrap_or_default();
    let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    let mut options = vec![];
    let mut rest = String::new();
    for header in headers.iter().filter(|h| h.check().is_ok()) {
        let value = header.value.expose_secret().trim();
        match header.name.to_ascii_lowercase().as_str() {
            "user-agent" => options.push(("user_agent", value.to_owned())),
            "referer" => options.push(("referer", value.to_owned())),
            "cookie" => {
                let cookies: Vec<_> = value
                    .split(';')
                    .map(str::trim)
                    .filter(|c| !c.is_empty())
                    .flat_map(|c| [host, &with_port].map(|at| format!("{c}; path=/; domain={at}")))
                    .collect();
                options.push(("cookies", cookies.join("\n")));
            }
            _ => {
                rest.push_str(&format!("{}: {value}\r\n", header.name));
            }
        }
    }
    if !rest.is_empty() {
        options.push(("headers", rest));
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Header {
        Header { name: name.into(), value: value.into() }
    }

    fn options(url: &str, headers: Vec<Header>) -> Vec<(String, String)> {
        of(&Address { url: url.into(), headers }, Duration::from_secs(8), Some(-9))
    }

    #[test]
    fn headers_reach_http_alone_and_each_its_place() {
        let headers = vec![
            header("Referer", "https://shop.example/"),
            header("cookie", "a=1; b=2"),
            header("User-Agent", "Player/1"),
            header("X-Token", "t"),
            header("X-Other", "o"),
        ];
        let told = options("https://cdn.example/live.flv", headers.clone());
        let value = |name: &str| told.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(value("referer"), Some("https://shop.example/"));
        assert_eq!(value("user_agent"), Some("Player/1"));
        assert_eq!(
            value("cookies"),
            Some(
                "a=1; path=/; domain=cdn.example\na=1; path=/; domain=cdn.example:443\nb=2; path=/; domain=cdn.example\nb=2; path=/; domain=cdn.example:443"
            )
        );
        assert_eq!(value("headers"), Some("X-Token: t\r\nX-Other: o\r\n"));
        assert_eq!(options("rtmp://cdn.example/live/a", headers), []);
    }

    #[test]
    fn a_header_that_would_smuggle_in_another_is_left_out() {
        let told = options("http://h/a.flv", vec![header("X-A", "1\r\nHost: evil"), header("X B", "2")]);
        assert_eq!(told, []);
    }

    #[test]
    fn rtsp_goes_over_tcp_under_a_deadline_and_a_file_is_resumed() {
        let told = options("rtsp://h/cam", vec![]);
        assert!(told.contains(&("rtsp_transport".into(), "tcp".into())));
        assert!(told.contains(&("timeout".into(), "8000000".into())));
        assert!(options("http://h/a.mp4", vec![]).contains(&("reconnect".into(), "1".into())));
        assert_eq!(options("http://h/a.m3u8", vec![]), [("live_start_index".into(), "-9".into())]);
        assert!(!options("http://h/a.flv", vec![]).iter().any(|(n, _)| n == "reconnect"));
    }
}
