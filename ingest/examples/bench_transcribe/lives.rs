//! Lives heard in real time.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::{
    Id, MediaTime, RecordingId, SourceId,
    source::{Language, SourceKind},
    transcript::Utterance,
};
use clipmill_ingest::eval::{Truth, read_truth};
use clipmill_store::{
    Store,
    sources::{self, NewSource},
    testing,
};
use clipmill_worker::{Engine, SystemClock};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    Failure, ears, ffmpeg, fixture, peak_mib,
    peers::{self, encoder, recorder},
    proc::Usage,
};

/// The fixture that is pushed, and its length as pushed, in seconds.
const SPEECH: &str = "zh_live";
const LOOP_S: f64 = 140.0;
/// How long the last sentences are waited for: the longest chunk, a part, and some work.
const AFTER: Duration = Duration::from_secs(25);
/// A live that is this far behind at the end stays behind, in seconds.
const BEHIND_MAX_S: f64 = 30.0;

/// Pushes `lives` lives for `seconds`; whether they kept up.
pub async fn run(dir: &Utf8Path, lives: usize, seconds: u64, scripted: bool) -> Result<bool, Failure> {
    let clip = clip(dir)?;
    let truth = read_truth(fixture(&format!("{SPEECH}.jsonl")).as_std_path())?;
    let (url, data) = (format!("sqlite:{dir}/clipmill.db"), dir.join("data"));
    std::fs::create_dir_all(&data)?;
    let store = Store::open(&url, &data).await?;
    for n in 0..lives {
        add_source(&store, &format!("live-{n}"), SourceKind::Push, &peers::key(n), Language::Zh).await?;
    }
    let port = peers::free_port();
    let recording = recorder(&url, &data, port, 2000)?;
    let transcriber = ears::transcriber(scripted)?;
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
        waits.extend(waits_of(&store, rec.id, &heard, &truth).await?);
    }
    stop.cancel();
    worker.await??;
    peers::close(recording).await?;
    store.close().await;

    waits.sort_by(f64::total_cmp);
    let at = |share: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
        let place = (share * waits.len() as f64) as usize;
        waits.get(place.min(waits.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    };
    println!("words {words}, of {sound_s:.0} s of sound; sentences measured {}", waits.len());
    println!("end of a sentence to its text: median {:.2} s, p95 {:.2} s", at(0.5), at(0.95));
    println!("CPU seconds for a second of sound: {:.3}", cpu / sound_s.max(1.0));
    println!(
        "furthest behind {behind_s:.1} s (a step takes up to 8 s of parts), rung {rung:?}; at the end {left_s:.1} s"
    );
    println!("peak memory {:.0} MiB", peak_mib());
    Ok(left_s < BEHIND_MAX_S && words > 0)
}

/// The fixture with small pictures, a key frame every two seconds; cut so that it can be played over and over.
fn clip(dir: &Utf8Path) -> Result<Utf8PathBuf, Failure> {
    let (path, seconds) = (dir.join("live.mp4"), LOOP_S.to_string());
    let speech = fixture(&format!("{SPEECH}.opus"));
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

/// Adds a source to the store.
pub async fn add_source(
    store: &Store,
    name: &str,
    kind: SourceKind,
    secret: &str,
    language: Language,
) -> Result<(), Failure> {
    let id = SourceId::new_at(clipmill_domain::Clock::now(&SystemClock));
    let new = NewSource { id, kind, language, secret: secret.into(), ..testing::new_source(name) };
    let mut tx = store.begin().await?;
    sources::add_source(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(())
}

/// For each sentence of the truth that was heard: seconds from its true end, on the wall, to the making of its row.
async fn waits_of(
    store: &Store,
    rec: RecordingId,
    heard: &[Utterance],
    truth: &Truth,
) -> Result<Vec<f64>, Failure> {
    let epochs = store.epochs(rec).await?;
    let Some(epoch) = epochs.first() else { return Ok(vec![]) };
    let mut waits = vec![];
    for utterance in heard {
        // An id begins with the milliseconds at which it was made.
        let made = utterance.id.to_string().replace('-', "");
        let made_ms = i64::from_str_radix(made.get(..12).unwrap_or_default(), 16)?;
        let (from, to) = (utterance.span.start().as_seconds(), utterance.span.end().as_seconds());
        for sentence in &truth.sentences {
            let round = (to / LOOP_S).floor() * LOOP_S;
            let end_s = sentence.end + round;
            if !(from..to + 0.5).contains(&end_s) {
                continue;
            }
            let media_ms = (MediaTime::from_seconds(end_s) - epoch.media_start) / 1000;
            #[expect(clippy::cast_precision_loss, reason = "some seconds")]
            let wait_s = (made_ms - epoch.started_at.as_millis() - media_ms) as f64 / 1000.0;
            waits.push(wait_s);
        }
    }
    Ok(waits)
}
