//! What an HLS playlist says of itself. libavformat tells neither how long its segments are nor whether it has
//! ended: a playlist that cannot be loaded ends its input as a finished one does.

use std::time::Duration;

use clipmill_store::sources::Header;
use secrecy::ExposeSecret;
use url::Url;

use super::{Address, request};

/// How long looking may take.
const LOOK: Duration = Duration::from_secs(5);
/// A playlist longer than this is not read to its end.
const BYTES_MAX: usize = 4 << 20;

/// What a playlist says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// No segment is longer.
    pub target: Option<Duration>,
    /// It will not grow any more.
    pub ended: bool,
    /// How long its segments are, in order.
    pub segments: Vec<Duration>,
}

impl Look {
    /// How many segments before the end to begin, so that nothing of the last `outage` is missed: what libavformat
    /// calls a live start index. Three more than that, as many as it goes back by itself.
    pub fn begin(&self, outage: Duration) -> i64 {
        let mut covered = Duration::ZERO;
        let missed = self.segments.iter().rev().take_while(|s| {
            let needed = covered < outage;
            covered = covered.saturating_add(**s);
            needed
        });
        -i64::try_from(missed.count()).unwrap_or(i64::MAX).saturating_add(3)
    }
}

/// Looks at the playlist at `address`, or the first stream that it lists. `None` when it cannot be read now.
pub async fn look(address: &Address) -> Option<Look> {
    tokio::time::timeout(LOOK, async {
        let mut url = Url::parse(address.url.expose_secret()).ok()?;
        let home = url.origin();
        for _ in 0..3 {
            let headers = if url.origin() == home { address.headers.as_slice() } else { &[] };
            let (text, at) = fetch(url, headers).await?;
            match parse(&text)? {
                Parsed::Media(look) => return Some(look),
                Parsed::Master(first) => url = at.join(first).ok()?,
            }
        }
        None
    })
    .await
    .ok()?
}

async fn fetch(url: Url, headers: &[Header]) -> Option<(String, Url)> {
    let mut answer = request::get(url, headers).await?;
    let at = answer.url().clone();
    let mut bytes = vec![];
    while let Some(chunk) = answer.chunk().await.ok()? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > BYTES_MAX {
            return None;
        }
    }
    Some((String::from_utf8_lossy(&bytes).into_owned(), at))
}

#[derive(Debug, PartialEq, Eq)]
enum Parsed<'a> {
    Media(Look),
    /// The first stream that it lists.
    Master(&'a str),
}

/// Reads a playlist; `None` if it is none.
fn parse(text: &str) -> Option<Parsed<'_>> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    if !lines.next()?.starts_with("#EXTM3U") {
        return None;
    }
    let mut look = Look::default();
    let mut is_master = false;
    for line in lines {
        if line.starts_with("#EXT-X-STREAM-INF") {
            is_master = true;
        } else if let Some(seconds) = line.strip_prefix("#EXT-X-TARGETDURATION:") {
            let seconds: f64 = seconds.trim().parse().ok()?;
            look.target = Duration::try_from_secs_f64(seconds).ok().map(|t| t.min(Duration::from_secs(120)));
        } else if let Some(rest) = line.strip_prefix("#EXTINF:") {
            let seconds: f64 = rest.split(',').next().unwrap_or_default().trim().parse().ok()?;
            look.segments.push(Duration::try_from_secs_f64(seconds).unwrap_or_default());
        } else if line == "#EXT-X-ENDLIST" {
            look.ended = true;
        } else if is_master && !line.is_empty() && !line.starts_with('#') {
            return Some(Parsed::Master(line));
        }
    }
    Some(Parsed::Media(look))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_live_a_finished_and_a_master_playlist_are_told_apart() {
        let live = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n";
        let target = Some(Duration::from_secs(6));
        let segments = vec![Duration::from_secs(6)];
        let look = Look { target, ended: false, segments };
        assert_eq!(parse(live), Some(Parsed::Media(look.clone())));
        let over = format!("{live}#EXT-X-ENDLIST\r\n");
        assert_eq!(parse(&over), Some(Parsed::Media(Look { ended: true, ..look })));
        let master = "\u{feff}#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow/index.m3u8?k=1\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhigh\n";
        assert_eq!(parse(master), Some(Parsed::Master("low/index.m3u8?k=1")));
        assert_eq!(parse("<html>404</html>"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn after_an_outage_it_begins_where_it_left_off() {
        let s = Duration::from_secs;
        let look = Look { segments: vec![s(2); 30], ..Look::default() };
        assert_eq!(look.begin(s(0)), -3);
        assert_eq!(look.begin(s(5)), -6);
        assert_eq!(look.begin(s(6)), -6);
        assert_eq!(look.begin(s(1000)), -33, "all that is there");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(#EXTM3U\n)?(#EXT-X-[A-Z]{0,14}:?[-0-9.ex]{0,8}\n|[ -~]{0,9}\n){0,6}") {
            let _ = parse(&text);
        }
    }
}
