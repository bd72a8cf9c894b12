//! A web server that serves media as told, and misbehaves as told.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, sync::DropGuard};

/// What a client asked for.
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// All headers as they came.
    pub head: String,
}

pub enum Answer {
    Status(u16),
    Whole(Vec<u8>),
    /// Bytes in so many equal pieces, a tenth of a second apart; then the connection is closed.
    Drip(Vec<u8>, usize),
    /// Nothing, for ever.
    Silence,
}

pub struct Origin {
    pub addr: SocketAddr,
    _stop: DropGuard,
}

impl Origin {
    pub async fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let (token, answer) = (stop.clone(), Arc::new(answer));
        tokio::spawn(async move {
            loop {
                let stream = tokio::select! {
                    () = token.cancelled() => return,
                    Ok((stream, _)) = listener.accept() => stream,
                };
                let (answer, token) = (Arc::clone(&answer), token.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = token.cancelled() => {}
                        _ = serve(stream, answer.as_ref()) => {}
                    }
                });
            }
        });
        Self { addr, _stop: stop.drop_guard() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(&Asked) -> Answer + Send + Sync),
) -> std::io::Result<()> {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await?;
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let plain = "Connection: close\r\nContent-Type: application/octet-stream\r\n";
    match answer(&Asked { path, head }) {
        Answer::Status(code) => {
            let text = format!("HTTP/1.1 {code} no\r\n{plain}Content-Length: 0\r\n\r\n");
            stream.write_all(text.as_bytes()).await?;
        }
        Answer::Whole(bytes) => {
            let text = format!("HTTP/1.1 200 OK\r\n{plain}Content-Length: {}\r\n\r\n", bytes.len());
            stream.write_all(text.as_bytes()).await?;
            stream.write_all(&bytes).await?;
        }
        Answer::Drip(bytes, pieces) => {
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{plain}\r\n").as_bytes()).await?;
            for piece in bytes.chunks(bytes.len().div_ceil(pieces)) {
                stream.write_all(piece).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Answer::Silence => std::future::pending().await,
    }
    stream.shutdown().await
}
