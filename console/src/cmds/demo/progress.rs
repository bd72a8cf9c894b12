//! What a person sees meanwhile: a bar and lines on a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use super::watch::Counts;

/// Where news goes.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    to_stderr: bool,
}

impl Progress {
    /// With `to_stderr`, standard output is left to data.
    pub fn new(to_stderr: bool) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} s");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            bar
        });
        Self { bar, to_stderr }
    }

    /// A line that stays.
    pub fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None if self.to_stderr => eprintln!("{line}"),
            None => println!("{line}"),
        }
    }

    /// Moves the bar to `at` of `whole` seconds of live.
    pub fn at(&self, at: f64, whole: f64, counts: Counts) {
        if let Some(bar) = &self.bar {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole seconds of a demo"
            )]
            let (at, whole) = (at.max(0.0) as u64, whole.max(0.0) as u64);
            bar.set_length(whole);
            bar.set_position(at);
            bar.set_message(format!(
                "{} sentences, {} clips, {} videos, {} posts",
                counts.utterances, counts.clips, counts.remixes, counts.live
            ));
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
