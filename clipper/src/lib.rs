//! Utterances in, clips out: what the host is saying, where it begins and ends, and the cut of it.
//!
//! `classify` follows a growing transcript: each utterance gets label probabilities, [`segment`] (pure) closes
//! stretches of one topic, [`product`] (pure) says what is on sale, [`rules`] (pure) finds hard evidence.
//! `cut` turns selling points into clips: [`cut::plan`] (pure) decides, the stages execute.

pub mod segment;
pub mod product;
pub mod rules;
pub mod reader;
pub mod classify;
pub mod cut;
pub mod eval;
