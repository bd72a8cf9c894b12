//! Lives heard in real time.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::source::{Language, SourceKind};
use clipmill_ingest::eval::read_truth;
use clipmill_store::Store;
use clipmill_worker::Engine;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    Failure, Plan, ears, ffmpeg, fixture,
    own::add_source,
    peak_mib,
    peers::{self, encoder, recorder},
    proc::Usage,
    waits::{self, Calls},
};

/// A key frame comes so often, in seconds.
const GROUP_S: f64 = 2.0;
/// How long the last sentences are waited for: the longest chunk, a part, and some work.
const AFTER: Duration = Duration::from_secs(25);
/// A live that is this far behind at the end stays behind, in seconds.
const BEHIND_MAX_S: f64 = 30.0;

/// Pushes `lives` lives of a spoken fixture for `seconds`; whether they kept up.
pub async fn run(dir: &Utf8Path, plan: &Plan) -> Result<bool, Failure> {
    let Plan { lives, seconds, scripted, ref speech, .. } = *plan;
    let truth = read_truth(fixture(&format!("{speech}.jsonl")).as_std_path())?;
    let last_s = truth.sentences.iter().map(|s| s.end).fold(0.0, f64::max);
    let loop_s = ((last_s + 0.5) / GROUP_S).ceil() * GROUP_S;
    let clip = clip(dir, speech, loop_s)?;
    let language = if speech.starts_with("en") { Language::En } else { Language::Zh };
    let (url, data) = (format!("sqlite:{dir}/clipmill.db"), dir.join("data"));
    std::fs::create_dir_all(&data)?;
    let store = Store::open(&url, &data).await?;
    for n in 0..lives {
        add_source(&store, &format!("live-{n}"), SourceKind::Push, &peers::key(n), language).await?;
    }
    let port = peers::free_port();
    let recording = recorder(&url, &data, port, 2000)?;
    let calls = Calls::default();
    let transcriber = ears::transcriber(scripted, &calls)?;
    let (paces, stop) = (transcriber.paces(), CancellationToken::new());
    let engine = Engine::builder().follower(transcriber).build();
    let worker = tokio::spawn(engine.run(store.clone(), stop.clone()));
    sleep(Duration::from_secs(2)).await;
    println!("{lives} lives for {seconds} s");
    let me = std::process::id();
    let (began, before) = (Instant::now(), Usage::of(&[me])?);
    let mut encoders = vec![];
    for n in 0..lives {
        encoders.push(encoder(&clip, &peers::push_url(port, n))?);
    }
    let (mut behind_s, mut rung) = (0f64, None);
    for tick in 1..=seconds {
        sleep_until(began + Duration::from_secs(tick)).await;
        for pace in paces.snapshot().values() {
            behind_s = behind_s.max(pace.behind_seconds);
            rung = rung.max(Some(pace.rung));
        }
    }
    peers::end_all(encoders).await;
    sleep(AFTER).await;
    let cpu = Usage::of(&[me])?.cpu - before.cpu;
    let left_s = paces.snapshot().values().map(|p| p.behind_seconds).fold(0f64, f64::max);

    let (mut words, mut sound_s, mut waits) = (0, 0.0, vec![]);
    for rec in store.recordings(1000).await? {
        let heard = store.utterances(rec.id).await?;
        words += heard.iter().map(|u| u.words.len()).sum::<usize>();
        sound_s += store.last_part(rec.id).await?.map_or(0.0, |p| p.span.end().as_seconds());
        waits.extend(waits::of(&store, rec.id, &heard, &truth, loop_s, &calls).await?);
    }
    stop.cancel();
    worker.await??;
    peers::close(recording).await?;
    store.close().await;

    println!("words {words}, of {sound_s:.0} s of sound");
    waits::print(waits);
    println!("CPU seconds for a second of sound: {:.3}", cpu / sound_s.max(1.0));
    println!(
        "furthest behind {behind_s:.1} s (a step takes up to 8 s of parts), rung {rung:?}; at the end {left_s:.1} s"
    );
    println!("peak memory {:.0} MiB", peak_mib());
    Ok(left_s < BEHIND_MAX_S && words > 0)
}

/// The fixture with small pictures, a key frame every two seconds; cut so that it can be played over and over.
fn clip(dir: &Utf8Path, speech: &str, loop_s: f64) -> Result<Utf8PathBuf, Failure> {
    let (path, seconds) = (dir.join("live.mp4"), loop_s.to_string());
    let speech = fixture(&format!("{speech}.opus"));
    let picture = "testsrc2=size=96x64:rate=10";
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    let all = [
        &["-f", "lavfi", "-i", picture, "-i", speech.as_str(), "-t", &seconds][..],
        &coded,
        &[path.as_str()],
    ];
    ffmpeg(&all.concat())?;
    Ok(path)
}
