//! Words against pictures. What the recorder and the transcriber make of a faulty stream is held against the stream's
//! own picture: it flashes white where a sentence begins, and the recording's flash and the recording's word must be at
//! one time, whatever was lost, late or stamped wrongly on the way.

#[path = "../support/spoken.rs"]
mod spoken;
#[path = "../support/mod.rs"]
mod support;

mod show;

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    sync::Arc,
    thread,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::{
    Id, MediaTime, SourceId, Span,
    recording::Recording,
    source::{Language, SourceKind},
};
use clipmill_ingest::{
    record::RecordConfig,
    transcribe::{NAME, Transcriber},
};
use clipmill_store::{
    Store,
    sources::{self, NewSource},
    testing,
};
use clipmill_worker::Engine;
use show::{Cue, Packet, Tag};
use spoken::fixture;
use support::{Bench, until};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How far a word may be from its flash, in seconds.
const APART_S: f64 = 0.08;
/// How far the sound itself may be from its flash, in seconds: less than a block of AAC.
const SOUND_APART_S: f64 = 0.02;
/// Sound this like another is that sound, encoded.
const ALIKE: f32 = 0.6;
/// A word this far from a flash, in seconds, may still be its word, and is then wrong.
const NEAR_S: f64 = 1.5;
/// The files of an epoch hold its clock plus this, in seconds.
const LEAD_S: f64 = 1.0;
/// A picture is white from this mean luma on; black is 16.
const WHITE: f64 = 128.0;

/// Serves one body for each connection, as fast as it is taken; then nobody answers any more.
fn serve(name: &str, connections: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/live/{name}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for body in connections {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).unwrap();
            let head =
                b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n";
            let _ = socket.write_all(head).and_then(|()| socket.write_all(&body));
        }
    });
    url
}

/// What is left of a sentence of the show in the recording.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Left {
    Both,
    /// Its flash; its first word may be heard or not.
    Picture,
    Nothing,
}

/// Records what is served, transcribes it, and holds sound and word against flash for each sentence of the show, of
/// which `left` says what must be there.
async fn word_and_flash_agree(name: &str, connections: Vec<Vec<u8>>, left: impl Fn(usize) -> Left) {
    let bench = record(serve(name, connections)).await;
    let store = bench.store();
    let rec = store.recordings(1).await.unwrap().remove(0);
    let flashes = flashes(store, &rec, &bench.dir()).await;
    transcribe(store, &rec).await;

    let words: Vec<_> = store.utterances(rec.id).await.unwrap().into_iter().flat_map(|u| u.words).collect();
    let text = words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
    eprintln!("{} epochs; {text}", store.epochs(rec.id).await.unwrap().len());
    let cues: Vec<(Left, Cue)> = show::cues()
        .into_iter()
        .enumerate()
        .map(|(n, c)| (left(n), c))
        .filter(|c| c.0 != Left::Nothing)
        .collect();
    assert_eq!(flashes.len(), cues.len(), "flashes at {flashes:.3?}, sentences left: {cues:?}");
    let sound = Sound::of(store, &rec).await;
    let (mut wrong, mut unheard) = (vec![], 0);
    for (flash, (_, cue)) in flashes.iter().zip(&cues).filter(|(_, (left, _))| *left == Left::Both) {
        let plain = |w: &str| w.to_lowercase().trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        let off = words.iter().filter(|w| plain(&w.text) == cue.word).map(|w| w.start.as_seconds() - flash);
        let word = off.filter(|off| off.abs() < NEAR_S).min_by(|a, b| a.abs().total_cmp(&b.abs()));
        let sound = sound.apart(cue.from_s, *flash);
        let is_off = |off: Option<f64>, most: f64| off.is_none_or(|off| off.abs() > most);
        eprintln!("{flash:>7.3} s: {:?} {word:.3?} s, its sound {sound:.3?} s", cue.word);
        unheard += usize::from(word.is_none());
        if word.is_some_and(|off| off.abs() > APART_S) || is_off(sound, SOUND_APART_S) {
            wrong.push((*flash, &cue.word, word, sound));
        }
    }
    assert!(unheard <= 1, "the first words of {unheard} sentences are not recognised: {text}");
    assert!(wrong.is_empty(), "words or sound away from their pictures (seconds): {wrong:?} in {text}");
    bench.stop().await;
}

/// Records what is to be had at `url` until nothing more comes.
async fn record(url: String) -> Bench {
    let config = RecordConfig { quiet_end: Duration::from_secs(2), ..RecordConfig::default() };
    let bench = Bench::start(config).await;
    let id = SourceId::new_at(support::now());
    let room = testing::new_source("room");
    let new = NewSource { id, kind: SourceKind::Pull, secret: url.into(), language: Language::En, ..room };
    let mut tx = bench.store().begin().await.unwrap();
    sources::add_source(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    until("it is recorded", 60, async || {
        bench.store().recordings(1).await.unwrap().first().is_some_and(|r| r.ended_at.is_some())
    })
    .await;
    bench
}

/// The sound of the fixture and of a recording, 16 kHz.
struct Sound {
    fixture: Vec<f32>,
    recorded: Vec<f32>,
}

impl Sound {
    async fn of(store: &Store, rec: &Recording) -> Self {
        let parts = store.parts(rec.id).await.unwrap();
        let end = parts.last().unwrap().span.end();
        let files = store.media_parts(rec.id, Span::new(MediaTime::ZERO, end).unwrap()).await.unwrap();
        let recorded = clipmill_media::decode_audio(&files, 0, end.as_micros()).unwrap().samples;
        let fixture = clipmill_media::read_sound(fixture("en_live.opus").as_std_path()).unwrap();
        let fixture = fixture.flat_map(|chunk| chunk.unwrap().samples).collect();
        Self { fixture, recorded }
    }

    /// How much later than at `flash_s` the recording has what the fixture has at `from_s`, in seconds: by where
    /// the two are likest, over a quarter of a second. `None`: it has nothing like it nearby.
    fn apart(&self, from_s: f64, flash_s: f64) -> Option<f64> {
        #[expect(clippy::cast_possible_truncation, reason = "within a minute")]
        let at = |s: f64| (s * 16_000.0).round() as isize;
        let piece = |of: &[f32], from: isize| -> Option<Vec<f32>> {
            let from = usize::try_from(from).ok()?;
            Some(of.get(from..from + 4_000)?.iter().step_by(2).copied().collect())
        };
        let said = piece(&self.fixture, at(from_s))?;
        let power = |of: &[f32]| of.iter().map(|x| x * x).sum::<f32>().max(1e-9).sqrt();
        let alike = |shift: isize| {
            let heard = piece(&self.recorded, at(flash_s) + shift).unwrap_or_default();
            let product: f32 = said.iter().zip(&heard).map(|(x, y)| x * y).sum();
            product / power(&said) / power(&heard)
        };
        let (best, shift) = (-2_400..2_400).map(|s| (alike(s), s)).max_by(|a, b| a.0.total_cmp(&b.0))?;
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let seconds = shift as f64 / 16_000.0;
        (best > ALIKE).then_some(seconds)
    }
}

/// Hears the whole recording, as the worker does.
async fn transcribe(store: &Store, rec: &Recording) {
    let room = Arc::new(Semaphore::new(1));
    let follower = Transcriber::with_silero(spoken::whisper(), &spoken::voice_model(), room).unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(Engine::builder().follower(follower).build().run(store.clone(), stop.clone()));
    until("it is transcribed", 200, async || store.follower_done(rec.id, NAME).await.unwrap()).await;
    stop.cancel();
    task.await.unwrap().unwrap();
}

/// When the recording shows white, in seconds of media time: by the ffmpeg program, and the rows.
async fn flashes(store: &Store, rec: &Recording, dir: &Utf8Path) -> Vec<f64> {
    let (epochs, parts) = (store.epochs(rec.id).await.unwrap(), store.parts(rec.id).await.unwrap());
    let mut all: Vec<f64> = vec![];
    for epoch in epochs {
        let own: Vec<_> = parts.iter().filter(|p| p.epoch_id == epoch.id).collect();
        let Some(first) = own.first() else { continue };
        let file = |path: &str| std::fs::read(store.library().local_path(path).unwrap()).unwrap();
        let bytes: Vec<u8> = std::iter::once(&epoch.init_path)
            .chain(own.iter().map(|p| &p.path))
            .flat_map(|p| file(p))
            .collect();
        let whole = dir.join(format!("epoch-{}.mp4", epoch.seq));
        std::fs::write(&whole, bytes).unwrap();
        let out = Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "error", "-threads", "1", "-copyts", "-i", whole.as_str()])
            .args(["-map", "0:v", "-fps_mode", "passthrough", "-vf"])
            .args(["signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-", "-f", "null", "-"])
            .output()
            .unwrap();
        let mut at_s = f64::NAN;
        for line in String::from_utf8_lossy(&out.stdout).lines() {
            if let Some(time) = line.split("pts_time:").nth(1) {
                at_s = time.trim().parse::<f64>().unwrap() - LEAD_S + epoch.media_start.as_seconds();
            } else if let Some(luma) = line.split("YAVG=").nth(1) {
                let shown = at_s >= first.span.start().as_seconds() - 0.002;
                // A damaged picture may show the one before it once more.
                let again = all.last().is_some_and(|before| at_s - before < 0.3);
                if luma.parse::<f64>().unwrap() > WHITE && shown && !again {
                    all.push(at_s);
                }
            }
        }
    }
    all
}

/// Half a second before a sentence begins, in milliseconds of the show.
fn before(sentence: usize) -> u32 {
    show::cues()[sentence].ms() - 500
}

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(dir.path()).unwrap().to_owned();
    (dir, path)
}

fn tags() -> Vec<Tag> {
    let (_held, dir) = folder();
    show::flv(&dir)
}

/// The measure's own error: nothing is wrong with the stream.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_stream() {
    let body = show::sent(&tags(), |t| Some(t.ms));
    word_and_flash_agree("room.flv", vec![body], |_| Left::Both).await;
}

/// Some seconds of a connection are lost, part of a sentence is lost, and the sender's clock jumps by an hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stretches_lost_and_a_clock_that_jumps() {
    let (from, to, inside, jump) = (before(2), before(3) - 1_000, before(4) + 1_500, before(6) - 500);
    let body = show::sent(&tags(), |t| match t.ms {
        _ if t.header => Some(t.ms),
        ms if (from..to).contains(&ms) || (inside..inside + 800).contains(&ms) => None,
        ms if ms >= jump => Some(ms + 3_600_000),
        ms => Some(ms),
    });
    word_and_flash_agree("room.flv", vec![body], |n| if n == 2 { Left::Nothing } else { Left::Both }).await;
}

/// Only sound is lost: a whole sentence, a tenth of a second inside another, single blocks; and once only pictures.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_lost_and_pictures_not() {
    let (from, to) = (before(2), before(3));
    let holes = [(1, 1_600, 120), (3, 2_000, 25), (4, 0, 400), (5, 1_400, 60)];
    let body = show::sent(&tags(), |t| match t.ms {
        _ if t.header => Some(t.ms),
        ms if t.is_sound() && (from..to).contains(&ms) => None,
        ms if t.is_sound()
            && holes.iter().any(|(n, at, long)| (before(*n) + at..before(*n) + at + long).contains(&ms)) =>
        {
            None
        }
        ms if t.is_picture() && (before(6) + 1_100..before(6) + 1_700).contains(&ms) => None,
        ms => Some(ms),
    });
    // The flash of the sentence that is lost is there, its word is not.
    word_and_flash_agree("room.flv", vec![body], |n| if n == 2 { Left::Picture } else { Left::Both }).await;
}

/// The clock begins far from zero and sound 1.5 s after the pictures; on the second connection, which begins at zero
/// again, the pictures are late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tracks_that_begin_apart_and_not_at_zero() {
    let tags = tags();
    let cut = before(4);
    let first = show::sent(&tags, |t| match t.ms {
        _ if t.header => Some(7_321),
        0..1_500 if t.is_sound() => None,
        ms if ms < cut => Some(ms + 7_321),
        _ => None,
    });
    let second = show::sent(&tags, |t| match t.ms {
        _ if t.header => Some(0),
        ms if ms < cut || t.is_picture() && ms < cut + 1_000 => None,
        ms => Some(ms - cut),
    });
    // One sentence is begun before the first picture of the second connection.
    word_and_flash_agree(
        "room.flv",
        vec![first, second],
        |n| if n == 4 { Left::Nothing } else { Left::Both },
    )
    .await;
}

/// A transport stream that does not begin at zero loses one packet in a hundred, and half a second at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transport_stream_with_lost_packets() {
    let (_held, dir) = folder();
    let cues = show::cues();
    let burst = cues[3].at_s + 1.0;
    let mut dice = 7_u32;
    let mut lost = |p: &Packet| {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // A flash is seen only if the whole group before it is there; and the tracks must be found out first.
        let needed = |c: &Cue| p.is_picture && (-1.1..0.2).contains(&(p.at_s - c.at_s));
        let by_chance = (dice >> 16).is_multiple_of(100) && p.at_s > 1.0 && !cues.iter().any(needed);
        by_chance || (burst..burst + 0.5).contains(&p.at_s)
    };
    let packets = show::ts(&dir, 90_000);
    let kept: Vec<u8> = packets.iter().filter(|p| !lost(p)).flat_map(|p| p.bytes).collect();
    assert!(kept.len() + 188 * 20 < packets.len() * 188, "packets are lost");
    word_and_flash_agree("room.ts", vec![kept], |_| Left::Both).await;
}
