//! Counts pictures: the clip has one every 1/30 s, so a hole in the times is a picture lost.

use std::{
    fs::File,
    process::{Command, Stdio},
};

use camino::Utf8Path;
use clipmill_domain::recording::EndReason;
use clipmill_store::Store;

use crate::Failure;

/// What was found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    /// Pictures there.
    pub pictures: u64,
    /// Pictures missing between the first and the last.
    pub lost: u64,
    /// Epochs; one for each live when nothing broke.
    pub epochs: u64,
}

/// Counts the pictures of all recordings in the store.
pub async fn recordings(store: &Store, lives: usize) -> Result<Count, Failure> {
    let mut sum = Count::default();
    let all = store.recordings(1000).await?;
    if all.len() != lives {
        return Err(format!("{} recordings of {lives} lives", all.len()).into());
    }
    for rec in all {
        let parts = store.parts(rec.id).await?;
        for epoch in store.epochs(rec.id).await? {
            let local = |path: &str| store.library().local_path(path).map(|p| p.to_string());
            let mut files = vec![local(&epoch.init_path)?];
            for part in parts.iter().filter(|p| p.epoch_id == epoch.id) {
                files.push(local(&part.path)?);
            }
            let found = count(files, 1)?;
            sum.pictures += found.pictures;
            sum.lost += found.lost;
            sum.epochs += 1;
            // Any other end says what went wrong.
            let good = matches!(epoch.end_reason, Some(EndReason::Stopped | EndReason::Finished));
            if !good || found.lost > 0 {
                let (reason, lost) = (epoch.end_reason, found.lost);
                let tracks = (&epoch.tracks.video_codec, &epoch.tracks.audio_codec);
                println!("epoch {} of {}: {tracks:?} ended {reason:?}, lost {lost}", epoch.seq, rec.id);
            }
        }
    }
    Ok(sum)
}

/// Counts the pictures of a file of ffmpeg's, from its second key frame on: when sound begins before the pictures,
/// its muxer gives the first of them the time of the sound.
pub fn file(path: &Utf8Path) -> Result<Count, Failure> {
    count(vec![path.to_string()], 2)
}

/// Counts from the `from`th key frame on (1 is the first): what comes before the first cannot be shown.
fn count(files: Vec<String>, from: usize) -> Result<Count, Failure> {
    let mut probe = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v",
            "-show_entries",
            "packet=pts_time,flags",
            "-of",
            "csv=p=0",
        ])
        .args(["-f", "mp4", "pipe:0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = probe.stdin.take().ok_or("ffprobe takes no input")?;
    // Header and parts, one after the other, are the recording.
    let feeding = std::thread::spawn(move || -> std::io::Result<()> {
        files.iter().try_for_each(|f| std::io::copy(&mut File::open(f)?, &mut input).map(|_| ()))
    });
    let out = probe.wait_with_output()?;
    feeding.join().map_err(|_| "feeding ffprobe failed")??;
    if !out.status.success() {
        return Err(format!("ffprobe ended with {}", out.status).into());
    }
    let text = String::from_utf8(out.stdout)?;
    let packets = text.lines().filter_map(|l| l.split_once(','));
    let mut keys = 0;
    let from_key = packets.skip_while(|(_, flags)| {
        keys += usize::from(flags.starts_with('K'));
        keys < from
    });
    let mut times: Vec<f64> = from_key.filter_map(|(at, _)| at.parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    // A break between re-ordered pictures leaves up to two holes before the last: not lost, never sent.
    if let [.., before, last] = times[..]
        && (2..=3).contains(&steps(before, last))
    {
        times.pop();
    }
    // The clip's end and its next beginning are one step apart, like any two pictures.
    let lost = times.windows(2).map(|w| steps(w[0], w[1]).saturating_sub(1)).sum();
    Ok(Count { pictures: times.len() as u64, lost, epochs: 0 })
}

/// From one time in seconds to another, in pictures.
fn steps(from: f64, to: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sorted times")]
    let steps = ((to - from) * 30.0).round() as u64;
    steps
}
