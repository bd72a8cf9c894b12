//! Who may call over SRT, known beforehand: the listener asks on its network thread, where nothing may wait.

use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use clipmill_media::srt::{SrtGate, SrtReject};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;

use crate::source::door::{Guest, Refusal};

/// The same words about the same caller are logged once in this time: a caller asks several times a second.
const SAID_AGAIN: Duration = Duration::from_secs(10);
const SAID_MAX: usize = 64;

/// The sources that may be called for, and what was said to whom.
#[derive(Default)]
pub struct Guests {
    list: Mutex<Vec<Guest>>,
    said: Mutex<Vec<(String, Instant)>>,
    /// Somebody was turned away who may have become welcome meanwhile.
    pub stale: Notify,
}

impl Guests {
    /// Puts another list in the place of the one before.
    pub fn set(&self, list: Vec<Guest>) {
        *self.list.lock().unwrap_or_else(PoisonError::into_inner) = list;
    }

    /// The source that a stream id asks for.
    pub fn find(&self, stream_id: &str) -> Result<Guest, SrtReject> {
        let name = wanted(stream_id)?;
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let found = list.iter().find(|g| g.name == name || g.id.to_string() == name);
        found.cloned().ok_or(SrtReject::NotFound)
    }

    /// Logs why a caller was turned away, unless that was just said.
    pub fn turned_away(&self, peer: Option<SocketAddr>, stream_id: &str, why: &str) {
        let ip = peer.map_or_else(|| "unknown".to_owned(), |p| p.ip().to_string());
        let line = format!("{ip} {stream_id:?} {why}");
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.retain(|(_, at)| at.elapsed() < SAID_AGAIN);
        if said.len() < SAID_MAX && !said.iter().any(|(l, _)| *l == line) {
            said.push((line, Instant::now()));
            // A stream id may hold what somebody took for the place of a secret: it is not logged.
            tracing::warn!(peer = ip, why, "an SRT caller was turned away");
        }
    }
}

impl SrtGate for Guests {
    fn passphrase(&self, stream_id: &str, peer: Option<SocketAddr>) -> Result<SecretString, SrtReject> {
        let asked = self.find(stream_id).map_err(|code| (code, words(code).to_owned())).and_then(|guest| {
            guest.verdict.map_err(|why| (code(&why), why.to_string()))?;
            let key = guest.key.ok_or_else(|| (SrtReject::Forbidden, NO_KEY.to_owned()))?;
            if (10..80).contains(&key.expose_secret().len()) {
                Ok(key)
            } else {
                Err((SrtReject::Forbidden, UNFIT_KEY.to_owned()))
            }
        });
        asked.map_err(|(code, why)| {
            self.stale.notify_one();
            self.turned_away(peer, stream_id, &why);
            code
        })
    }
}

const NO_KEY: &str = "the source has no stream key that can be a passphrase; give it a new one";
const UNFIT_KEY: &str = "the stream key of the source is not 10 to 79 characters long; give it a new one";

fn words(code: SrtReject) -> &'static str {
    match code {
        SrtReject::BadMode => "it wants to play; this listener only takes streams (m=publish)",
        SrtReject::NotFound => "its stream id names no push source",
        _ => "its stream id cannot be read; use the source's name, or #!::r=NAME,m=publish",
    }
}

/// The code that goes with a refusal.
pub fn code(why: &Refusal) -> SrtReject {
    match why {
        Refusal::WrongKey | Refusal::Disabled(_) | Refusal::OnDemand(_) | Refusal::Closed { .. } => {
            SrtReject::Forbidden
        }
        Refusal::Busy(_) => SrtReject::Conflict,
        Refusal::DiskFull { .. } => SrtReject::NoRoom,
        Refusal::NotNow => SrtReject::Failed,
    }
}

/// The name in a stream id: all of it, or what the `r` of the access-control form says.
fn wanted(stream_id: &str) -> Result<&str, SrtReject> {
    let Some(fields) = stream_id.strip_prefix("#!::") else {
        return if stream_id.is_empty() { Err(SrtReject::BadRequest) } else { Ok(stream_id) };
    };
    let mut name = None;
    for field in fields.split(',') {
        match field.split_once('=').ok_or(SrtReject::BadRequest)? {
            ("r", value) => name = Some(value),
            ("m", "publish" | "bidirectional") => {}
            ("m", _) => return Err(SrtReject::BadMode),
            _ => {}
        }
    }
    name.filter(|n| !n.is_empty()).ok_or(SrtReject::BadRequest)
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{Id, SourceId, WallTime};

    use super::*;

    #[test]
    fn a_stream_id_names_a_source_in_either_form() {
        assert_eq!(wanted("studio"), Ok("studio"));
        assert_eq!(wanted("#!::r=直播间 1,m=publish"), Ok("直播间 1"));
        assert_eq!(wanted("#!::m=publish,u=me,r=a"), Ok("a"));
        assert_eq!(wanted("#!::r=a,m=request"), Err(SrtReject::BadMode));
        for bad in ["", "#!::", "#!::r=", "#!::m=publish", "#!::what"] {
            assert_eq!(wanted(bad), Err(SrtReject::BadRequest), "{bad}");
        }
    }

    #[test]
    fn a_caller_needs_a_known_source_that_is_open_and_has_a_fit_key() {
        let guests = Guests::default();
        let id = SourceId::new_at(WallTime::from_millis(1));
        let guest = |key: Option<&str>, verdict| Guest {
            id,
            name: "studio".into(),
            key: key.map(SecretString::from),
            verdict,
        };
        let ask = |name: &str| guests.passphrase(name, None).map(|k| k.expose_secret().len());
        assert_eq!(ask("studio"), Err(SrtReject::NotFound));
        guests.set(vec![guest(Some("0123456789"), Ok(()))]);
        assert_eq!((ask("studio"), ask(&id.to_string())), (Ok(10), Ok(10)));
        guests.set(vec![guest(Some("short"), Ok(()))]);
        assert_eq!(ask("studio"), Err(SrtReject::Forbidden));
        guests.set(vec![guest(None, Ok(()))]);
        assert_eq!(ask("studio"), Err(SrtReject::Forbidden));
        let full = Refusal::DiskFull { free_bytes: 1, floor_bytes: 2 };
        guests.set(vec![guest(Some("0123456789"), Err(full))]);
        assert_eq!(ask("studio"), Err(SrtReject::NoRoom));
    }
}
