//! What recording costs, against the ffmpeg program doing the same in the same run; and whether memory stays flat.
//!
//! ```sh
//! cargo run --release -p clipmill-ingest --example bench_recorder -- --lives 20 --seconds 120
//! cargo run --release -p clipmill-ingest --example bench_recorder -- --push            # we are pushed to
//! cargo run --release -p clipmill-ingest --example bench_recorder -- --push --part-ms 1000 --gop-frames 30
//! cargo run --release -p clipmill-ingest --example bench_recorder -- --soak --hours 10  # faster than real time
//! ```
//!
//! Needs the ffmpeg program and nginx with its RTMP module (`scripts/setup --test`). Encoders push a prepared clip
//! (1080x1920, 30 frames a second, 3 Mb/s, key frame every 2 s or `--gop-frames`) to nginx in real time, over and over. Our recorder,
//! one process, pulls all lives from nginx (or is pushed to by nginx, with `--push`). At the same time as many ffmpeg
//! processes do the same (with `--push` each listens and is pushed to; `--peers-pull` lets them pull all the same) and
//! copy the lives to fragmented MP4. Once all run, CPU seconds (user and system, from `/proc`) of both sides are taken
//! over the same stretch of time; at the end every picture is counted.
//!
//! Exit status 1: a picture was lost, a goal was missed (ratio at most 1.2, 20 lives in at most 30 % of a core), or
//! memory grew in the soak. `--no-goals` only reports.

mod judge;
mod own;
mod peers;
mod proc;
mod soak;

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::source::{Language, SourceKind};
use clipmill_store::Store;
use tokio::time::{Instant, sleep, sleep_until};

use own::add_source;
use peers::{Nginx, encoder, ffmpeg_recorder, recorder};
use proc::Usage;

/// From the arguments.
struct Plan {
    lives: usize,
    seconds: u64,
    push: bool,
    peers_pull: bool,
    soak: bool,
    hours: f64,
    part_ms: u64,
    gop_frames: u32,
    goals: bool,
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let Some(words) = own::words().await? else { return Ok(()) };
    let plan = parse(&words)?;
    let folder = tempfile::Builder::new().prefix("clipmill-bench").tempdir()?;
    let dir =
        Utf8PathBuf::from_path_buf(folder.path().to_owned()).map_err(|_| "the folder's name is not UTF-8")?;
    let good = if plan.soak {
        soak::run(&dir, plan.lives, plan.hours).await?
    } else {
        side_by_side(&dir, &plan).await?
    };
    if !good && plan.goals {
        drop(folder);
        std::process::exit(1);
    }
    Ok(())
}

fn parse(words: &[String]) -> Result<Plan, Failure> {
    let mut plan = Plan {
        lives: 0,
        seconds: 120,
        push: false,
        peers_pull: false,
        soak: false,
        hours: 10.0,
        part_ms: 2000,
        gop_frames: 60,
        goals: true,
    };
    own::options(words, |word, value| {
        match word {
            "--lives" => plan.lives = value()?.parse()?,
            "--seconds" => plan.seconds = value()?.parse()?,
            "--hours" => plan.hours = value()?.parse()?,
            "--part-ms" => plan.part_ms = value()?.parse()?,
            "--gop-frames" => plan.gop_frames = value()?.parse()?,
            "--push" => plan.push = true,
            "--peers-pull" => plan.peers_pull = true,
            "--soak" => plan.soak = true,
            "--no-goals" => plan.goals = false,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if plan.lives == 0 {
        plan.lives = if plan.soak { 4 } else { 20 };
    }
    Ok(plan)
}

async fn side_by_side(dir: &Utf8Path, plan: &Plan) -> Result<bool, Failure> {
    let clip = peers::clip("tall", "1080x1920", 30, 3000, plan.gop_frames)?;
    let url = format!("sqlite:{dir}/clipmill.db");
    let data = dir.join("data");
    std::fs::create_dir_all(&data)?;
    let store = Store::open(&url, &data).await?;
    let port = peers::free_port();
    let listeners = if plan.push && !plan.peers_pull { peers::free_ports(plan.lives) } else { vec![] };
    let pushed_to = |n: usize| -> Vec<String> {
        let ports = plan.push.then_some(port).into_iter().chain(listeners.get(n).copied());
        ports.map(|port| peers::push_url(port, n)).collect()
    };
    let nginx = Nginx::start(dir, plan.lives, pushed_to).await?;
    for n in 0..plan.lives {
        let (kind, secret) =
            if plan.push { (SourceKind::Push, peers::key(n)) } else { (SourceKind::Pull, nginx.url(n)) };
        add_source(&store, &format!("live-{n}"), kind, &secret, Language::Zh).await?;
    }
    println!(
        "{} lives for {} s, {}",
        plan.lives,
        plan.seconds,
        match (plan.push, plan.peers_pull) {
            (false, _) => "pulled",
            (true, false) => "pushed to us and to ffmpeg",
            (true, true) => "pushed to us, pulled by ffmpeg",
        }
    );
    let ours = recorder(&url, &data, port, plan.part_ms)?;
    let out = |n: usize| dir.join(format!("ffmpeg-{n}.mp4"));
    let listening = listeners.iter().enumerate();
    let mut theirs = listening
        .map(|(n, port)| ffmpeg_recorder(&peers::push_url(*port, n), true, &out(n)))
        .collect::<Result<Vec<_>, _>>()?;
    sleep(Duration::from_secs(2)).await;
    let encoders = (0..plan.lives).map(|n| encoder(&clip, &nginx.url(n))).collect::<Result<Vec<_>, _>>()?;
    sleep(Duration::from_secs(2)).await;
    for n in theirs.len()..plan.lives {
        theirs.push(ffmpeg_recorder(&nginx.url(n), false, &out(n))?);
    }
    wait_for_all(&store, plan.lives).await?;
    // Tracks are found out, buffers are filled: from here on it is steady work.
    sleep(Duration::from_secs(5)).await;

    let pids: Vec<u32> = theirs.iter().filter_map(tokio::process::Child::id).collect();
    let our_pid = ours.id().ok_or("the recorder has ended")?;
    let (ours_0, theirs_0, began) = (Usage::of(&[our_pid])?, Usage::of(&pids)?, Instant::now());
    let mut rss = vec![];
    for tick in 1..=plan.seconds.div_ceil(5) {
        sleep_until(began + Duration::from_secs(5 * tick)).await;
        rss.push(Usage::of(&[our_pid])?.rss_mib);
    }
    let (ours_1, theirs_1, took) = (Usage::of(&[our_pid])?, Usage::of(&pids)?, began.elapsed().as_secs_f64());

    peers::end_all(theirs).await;
    peers::close(ours).await?;
    peers::end_all(encoders).await;
    let lost = judge::recordings(&store, plan.lives).await?;
    let their_lost: u64 = (0..plan.lives).map(|n| judge::file(&out(n)).map_or(0, |c| c.lost)).sum();
    store.close().await;

    let lives = f64::from(u32::try_from(plan.lives)?);
    let (our_cpu, their_cpu) = (ours_1.cpu - ours_0.cpu, theirs_1.cpu - theirs_0.cpu);
    let (ratio, share) = (our_cpu / their_cpu, our_cpu / took * 100.0);
    println!("over {took:.1} s             clipmill   ffmpeg -c copy");
    println!(
        "CPU seconds              {our_cpu:8.2}   {their_cpu:8.2}   ratio {ratio:.2} (goal at most 1.20)"
    );
    println!("CPU seconds per live     {:8.3}   {:8.3}", our_cpu / lives, their_cpu / lives);
    println!(
        "share of one core        {share:7.1}%   {:7.1}%   (goal at most 30 % for 20 lives)",
        their_cpu / took * 100.0
    );
    println!("memory per live, MiB     {:8.1}   {:8.1}", ours_1.rss_mib / lives, theirs_1.rss_mib / lives);
    println!("memory of the recorder, MiB, every 5 s: {}", proc::series(&rss));
    println!(
        "pictures kept            {:8}   lost {} in {} epochs (ffmpeg lost {their_lost})",
        lost.pictures, lost.lost, lost.epochs
    );
    let share_goal = 30.0 * lives / 20.0;
    Ok(lost.lost == 0 && lost.epochs == plan.lives as u64 && ratio <= 1.2 && share <= share_goal)
}

/// Waits until every live has a part in the rows.
async fn wait_for_all(store: &Store, lives: usize) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let mut going = 0;
        for rec in store.recordings(1000).await? {
            going += usize::from(!store.parts(rec.id).await?.is_empty());
        }
        if going >= lives {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("after 90 s only {going} of {lives} lives are being recorded").into());
        }
        sleep(Duration::from_millis(250)).await;
    }
}
