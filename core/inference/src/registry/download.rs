//! Downloads that go on where they stopped, and whose every wait has a deadline.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use camino::Utf8Path;
use reqwest::{
    StatusCode, Url,
    blocking::{Client, Response},
    header,
};

use super::{error::RegistryError, hash::sha256_file};

/// Deadlines of one kind of server.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// To connect, name look-up and TLS included.
    pub connect: Duration,
    /// To wait for an answer's head, and for each further piece of its body.
    pub answer: Duration,
}

/// A body that brings less than this in [`WINDOW`] is as good as dead.
const LEAST_BYTES: u64 = 64 << 10;
const WINDOW: Duration = Duration::from_secs(30);
/// How many cuts in a row, none of which brought a byte, end the source.
const CUTS_MAX: u32 = 3;
const PAGE_MAX: u64 = 32 << 20;

/// An HTTP client that keeps to a [`Patience`].
pub(crate) struct Http(Option<Client>);

impl Http {
    pub fn new(patience: Patience) -> Result<Self, RegistryError> {
        let client = Client::builder()
            .user_agent(concat!("clipmill/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.connect)
            // In the blocking client this bounds the head and each read, not the whole.
            .timeout(patience.answer)
            // A decoded body could be neither resumed nor counted.
            .no_gzip()
            .build()
            .map_err(|e| RegistryError::Source(format!("no HTTP client: {}", plain(&e))))?;
        Ok(Self(Some(client)))
    }

    fn client(&self) -> &Client {
        self.0.as_ref().expect("taken only on drop")
    }

    /// The page at `url` as text, with its content type.
    pub fn page(&self, url: &Url, accept: &str) -> Result<(String, String), RegistryError> {
        let say = |e: &reqwest::Error| RegistryError::Source(format!("{}: {}", shown(url), plain(e)));
        let response =
            self.client().get(url.clone()).header(header::ACCEPT, accept).send().map_err(|e| say(&e))?;
        let response = answered(url, response)?;
        let kind = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("")
            .to_owned();
        let mut body = String::new();
        response
            .take(PAGE_MAX)
            .read_to_string(&mut body)
            .map_err(|e| RegistryError::Source(format!("{}: {e}", shown(url))))?;
        Ok((kind, body))
    }
}

impl Drop for Http {
    /// Dropping the client waits for look-ups still under way; that wait is not the caller's.
    fn drop(&mut self) {
        let client = self.0.take();
        std::thread::spawn(move || drop(client));
    }
}

/// The exact file wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub what: &'a str,
    pub size: u64,
    pub sha256: &'a str,
}

/// Brings `url` to `part`, going on from what is there, and checks it. On success `part` is the wanted file; after a wrong
/// hash it is gone; after any other failure it keeps what came, for the next time.
pub(crate) fn download(
    http: &Http,
    url: &Url,
    part: &Utf8Path,
    wanted: Wanted<'_>,
    stop: &AtomicBool,
    on: &mut dyn FnMut(u64, u64),
) -> Result<(), RegistryError> {
    let mut cuts = 0;
    // Pieces of two different files may have come together: worth one try from the start, no more.
    let (mut pieced, mut anew) = (length_of(part)? > 0, false);
    loop {
        let have = length_of(part)?;
        if have > wanted.size {
            fs::remove_file(part).map_err(|e| RegistryError::io(part, e))?;
            continue;
        }
        on(have, wanted.size);
        if have < wanted.size {
            let err = match pass(http, url, part, have, wanted, stop, on) {
                Ok(()) => continue,
                Err(e) => e,
            };
            let came = length_of(part)? > have;
            cuts = if came { 0 } else { cuts + 1 };
            pieced |= came;
            if err.ends_the_fetch() || cuts >= CUTS_MAX || !came && have == 0 {
                return Err(err);
            }
            continue;
        }
        match check(part, wanted) {
            Err(RegistryError::WrongHash { .. }) if pieced && !anew => anew = true,
            done => return done,
        }
    }
}

/// Checks size and hash of `part`; removes it when they are wrong.
pub(crate) fn check(part: &Utf8Path, wanted: Wanted<'_>) -> Result<(), RegistryError> {
    let (found, length) = sha256_file(part)?;
    if found == wanted.sha256 && length == wanted.size {
        return Ok(());
    }
    fs::remove_file(part).map_err(|e| RegistryError::io(part, e))?;
    Err(RegistryError::WrongHash { what: wanted.what.to_owned(), expected: wanted.sha256.to_owned(), found })
}

/// One request, appended to `part` from `have` on.
fn pass(
    http: &Http,
    url: &Url,
    part: &Utf8Path,
    have: u64,
    wanted: Wanted<'_>,
    stop: &AtomicBool,
    on: &mut dyn FnMut(u64, u64),
) -> Result<(), RegistryError> {
    if stop.load(Ordering::Relaxed) {
        return Err(RegistryError::Stopped);
    }
    let mut request = http.client().get(url.clone());
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
    }
    let response =
        request.send().map_err(|e| RegistryError::Source(format!("{}: {}", shown(url), plain(&e))))?;
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        fs::remove_file(part).map_err(|e| RegistryError::io(part, e))?;
        return Err(RegistryError::Source(format!("{} has a shorter file than expected", shown(url))));
    }
    let mut response = answered(url, response)?;
    let goes_on = response.status() == StatusCode::PARTIAL_CONTENT && starts_at(&response) == Some(have);
    let mut file = open(part, goes_on)?;
    let mut at = if goes_on { have } else { 0 };
    let mut buffer = vec![0u8; 128 << 10];
    let (mut window_began, mut window_at) = (Instant::now(), at);
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(RegistryError::Stopped);
        }
        let n =
            response.read(&mut buffer).map_err(|e| RegistryError::Source(format!("{}: {e}", shown(url))))?;
        if n == 0 {
            break;
        }
        at += n as u64;
        if at > wanted.size {
            drop(file);
            fs::remove_file(part).map_err(|e| RegistryError::io(part, e))?;
            return Err(RegistryError::Source(format!(
                "{} sends more than the {} bytes of {}",
                shown(url),
                wanted.size,
                wanted.what
            )));
        }
        file.write_all(&buffer[..n]).map_err(|e| RegistryError::io(part, e))?;
        on(at, wanted.size);
        if window_began.elapsed() > WINDOW {
            if at - window_at < LEAST_BYTES {
                return Err(RegistryError::Source(format!("{} has all but stopped sending", shown(url))));
            }
            (window_began, window_at) = (Instant::now(), at);
        }
    }
    file.sync_all().map_err(|e| RegistryError::io(part, e))?;
    if at < wanted.size {
        return Err(RegistryError::Source(format!(
            "{} ended after {at} of {} bytes",
            shown(url),
            wanted.size
        )));
    }
    Ok(())
}

fn open(part: &Utf8Path, goes_on: bool) -> Result<File, RegistryError> {
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    if goes_on { options.append(true) } else { options.truncate(true) }
        .open(part)
        .map_err(|e| RegistryError::io(part, e))
}

fn length_of(part: &Utf8Path) -> Result<u64, RegistryError> {
    match fs::metadata(part) {
        Ok(m) => Ok(m.len()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(e) => Err(RegistryError::io(part, e)),
    }
}

fn answered(url: &Url, response: Response) -> Result<Response, RegistryError> {
    let status = response.status();
    if status.is_success() {
        Ok(response)
    } else {
        Err(RegistryError::Source(format!("{} answered {status}", shown(url))))
    }
}

/// The first byte of a partial answer.
fn starts_at(response: &Response) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// An address without credentials and query.
pub(crate) fn shown(url: &Url) -> String {
    format!("{}{}", url.host_str().unwrap_or(""), url.path())
}

/// What went wrong, without the address, which may hold credentials.
fn plain(e: &reqwest::Error) -> String {
    if e.is_timeout() {
        return "does not answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = e;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if e.is_connect() { format!("cannot be reached ({cause})") } else { cause.to_string() }
}
