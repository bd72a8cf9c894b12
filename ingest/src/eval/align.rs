//! Lays what was recognised beside what was said: the least edits, and which token stands for which.

/// Larger tables are not made: texts of more than about 8,000 tokens are aligned in pieces.
const CELLS_MAX: usize = 64 << 20;

/// A token to be aligned: what it is, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// Compared as it is.
    pub text: &'a str,
    /// From here, in microseconds.
    pub from_us: i64,
    /// To here.
    pub to_us: i64,
}

/// Two texts side by side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alignment {
    /// For each token said, the token recognised in its place, right or wrong; `None`: it was lost.
    pub said: Vec<Option<usize>>,
    /// For each token recognised, the token said; `None`: it was put in.
    pub heard: Vec<Option<usize>>,
    /// Tokens recognised as others.
    pub wrong: usize,
    /// Tokens said and not recognised.
    pub lost: usize,
    /// Tokens recognised and not said.
    pub added: usize,
}

impl Alignment {
    /// How many edits turn the one text into the other.
    pub fn edits(&self) -> usize {
        self.wrong + self.lost + self.added
    }
}

/// How to get to a cell of the table.
#[derive(Clone, Copy)]
enum Step {
    Pair,
    Lost,
    Added,
}

/// Aligns with the least edits; of several ways, with one that pairs the fewest tokens whose times (of `said`, the
/// sentence's) lie apart. Texts too long for one table are parted at the pauses of `said`, and what was recognised by its
/// time.
pub fn align(said: &[Item<'_>], heard: &[Item<'_>]) -> Alignment {
    align_within(said, heard, CELLS_MAX)
}

fn align_within(said: &[Item<'_>], heard: &[Item<'_>], cells_max: usize) -> Alignment {
    let mut out =
        Alignment { said: vec![None; said.len()], heard: vec![None; heard.len()], ..Alignment::default() };
    let mut todo = vec![(0..said.len(), 0..heard.len())];
    while let Some((s, h)) = todo.pop() {
        let fits = (s.len() + 1).saturating_mul(h.len() + 1) <= cells_max;
        if !fits && let Some((s_at, h_at)) = part(said, heard, &s, &h) {
            todo.push((s.start..s_at, h.start..h_at));
            todo.push((s_at..s.end, h_at..h.end));
            continue;
        }
        piece(said, heard, s, h, &mut out);
    }
    out.lost = out.said.iter().filter(|p| p.is_none()).count();
    out.added = out.heard.iter().filter(|p| p.is_none()).count();
    out.wrong = pairs(&out).filter(|(s, h)| said[*s].text != heard[*h].text).count();
    out
}

fn pairs(a: &Alignment) -> impl Iterator<Item = (usize, usize)> + '_ {
    a.said.iter().enumerate().filter_map(|(s, h)| h.map(|h| (s, h)))
}

type Range = std::ops::Range<usize>;

/// Where to part a long text: at the widest pause of the middle half.
fn part(said: &[Item<'_>], heard: &[Item<'_>], s: &Range, h: &Range) -> Option<(usize, usize)> {
    let quarter = s.len() / 4;
    let at = (s.start + quarter.max(1)..s.end - quarter)
        .max_by_key(|i| (said[*i].from_us - said[i - 1].to_us, std::cmp::Reverse(*i)))?;
    let middle = i64::midpoint(said[at - 1].to_us, said[at].from_us);
    let before = heard[h.clone()].partition_point(|t| i64::midpoint(t.from_us, t.to_us) < middle);
    Some((at, h.start + before))
}

fn piece(said: &[Item<'_>], heard: &[Item<'_>], s: Range, h: Range, out: &mut Alignment) {
    let (a, b) = (&said[s.clone()], &heard[h.clone()]);
    let width = b.len() + 1;
    // Edits in the upper half, pairs apart in time in the lower.
    let edit = 1_u64 << 32;
    let mut steps = vec![Step::Added; (a.len() + 1) * width];
    let mut row: Vec<u64> = (0..width as u64).map(|j| j * edit).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] += edit;
        let line = &mut steps[(i + 1) * width..(i + 2) * width];
        line[0] = Step::Lost;
        for (j, y) in b.iter().enumerate() {
            let apart = u64::from(y.to_us < x.from_us || y.from_us > x.to_us);
            let pair = diagonal + if x.text == y.text { 0 } else { edit } + apart;
            let (lost, added) = (row[j + 1] + edit, row[j] + edit);
            diagonal = row[j + 1];
            (row[j + 1], line[j + 1]) = if pair <= lost && pair <= added {
                (pair, Step::Pair)
            } else if lost <= added {
                (lost, Step::Lost)
            } else {
                (added, Step::Added)
            };
        }
    }
    let (mut i, mut j) = (a.len(), b.len());
    while i > 0 || j > 0 {
        match steps[i * width + j] {
            Step::Pair => {
                (i, j) = (i - 1, j - 1);
                out.said[s.start + i] = Some(h.start + j);
                out.heard[h.start + j] = Some(s.start + i);
            }
            Step::Lost => i -= 1,
            Step::Added => j -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn items(text: &str) -> Vec<Item<'_>> {
        (0..)
            .zip(text.char_indices())
            .map(|(n, (at, c))| Item {
                text: &text[at..at + c.len_utf8()],
                from_us: n * 10,
                to_us: n * 10 + 9,
            })
            .collect()
    }

    #[test]
    fn known_distances() {
        for (said, heard, wrong, lost, added) in [
            ("kitten", "sitting", 2, 0, 1),
            ("开衫是亚麻的", "开山亚麻的", 1, 1, 0),
            ("abc", "", 0, 3, 0),
            ("", "abc", 0, 0, 3),
            ("abc", "abc", 0, 0, 0),
        ] {
            let a = align(&items(said), &items(heard));
            assert_eq!((a.wrong, a.lost, a.added), (wrong, lost, added), "{said} {heard}");
        }
    }

    #[test]
    fn of_equal_ways_the_one_true_to_time_is_taken() {
        // "好" is said twice and recognised once: it was the second.
        let said =
            [Item { text: "好", from_us: 0, to_us: 100 }, Item { text: "好", from_us: 5000, to_us: 5100 }];
        let heard = [Item { text: "好", from_us: 5010, to_us: 5050 }];
        assert_eq!(align(&said, &heard).said, [None, Some(0)]);
    }

    proptest! {
        #[test]
        fn the_distance_is_a_metric(a in "[ab ]{0,12}", b in "[ab ]{0,12}", c in "[ab ]{0,12}") {
            let d = |x: &str, y: &str| align(&items(x), &items(y)).edits();
            prop_assert_eq!(d(&a, &a), 0);
            prop_assert_eq!(d(&a, &b), d(&b, &a));
            prop_assert!(d(&a, &c) <= d(&a, &b) + d(&b, &c));
            prop_assert!(d(&a, &b) >= a.len().abs_diff(b.len()));
        }

        #[test]
        fn pairs_are_in_order_and_agree_both_ways(a in "[abc]{0,20}", b in "[abc]{0,20}", cells in 1usize..500) {
            let (said, heard) = (items(&a), items(&b));
            let whole = align(&said, &heard);
            let parted = align_within(&said, &heard, cells);
            prop_assert!(parted.edits() >= whole.edits());
            for found in [&whole, &parted] {
                let linked: Vec<_> = pairs(found).collect();
                prop_assert!(linked.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
                prop_assert!(linked.iter().all(|(s, h)| found.heard[*h] == Some(*s)));
                prop_assert_eq!(linked.len() + found.lost, a.len());
                prop_assert_eq!(linked.len() + found.added, b.len());
            }
        }

        #[test]
        fn a_deletion_counts_once(text in "[a-z]{1,30}", at in 0usize..30) {
            let at = at % text.len();
            let shorter = format!("{}{}", &text[..at], &text[at + 1..]);
            let found = align(&items(&text), &items(&shorter));
            prop_assert_eq!((found.wrong, found.lost, found.added), (0, 1, 0));
        }
    }
}
