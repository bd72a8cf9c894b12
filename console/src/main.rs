//! `clipmill`: turns live shopping streams into short videos and publishes them, while the live is still on.

use std::{panic, process::ExitCode};

use clap::Parser;
use clipmill_console::cmds::{self, Cli, Failure};

/// What the standard library says when what is printed cannot be written.
const CANNOT_PRINT: &str = "failed printing to stdout";

fn main() -> ExitCode {
    end_quietly_without_a_reader();
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

/// Ends the program without a word when nobody reads on what it prints, as in `clipmill source list | head -1`; the
/// standard library would panic. (The signal that ends other programs then stays off: it would also end a service
/// whose helper hangs up.)
fn end_quietly_without_a_reader() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let said = info.payload_as_str().unwrap_or_default();
        if said.starts_with(CANNOT_PRINT) && said.contains("Broken pipe") {
            std::process::exit(0);
        }
        usual(info);
    }));
}
