//! The program `clipmill`, apart from its command line: configuration, telemetry, the HTTP API.

pub mod api;
pub mod cmds;
pub mod config;
pub mod telemetry;
