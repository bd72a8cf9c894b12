//! The programs around the recorder: encoders, nginx, ffmpeg as the recorder to be measured against.

use std::{
    net::{Ipv4Addr, TcpListener},
    process::{Command as StdCommand, Stdio},
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::Failure;

const QUIET: [&str; 5] = ["-nostdin", "-hide_banner", "-loglevel", "error", "-y"];

/// A port nobody listens on.
pub fn free_port() -> u16 {
    (24_000..30_000).find(|p| TcpListener::bind((Ipv4Addr::LOCALHOST, *p)).is_ok()).unwrap_or(0)
}

/// As many ports nobody listens on, one for each live.
pub fn free_ports(lives: usize) -> Vec<u16> {
    let is_free = |p: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *p)).is_ok();
    (20_000..24_000).filter(is_free).take(lives).collect()
}

/// The stream key of a live.
pub fn key(n: usize) -> String {
    format!("bench-key-{n}")
}

/// A 30 s clip with a key frame every `group` pictures, made once and kept in the build folder.
pub fn clip(name: &str, size: &str, fps: u32, kbit: u32, group: u32) -> Result<Utf8PathBuf, Failure> {
    let dir = Utf8PathBuf::from(std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into()))
        .join("bench-clips");
    std::fs::create_dir_all(&dir)?;
    let path = dir.join(format!("{name}-{fps}-{kbit}-{group}.mp4"));
    if !path.exists() {
        println!("preparing {path} once");
        let fresh = dir.join("fresh.mp4");
        let (rate, group) = (format!("{kbit}k"), group.to_string());
        let made = StdCommand::new("ffmpeg")
            .args(QUIET)
            .args([
                "-f",
                "lavfi",
                "-i",
                &format!("testsrc2=size={size}:rate={fps}:duration=30,noise=alls=12:allf=t"),
            ])
            .args(["-f", "lavfi", "-i", "anoisesrc=sample_rate=44100:duration=30:amplitude=0.2:seed=5"])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p"])
            .args(["-b:v", &rate, "-maxrate", &rate, "-bufsize", &rate, "-nal-hrd", "cbr"])
            .args(["-g", &group, "-keyint_min", &group, "-sc_threshold", "0"])
            .args(["-c:a", "aac", "-b:a", "96k", "-ac", "2", fresh.as_str()])
            .status()?;
        if !made.success() {
            return Err("the clip could not be made".into());
        }
        std::fs::rename(fresh, &path)?;
    }
    Ok(path)
}

/// nginx, through which all lives go; each has an application of its own.
pub struct Nginx {
    port: u16,
    _child: Child,
}

impl Nginx {
    /// `push_to`: the addresses that it pushes each live to.
    pub async fn start(
        dir: &Utf8Path,
        lives: usize,
        push_to: impl Fn(usize) -> Vec<String>,
    ) -> Result<Self, Failure> {
        let port = (30_000..32_000)
            .find(|p| TcpListener::bind((Ipv4Addr::LOCALHOST, *p)).is_ok())
            .ok_or("no free port")?;
        let applications: String = (0..lives)
            .map(|n| {
                let push: String = push_to(n).iter().map(|url| format!("push {url};")).collect();
                format!("application live{n} {{ live on; idle_streams off; {push} }}\n")
            })
            .collect();
        let conf = dir.join("nginx.conf");
        std::fs::write(
            &conf,
            format!(
                "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
                 daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx.log error;
                 events {{ worker_connections 2048; }}
                 rtmp {{ server {{ listen 127.0.0.1:{port}; chunk_size 4096; {applications} }} }}"
            ),
        )?;
        let child = Command::new("nginx")
            .args(["-e", "stderr", "-c", conf.as_str()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("nginx: {e}; run scripts/setup --test"))?;
        for _ in 0..100 {
            if tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
                return Ok(Self { port, _child: child });
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err("nginx does not answer; is its RTMP module installed? scripts/setup --test".into())
    }

    /// The address of a live.
    pub fn url(&self, n: usize) -> String {
        format!("rtmp://127.0.0.1:{}/live{n}/stream", self.port)
    }
}

fn ffmpeg(words: &[&str]) -> Result<Child, Failure> {
    let mut command = Command::new("ffmpeg");
    command.args(QUIET).args(words).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    Ok(command.spawn()?)
}

/// Pushes the clip in real time, over and over.
pub fn encoder(clip: &Utf8Path, url: &str) -> Result<Child, Failure> {
    ffmpeg(&["-re", "-stream_loop", "-1", "-i", clip.as_str(), "-c", "copy", "-f", "flv", url])
}

/// Pushes the clip `rounds` times, as fast as it is taken.
pub fn fast_encoder(clip: &Utf8Path, rounds: u32, url: &str) -> Result<Child, Failure> {
    let rounds = (rounds - 1).to_string();
    ffmpeg(&["-stream_loop", &rounds, "-i", clip.as_str(), "-c", "copy", "-f", "flv", url])
}

/// Where a recorder on this port is pushed to.
pub fn push_url(port: u16, n: usize) -> String {
    format!("rtmp://127.0.0.1:{port}/live/{}", key(n))
}

/// The ffmpeg program as a recorder: to fragmented MP4, a fragment per group of pictures. With `listen` it is pushed
/// to at `url`, else it pulls.
pub fn ffmpeg_recorder(url: &str, listen: bool, out: &Utf8Path) -> Result<Child, Failure> {
    let input: &[&str] = if listen { &["-listen", "1", "-f", "flv", "-i", url] } else { &["-i", url] };
    let output = ["-c", "copy", "-f", "mp4", "-movflags", "+frag_keyframe+empty_moov+default_base_moof"];
    ffmpeg(&[input, &output, &[out.as_str()]].concat())
}

/// Our recorder, in a process of its own.
pub fn recorder(url: &str, data: &Utf8Path, port: u16, part_ms: u64) -> Result<Child, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--as-recorder", url, data.as_str(), &port.to_string(), &part_ms.to_string()]);
    Ok(command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn()?)
}

/// Ends it in good order.
pub async fn close(mut recorder: Child) -> Result<(), Failure> {
    drop(recorder.stdin.take());
    let ended = timeout(Duration::from_secs(60), recorder.wait())
        .await
        .map_err(|_| "the recorder does not stop")??;
    if ended.success() { Ok(()) } else { Err(format!("the recorder ended with {ended}").into()) }
}

/// Asks ffmpeg processes to end (as Ctrl-C does) and waits.
pub async fn end_all(children: Vec<Child>) {
    for child in &children {
        if let Some(pid) = child.id() {
            let _ = StdCommand::new("kill").args(["-INT", &pid.to_string()]).status();
        }
    }
    for mut child in children {
        if timeout(Duration::from_secs(10), child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    }
}
