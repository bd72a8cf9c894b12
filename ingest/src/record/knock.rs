//! Is a server there again? Asked with a TCP handshake and nothing more.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpStream, lookup_host},
    time::{sleep, timeout},
};
use url::{Host, Url};

/// Resolves when the server of `url` can be reached and could not be before; knocks `every` so often. Never resolves
/// when the server is there at the first knock (what failed lies elsewhere), or when nothing can be knocked at.
pub(crate) async fn until_back(url: &str, every: Duration) {
    let places = places(url).await;
    if places.is_empty() || is_there(&places, every).await {
        return std::future::pending().await;
    }
    loop {
        sleep(every).await;
        if is_there(&places, every).await {
            return;
        }
    }
}

async fn is_there(places: &[SocketAddr], patience: Duration) -> bool {
    matches!(timeout(patience, TcpStream::connect(places)).await, Ok(Ok(_)))
}

/// Where the server listens, if it listens on TCP. The name is looked up once.
async fn places(url: &str) -> Vec<SocketAddr> {
    let Ok(url) = Url::parse(url) else { return vec![] };
    let port = match (url.scheme(), url.port_or_known_default()) {
        ("srt" | "file", _) => None,
        (_, Some(port)) => Some(port),
        ("rtmp", None) => Some(1935),
        ("rtmps", None) => Some(443),
        ("rtsp", None) => Some(554),
        ("rtsps", None) => Some(322),
        _ => None,
    };
    match (url.host(), port) {
        (Some(Host::Domain(name)), Some(port)) => {
            let found = timeout(Duration::from_secs(2), lookup_host((name, port))).await;
            found.ok().and_then(Result::ok).map(Iterator::collect).unwrap_or_default()
        }
        (Some(Host::Ipv4(ip)), Some(port)) => vec![(ip, port).into()],
        (Some(Host::Ipv6(ip)), Some(port)) => vec![(ip, port).into()],
        _ => vec![],
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const EVERY: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_server_that_comes_back_is_noticed_and_one_that_was_there_is_not_news() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let url = format!("rtmp://{addr}/live/secret");
        assert!(timeout(EVERY * 5, until_back(&url, EVERY)).await.is_err(), "it was there all the time");
        drop(listener);
        let waiting = tokio::spawn(async move { until_back(&url, EVERY).await });
        sleep(EVERY * 5).await;
        assert!(!waiting.is_finished(), "nobody listens yet");
        let _listener = TcpListener::bind(addr).unwrap();
        timeout(Duration::from_secs(10), waiting).await.expect("it is back").unwrap();
    }

    #[tokio::test]
    async fn the_usual_ports_are_known() {
        for (url, port) in [
            ("rtmp://127.0.0.1/live/a", 1935),
            ("rtsp://[::1]/cam", 554),
            ("https://127.0.0.1/a.flv", 443),
            ("http://127.0.0.1:8080/a.flv", 8080),
        ] {
            assert_eq!(places(url).await.first().map(SocketAddr::port), Some(port), "{url}");
        }
        for url in ["srt://127.0.0.1:9000", "/media/a.mp4", "file:///media/a.mp4"] {
            assert!(places(url).await.is_empty(), "{url}");
        }
    }
}
