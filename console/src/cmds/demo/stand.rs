//! Where a demo is played: a folder of its own, free ports, a configuration file and a log.

use std::{
    ffi::OsString,
    fs::File,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clipmill_store::Store;
use tokio_util::sync::CancellationToken;

/// Says that a folder was made by the demo, and so may be emptied by it.
const MARK: &str = "made-by-clipmill-demo";

/// The prepared place.
pub(super) struct Stand {
    run: Utf8PathBuf,
    models_dir: Option<Utf8PathBuf>,
    console: SocketAddr,
    /// Where the RTMP listener will be.
    pub rtmp: SocketAddr,
    /// Where posts will land.
    pub published: Utf8PathBuf,
}

/// Lines of the service, into a file.
pub(super) struct Log(Mutex<File>);

impl Log {
    /// Appends a line; a full disk costs the line.
    pub fn line(&self, line: &str) {
        if let Ok(mut file) = self.0.lock() {
            let _ = writeln!(file, "{line}");
        }
    }
}

impl Stand {
    /// Empties `<dir>/run` and writes a configuration for free ports into it.
    pub fn prepare(dir: &Utf8Path, models_dir: Option<&Utf8Path>) -> Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("make the folder {dir}"))?;
        let dir = dir.canonicalize_utf8().with_context(|| format!("find the folder {dir}"))?;
        let run = dir.join("run");
        if run.exists() {
            if !run.join(MARK).exists() {
                bail!("{run} was not made by a demo: name another folder with --dir");
            }
            std::fs::remove_dir_all(&run).with_context(|| format!("empty the folder {run}"))?;
        }
        std::fs::create_dir_all(&run).with_context(|| format!("make the folder {run}"))?;
        std::fs::write(run.join(MARK), "").with_context(|| format!("write into {run}"))?;
        let models_dir = models_dir.map(camino::absolute_utf8).transpose()?;
        let stand = Self {
            console: free_address(8600)?,
            rtmp: free_address(1935)?,
            published: run.join("published"),
            run,
            models_dir,
        };
        stand.write_config()?;
        Ok(stand)
    }

    fn write_config(&self) -> Result<()> {
        let data = self.run.join("data");
        let text = format!(
            "# Written by `clipmill demo`.\n\
             data_dir = {data:?}\n\n\
             [serve]\nbind = \"{}\"\n\n\
             [record]\nrtmp_bind = \"{}\"\nquiet_end_seconds = 60\nfree_space_floor_bytes = 536870912\n\n\
             [publish]\nfolder = {:?}\nspacing_seconds = 3\n",
            self.console, self.rtmp, self.published,
        );
        std::fs::write(self.config_path(), text).context("write the demo's configuration")
    }

    fn config_path(&self) -> Utf8PathBuf {
        self.run.join("clipmill.toml")
    }

    /// Where the service's lines go.
    pub fn log_path(&self) -> Utf8PathBuf {
        self.run.join("clipmill.log")
    }

    /// Opens that file.
    pub fn log(&self) -> Result<Log> {
        let path = self.log_path();
        Ok(Log(Mutex::new(File::create(&path).with_context(|| format!("make {path}"))?)))
    }

    /// Options for every process of the demo's service.
    pub fn args(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["--config".into(), self.config_path().as_str().into()];
        if let Some(dir) = &self.models_dir {
            args.extend(["--models-dir".into(), dir.as_str().into()]);
        }
        args
    }

    /// The console's address for a browser.
    pub fn console_url(&self) -> String {
        format!("http://{}/", self.console)
    }

    /// Opens the demo's store, and so makes it.
    pub async fn store(&self) -> Result<Store> {
        let data = self.run.join("data");
        Ok(Store::open(&format!("sqlite:{}", data.join("clipmill.db")), &data).await?)
    }

    /// Waits until every role of the service says that it is up.
    pub async fn wait_ready(&self, longest: Duration, stop: &CancellationToken) -> Result<()> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(3)).no_proxy().build()?;
        let url = format!("{}api/health", self.console_url());
        let began = Instant::now();
        loop {
            if let Ok(answer) = http.get(&url).send().await
                && let Ok(health) = answer.json::<serde_json::Value>().await
                && ["serve", "record", "work"].iter().all(|role| ready(&health, role))
            {
                return Ok(());
            }
            if began.elapsed() > longest {
                bail!("the service was not up after {} s; see {}", longest.as_secs(), self.log_path());
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
                () = stop.cancelled() => bail!("stopped"),
            }
        }
    }
}

fn ready(health: &serde_json::Value, role: &str) -> bool {
    let processes = health["processes"].as_array().map(Vec::as_slice).unwrap_or_default();
    // The recorder begins to beat once it listens; the others beat while they load.
    let up = |p: &serde_json::Value| role == "record" || p["detail"]["ready"] == true;
    processes.iter().any(|p| p["role"] == role && p["alive"] == true && up(p))
}

/// `preferred` on loopback if it is free, else a port that is.
fn free_address(preferred: u16) -> Result<SocketAddr> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(local(preferred))
        .or_else(|_| TcpListener::bind(local(0)))
        .context("find a free port on 127.0.0.1")?;
    Ok(listener.local_addr()?)
}
