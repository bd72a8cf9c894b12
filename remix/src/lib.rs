//! Clips in, finished short videos out: `arrange` (pure) plans, `render` executes the plan and decides nothing.

pub mod arrange;
pub mod render;
