//! Where encoders reach this service.

use std::net::SocketAddr;

use axum::http::{HeaderMap, header};
use clipmill_domain::SourceId;

use super::view::{PushKind, PushUrl};
use crate::config::Record;

/// The RTMP application that the recorder listens for.
const RTMP_APP: &str = "live";

/// Every address that an encoder may push to, in the order in which they are best tried. None holds the key: over
/// SRT it is the passphrase, which is not part of what is shown.
pub(super) fn push_urls(record: &Record, headers: &HeaderMap, source: SourceId) -> Vec<PushUrl> {
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or("127.0.0.1");
    let listed = |kind, bind: Option<SocketAddr>, scheme: &str, rest: String| {
        bind.map(|bind| PushUrl { kind, url: format!("{scheme}://{}{rest}", reached_at(bind, host)) })
    };
    let app = format!("/{RTMP_APP}");
    [
        listed(PushKind::Rtmp, Some(record.rtmp_bind), "rtmp", app.clone()),
        listed(PushKind::Rtmps, record.rtmps_bind, "rtmps", app),
        // By id: it stays when the source is given another name, and needs no escapes.
        listed(PushKind::Srt, record.srt_bind, "srt", format!("?streamid={source}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Host and port under which an encoder reaches `bind`. When the listener takes any address, the name by which the
/// browser reached this machine is the one an encoder reaches it by, too.
fn reached_at(bind: SocketAddr, host: &str) -> String {
    if !bind.ip().is_unspecified() {
        return bind.to_string();
    }
    let end = host.rfind(']').map_or(0, |at| at + 1);
    let name = host[end..].find(':').map_or(host, |at| &host[..end + at]);
    format!("{name}:{}", bind.port())
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{Id as _, WallTime};

    use super::*;
    use crate::config::Config;

    #[test]
    fn an_address_is_one_the_encoder_can_reach() {
        let any = "0.0.0.0:1935".parse().unwrap();
        assert_eq!(reached_at("127.0.0.1:1935".parse().unwrap(), "x:8600"), "127.0.0.1:1935");
        assert_eq!(reached_at(any, "studio.example:8600"), "studio.example:1935");
        assert_eq!(reached_at(any, "studio.example"), "studio.example:1935");
        assert_eq!(reached_at(any, "[fe80::1]:8600"), "[fe80::1]:1935");
    }

    #[test]
    fn what_is_listened_on_is_listed_and_nothing_else() {
        let mut record = Config::load_from(None, []).unwrap().record;
        let id = SourceId::new_at(WallTime::from_millis(1));
        let headers = HeaderMap::from_iter([(header::HOST, "studio.example:8600".parse().unwrap())]);
        let listed = |record: &Record| -> Vec<String> {
            push_urls(record, &headers, id).into_iter().map(|p| p.url).collect()
        };
        assert_eq!(listed(&record), ["rtmp://127.0.0.1:1935/live"]);
        record.rtmps_bind = "0.0.0.0:1936".parse().ok();
        record.srt_bind = "0.0.0.0:8890".parse().ok();
        assert_eq!(
            listed(&record)[1..],
            [
                "rtmps://studio.example:1936/live".to_owned(),
                format!("srt://studio.example:8890?streamid={id}")
            ]
        );
    }
}
