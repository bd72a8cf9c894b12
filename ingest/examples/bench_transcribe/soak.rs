//! Hours of sound, as fast as they are heard: memory must not grow.

use std::{collections::BTreeMap, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::{
    source::{Language, SourceKind},
    transcript::heard_until,
};
use clipmill_ingest::transcribe::NAME;
use clipmill_store::Store;
use clipmill_worker::Engine;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{Failure, ears, ffmpeg, fixture, own::add_source, peers, proc::Usage, waits::Calls};

/// Growth that is noise of the allocator, MiB.
const NOISE_MIB: f64 = 16.0;
/// Length of one round of the sound, in seconds: two fixtures, a minute without speech, a minute of silence.
const ROUND_S: f64 = 140.0 + 97.0 + 60.0 + 60.0;

/// Feeds `hours` of sound; whether memory stayed flat.
pub async fn run(dir: &Utf8Path, hours: f64, every_minutes: f64, scripted: bool) -> Result<bool, Failure> {
    let long = sound(dir, hours)?;
    let (url, data) = (format!("sqlite:{dir}/clipmill.db"), dir.join("data"));
    std::fs::create_dir_all(&data)?;
    let store = Store::open(&url, &data).await?;
    add_source(&store, "long", SourceKind::Pull, &format!("file://{long}"), Language::Zh).await?;
    let recording = peers::recorder(&url, &data, peers::free_port(), 2000)?;
    let stop = CancellationToken::new();
    let engine = Engine::builder().follower(ears::transcriber(scripted, &Calls::default())?).build();
    let worker = tokio::spawn(engine.run(store.clone(), stop.clone()));
    let (me, begun) = (std::process::id(), Instant::now());
    println!("minutes of sound heard: MiB");
    let mut rss: BTreeMap<u32, f64> = BTreeMap::new();
    let heard_s = loop {
        sleep(Duration::from_millis(500)).await;
        if worker.is_finished() {
            return Err("the worker has ended".into());
        }
        let Some(rec) = store.recordings(1).await?.into_iter().next() else { continue };
        let heard_s = heard_until(&store.follower(rec.id, NAME).await?.state).map_or(0.0, |t| t.as_seconds());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
        let step = (heard_s / 60.0 / every_minutes) as u32;
        if let std::collections::btree_map::Entry::Vacant(first) = rss.entry(step) {
            let now = *first.insert(Usage::of(&[me])?.rss_mib);
            println!("{:8.1}: {now:.1}", heard_s / 60.0);
        }
        if store.follower_done(rec.id, NAME).await? {
            break heard_s;
        }
    };
    let (took, cpu) = (begun.elapsed().as_secs_f64(), Usage::of(&[me])?.cpu);
    stop.cancel();
    worker.await??;
    peers::close(recording).await?;
    let utterances = match store.recordings(1).await?.first() {
        Some(rec) => store.utterances(rec.id).await?.len(),
        None => 0,
    };
    store.close().await;

    println!(
        "{:.2} h in {took:.0} s: {:.0} times real time, {:.3} CPU seconds a second of sound, {utterances} utterances",
        heard_s / 3600.0,
        heard_s / took,
        cpu / heard_s.max(1.0)
    );
    let rss: Vec<f64> = rss.into_values().collect();
    let Some(quarter) = rss.len().checked_div(4).filter(|q| *q > 0) else {
        println!("too short to say anything about memory: give more --hours, or a smaller --every");
        return Ok(true);
    };
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (early, late) = (mean(&rss[quarter..2 * quarter]), mean(&rss[rss.len() - quarter..]));
    println!("second quarter {early:.1} MiB, last quarter {late:.1} MiB");
    Ok(late <= early + NOISE_MIB)
}

/// Makes the sound: one round is encoded, and copied as often as is needed.
fn sound(dir: &Utf8Path, hours: f64) -> Result<Utf8PathBuf, Failure> {
    let (round, long) = (dir.join("round.mp4"), dir.join("long.mp4"));
    let [zh, en, quiet] = ["zh_live", "en_live", "nonspeech"].map(|n| fixture(&format!("{n}.opus")));
    let filter = "[1:a]atrim=0:140[a];[2:a]atrim=0:97[b];[3:a]atrim=0:60[c];anullsrc=r=48000:cl=mono,atrim=0:60[d];\
                  [a][b][c][d]concat=n=4:v=0:a=1[all]";
    let seconds = ROUND_S.to_string();
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "color=gray:size=64x64:rate=5",
        "-i",
        zh.as_str(),
        "-i",
        en.as_str(),
        "-i",
        quiet.as_str(),
        "-filter_complex",
        filter,
        "-map",
        "0:v",
        "-map",
        "[all]",
        "-t",
        &seconds,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "10",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-b:a",
        "48k",
        round.as_str(),
    ])?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
    let again = ((hours * 3600.0 / ROUND_S).ceil() as u32).saturating_sub(1).to_string();
    let seconds = (hours * 3600.0).to_string();
    ffmpeg(&["-stream_loop", &again, "-i", round.as_str(), "-t", &seconds, "-c", "copy", long.as_str()])?;
    Ok(long)
}
