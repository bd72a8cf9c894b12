//! Cuts a stream of speech probabilities into chunks for the recogniser. Pure: frames in, chunks out.
//!
//! A chunk ends at the first short pause once it is long enough, at a longer pause in any case, and, when nobody pauses, at
//! the least speech-like frame of its last seconds. Chunks never overlap, come in order, and hold every frame of speech
//! except blips too short to be a word.

/// Lengths are in frames of 32 ms, probabilities from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChunkerConfig {
    /// A frame at least this probable begins speech.
    pub begin: f32,
    /// Speech goes on while frames are at least this probable; at most `begin`.
    pub go_on: f32,
    /// The pause that ends a chunk of `long_enough`.
    pub pause: u64,
    /// The pause that ends a chunk of nearly the greatest length.
    pub least_pause: u64,
    /// The pause that ends any chunk.
    pub long_pause: u64,
    /// Speech of this length is ended by `pause`.
    pub long_enough: u64,
    /// No chunk is longer.
    pub longest: u64,
    /// How far back from the end of a chunk of the greatest length a place to cut is looked for; less than `longest`.
    pub look_back: u64,
    /// Kept before the first frame of speech, where it is free.
    pub lead: u64,
    /// Kept after the last frame of speech.
    pub tail: u64,
    /// Chunks with fewer frames at or above `begin` are dropped, except those of the greatest length.
    pub least_speech: u64,
}

impl Default for ChunkerConfig {
    /// Ends at 256 ms of silence from 1 s on, at 352 ms before that, at 6 s at the latest.
    ///
    /// Measured on three Chinese and three English lives against chunks of 3 to 9 s (704 ms before that): the same share of
    /// characters and words is wrong (within 0.5 points, better and worse), 95 % of the sentences are text 2.5 to 4.3 s
    /// after their end (before: 4.2 to 6.8 s), and the starts of English sentences, a chunk's beginning more often now,
    /// are off by 40 to 54 ms at the 90th percentile (before: 43 to 294 ms).
    fn default() -> Self {
        Self {
            begin: 0.5,
            go_on: 0.35,
            pause: 8,
            least_pause: 2,
            long_pause: 11,
            long_enough: 31,
            longest: 188,
            look_back: 90,
            lead: 4,
            tail: 4,
            least_speech: 4,
        }
    }
}

impl ChunkerConfig {
    /// The pause that ends a chunk with `length` frames up to its last speech, at least `long_enough`: the longer people
    /// have waited for the text, the shorter a pause will do, down to `least_pause` half-way to the greatest length.
    fn pause_after(&self, length: u64) -> u64 {
        let range = (self.longest.saturating_sub(self.long_enough) / 2).max(1);
        let left = (self.long_enough + range).saturating_sub(length).min(range);
        let least = self.least_pause.min(self.pause);
        least + (self.pause - least) * left / range
    }

    /// For sound that nobody waits for: as the default, but only from 8 s on at a short pause, at 704 ms before that, and at
    /// 24 s at the latest. Longer chunks cost less a second.
    pub fn long() -> Self {
        Self { long_pause: 22, long_enough: 250, longest: 750, look_back: 250, ..Self::default() }
    }
}

/// Why a chunk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// At a pause.
    Pause,
    /// It had the greatest length.
    Longest,
    /// The stream ended.
    End,
}

/// A stretch of frames `start..end` to recognise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// First frame, counted from the start of the stream.
    pub start: u64,
    /// One past the last frame.
    pub end: u64,
    /// First frame of speech in it.
    pub speech_start: u64,
    /// One past its last frame of speech.
    pub speech_end: u64,
    /// How many of its frames are speech.
    pub speech: u64,
    /// Why it ended.
    pub closed: Closed,
}

#[derive(Debug, Clone)]
struct Open {
    start: u64,
    /// Of every frame since `start`.
    probs: Vec<f32>,
    /// So many of them were left over from the chunk before, all at once: nothing is decided in their midst.
    left_over: u64,
}

/// The chunker; see the module's text.
#[derive(Debug, Clone)]
pub struct VadChunker {
    config: ChunkerConfig,
    /// The frame that comes next.
    next: u64,
    /// End of the chunk before.
    free_from: u64,
    open: Option<Open>,
    /// The last `lead` probabilities before speech begins.
    before: std::collections::VecDeque<f32>,
}

impl VadChunker {
    /// A chunker at frame 0.
    pub fn new(config: ChunkerConfig) -> Self {
        Self { config, next: 0, free_from: 0, open: None, before: std::collections::VecDeque::new() }
    }

    /// A chunker that goes on at frame `at`, up to which another has settled all; `open` is that one's [`Self::open`].
    pub fn resume(config: ChunkerConfig, at: u64, open: Option<u64>) -> Self {
        let open = open.map(|left_over| Open { start: at, probs: vec![], left_over });
        Self { next: at, free_from: at, open, ..Self::new(config) }
    }

    /// Where a chunk is open, which then begins at the frame up to which all is settled: how many of its frames were left over
    /// from the chunk before.
    pub fn open(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.left_over)
    }

    /// How it cuts.
    pub fn config(&self) -> ChunkerConfig {
        self.config
    }

    /// Cuts by `config` from the next frame on.
    pub fn set_config(&mut self, config: ChunkerConfig) {
        self.config = config;
    }

    /// The frame up to which all is decided: everything before is in a chunk already given, or is no speech.
    pub fn settled(&self) -> u64 {
        match &self.open {
            Some(open) => open.start,
            None => self.next.saturating_sub(self.config.lead).max(self.free_from),
        }
    }

    /// Takes the next frame's probability; gives the chunk that it ends, if any.
    pub fn push(&mut self, p: f32) -> Option<Chunk> {
        let now = self.next;
        self.next += 1;
        match &mut self.open {
            Some(open) => open.probs.push(p),
            None if p >= self.config.begin => {
                let lead = self.config.lead.min(now - self.free_from).min(self.before.len() as u64);
                let mut probs: Vec<f32> = self.before.drain(..).collect();
                probs.drain(..probs.len() - lead as usize);
                probs.push(p);
                self.open = Some(Open { start: now - lead, probs, left_over: 0 });
            }
            None => {
                self.before.push_back(p);
                while self.before.len() as u64 > self.config.lead {
                    self.before.pop_front();
                }
            }
        }
        self.close_if_due()
    }

    /// Ends the stream: gives the chunk still open, if it holds speech. The next frame starts a new stream at frame 0.
    pub fn finish(&mut self) -> Option<Chunk> {
        let ended = std::mem::replace(self, Self::new(self.config));
        let open = ended.open?;
        let length = open.probs.len() as u64;
        let cut =
            speech(&open.probs, &self.config).map_or(length, |s| (s.end + self.config.tail).min(length));
        chunk(&open, cut, Closed::End, &self.config)
    }

    fn close_if_due(&mut self) -> Option<Chunk> {
        let open = self.open.as_ref()?;
        let config = self.config;
        let length = open.probs.len() as u64;
        if length <= open.left_over {
            return None;
        }
        let heard = speech(&open.probs, &config);
        let end = heard.as_ref().map_or(0, |s| s.end);
        let silent = length - end;
        if silent >= config.long_pause || end >= config.long_enough && silent >= config.pause_after(end) {
            return self.cut((end + config.tail).min(length), Closed::Pause);
        }
        if length >= config.longest {
            // After the quietest frame, so that both halves keep as much of their words as can be.
            let from = (length - config.look_back) as usize;
            let quietest =
                open.probs[from..].iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i);
            return self.cut((from + quietest + 1) as u64, Closed::Longest);
        }
        None
    }

    /// Gives the open chunk's first `cut` frames. What lies behind a forced cut stays open: no frame of it is lost.
    fn cut(&mut self, cut: u64, closed: Closed) -> Option<Chunk> {
        let mut open = self.open.take()?;
        let rest = open.probs.split_off(cut as usize);
        let made = chunk(&open, cut, closed, &self.config);
        let at = open.start + cut;
        self.free_from = at;
        if closed == Closed::Longest && rest.iter().any(|p| *p >= self.config.go_on) {
            let left_over = rest.len() as u64;
            self.open = Some(Open { start: at, probs: rest, left_over });
        } else {
            self.before = rest.into_iter().rev().take(self.config.lead as usize).rev().collect();
        }
        made
    }
}

/// Where speech lies in `probs`: from the first frame that begins it, or goes it on from the chunk before, to the last that
/// goes on.
fn speech(probs: &[f32], config: &ChunkerConfig) -> Option<std::ops::Range<u64>> {
    let start = probs.iter().position(|p| *p >= config.begin)?;
    let last = probs.iter().rposition(|p| *p >= config.go_on)?;
    Some(start as u64..last as u64 + 1)
}

fn chunk(open: &Open, cut: u64, closed: Closed, config: &ChunkerConfig) -> Option<Chunk> {
    let probs = &open.probs[..cut as usize];
    let within = speech(probs, config)?;
    let count = probs.iter().filter(|p| **p >= config.begin).count() as u64;
    // So long a stretch is no blip, however unsure the network was all along.
    (count >= config.least_speech || closed == Closed::Longest).then(|| Chunk {
        start: open.start,
        end: open.start + cut,
        speech_start: open.start + within.start,
        speech_end: open.start + within.end,
        speech: count,
        closed,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(probs: &[f32]) -> Vec<Chunk> {
        let mut chunker = VadChunker::new(ChunkerConfig::default());
        let mut chunks: Vec<_> = probs.iter().filter_map(|p| chunker.push(*p)).collect();
        chunks.extend(chunker.finish());
        chunks
    }

    fn runs(spec: &[(usize, f32)]) -> Vec<f32> {
        spec.iter().flat_map(|(n, p)| std::iter::repeat_n(*p, *n)).collect()
    }

    #[test]
    fn a_short_pause_ends_a_long_chunk_and_not_a_short_one() {
        // 0.5 s of speech, 256 ms of silence, 3.7 s of speech, 256 ms of silence, 1 s of speech.
        let chunks =
            all(&runs(&[(20, 0.0), (16, 0.9), (8, 0.0), (108, 0.9), (8, 0.0), (31, 0.9), (40, 0.0)]));
        assert_eq!(chunks.len(), 2);
        assert_eq!((chunks[0].start, chunks[0].speech_start), (16, 20));
        assert_eq!((chunks[0].speech_end, chunks[0].end, chunks[0].closed), (152, 154, Closed::Pause));
        assert_eq!((chunks[1].speech_start, chunks[1].speech_end), (160, 191));
    }

    #[test]
    fn a_long_pause_ends_any_chunk_at_once() {
        let mut chunker = VadChunker::new(ChunkerConfig::default());
        let probs = runs(&[(30, 0.0), (16, 0.9), (11, 0.1)]);
        let given: Vec<_> =
            probs.iter().enumerate().filter_map(|(i, p)| chunker.push(*p).map(|c| (i, c))).collect();
        let [(at, chunk)] = given[..] else { panic!("{given:?}") };
        assert_eq!(at, 30 + 16 + 11 - 1);
        assert_eq!((chunk.speech_start, chunk.speech_end), (30, 46));
    }

    #[test]
    fn endless_speech_is_cut_at_its_quietest_late_frame() {
        let mut probs = runs(&[(800, 0.95)]);
        probs[50] = 0.4; // quieter still, but too early
        probs[150] = 0.6;
        let chunks = all(&probs);
        assert_eq!((chunks[0].start, chunks[0].end, chunks[0].closed), (0, 151, Closed::Longest));
        assert_eq!(chunks[1].start, 151);
        assert_eq!(chunks.last().unwrap().end, 800);
    }

    #[test]
    fn blips_and_noise_are_dropped() {
        assert_eq!(all(&runs(&[(100, 0.1), (3, 0.9), (100, 0.1), (50, 0.45), (100, 0.0)])), []);
    }

    #[test]
    fn a_long_unsure_stretch_is_kept_though_hardly_a_frame_is_sure() {
        let mut probs = runs(&[(500, 0.45), (40, 0.0)]);
        [0, 80, 240, 400].into_iter().for_each(|i| probs[i] = 0.55);
        let chunks = all(&probs);
        assert_eq!((chunks[0].closed, chunks[0].speech), (Closed::Longest, 2));
    }

    /// Speech and pauses of many lengths, with probabilities between.
    fn stream() -> impl Strategy<Value = Vec<f32>> {
        let run = (
            prop_oneof![1usize..12, 12usize..120, 120usize..700],
            prop_oneof![0.0f32..0.35, 0.35f32..0.5, 0.5f32..1.0],
        );
        prop::collection::vec(run, 0..14).prop_map(|runs_of| {
            let mut jitter = 0u32;
            runs(&runs_of)
                .into_iter()
                .map(|p| {
                    jitter = jitter.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (p + (jitter >> 24) as f32 / 25_600.0 - 0.005).clamp(0.0, 1.0)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn chunks_are_ordered_bounded_and_hold_all_speech(probs in stream()) {
            let config = ChunkerConfig::default();
            let chunks = all(&probs);
            for c in &chunks {
                prop_assert!(c.start <= c.speech_start && c.speech_start < c.speech_end && c.speech_end <= c.end);
                prop_assert!(c.end <= probs.len() as u64);
                prop_assert!(c.end - c.start <= config.longest + config.tail, "{c:?}");
                prop_assert!(c.speech >= config.least_speech || c.closed == Closed::Longest);
            }
            for w in chunks.windows(2) {
                prop_assert!(w[0].end <= w[1].start, "{w:?}");
            }
            // What no chunk holds has nowhere as much speech, between two long pauses, as a chunk must have.
            let mut lost = 0;
            let mut quiet = 0;
            for (i, p) in probs.iter().enumerate() {
                let inside = chunks.iter().any(|c| (c.start..c.end).contains(&(i as u64)));
                if inside {
                    (lost, quiet) = (0, 0);
                } else if *p >= config.begin {
                    (lost, quiet) = (lost + 1, 0);
                } else if *p < config.go_on {
                    quiet += 1;
                    if quiet >= config.pause { lost = 0; }
                }
                prop_assert!(lost < config.least_speech, "speech lost at frame {i}: {chunks:?}");
            }
        }

        /// From a settled frame on, a chunker made anew finds the same chunks.
        #[test]
        fn a_restart_at_a_settled_frame_goes_on_alike(probs in stream(), at in 0usize..2000) {
            let whole = all(&probs);
            let mut first = VadChunker::new(ChunkerConfig::default());
            let mut chunks: Vec<_> = probs.iter().take(at).filter_map(|p| first.push(*p)).collect();
            let settled = first.settled();
            prop_assert!(chunks.iter().all(|c| c.end <= settled));
            let mut second = VadChunker::resume(ChunkerConfig::default(), settled, first.open());
            prop_assert_eq!(second.settled(), settled);
            chunks.extend(probs[(settled as usize).min(probs.len())..].iter().filter_map(|p| second.push(*p)));
            chunks.extend(second.finish());
            prop_assert_eq!(chunks, whole);
        }
    }
}
