//! Forwards what a child writes, line by line, with a bound on the length of a line.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

/// Longest piece handed on as one line, in bytes; a longer line arrives in pieces.
const MAX_LINE_BYTES: u64 = 16 * 1024;

/// Lines of standard error that are kept to explain a configuration error.
const TAIL_LINES: usize = 40;

/// Which of its two outputs a child wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Receives every line of every child: its name, the stream, the line without its end. Must not block for long.
pub type LineSink = Arc<dyn Fn(&str, Stream, &str) + Send + Sync>;

/// The last lines of a child's standard error.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == TAIL_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// The kept lines, oldest first.
    pub(super) fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n").trim().to_owned()
    }
}

/// Reads until the end of `from`, handing every line to `sink` and, if given, to `tail`.
pub(super) async fn forward(
    from: impl AsyncRead + Unpin,
    name: String,
    stream: Stream,
    sink: LineSink,
    tail: Option<Tail>,
) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut from).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end_matches(['\n', '\r']);
                sink(&name, stream, text);
                if let Some(tail) = &tail {
                    tail.push(text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_split_bounded_and_the_tail_is_kept() {
        let mut text = b"one\r\ntwo\n".to_vec();
        text.extend(vec![b'x'; usize::try_from(MAX_LINE_BYTES).unwrap() + 5]);
        text.extend(b"\nbad \xff byte");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink: LineSink = {
            let seen = seen.clone();
            Arc::new(move |name, stream, line| {
                assert_eq!((name, stream), ("child", Stream::Err));
                seen.lock().unwrap().push(line.to_owned());
            })
        };
        let tail = Tail::default();
        forward(text.as_slice(), "child".into(), Stream::Err, sink, Some(tail.clone())).await;
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 5);
        assert_eq!((seen[0].as_str(), seen[1].as_str(), seen[3].as_str()), ("one", "two", "xxxxx"));
        assert_eq!(seen[4], "bad \u{fffd} byte");
        assert!(tail.text().starts_with("one\ntwo\n"));
    }
}
