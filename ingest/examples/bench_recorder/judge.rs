//! Counts pictures: the clip has one every 1/30 s, so a hole in the times is a picture lost.

use std::process::Command;

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
            let found = count(&format!("concat:{}", files.join("|")))?;
            sum.pictures += found.pictures;
            sum.lost += found.lost;
            sum.epochs += 1;
            // An end before the last one says what went wrong.
            if epoch.end_reason != Some(EndReason::Stopped) || found.lost > 0 {
                let (reason, lost) = (epoch.end_reason, found.lost);
                let tracks = (&epoch.tracks.video_codec, &epoch.tracks.audio_codec);
                println!("epoch {} of {}: {tracks:?} ended {reason:?}, lost {lost}", epoch.seq, rec.id);
            }
        }
    }
    Ok(sum)
}

/// Counts the pictures of one file.
pub fn file(path: &Utf8Path) -> Result<Count, Failure> {
    count(path.as_str())
}

fn count(address: &str) -> Result<Count, Failure> {
    let out = Command::new("ffprobe")
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
        .arg(address)
        .output()?;
    if !out.status.success() {
        return Err(format!("ffprobe: {}", String::from_utf8_lossy(&out.stderr)).into());
    }
    let text = String::from_utf8(out.stdout)?;
    let packets = text.lines().filter_map(|l| l.split_once(','));
    // What comes before the first key frame cannot be shown: not counted.
    let from_key = packets.skip_while(|(_, flags)| !flags.starts_with('K'));
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
