//! Counts pictures: the clip has one every 1/30 s, so a hole in the times is a picture lost.

use std::process::Command;

use camino::Utf8Path;
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
            "packet=pts_time",
            "-of",
            "csv=p=0",
            address,
        ])
        .output()?;
    if !out.status.success() {
        return Err(format!("ffprobe: {}", String::from_utf8_lossy(&out.stderr)).into());
    }
    let text = String::from_utf8(out.stdout)?;
    let mut times: Vec<f64> = text.lines().filter_map(|l| l.trim_end_matches(',').parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    let step = |w: &[f64]| ((w[1] - w[0]) * 30.0).round() as u64;
    // The clip's end and its next beginning are one step apart, like any two pictures.
    let mut lost: u64 = times.windows(2).map(|w| step(w).saturating_sub(1)).sum();
    // A break between re-ordered pictures leaves up to two holes before the last: not lost, never sent.
    if let [.., before, last] = times[..] {
        lost -= step(&[before, last]).saturating_sub(1).min(2);
    }
    Ok(Count { pictures: times.len() as u64, lost, epochs: 0 })
}
