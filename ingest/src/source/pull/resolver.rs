//! Programs that turn a room page into the address of its stream. Such addresses expire.

use std::{
    collections::BTreeMap,
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};
use url::Url;

/// How long a resolver may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Output beyond this is not read: a resolver prints one line.
const BYTES_MAX: u64 = 64 << 10;
/// Characters of its complaint that are shown.
const COMPLAINT_CHARS: usize = 300;
/// What a resolver sees of our environment. The rest may hold passwords.
const ENVIRONMENT: [&str; 13] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
];

/// Why there is no stream address.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// The name is not configured.
    #[error(
        "no resolver is called {name:?}; use streamlink or yt-dlp, or define it in record.resolvers of the configuration file"
    )]
    Unknown {
        /// As the source names it.
        name: String,
    },
    /// Its program is not there.
    #[error("the resolver {name} cannot run: {program} is not installed; {cure}")]
    NotInstalled {
        /// The resolver.
        name: String,
        /// The program.
        program: String,
        /// What to do.
        cure: String,
    },
    /// The page is none.
    #[error("the resolver {name} needs an http(s) page to look at")]
    NotAPage {
        /// The resolver.
        name: String,
    },
    /// The system would not start it.
    #[error("the resolver {name} could not be started: {source}")]
    Start {
        /// The resolver.
        name: String,
        /// The system's words.
        source: io::Error,
    },
    /// It took too long.
    #[error("the resolver {name} did not answer within {} s and was stopped", LIMIT.as_secs())]
    Slow {
        /// The resolver.
        name: String,
    },
    /// It failed, or printed no address.
    #[error("the resolver {name} found no stream ({how}){}", complaint(.said))]
    NoStream {
        /// The resolver.
        name: String,
        /// How it ended.
        how: String,
        /// The last line of its complaint, without addresses.
        said: String,
    },
}

fn complaint(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

/// The resolvers there are, by name: each a program and its arguments, where `{url}` stands for the page.
#[derive(Debug, Clone)]
pub struct Resolvers(BTreeMap<String, Vec<String>>);

impl Default for Resolvers {
    /// `streamlink` and `yt-dlp`.
    fn default() -> Self {
        let built_in: [&[&str]; 2] = [
            &["streamlink", "streamlink", "--stream-url", "{url}", "best"],
            &["yt-dlp", "yt-dlp", "--no-playlist", "--no-progress", "-f", "b", "-g", "--", "{url}"],
        ];
        let lists = built_in.iter().map(|l| l.iter().map(ToString::to_string).collect::<Vec<_>>());
        Self(lists.filter_map(|l| Some((l.first()?.clone(), l[1..].to_vec()))).collect())
    }
}

impl Resolvers {
    /// The built-in ones and `configured`: each its name, then the program, then its arguments. One that is named
    /// like a built-in one takes its place.
    ///
    /// # Errors
    /// What to correct, in words.
    pub fn with(configured: &[Vec<String>]) -> Result<Self, String> {
        let mut all = Self::default();
        for list in configured {
            let [name, program, args @ ..] = list.as_slice() else {
                return Err("a resolver is a list of its name, its program and its arguments".to_owned());
            };
            if name.trim().is_empty() || program.trim().is_empty() {
                return Err("a resolver needs a name and a program".to_owned());
            }
            if !args.iter().any(|a| a.contains("{url}")) {
                return Err(format!("one of the arguments of resolver {name:?} must hold {{url}}"));
            }
            all.0.insert(name.clone(), list[1..].to_vec());
        }
        Ok(all)
    }

    /// Their names.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Asks resolver `name` for the stream of `page`. Errors never hold an address.
    pub async fn resolve(&self, name: &str, page: &SecretString) -> Result<SecretString, ResolveError> {
        let name = name.to_owned();
        let Some(list) = self.0.get(&name) else { return Err(ResolveError::Unknown { name }) };
        // A page that begins with a dash would be an option, and a file or pipe is no page.
        let is_page = Url::parse(page.expose_secret()).is_ok_and(|u| matches!(u.scheme(), "http" | "https"));
        let (true, [program, args @ ..]) = (is_page, list.as_slice()) else {
            return Err(ResolveError::NotAPage { name });
        };
        let args = args.iter().map(|a| a.replace("{url}", page.expose_secret()));
        let kept = ENVIRONMENT.iter().filter_map(|k| Some((*k, std::env::var_os(k)?)));
        let spawned = Command::new(program)
            .args(args)
            .env_clear()
            .envs(kept)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let child = spawned.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ResolveError::NotInstalled {
                name: name.clone(),
                program: program.clone(),
                cure: match program.as_str() {
                    "streamlink" | "yt-dlp" => format!("`pipx install {program}` installs it"),
                    _ => "correct record.resolvers in the configuration file".to_owned(),
                },
            },
            _ => ResolveError::Start { name: name.clone(), source },
        })?;
        let group = Group::of(&child);
        let heard = tokio::time::timeout(LIMIT, hear(child)).await;
        drop(group);
        let (status, out, err) = match heard {
            Err(_) => return Err(ResolveError::Slow { name }),
            Ok(Err(source)) => return Err(ResolveError::Start { name, source }),
            Ok(Ok(heard)) => heard,
        };
        let how = match status.code() {
            Some(0) => "it printed no http or rtmp address".to_owned(),
            Some(code) => format!("exit code {code}"),
            None => "it was killed".to_owned(),
        };
        match first_address(&out).filter(|_| status.success()) {
            Some(address) => Ok(address),
            None => Err(ResolveError::NoStream { name, how, said: last_line(&err) }),
        }
    }
}

/// The process and all that it started; killed when dropped.
struct Group(Option<rustix::process::Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // An error only means that nothing of it is left.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

async fn hear(mut child: Child) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (out, err, status) = tokio::join!(bounded(out), bounded(err), child.wait());
    Ok((status?, out?, err?))
}

/// What comes out, up to the bound; the rest is thrown away, so that the writer is not held up.
async fn bounded(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut kept = vec![];
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(BYTES_MAX).read_to_end(&mut kept).await?;
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok(kept)
}

/// The first line that is an address of a stream.
fn first_address(out: &[u8]) -> Option<SecretString> {
    let text = String::from_utf8_lossy(out);
    let is_stream =
        |l: &&str| Url::parse(l).is_ok_and(|u| matches!(u.scheme(), "http" | "https" | "rtmp" | "rtmps"));
    text.lines().map(str::trim).find(is_stream).map(SecretString::from)
}

/// The last line that says something; of addresses only the host is left.
fn last_line(err: &[u8]) -> String {
    let text = String::from_utf8_lossy(err);
    let line = text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or_default();
    let host_only = |word: &str| match word.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split(['/', '?', '#', '"', '\'']).next().unwrap_or_default();
            format!("{scheme}://{}/…", host.rsplit('@').next().unwrap_or_default())
        }
        None => word.to_owned(),
    };
    let shown = line.split_whitespace().map(host_only).collect::<Vec<_>>().join(" ");
    shown.chars().filter(|c| !c.is_control()).take(COMPLAINT_CHARS).collect()
}

/// The stream address last handed out for a source, and whether it is still good.
#[derive(Debug, Default)]
pub struct Lease {
    address: Option<SecretString>,
    failures: u32,
    uses: u32,
}

impl Lease {
    /// The address, as long as it may be used again.
    pub fn address(&self) -> Option<&SecretString> {
        self.address.as_ref()
    }

    /// Takes a fresh address.
    pub fn renew(&mut self, address: SecretString) {
        *self = Self { address: Some(address), failures: 0, uses: 0 };
    }

    /// A try with it is over. A connection that was good may be made again at once; an address that the server
    /// refuses, or that failed twice, is not used again. Whether it had been good before and has expired: then a
    /// fresh one may be tried at once.
    pub fn used(&mut self, was_good: bool, refused: bool) -> bool {
        self.failures = if was_good { 0 } else { self.failures + 1 };
        self.uses += 1;
        let has_expired = self.address.is_some() && refused && self.uses > 1;
        if refused || self.failures >= 2 {
            *self = Self::default();
        }
        has_expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> SecretString {
        SecretString::from("https://room.example/42?token=hunter2")
    }

    fn script(text: &str) -> (tempfile::TempDir, Resolvers) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resolve.sh");
        std::fs::write(&path, text).unwrap();
        let list = ["mine", "/bin/sh", path.to_str().unwrap(), "{url}"];
        (dir, Resolvers::with(&[list.iter().map(ToString::to_string).collect()]).unwrap())
    }

    #[tokio::test]
    async fn the_first_address_that_is_printed_wins() {
        let (_dir, r) = script(
            "echo looking at $1\necho file:///etc/passwd\necho ' rtmp://cdn.example/a?s=1 '\necho http://b\n",
        );
        let found = r.resolve("mine", &page()).await.unwrap();
        assert_eq!(found.expose_secret(), "rtmp://cdn.example/a?s=1");
    }

    #[tokio::test]
    async fn a_failure_is_told_in_plain_words_without_the_address() {
        let (_dir, r) = script("echo working >&2\necho \"error: $1 is offline\" >&2\nexit 3\n");
        let said = r.resolve("mine", &page()).await.unwrap_err().to_string();
        assert!(
            said.contains("exit code 3") && said.contains("room.example") && said.contains("is offline"),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");

        let none = Resolvers::with(&[vec!["gone".into(), "no-such-program-here".into(), "{url}".into()]]);
        let none = none.unwrap();
        let said = none.resolve("gone", &page()).await.unwrap_err().to_string();
        assert!(said.contains("not installed") && said.contains("record.resolvers"), "{said}");
        let said = none.resolve("other", &page()).await.unwrap_err().to_string();
        assert!(said.contains("streamlink or yt-dlp"), "{said}");
        let bad = none.resolve("gone", &SecretString::from("-o/etc/x")).await.unwrap_err();
        assert!(matches!(bad, ResolveError::NotAPage { .. }));
    }

    #[tokio::test]
    async fn it_sees_neither_our_input_nor_our_secrets_and_cannot_flood_us() {
        let (_dir, r) = script(
            "if read x; then exit 9; fi\n[ -z \"$CARGO_MANIFEST_DIR\" ] || exit 8\necho http://first.example/\nhead -c 1000000 /dev/zero\n",
        );
        let found = r.resolve("mine", &page()).await.unwrap();
        assert_eq!(found.expose_secret(), "http://first.example/");
    }

    #[tokio::test]
    async fn what_it_leaves_behind_is_killed_with_it() {
        let (dir, r) = script(
            "(sleep 30; echo late) >/dev/null 2>&1 &\necho $! > \"$(dirname $0)/pid\"\necho http://a.example/\n",
        );
        r.resolve("mine", &page()).await.unwrap();
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        for _ in 0..100 {
            // Gone, or dead and not yet collected.
            if std::fs::read_to_string(&stat).map_or(true, |s| s.contains(") Z ")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("process {pid} lives on");
    }

    #[test]
    fn an_address_is_used_again_until_it_is_refused_or_fails_twice() {
        let mut lease = Lease::default();
        assert!(lease.address().is_none());
        lease.renew(page());
        lease.used(true, false);
        lease.used(false, false);
        lease.used(true, false);
        lease.used(false, false);
        assert!(lease.address().is_some());
        lease.used(false, false);
        assert!(lease.address().is_none(), "failed twice in a row");
        lease.renew(page());
        assert!(!lease.used(false, true), "it was never good");
        assert!(lease.address().is_none(), "refused");
        lease.renew(page());
        assert!(!lease.used(false, false));
        assert!(lease.used(false, true), "it has expired");
    }

    #[test]
    fn a_resolver_without_a_place_for_the_page_is_refused() {
        let bad = |l: &[&str]| Resolvers::with(&[l.iter().map(ToString::to_string).collect()]).unwrap_err();
        assert!(bad(&["a"]).contains("its program"));
        assert!(bad(&["a", "b"]).contains("{url}"));
        assert!(bad(&["", "b", "{url}"]).contains("a name"));
    }
}
