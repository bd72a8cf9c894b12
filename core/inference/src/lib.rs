//! The only room that knows whisper.cpp and candle: models by name and hash, speech to words, words to labels.
//!
//! It takes paths, samples and texts and gives values back; it never sees the store.

pub mod registry;

pub mod sound;
pub mod vad;
pub mod voiceprint;
pub mod asr;
pub mod guard;
pub mod lexicon;
pub mod script;
pub mod punctuation;
pub mod likely;

pub mod sentence;
pub mod llm;
pub mod classify;

#[cfg(test)]
mod mangled;
