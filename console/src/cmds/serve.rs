//! `clipmill serve`: the console and its HTTP API.

use super::{Cli, Failure, error_chain, load, open_store, pulse::Pulse, start_telemetry, stop_signal};
use crate::api;

pub(super) async fn run(cli: &Cli) -> Result<(), Failure> {
    let config = load(cli)?;
    let telemetry = start_telemetry(&config, "serve")?;
    let store = open_store(&config).await?;
    let stop = stop_signal();
    let pulse = Pulse::start(store.clone(), "serve", stop.clone());
    let ready = pulse.ready();
    let done = api::serve(config, store.clone(), stop, move |address| {
        tracing::info!(%address, "the console is up");
        ready();
    })
    .await;
    drop(pulse);
    store.close().await;
    telemetry.shutdown(crate::telemetry::SHUTDOWN_DEADLINE).await;
    done.map_err(|e| Failure::configuration(error_chain(&e)))
}
