//! Breaks an utterance into captions of at most two lines that fit the frame. Pure.
//!
//! The renderer does not wrap text without spaces, so every line break is decided here: at the places the
//! Unicode line breaking algorithm allows (which keeps 。 and ， off the start of a line), balanced over two lines.

use clipmill_domain::{remix::Caption, transcript::Utterance};
use clipmill_media::captions::width_em as width;

/// Lines a caption may have.
const LINES_MAX: usize = 2;

/// The captions of an utterance, times in microseconds of media time, each of one or two lines no wider than
/// `line_ems`. A caption ends at a clause where it can, and its end shows no comma or full stop, only what asks or calls
/// out. A single unbreakable word wider than a line is broken between characters.
pub fn of_utterance(u: &Utterance, line_ems: f32) -> Vec<Caption> {
    let text = u.text.trim();
    let mut groups: Vec<String> = vec![];
    for clause in clauses(text) {
        match groups.last_mut() {
            // Short clauses share a line; longer ones are shown one after the other.
            Some(g) if width(format!("{g}{clause}").trim()) <= line_ems => g.push_str(clause),
            _ => groups.extend(fitting(clause, line_ems)),
        }
    }
    let total = letters(text).max(1);
    let mut said = 0;
    let mut out = vec![];
    for g in groups {
        let start_us = time_at(u, said, total);
        said += letters(&g);
        let end_us = time_at(u, said, total);
        let lines = lines(g.trim().trim_end_matches(silent), line_ems);
        if start_us < end_us && !lines.is_empty() {
            out.push(Caption { start_us, end_us, lines });
        }
    }
    out
}

/// A mark that is not shown at the end of a caption.
fn silent(c: char) -> bool {
    STOPS.contains(&c) && !matches!(c, '！' | '？' | '!' | '?')
}

/// Marks that end a clause.
const STOPS: [char; 14] = ['，', '。', '！', '？', '；', '：', '、', ',', '.', '!', '?', ';', ':', '…'];

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// The text cut after each clause's mark; a mark between two digits or letters ("1.4", "10,000", "3:30") ends nothing.
fn clauses(text: &str) -> Vec<&str> {
    let mut out = vec![];
    let mut from = 0;
    let mut chars = text.char_indices().peekable();
    let mut before: Option<char> = None;
    while let Some((_, c)) = chars.next() {
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let next = chars.peek().copied();
        let ends = STOPS.contains(&c) && !(joins(before) && joins(next.map(|n| n.1)));
        before = Some(c);
        if ends && !next.is_some_and(|n| STOPS.contains(&n.1)) {
            let at = next.map_or(text.len(), |n| n.0);
            out.push(&text[from..at]);
            from = at;
        }
    }
    out.push(&text[from..]);
    out.retain(|c| !c.is_empty());
    out
}

/// A clause in as few groups as fit on two lines each.
fn fitting(clause: &str, line_ems: f32) -> Vec<String> {
    let mut groups: Vec<String> = vec![];
    for piece in pieces(clause, line_ems) {
        match groups.last_mut() {
            Some(g) if fits(&format!("{g}{piece}"), line_ems) => g.push_str(&piece),
            _ => groups.push(piece),
        }
    }
    groups
}

/// Breakable pieces of the text; a piece wider than a line is split between characters.
fn pieces(text: &str, line_ems: f32) -> Vec<String> {
    let mut out = vec![];
    let mut from = 0;
    for (at, _) in unicode_linebreak::linebreaks(text) {
        let piece = &text[from..at];
        from = at;
        let mut run = String::new();
        for c in piece.chars() {
            let wider = format!("{run}{c}");
            if !run.is_empty() && width(&wider) > line_ems {
                out.push(std::mem::take(&mut run));
            }
            run.push(c);
        }
        out.push(run);
    }
    out.retain(|p| !p.is_empty());
    out
}

fn fits(text: &str, line_ems: f32) -> bool {
    greedy(text, line_ems).len() <= LINES_MAX
}

fn greedy(text: &str, line_ems: f32) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for piece in pieces(text, line_ems) {
        match lines.last_mut() {
            Some(l) if width(format!("{l}{piece}").trim_end()) <= line_ems => l.push_str(&piece),
            _ => lines.push(piece),
        }
    }
    lines
}

/// One line if it fits, else two of about equal width.
fn lines(text: &str, line_ems: f32) -> Vec<String> {
    let text = text.trim();
    let trimmed =
        |l: Vec<String>| l.into_iter().map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
    if width(text) <= line_ems {
        return trimmed(vec![text.to_owned()]);
    }
    let best = unicode_linebreak::linebreaks(text)
        .map(|(at, _)| text.split_at(at))
        .filter(|(a, b)| width(a.trim()) <= line_ems && width(b.trim()) <= line_ems && !b.trim().is_empty())
        .min_by(|x, y| {
            let lean = |(a, b): &(&str, &str)| (width(a.trim()) - width(b.trim())).abs();
            lean(x).total_cmp(&lean(y))
        });
    match best {
        Some((a, b)) => trimmed(vec![a.to_owned(), b.to_owned()]),
        None => trimmed(greedy(text, line_ems)),
    }
}

/// Media time at which the `n`-th of `total` letters of the utterance begins: from the word that holds it, so that
/// captions follow the voice.
fn time_at(u: &Utterance, n: usize, total: usize) -> i64 {
    let (start, end) = (u.span.start().as_micros(), u.span.end().as_micros());
    if n == 0 {
        return start;
    }
    if n >= total {
        return end;
    }
    let of_words: usize = u.words.iter().map(|w| letters(&w.text)).sum();
    #[expect(clippy::cast_precision_loss, reason = "letters of one sentence")]
    let share = n as f64 / total as f64;
    let mut before = 0;
    for w in &u.words {
        let len = letters(&w.text);
        #[expect(clippy::cast_precision_loss, reason = "letters of one sentence")]
        let (a, b) = (before as f64 / of_words.max(1) as f64, (before + len) as f64 / of_words.max(1) as f64);
        if len > 0 && share < b {
            let inside = ((share - a) / (b - a)).clamp(0.0, 1.0);
            let (ws, we) = (w.start.as_micros(), w.end.as_micros());
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                reason = "inside one word"
            )]
            let at = ws + ((we - ws) as f64 * inside) as i64;
            return at.clamp(start, end);
        }
        before += len;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "inside one sentence")]
    let at = start + ((end - start) as f64 * share) as i64;
    at
}
