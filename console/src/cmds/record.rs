//! `clipmill record`: the recorder, and nothing else in the process. It shows its own sign of life.

use std::time::Duration;

use clipmill_ingest::{
    record::{RecordConfig, TlsFiles, run_recorder},
    source::pull::resolver::Resolvers,
};

use super::{Cli, Failure, error_chain, load, open_store, start_telemetry, stop_signal};

pub(super) async fn run(cli: &Cli) -> Result<(), Failure> {
    let config = load(cli)?;
    let telemetry = start_telemetry(&config, "record")?;
    let store = open_store(&config).await?;
    let stop = stop_signal();
    let record = &config.record;
    let files = record.tls_cert_file.clone().zip(record.tls_key_file.clone());
    let settings = RecordConfig {
        rtmp_bind: record.rtmp_bind,
        rtmps: record.rtmps_bind.zip(files.map(|(cert, key)| TlsFiles { cert, key })),
        srt_bind: record.srt_bind,
        part: Duration::from_secs_f64(config.record.part_seconds),
        stall: Duration::from_secs(config.record.stall_seconds),
        quiet_end: Duration::from_secs(config.record.quiet_end_seconds),
        resolvers: Resolvers::with(&config.record.resolvers).map_err(Failure::configuration)?,
        free_space_floor: config.record.free_space_floor_bytes,
        ..RecordConfig::default()
    };
    let done = run_recorder(store.clone(), settings, stop, |_| ()).await;
    store.close().await;
    telemetry.shutdown(crate::telemetry::SHUTDOWN_DEADLINE).await;
    done.map_err(|e| match e.needs_operator() {
        true => Failure::configuration(error_chain(&e)),
        false => Failure::new(error_chain(&e)),
    })
}
