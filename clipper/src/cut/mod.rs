//! Selling points in, clips out: the plan (pure), its words for people, and the stages that execute it.

pub mod plan;
pub mod title;
mod stage;

pub use stage::{CutDraft, CutExact, Draft};
