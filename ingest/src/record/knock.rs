//! Is a server there again, and does it give the stream again? Asked with a TCP handshake, and where it speaks HTTP
//! with a request now and then.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use secrecy::ExposeSecret;
use tokio::{
    net::{TcpStream, lookup_host},
    time::{sleep, timeout},
};
use url::{Host, Url};

use super::plan::Pace;
use crate::source::pull::{Address, request};

/// How long an answer to a request is waited for.
const ANSWER: Duration = Duration::from_millis(1500);

/// Resolves when the server of `address` could not be reached and can be, or did not give the stream and gives it
/// now. Knocks and asks at this pace; media was last heard `silent_since`. Never resolves when all is well at the first
/// knock (what failed lies elsewhere), or when nothing can be knocked at.
pub(crate) async fn until_back(address: &Address, silent_since: Instant, pace: Pace) {
    let places = places(address.url.expose_secret()).await;
    if places.is_empty() {
        return std::future::pending().await;
    }
    let was_there = is_there(&places, pace.knock).await;
    if was_there && request::is_given(address, ANSWER).await != Some(false) {
        return std::future::pending().await;
    }
    loop {
        if was_there {
            sleep(pace.ask(silent_since.elapsed())).await;
            if request::is_given(address, ANSWER).await == Some(true) {
                return;
            }
        } else {
            sleep(pace.knock).await;
            if is_there(&places, pace.knock).await {
                return;
            }
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
    use std::{
        net::TcpListener,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::watch,
    };

    use super::*;

    const EVERY: Duration = Duration::from_millis(20);
    const PACE: Pace = Pace { knock: EVERY, ask: EVERY };

    fn address(url: String) -> Address {
        Address { url: url.into(), headers: vec![] }
    }

    #[tokio::test]
    async fn a_server_that_comes_back_is_noticed_and_one_that_was_there_is_not_news() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let address = address(format!("rtmp://{addr}/live/secret"));
        let now = Instant::now();
        assert!(
            timeout(EVERY * 5, until_back(&address, now, PACE)).await.is_err(),
            "it was there all the time"
        );
        drop(listener);
        let waiting = tokio::spawn(async move { until_back(&address, now, PACE).await });
        sleep(EVERY * 5).await;
        assert!(!waiting.is_finished(), "nobody listens yet");
        let _listener = TcpListener::bind(addr).unwrap();
        timeout(Duration::from_secs(10), waiting).await.expect("it is back").unwrap();
    }

    /// Answers every request with the status it is told; counts them.
    async fn server(status: watch::Receiver<u16>, asked: Arc<AtomicUsize>) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/live/room.flv", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = vec![];
                while !head.ends_with(b"\r\n\r\n") && matches!(socket.read_buf(&mut head).await, Ok(1..)) {}
                if head.is_empty() {
                    continue;
                }
                assert!(head.starts_with(b"GET /live/room.flv "), "{}", String::from_utf8_lossy(&head));
                asked.fetch_add(1, Ordering::Relaxed);
                // A live has no end: its length is not told, and its media does not come yet.
                let text = format!("HTTP/1.1 {} Is\r\n\r\n", *status.borrow());
                let _ = socket.write_all(text.as_bytes()).await;
                tokio::spawn(async move { while matches!(socket.read_buf(&mut head).await, Ok(1..)) {} });
            }
        });
        url
    }

    #[tokio::test]
    async fn a_server_that_answered_with_an_error_is_asked_until_it_gives_the_stream() {
        let (now, asked) = (Instant::now(), Arc::<AtomicUsize>::default());
        let (status, told) = watch::channel(404);
        let address = address(server(told, Arc::clone(&asked)).await);
        let waiting = tokio::spawn(async move { until_back(&address, now, PACE).await });
        sleep(EVERY * 10).await;
        assert!(!waiting.is_finished(), "it gives nothing yet");
        status.send_replace(200);
        timeout(Duration::from_secs(10), waiting).await.expect("it gives the stream").unwrap();
        assert!(asked.load(Ordering::Relaxed) <= 30, "it is not hammered");
    }

    #[tokio::test]
    async fn a_server_that_gives_the_stream_at_once_is_no_news() {
        let asked = Arc::<AtomicUsize>::default();
        let (_status, told) = watch::channel(200);
        let address = address(server(told, Arc::clone(&asked)).await);
        let waiting = tokio::spawn(async move { until_back(&address, Instant::now(), PACE).await });
        sleep(EVERY * 10).await;
        assert!(!waiting.is_finished());
        assert!(asked.load(Ordering::Relaxed) <= 1, "and is not asked again");
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
