//! `clipmill run`: the three roles as processes of this binary, kept alive.

use std::{ffi::OsString, sync::Arc};

use clipmill_worker::supervise::{ChildEvent, ChildSpec, Stream, SuperviseError, Supervisor};

use super::{Cli, Failure, load, open_store, start_telemetry, stop_signal};

/// The roles, in starting order.
const ROLES: [&str; 3] = ["serve", "record", "work"];

pub(super) async fn run(cli: &Cli) -> Result<(), Failure> {
    let config = load(cli)?;
    let telemetry = start_telemetry(&config, "run")?;
    // Migrates once, before three processes open the same database.
    open_store(&config).await?.close().await;
    let stop = stop_signal();
    let supervisor = Supervisor {
        events: Arc::new(|event| match event {
            ChildEvent::Started { name, pid } => tracing::info!(role = name, pid, "started"),
            ChildEvent::Restarting { name, exit, wait } => {
                tracing::warn!(
                    role = name,
                    ?exit,
                    wait_ms = wait.as_millis(),
                    "ended by itself; starting it again"
                );
            }
            ChildEvent::Ended { name } => tracing::info!(role = name, "ended"),
        }),
        ..Supervisor::new(Arc::new(|_, stream, line| match stream {
            Stream::Out => println!("{line}"),
            Stream::Err => eprintln!("{line}"),
        }))
    };
    let done = supervisor.run(roles(cli)?, stop).await;
    telemetry.shutdown(crate::telemetry::SHUTDOWN_DEADLINE).await;
    done.map_err(|e| match e {
        SuperviseError::Configuration { .. } => Failure::configuration(e),
        SuperviseError::Spawn { .. } => Failure::new(e.to_string()),
    })
}

fn roles(cli: &Cli) -> Result<Vec<ChildSpec>, Failure> {
    let program =
        std::env::current_exe().map_err(|e| Failure::new(format!("cannot find my own program: {e}")))?;
    let spec = |role: &str| ChildSpec {
        name: role.to_owned(),
        program: program.clone(),
        args: shared_args(cli).into_iter().chain([OsString::from(role)]).collect(),
        env: vec![],
    };
    Ok(ROLES.into_iter().map(spec).collect())
}

/// The options that every process of one service shares.
pub(super) fn shared_args(cli: &Cli) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec![];
    if let Some(file) = &cli.config {
        args.extend(["--config".into(), file.into()]);
    }
    if let Some(dir) = &cli.models_dir {
        args.extend(["--models-dir".into(), dir.as_str().into()]);
    }
    args
}
