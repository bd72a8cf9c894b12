//! Many hours of lives, fed as fast as they are taken: memory must not grow.

use std::time::Duration;

use camino::Utf8Path;
use clipmill_domain::source::{Language, SourceKind};
use clipmill_store::Store;
use tokio::time::{Instant, sleep};

use crate::{
    Failure, add_source, judge,
    peers::{self, fast_encoder, recorder},
    proc::{self, Usage},
};

/// Growth that is noise of the allocator, MiB.
const NOISE_MIB: f64 = 8.0;

/// Feeds `lives` lives of `hours` hours each; whether memory stayed flat and nothing was lost.
pub async fn run(dir: &Utf8Path, lives: usize, hours: f64) -> Result<bool, Failure> {
    // Small pictures: what is soaked is the number of packets, parts and rows.
    let clip = peers::clip("small", "180x320", 30, 200, 60)?;
    let url = format!("sqlite:{dir}/clipmill.db");
    let data = dir.join("data");
    std::fs::create_dir_all(&data)?;
    let store = Store::open(&url, &data).await?;
    for n in 0..lives {
        add_source(&store, &format!("live-{n}"), SourceKind::Push, &peers::key(n), Language::Zh).await?;
    }
    let port = peers::free_port();
    let ours = recorder(&url, &data, port, 2000)?;
    let pid = ours.id().ok_or("the recorder has ended")?;
    sleep(Duration::from_secs(2)).await;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let rounds = (hours * 120.0).ceil().max(1.0) as u32;
    let begun = Instant::now();
    let mut encoders = (0..lives)
        .map(|n| fast_encoder(&clip, rounds, &format!("rtmp://127.0.0.1:{port}/live/{}", peers::key(n))))
        .collect::<Result<Vec<_>, _>>()?;
    let mut rss = vec![];
    while encoders.iter_mut().any(|e| matches!(e.try_wait(), Ok(None))) {
        sleep(Duration::from_secs(1)).await;
        rss.push(Usage::of(&[pid])?.rss_mib);
    }
    let (took, cpu) = (begun.elapsed().as_secs_f64(), Usage::of(&[pid])?.cpu);
    sleep(Duration::from_secs(2)).await;
    peers::close(ours).await?;
    let count = judge::recordings(&store, lives).await?;
    let sent = u64::from(rounds) * 900 * lives as u64;
    store.close().await;

    let virtual_hours = hours * f64::from(u32::try_from(lives)?);
    println!(
        "{lives} lives of {hours} h each in {took:.0} s: {:.0} times real time, {cpu:.1} CPU seconds",
        virtual_hours * 3600.0 / took
    );
    println!("memory, MiB, every second: {}", proc::series(&rss));
    println!("pictures sent {sent}, kept {}, epochs {}", count.pictures, count.epochs);
    let Some(quarter) = rss.len().checked_div(4).filter(|q| *q > 0) else {
        return Err("too short to say anything about memory: give more --hours".into());
    };
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (early, late) = (mean(&rss[quarter..2 * quarter]), mean(&rss[rss.len() - quarter..]));
    println!("second quarter {early:.1} MiB, last quarter {late:.1} MiB");
    Ok(late <= early + NOISE_MIB && count.pictures == sent && count.epochs == lives as u64)
}
