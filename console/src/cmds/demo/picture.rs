//! The demo's live: the spoken fixture with a moving 720×1280 picture, made once and kept.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::source::Language;
use sha2::{Digest, Sha256};
use tokio::process::Command;

/// A spoken live and the product list its brand would have entered.
pub struct Fixture {
    /// Ogg Opus.
    pub audio: &'static [u8],
    /// JSON Lines of products.
    pub products: &'static str,
    /// Name of the source.
    pub name: &'static str,
}

/// The fixture spoken in `language`.
pub fn fixture(language: Language) -> Fixture {
    match language {
        Language::Zh => Fixture {
            audio: include_bytes!("../../../../fixtures/speech/zh_live.opus"),
            products: include_str!("../../../../fixtures/speech/zh_live.products.jsonl"),
            name: "demo-zh",
        },
        Language::En => Fixture {
            audio: include_bytes!("../../../../fixtures/speech/en_live.opus"),
            products: include_str!("../../../../fixtures/speech/en_live.products.jsonl"),
            name: "demo-en",
        },
    }
}

/// Key frames every 2 s, as shopping platforms ask of encoders; a slow colour field, a moving figure and a clock.
const GRAPH: &str = "gradients=s=720x1280:r=30:c0=0x1d3557:c1=0xe07a5f:c2=0x81b29a:c3=0xf2cc8f:n=4:speed=0.012,\
drawbox=x='260+160*sin(t*0.7)':y='430+40*sin(t*1.3)':w=200:h=200:color=0xfff1e0@0.9:t=fill,\
drawbox=x='220+160*sin(t*0.7)':y='640+40*sin(t*1.3)':w=280:h=420:color=0x264653@0.9:t=fill,\
drawtext=text='%{pts\\:hms}':fontsize=44:fontcolor=white:x=40:y=60:box=1:boxcolor=black@0.4:boxborderw=12";

/// Makes the live's file in `folder` unless it is there already, and answers its path.
///
/// # Errors
/// Says which package is missing when there is no `ffmpeg` program.
pub async fn make(language: Language, folder: &Utf8Path) -> Result<Utf8PathBuf> {
    let fixture = fixture(language);
    let mut hash = Sha256::new();
    hash.update(fixture.audio);
    hash.update(GRAPH);
    let key = hash.finalize().iter().take(6).map(|b| format!("{b:02x}")).collect::<String>();
    let out = folder.join(format!("live-{}-{key}.mp4", language.code()));
    if out.exists() {
        return Ok(out);
    }
    std::fs::create_dir_all(folder).with_context(|| format!("make the folder {folder}"))?;
    let audio = folder.join(format!("live-{}.opus", language.code()));
    std::fs::write(&audio, fixture.audio).with_context(|| format!("write {audio}"))?;
    let temp = folder.join(format!("live-{}-{key}.part.mp4", language.code()));
    let run = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            GRAPH,
            "-i",
            audio.as_str(),
            "-shortest",
        ])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "superfast",
            "-b:v",
            "2500k",
            "-maxrate",
            "3000k",
            "-bufsize",
            "3000k",
        ])
        .args(["-pix_fmt", "yuv420p", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0"])
        .args(["-c:a", "aac", "-b:a", "128k", "-ar", "44100", "-ac", "2", temp.as_str()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let done = match tokio::time::timeout(std::time::Duration::from_secs(900), run).await {
        Err(_) => bail!("making the demo's picture took over 15 minutes; is the machine overloaded?"),
        Ok(Err(e)) if e.kind() == std::io::ErrorKind::NotFound => {
            bail!("the program ffmpeg is missing: apt-get install -y ffmpeg")
        }
        Ok(done) => done.context("run ffmpeg")?,
    };
    if !done.status.success() {
        bail!("ffmpeg could not make the demo's picture: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    std::fs::rename(&temp, &out).with_context(|| format!("rename {temp} to {out}"))?;
    Ok(out)
}
