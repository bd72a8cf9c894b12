//! `clipmill`: turns live shopping streams into short videos and publishes them, while the live is still on.

use std::process::ExitCode;

use clap::Parser;
use clipmill_console::cmds::{self, Cli, Failure};

fn main() -> ExitCode {
    // One TLS provider for everything that speaks TLS in this process. It fails only if one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // Its threads spin while they wait; on a small machine that costs more than it gains. Before any thread exists.
    clipmill_inference::llm::limit_threads(1);
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("clipmill: cannot start the async runtime: {e}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(cmds::run(cli));
    // A blocked read or a native call must not hold up the end of the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, message }) => {
            if !message.is_empty() {
                eprintln!("clipmill: {message}");
            }
            ExitCode::from(code)
        }
    }
}
