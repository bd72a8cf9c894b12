//! Pull sources against a web server that misbehaves, an SRT peer, folders, and the operator's wishes.

#[path = "support/origin.rs"]
mod origin;
#[path = "support/mod.rs"]
mod support;

use std::{
    process::Command as StdCommand,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use camino::Utf8Path;
use clipmill_domain::{
    Clock, Id, RecordingId, WallTime,
    recording::{EndReason, Recording},
    source::{AutoStop, Language, RecordMode, SourceSettings},
};
use clipmill_ingest::{
    record::{RecordConfig, SourceState},
    source::pull::resolver::Resolvers,
};
use clipmill_store::recordings;
use origin::{Answer, Origin};
use support::{Bench, KEY, Media, until};

fn ffmpeg(args: &[&str]) {
    let quiet = ["-nostdin", "-hide_banner", "-loglevel", "error", "-y"];
    let status = StdCommand::new("ffmpeg").args(quiet).args(args).status().unwrap();
    assert!(status.success(), "{args:?}");
}

fn flv(dir: &Utf8Path, media: &Media) -> Vec<u8> {
    let path = dir.join("live.flv");
    ffmpeg(&["-i", media.path().as_str(), "-c", "copy", "-flvflags", "no_duration_filesize", path.as_str()]);
    std::fs::read(path).unwrap()
}

async fn recordings_of(bench: &Bench) -> Vec<Recording> {
    let mut all = bench.store().recordings(100).await.unwrap();
    all.reverse();
    all
}

async fn only_ended(bench: &Bench, seconds: u64) -> Recording {
    until("the recording ends", seconds, async || {
        recordings_of(bench).await.first().is_some_and(|r| r.ended_at.is_some())
    })
    .await;
    let mut all = recordings_of(bench).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

async fn reasons(bench: &Bench, rec: RecordingId) -> Vec<Option<EndReason>> {
    bench.store().epochs(rec).await.unwrap().into_iter().map(|e| e.end_reason).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_off_goes_on_in_the_same_recording_until_it_is_quiet() {
    let config = RecordConfig { quiet_end: Duration::from_secs(4), ..RecordConfig::default() };
    let bench = Bench::start(config).await;
    let media = Media::make(&bench.dir(), 4);
    let bytes = flv(&bench.dir(), &media);
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let origin = Origin::start(move |asked| {
        let told = ["Cookie: sid=c-secret", "Referer: https://room.example/r-secret", "X-Token: t-secret"];
        if !told.iter().all(|h| asked.head.contains(h)) {
            return Answer::Status(403);
        }
        match counted.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::Drip(bytes[..bytes.len() * 3 / 5].to_vec(), 15),
            1 => Answer::Status(502),
            2 => Answer::Drip(bytes.clone(), 15),
            _ => Answer::Status(404),
        }
    })
    .await;
    let headers =
        [("Cookie", "sid=c-secret"), ("Referer", "https://room.example/r-secret"), ("X-Token", "t-secret")];
    let url = origin.url("/live/room.flv?sign=u-secret");
    let id = bench.add_pull_with("room", &url, &headers, SourceSettings::default()).await;
    let rec = only_ended(&bench, 30).await;
    assert_eq!(rec.end_reason, Some(EndReason::Quiet));
    let why = reasons(&bench, rec.id).await;
    assert_eq!(why, [Some(EndReason::Disconnected); 2]);
    assert!(media.begins_with(&bench.frames_of(rec.id, 0).await));
    // What was there already is not kept again, but for the group in which it broke off.
    let (first, second) = (bench.frames_of(rec.id, 0).await, bench.frames_of(rec.id, 1).await);
    assert!(media.frames().ends_with(&second) && second.len() < media.frames().len());
    assert!(media.frames().iter().all(|f| first.contains(f) || second.contains(f)));
    assert!(bench.store().source(id).await.unwrap().unwrap().enabled, "it is tried on");
    // Trying less and less often: at most 0.5, 1, 2, 4 … s apart.
    assert!(calls.load(Ordering::Relaxed) <= 10, "{}", calls.load(Ordering::Relaxed));
    for secret in ["c-secret", "r-secret", "t-secret", "u-secret"] {
        assert!(!bench.log_holds(secret), "{secret} is in the log");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_the_call_and_says_nothing_is_given_up_and_disturbs_nobody() {
    let config = RecordConfig { stall: Duration::from_secs(2), ..RecordConfig::default() };
    let bench = Bench::start(config).await;
    let origin = Origin::start(|_| Answer::Silence).await;
    let begun = Instant::now();
    let mut silent = vec![];
    for name in ["/live/a.flv", "/live/b.m3u8", "/old/c.mp4"] {
        silent.push(bench.add_pull(name, &origin.url(name)).await);
    }
    let media = Media::make(&bench.dir(), 2);
    bench.add_pull("show", &format!("file://{}", media.path())).await;
    let rec = only_ended(&bench, 20).await;
    assert_eq!(rec.end_reason, Some(EndReason::Finished));
    until("all are given up for now", 40, async || {
        let shown = bench.board.snapshot().sources;
        silent.iter().all(|id| shown.get(id).is_some_and(|s| s.last_problem.is_some()))
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(40));
    bench.stop().await;
}

/// Segments and playlist of `media`, encrypted with a key on the same server.
fn hls(dir: &Utf8Path, media: &Media) -> (Vec<String>, std::path::PathBuf) {
    let out = dir.join("hls");
    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("k.bin"), b"0123456789abcdef").unwrap();
    let info = dir.join("key.info");
    std::fs::write(&info, format!("k.bin\n{}\n", out.join("k.bin"))).unwrap();
    let list = out.join("all.m3u8");
    let common = ["-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_key_info_file"];
    let mut args = vec!["-i", media.path().as_str()];
    args.extend(common);
    args.extend([info.as_str(), list.as_str()]);
    ffmpeg(&args);
    let text = std::fs::read_to_string(&list).unwrap();
    assert!(text.contains("METHOD=AES-128"), "{text}");
    (text.lines().map(str::to_owned).collect(), out.into_std_path_buf())
}

/// The first `segments` of a playlist; with its end mark when that is all.
fn reveal(lines: &[String], segments: usize) -> String {
    let mut text = String::new();
    let mut shown = 0;
    for line in lines {
        if shown == segments && (line.starts_with("#EXTINF") || line == "#EXT-X-ENDLIST") {
            break;
        }
        shown += usize::from(!line.starts_with('#'));
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// A live playlist that grows by a segment a second, and answers 503 for the seconds in `broken`.
async fn live_playlist(dir: &Utf8Path, media: &Media, broken: std::ops::Range<f64>) -> Origin {
    let (lines, folder) = hls(dir, media);
    let begun = std::sync::OnceLock::new();
    Origin::start(move |asked| {
        if asked.path != "/live.m3u8" {
            let file = folder.join(asked.path.trim_start_matches('/'));
            return std::fs::read(file).map_or(Answer::Status(404), Answer::Whole);
        }
        let at = begun.get_or_init(Instant::now).elapsed();
        if broken.contains(&at.as_secs_f64()) {
            return Answer::Status(503);
        }
        let segments = 3 + usize::try_from(at.as_secs()).unwrap();
        let all = lines.iter().filter(|l| !l.starts_with('#')).count();
        let text = reveal(&lines, if segments > all { usize::MAX } else { segments });
        Answer::Whole(text.into_bytes())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_live_playlist_is_recorded_whole_and_its_end_mark_is_the_end() {
    let bench = Bench::start(RecordConfig::default()).await;
    let media = Media::make(&bench.dir(), 8);
    let origin = live_playlist(&bench.dir(), &media, 0.0..0.0).await;
    let id = bench.add_pull("hls", &origin.url("/live.m3u8")).await;
    let rec = only_ended(&bench, 40).await;
    assert_eq!(rec.end_reason, Some(EndReason::Finished));
    assert_eq!(reasons(&bench, rec.id).await, [Some(EndReason::Finished)]);
    assert_eq!(bench.frames_of(rec.id, 0).await, media.frames());
    until("it is not opened again", 5, async || !bench.store().source(id).await.unwrap().unwrap().enabled)
        .await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_playlist_that_cannot_be_loaded_for_a_while_does_not_end_the_recording() {
    let config = RecordConfig { stall: Duration::from_secs(4), ..RecordConfig::default() };
    let bench = Bench::start(config).await;
    let media = Media::make(&bench.dir(), 12);
    let origin = live_playlist(&bench.dir(), &media, 2.5..5.5).await;
    bench.add_pull("hls", &origin.url("/live.m3u8")).await;
    let rec = only_ended(&bench, 60).await;
    assert_eq!(rec.end_reason, Some(EndReason::Finished), "by its end mark");
    let why = reasons(&bench, rec.id).await;
    assert_eq!(why.last(), Some(&Some(EndReason::Finished)), "{why:?}");
    assert!(why[..why.len() - 1].iter().all(|r| *r != Some(EndReason::Finished)), "{why:?}");
    // Nothing is lost: what was missed meanwhile is still in the playlist.
    let mut kept = vec![];
    for epoch in 0..why.len() {
        kept.extend(bench.frames_of(rec.id, epoch).await);
    }
    assert!(media.frames().iter().all(|f| kept.contains(f)));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resolver_is_asked_again_when_its_address_has_expired() {
    let mut bench = Bench::open().await;
    // Each longer than the one before: what was sent already is not kept again.
    let lives = [2, 3, 4].map(|seconds| flv(&bench.dir(), &Media::make(&bench.dir(), seconds)));
    let used = std::sync::Mutex::new(std::collections::HashSet::new());
    // Every address works for one connection.
    let origin = Origin::start(move |asked| {
        let mut used = used.lock().unwrap();
        match used.insert(asked.path.clone()) {
            true => Answer::Drip(lives[(used.len() - 1).min(2)].clone(), 10),
            false => Answer::Status(403),
        }
    })
    .await;
    let (script, count) = (bench.dir().join("resolve.sh"), bench.dir().join("count"));
    let text = format!(
        "n=$(($(cat {count} 2>/dev/null || echo 0) + 1))\necho $n > {count}\n\
         [ $n -ge 4 ] && {{ echo \"$1 is offline\" >&2; exit 5; }}\necho '{}'$n\n",
        origin.url("/live.flv?sign=s-secret")
    );
    std::fs::write(&script, text).unwrap();
    let list = ["room", "/bin/sh", script.as_str(), "{url}"].map(str::to_owned).to_vec();
    bench.configure(RecordConfig {
        resolvers: Resolvers::with(&[list]).unwrap(),
        quiet_end: Duration::from_secs(8),
        ..bench.config()
    });
    bench.restart().await;
    let settings = SourceSettings { resolver: Some("room".into()), ..SourceSettings::default() };
    let id = bench.add_pull_with("room", "https://room.example/42?k=p-secret", &[], settings).await;
    let rec = only_ended(&bench, 40).await;
    assert_eq!(reasons(&bench, rec.id).await, [Some(EndReason::Disconnected); 3]);
    until("the resolver's words are shown", 10, async || {
        let shown = bench.board.snapshot();
        let said = shown.sources.get(&id).and_then(|s| s.last_error.clone()).unwrap_or_default();
        said.contains("exit code 5") && said.contains("is offline")
    })
    .await;
    assert!(!bench.log_holds("p-secret") && !bench.log_holds("s-secret"));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_played_file_by_file_once() {
    let mut bench = Bench::start(RecordConfig::default()).await;
    let (two, three, four) =
        (Media::make(&bench.dir(), 2), Media::make(&bench.dir(), 3), Media::make(&bench.dir(), 4));
    let folder = bench.dir().join("lives");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(three.path(), folder.join("live10.mp4")).unwrap();
    std::fs::copy(two.path(), folder.join("live2.mp4")).unwrap();
    std::fs::write(folder.join("live3.mp4"), "no media at all").unwrap();
    let id = bench.add_pull("old lives", &format!("file://{folder}")).await;
    let finished = async |n: usize| {
        let all = recordings_of(&bench).await;
        all.len() == n && all.iter().all(|r| r.end_reason == Some(EndReason::Finished))
    };
    until("both are played", 30, async || finished(2).await).await;
    let all = recordings_of(&bench).await;
    assert_eq!(bench.frames_of(all[0].id, 0).await, two.frames());
    assert_eq!(bench.frames_of(all[1].id, 0).await, three.frames());
    let said: String =
        bench.store().audit_of(&id.to_string()).await.unwrap().into_iter().filter_map(|l| l.detail).collect();
    assert!(said.contains("live3.mp4 is not readable as media"), "{said}");

    // A restart repeats nothing, and a file that comes later is played.
    bench.halt().await;
    bench.restart().await;
    std::fs::copy(four.path(), folder.join("live11.mp4")).unwrap();
    until("the third is played", 30, async || recordings_of(&bench).await.len() == 3).await;
    let third = recordings_of(&bench).await.remove(2);
    until("it ends", 20, async || {
        bench.store().recording(third.id).await.unwrap().unwrap().end_reason == Some(EndReason::Finished)
    })
    .await;
    assert_eq!(bench.frames_of(third.id, 0).await, four.frames());
    assert!(bench.store().source(id).await.unwrap().unwrap().enabled, "it waits for more");
    bench.stop().await;
}

/// Files make way for lives: they are played more slowly then, and whole all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_played_whole_while_a_live_is_on() {
    let bench = Bench::start(RecordConfig::default()).await;
    let (live, old) = (Media::make(&bench.dir(), 20), Media::make(&bench.dir(), 6));
    let mut encoder = bench.push(&live, KEY);
    until("the live is recorded", 20, async || recordings_of(&bench).await.len() == 1).await;
    bench.add_pull("old live", &format!("file://{}", old.path())).await;
    until("the file is played", 20, async || {
        recordings_of(&bench).await.iter().any(|r| r.end_reason == Some(EndReason::Finished))
    })
    .await;
    let all = recordings_of(&bench).await;
    let played = all.iter().find(|r| r.source_id != bench.push_id()).unwrap();
    assert_eq!(bench.frames_of(played.id, 0).await, old.frames());
    assert!(all.iter().any(|r| r.source_id == bench.push_id() && r.ended_at.is_none()), "the live goes on");
    encoder.kill().await.unwrap();
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_on_demand_records_when_it_is_asked_and_no_longer() {
    let bench = Bench::start(RecordConfig::default()).await;
    let media = Media::make(&bench.dir(), 6);
    let id = bench.push_id();
    bench.set(id, SourceSettings { mode: RecordMode::OnDemand, ..SourceSettings::default() }).await;
    until("it waits", 10, async || {
        bench.board.snapshot().sources.get(&id).is_some_and(|s| s.state == SourceState::Waiting)
    })
    .await;
    let said = support::fails(&mut bench.push(&media, KEY)).await;
    assert!(said.contains("records on demand only"), "{said}");
    bench.request(id, true).await;
    let mut encoder = bench.push(&media, KEY);
    until("it records", 15, async || {
        bench.board.snapshot().sources.get(&id).is_some_and(|s| s.state == SourceState::Recording)
    })
    .await;
    bench.request(id, false).await;
    support::fails(&mut encoder).await;
    let rec = only_ended(&bench, 15).await;
    assert_eq!(rec.end_reason, Some(EndReason::Stopped));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_at_its_limit_gives_way_to_another_without_losing_a_frame() {
    let config = RecordConfig { quiet_end: Duration::from_secs(3600), ..RecordConfig::default() };
    let bench = Bench::start(config).await;
    let media = Media::make(&bench.dir(), 6);
    let id = bench.push_id();
    let stop = AutoStop { after_minutes: Some(10), ..AutoStop::default() };
    bench.set(id, SourceSettings { stop, ..SourceSettings::default() }).await;
    // It has been on the air for almost ten minutes, without media.
    let old = Recording {
        id: RecordingId::new_at(support::now()),
        source_id: id,
        language: Language::Zh,
        started_at: support::now().plus_millis(-597_000),
        ended_at: None,
        end_reason: None,
        hold: None,
    };
    let mut tx = bench.store().begin().await.unwrap();
    recordings::insert_recording(&mut tx, &old).await.unwrap();
    tx.commit().await.unwrap();
    let mut encoder = bench.push(&media, KEY);
    assert!(support::ends(&mut encoder).await, "the connection goes on");
    until("both end", 15, async || recordings_of(&bench).await.iter().all(|r| r.ended_at.is_some())).await;
    let all = recordings_of(&bench).await;
    assert_eq!(
        all.iter().map(|r| r.end_reason).collect::<Vec<_>>(),
        [Some(EndReason::TimeLimit), Some(EndReason::Finished)]
    );
    let mut kept = bench.frames_of(all[0].id, 0).await;
    kept.extend(bench.frames_of(all[1].id, 0).await);
    let missing: Vec<_> = (0..media.frames().len()).filter(|i| !kept.contains(&media.frames()[*i])).collect();
    assert_eq!((missing, kept.len()), (vec![], media.frames().len()));
    assert_eq!(kept, media.frames());
    bench.stop().await;
}

/// The system's clock, set at will.
#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> WallTime {
        support::now().plus_millis(self.0.load(Ordering::Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_clock_neither_makes_a_gap_nor_ends_a_recording() {
    let clock = Arc::new(SetClock::default());
    let held: Arc<dyn Clock> = Arc::<SetClock>::clone(&clock);
    let mut bench = Bench::start(RecordConfig { clock: held, ..RecordConfig::default() }).await;
    let media = Media::make(&bench.dir(), 4);
    let begun = Instant::now();
    let mut encoder = bench.push(&media, KEY);
    until("it records", 15, async || !recordings_of(&bench).await.is_empty()).await;
    clock.0.store(3_600_000, Ordering::Relaxed);
    bench.crash().await;
    support::fails(&mut encoder).await;
    clock.0.store(-3_600_000, Ordering::Relaxed);
    bench.restart().await;
    let mut encoder = bench.push(&media, KEY);
    assert!(support::ends(&mut encoder).await);
    let rec = only_ended(&bench, 15).await;
    assert_eq!(rec.end_reason, Some(EndReason::Finished));
    assert_eq!(bench.store().epochs(rec.id).await.unwrap().len(), 2);
    let last = bench.store().last_part(rec.id).await.unwrap().unwrap();
    assert!(last.span.end().as_seconds() < begun.elapsed().as_secs_f64() + 1.0, "{}", last.span);
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn srt_is_called_with_its_passphrase() {
    let config = RecordConfig { quiet_end: Duration::from_secs(4), ..RecordConfig::default() };
    let bench = Bench::start(config).await;
    let media = Media::make(&bench.dir(), 4);
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("srt://127.0.0.1:{port}?mode=listener&passphrase=hunter2-hunter2");
    let peer = StdCommand::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-re", "-i", media.path().as_str()])
        .args(["-c", "copy", "-f", "mpegts", &listen])
        .spawn()
        .unwrap();
    let url = format!("srt://127.0.0.1:{port}?mode=caller&streamid=room&passphrase=hunter2-hunter2");
    bench.add_pull("srt", &url).await;
    let rec = only_ended(&bench, 40).await;
    let frames = bench.frames_of(rec.id, 0).await;
    // What is read while the tracks are found is kept, too; the last group may be cut short by the peer's leaving.
    let sent = media.frames();
    let from = sent.iter().position(|f| Some(f) == frames.first()).expect("they are the peer's frames");
    assert!(from <= 12 && frames.len() + from + 12 >= sent.len(), "{} frames from {from} on", frames.len());
    assert!(!bench.log_holds("hunter2-hunter2"));
    drop(peer.wait_with_output());
    bench.stop().await;
}
