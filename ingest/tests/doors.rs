//! RTMPS and SRT beside RTMP: one policy for all of them, with real encoders.

#[path = "support/mod.rs"]
mod support;

use std::time::Duration;

use clipmill_domain::{recording::EndReason, source::RecordMode};
use clipmill_ingest::record::{RecordConfig, RecordError, TlsFiles, run_recorder};
use clipmill_store::sources;
use support::{Bench, KEY, Media, until};
use tokio_util::sync::CancellationToken;

fn certificate(dir: &camino::Utf8Path) -> TlsFiles {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = TlsFiles { cert: dir.join("tls.crt"), key: dir.join("tls.key") };
    std::fs::write(&files.cert, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

/// A recorder with every door open.
async fn open_house() -> (Bench, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let files = certificate(camino::Utf8Path::from_path(dir.path()).unwrap());
    let any = ([127, 0, 0, 1], 0).into();
    let config = RecordConfig { rtmps: Some((any, files)), srt_bind: Some(any), ..RecordConfig::default() };
    (Bench::start(config).await, dir)
}

async fn parts_at_least(bench: &Bench, n: usize) {
    until("parts are recorded", 20, async || match bench.store().recordings(10).await.unwrap().first() {
        Some(r) => bench.store().parts(r.id).await.unwrap().len() >= n,
        None => false,
    })
    .await;
}

fn caller(id: &str, key: &str, bytes: u32) -> String {
    format!("streamid={id}&passphrase={key}&pbkeylen={bytes}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_over_tls_is_recorded_whole_and_shares_its_place_with_the_other_doors() {
    let (bench, _dir) = open_house().await;
    let media = Media::make(&bench.dir(), 6);
    let mut encoder = bench.push_tls(&media, KEY);
    parts_at_least(&bench, 1).await;
    // The same key over the other doors, while the first one is sending.
    let said = support::fails(&mut bench.push(&media, KEY)).await;
    assert!(said.contains("another encoder is publishing"), "{said}");
    let _ = support::ends(&mut bench.push_srt(&media, &caller("studio", KEY, 16))).await;
    assert!(support::ends(&mut encoder).await, "the first encoder was not disturbed");
    until("it ends", 10, async || {
        bench.store().recordings(10).await.unwrap()[0].end_reason == Some(EndReason::Finished)
    })
    .await;
    let rec = bench.store().recordings(10).await.unwrap().pop().unwrap();
    assert_eq!(bench.frames_of(rec.id, 0).await, media.frames());
    assert!(!bench.log_holds_key());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_srt_push_is_recorded_by_name_and_by_id_and_strangers_are_refused() {
    let (bench, _dir) = open_house().await;
    let media = Media::make(&bench.dir(), 4);
    for wrong in [
        caller("studio", "0123456789-not-the-key", 16),
        caller("nobody", KEY, 16),
        "streamid=studio".to_owned(),
    ] {
        support::fails(&mut bench.push_srt(&media, &wrong)).await;
    }
    assert!(bench.store().recordings(10).await.unwrap().is_empty());

    let id = bench.push.to_string();
    for (epoch, name) in ["studio", &id, "#!::r=studio,m=publish"].into_iter().enumerate() {
        let bytes = [16, 32, 24][epoch];
        let mut encoder = bench.push_srt(&media, &caller(name, KEY, bytes));
        assert!(support::ends(&mut encoder).await, "{name}");
        until("the epoch is closed", 10, async || {
            let Some(rec) = bench.store().recordings(10).await.unwrap().pop() else { return false };
            let epochs = bench.store().epochs(rec.id).await.unwrap();
            epochs.len() == epoch + 1 && epochs[epoch].end_reason == Some(EndReason::Disconnected)
        })
        .await;
        let rec = bench.store().recordings(10).await.unwrap().pop().unwrap();
        assert_eq!(rec.ended_at, None, "a closed SRT connection may come back");
        // What the encoder had not sent when it left is all that may be missing.
        let (kept, sent) = (bench.frames_of(rec.id, epoch).await, media.frames());
        assert!(kept.len() + 3 >= sent.len() && media.begins_with(&kept), "{} of {}", kept.len(), sent.len());
    }
    until("the log says why", 10, async || {
        let text = bench.log();
        text.contains("names no push source") && text.contains("passphrase is not the stream key")
    })
    .await;
    assert!(!bench.log_holds_key());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_changed_or_revoked_ends_its_encoder_over_every_door() {
    let (bench, _dir) = open_house().await;
    let media = Media::make(&bench.dir(), 20);
    let other = "another-key-0123456789";
    let mut encoder = bench.push(&media, KEY);
    parts_at_least(&bench, 1).await;
    bench.change(async |tx, id| sources::set_stream_key(tx, id, &other.into()).await).await;
    let said = support::fails(&mut encoder).await;
    assert!(said.contains("the stream key was changed or revoked"), "{said}");
    let said = support::fails(&mut bench.push(&media, KEY)).await;
    assert!(said.contains("stream key is not known"), "{said}");

    // The list that SRT callers are checked against is up to 2.3 seconds old.
    tokio::time::sleep(Duration::from_millis(2600)).await;
    let mut encoder = bench.push_srt(&media, &caller("studio", other, 16));
    until("a second epoch", 15, async || {
        let rec = bench.store().recordings(10).await.unwrap().pop().unwrap();
        bench.store().epochs(rec.id).await.unwrap().len() == 2
    })
    .await;
    bench.change(async |tx, id| sources::revoke_stream_key(tx, id).await).await;
    support::fails(&mut encoder).await;
    support::fails(&mut bench.push_srt(&media, &caller("studio", other, 16))).await;
    let lines = bench.store().audit_of(&bench.push.to_string()).await.unwrap();
    assert_eq!(lines.iter().filter(|l| l.action == "source.disconnected").count(), 2, "{lines:?}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_wants_nothing_now_says_so_and_one_that_is_stopped_lets_go() {
    let (bench, _dir) = open_house().await;
    let media = Media::make(&bench.dir(), 20);
    let mut source = bench.store().source(bench.push).await.unwrap().unwrap();
    source.settings.mode = RecordMode::OnDemand;
    bench.change(async |tx, _| sources::update_source(tx, &source).await).await;
    let said = support::fails(&mut bench.push(&media, KEY)).await;
    assert!(said.contains("records on demand only"), "{said}");

    bench.change(async |tx, id| sources::set_source_requested(tx, id, true).await).await;
    let mut encoder = bench.push(&media, KEY);
    parts_at_least(&bench, 1).await;
    bench.change(async |tx, id| sources::set_source_requested(tx, id, false).await).await;
    let said = support::fails(&mut encoder).await;
    assert!(said.contains("does not record any longer"), "{said}");
    until("the recording is over", 5, async || {
        bench.store().recordings(10).await.unwrap()[0].end_reason == Some(EndReason::Stopped)
    })
    .await;
    // The other door was told, too.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    support::fails(&mut bench.push_srt(&media, &caller("studio", KEY, 16))).await;
    assert!(bench.log().contains("on demand only"));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_or_port_that_cannot_be_used_is_for_the_operator() {
    let (bench, dir) = open_house().await;
    let other = Bench::open().await;
    let files = certificate(camino::Utf8Path::from_path(dir.path()).unwrap());
    let addrs = bench.addrs.unwrap();
    let any = ([127, 0, 0, 1], 0).into();
    let base = || RecordConfig { rtmp_bind: any, ..other.config() };
    let gone = TlsFiles { cert: "/nowhere/tls.crt".into(), ..files.clone() };
    for (config, words) in [
        (RecordConfig { rtmps: Some((any, gone)), ..base() }, "record.tls_cert_file"),
        (RecordConfig { rtmps: Some((addrs.rtmps.unwrap(), files)), ..base() }, "record.rtmps_bind"),
        (RecordConfig { srt_bind: addrs.srt, ..base() }, "record.srt_bind"),
    ] {
        let ran = run_recorder(other.store().clone(), config, CancellationToken::new(), |_| ()).await;
        let error: RecordError = ran.unwrap_err();
        assert!(error.needs_operator() && error.to_string().contains(words), "{error}");
    }
    bench.stop().await;
}
