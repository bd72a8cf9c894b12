//! Utterances in, clips out: what the host is saying, where it begins and ends, and the cut of it.
//!
//! `classify` follows a growing transcript: each utterance gets label probabilities, [`segment`] (pure) closes
//! stretches of one topic, [`product`] (pure) says what is on sale, [`rules`] (pure) finds hard evidence.
//! [`review`] (pure) is what a person's correction makes of a selling point, [`examples`] what heads learn from it,
//! [`heads`] the trained heads in use, and [`relabel`] labels old recordings again.
//! `cut` turns selling points into clips: [`cut::plan`] (pure) decides, the stages execute.

pub mod segment;
pub mod product;
pub mod rules;
pub mod reader;
pub mod classify;
pub mod review;
pub mod examples;
pub mod heads;
pub mod relabel;
pub mod cut;
pub mod eval;
