//! A text as the likeliest row of pieces of a vocabulary (Kudo, "Subword regularization", 2018: the unigram model).

use super::UNKNOWN;

/// How much less likely than the least likely piece a character is that no piece covers.
const UNKNOWN_PENALTY: f64 = 10.0;

/// The vocabulary.
pub(super) struct Pieces {
    text: String,
    /// Of each piece in the order of its bytes: from and to in `text`, its id.
    sorted: Vec<(u32, u32, u32)>,
    /// Log-likelihoods by id.
    scores: Vec<f32>,
    unknown: f64,
}

/// The best way to a place in the text.
#[derive(Clone, Copy)]
struct Way {
    score: f64,
    from: usize,
    id: u32,
}

impl Pieces {
    /// From all pieces in the order of their ids, joined; where each ends (u32); their log-likelihoods (f32).
    pub(super) fn new(text: &[u8], ends: &[u8], scores: &[u8]) -> Result<Self, String> {
        let damaged = || "its vocabulary is damaged".to_owned();
        let text = String::from_utf8(text.to_vec()).map_err(|_| damaged())?;
        let ends: Vec<u32> = ends.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
        let scores: Vec<f32> = scores.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let mut sorted: Vec<_> =
            starts.zip(&ends).zip(0u32..).map(|((from, to), id)| (from, *to, id)).collect();
        let whole = |(from, to, _): &(u32, u32, u32)| {
            from < to && text.is_char_boundary(*to as usize) && *to as usize <= text.len()
        };
        if sorted.is_empty() || scores.len() != sorted.len() || !sorted.iter().all(whole) {
            return Err(damaged());
        }
        let bytes = |(from, to, _): &(u32, u32, u32)| &text.as_bytes()[*from as usize..*to as usize];
        sorted.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
        let least = scores.iter().copied().fold(f32::INFINITY, f32::min);
        if !least.is_finite() {
            return Err(damaged());
        }
        Ok(Self { text, sorted, scores, unknown: f64::from(least) - UNKNOWN_PENALTY })
    }

    /// Pieces there are.
    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Appends the ids of the likeliest row of pieces of `text`; of equally likely ones, the row whose last piece
    /// begins earliest. A character that no piece begins with is [`UNKNOWN`].
    pub(super) fn split(&self, text: &str, ids: &mut Vec<u32>) {
        let bytes = text.as_bytes();
        let nowhere = Way { score: f64::NEG_INFINITY, from: 0, id: UNKNOWN };
        let mut best = vec![nowhere; bytes.len() + 1];
        best[0].score = 0.0;
        for (at, c) in text.char_indices() {
            let here = best[at].score;
            let mut reach = |length: usize, score: f64, id: u32| {
                let way = &mut best[at + length];
                if here + score > way.score {
                    *way = Way { score: here + score, from: at, id };
                }
            };
            let mut alone = false;
            self.beginnings(&bytes[at..], |length, id| {
                reach(length, f64::from(self.scores[id as usize]), id);
                alone |= length == c.len_utf8();
            });
            if !alone {
                reach(c.len_utf8(), self.unknown, UNKNOWN);
            }
        }
        let first = ids.len();
        let mut at = bytes.len();
        while at > 0 {
            ids.push(best[at].id);
            at = best[at].from;
        }
        ids[first..].reverse();
    }

    /// Tells length and id of each piece that `text` begins with, shortest first: the range of the sorted pieces that
    /// agree with it so far is narrowed byte by byte.
    fn beginnings(&self, text: &[u8], mut tell: impl FnMut(usize, u32)) {
        let mut range = &self.sorted[..];
        for (depth, byte) in text.iter().enumerate() {
            let at = |(from, to, _): &(u32, u32, u32)| {
                self.text.as_bytes()[*from as usize..*to as usize].get(depth).copied()
            };
            let low = range.partition_point(|p| at(p) < Some(*byte));
            range = &range[low..];
            range = &range[..range.partition_point(|p| at(p) == Some(*byte))];
            match range.first() {
                None => return,
                Some((from, to, id)) if (to - from) as usize == depth + 1 => tell(depth + 1, *id),
                Some(_) => {}
            }
        }
    }
}
