//! The store's contract, run on both databases: see [`clipmill_store::testing`].

mod crash;
mod curves;
mod files;
mod heads;
mod jobs;
mod labellings;
mod lexicon;
mod on_air;
mod opening;
mod points;
mod retention;
mod revisions;
mod road;
mod scrub;
mod secrets;
mod together;
