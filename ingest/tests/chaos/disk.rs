//! A disk that fills up, on a small file system of the test's own.

use std::fs;

use camino::Utf8PathBuf;
use clipmill_domain::recording::EndReason;
use clipmill_ingest::record::RecordConfig;

use crate::{
    http_flv::PLACED_WITHIN,
    rig::{
        clips::{gop, plain},
        flv::Programme,
        flv_server::{FlvServer, Manner},
        lab::{Lab, config},
        pause,
        room::{inside, must},
        until,
    },
};

/// Records onto a small file system, fills it but for `left` bytes, makes room again.
/// The rows lie on the same disk, as they do in real life, or on another.
async fn fill(floor: u64, left: u64, rows_there_too: bool) {
    let folder = tempfile::Builder::new().prefix("clipmill-small-disk").tempdir().unwrap();
    let disk = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    must(&format!("mount -t tmpfs -o size=16m none {disk}"));
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = Utf8PathBuf::from_path_buf(elsewhere.path().to_owned()).unwrap();
    let mut lab = Lab::open_at(&disk, if rows_there_too { &disk } else { &elsewhere }).await;
    let clip = plain();
    let server = FlvServer::start(Programme::of(&clip), Manner::default()).await;
    lab.record(RecordConfig { free_space_floor: floor, ..config() }).await;
    lab.pull(&server.url()).await;
    lab.keeps(2.0).await;
    let filler = disk.join("filler");
    let from = server.now_ms();
    let free = lab.store().library().free_bytes().unwrap();
    fs::write(&filler, vec![1; usize::try_from(free - left).unwrap()]).unwrap();
    until("the recorder says so", 30, async || {
        let board = lab.board().snapshot();
        let said = board.problems().join(" ").to_lowercase();
        (said.contains("disk") || said.contains("space")) && lab.kept().await > 1.0
    })
    .await;
    pause(2.0).await;
    let words = lab.board().snapshot().problems().join("\n");
    eprintln!("the board says: {words}");
    fs::remove_file(&filler).unwrap();
    let back = lab.back().await;
    lab.recovers(&format!("disk full (floor {floor})"), &back).await;
    let to = server.now_ms();
    pause(4.0).await;
    let found = lab.judge(&[&clip]).await;
    found.assert_true();
    let at = |ms: u64| usize::try_from(ms * 25 / 1000).unwrap();
    found.assert_lost_within(0, at(from).saturating_sub(gop(&clip))..at(to) + 2 * gop(&clip));
    found.assert_gaps_true(0, PLACED_WITHIN);
    assert_eq!(found.reasons()[0], Some(EndReason::DiskFull), "the epoch says why it ended");
    assert!(found.last(0).unwrap() > at(to) + gop(&clip), "it goes on");
    must(&format!("umount -l {disk}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_is_full_to_the_last_byte() {
    if inside("disk::the_disk_is_full_to_the_last_byte", &["--mount"]) {
        fill(0, 120_000, false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_is_full_for_files_and_rows_alike() {
    if inside("disk::the_disk_is_full_for_files_and_rows_alike", &["--mount"]) {
        fill(0, 120_000, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_free_space_falls_below_its_floor() {
    if inside("disk::the_free_space_falls_below_its_floor", &["--mount"]) {
        fill(6 << 20, 5 << 20, true).await;
    }
}
