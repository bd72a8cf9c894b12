//! What a demo ends with: a table for people, JSON for programs. Pure.

use clipmill_domain::gap::Gap;
use serde::Serialize;

/// One clip of the live.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClipLine {
    /// Id of the clip.
    pub id: String,
    /// Where it begins in the live, in seconds.
    pub start_s: f64,
    /// Where it ends in the live, in seconds.
    pub end_s: f64,
    /// Key of its label.
    pub label: String,
    /// Name of its product; `null` when unbound.
    pub product: Option<String>,
    /// Seconds from the end of the talk to the clip being playable in the feed.
    pub latency_s: f64,
    /// The finished video as published, or the best version there is.
    pub file: String,
}

/// A hole in the recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GapLine {
    /// Where it begins, in seconds.
    pub start_s: f64,
    /// Where it ends, in seconds.
    pub end_s: f64,
    /// Why, where known.
    pub reason: Option<String>,
}

impl From<&Gap> for GapLine {
    fn from(g: &Gap) -> Self {
        let reason =
            g.reason.and_then(|r| serde_json::to_value(r).ok()).and_then(|v| v.as_str().map(str::to_owned));
        Self { start_s: g.span.start().as_seconds(), end_s: g.span.end().as_seconds(), reason }
    }
}

/// What a stage did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageLine {
    /// Rows it made.
    pub made: usize,
    /// Whether it did its whole job.
    pub ok: bool,
}

/// What every stage did, in flow order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stages {
    /// Parts recorded.
    pub record: StageLine,
    /// Utterances heard.
    pub transcribe: StageLine,
    /// Segments closed.
    pub classify: StageLine,
    /// Clips cut: exact ones.
    pub cut: StageLine,
    /// Captioned videos.
    pub render: StageLine,
    /// Posts live.
    pub publish: StageLine,
}

impl Stages {
    /// With its name, in flow order.
    pub fn each(&self) -> [(&'static str, &StageLine); 6] {
        [
            ("record", &self.record),
            ("transcribe", &self.transcribe),
            ("classify", &self.classify),
            ("cut", &self.cut),
            ("render", &self.render),
            ("publish", &self.publish),
        ]
    }
}

/// The whole outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The clips, in the order of the live.
    pub clips: Vec<ClipLine>,
    /// Median of their latencies; `null` without clips.
    pub median_latency_s: Option<f64>,
    /// The gap map.
    pub gaps: Vec<GapLine>,
    /// What every stage did.
    pub stages: Stages,
}

impl Report {
    /// Clips exist and every stage ran.
    pub fn ok(&self) -> bool {
        !self.clips.is_empty() && self.stages.each().iter().all(|(_, s)| s.ok)
    }

    /// As people read it.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let rows: Vec<[String; 6]> = self
            .clips
            .iter()
            .map(|c| {
                [
                    c.id.clone(),
                    format!("{}-{}", clock(c.start_s), clock(c.end_s)),
                    c.label.clone(),
                    c.product.clone().unwrap_or_else(|| "-".into()),
                    format!("{:.1} s", c.latency_s),
                    c.file.clone(),
                ]
            })
            .collect();
        let head = ["clip", "in the live", "label", "product", "latency", "file"].map(str::to_owned);
        let width = |i: usize| rows.iter().chain([&head]).map(|r| columns(&r[i])).max().unwrap_or(0);
        let widths: Vec<usize> = (0..6).map(width).collect();
        for row in [&head].into_iter().chain(&rows) {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, w)| format!("{cell}{}", " ".repeat(w.saturating_sub(columns(cell)))))
                .collect();
            out.push_str(cells.join("  ").trim_end());
            out.push('\n');
        }
        out.push('\n');
        match self.median_latency_s {
            Some(m) => out.push_str(&format!("{} clips; median latency {m:.1} s\n", self.clips.len())),
            None => out.push_str("no clips\n"),
        }
        if self.gaps.is_empty() {
            out.push_str("gap map: no gaps\n");
        }
        for g in &self.gaps {
            let why = g.reason.as_deref().unwrap_or("unknown");
            out.push_str(&format!("gap: {}-{} ({why})\n", clock(g.start_s), clock(g.end_s)));
        }
        let stages: Vec<String> = self
            .stages
            .each()
            .iter()
            .map(|(name, s)| format!("{name} {}{}", s.made, if s.ok { "" } else { " (INCOMPLETE)" }))
            .collect();
        out.push_str(&format!("stages: {}\n", stages.join(", ")));
        out
    }
}

/// The median, or `None` of nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => None,
        n if n % 2 == 1 => Some(values[n / 2]),
        _ => Some(f64::midpoint(values[n / 2 - 1], values[n / 2])),
    }
}

/// `m:ss.t`.
fn clock(s: f64) -> String {
    let tenths = (s * 10.0).round() / 10.0;
    format!("{}:{:04.1}", (tenths / 60.0).floor(), tenths % 60.0)
}

/// Terminal columns of a text: CJK characters take two.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if (c as u32) >= 0x2E80 { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(n: usize) -> Report {
        let done = |made| StageLine { made, ok: made > 0 };
        let clips: Vec<ClipLine> = (0..n)
            .map(|i| ClipLine {
                id: format!("c{i}"),
                start_s: 61.25,
                end_s: 70.0,
                label: "fabric".into(),
                product: Some("针织开衫".into()),
                latency_s: 12.0,
                file: "/tmp/x.mp4".into(),
            })
            .collect();
        let made = done(n);
        Report {
            median_latency_s: median(clips.iter().map(|c| c.latency_s).collect()),
            clips,
            gaps: vec![GapLine { start_s: 4.0, end_s: 7.5, reason: Some("crashed".into()) }],
            stages: Stages {
                record: done(1),
                transcribe: done(1),
                classify: done(1),
                cut: made.clone(),
                render: made.clone(),
                publish: made,
            },
        }
    }

    #[test]
    fn success_needs_clips_and_every_stage() {
        assert!(report(2).ok());
        assert!(!report(0).ok());
        let mut r = report(2);
        r.stages.publish.ok = false;
        assert!(!r.ok());
    }

    #[test]
    fn the_table_lines_up_with_wide_characters() {
        let table = report(1).table();
        assert!(table.contains("1:01.3-1:10.0") || table.contains("1:01.2-1:10.0"), "{table}");
        assert!(table.contains("gap: 0:04.0-0:07.5 (crashed)"), "{table}");
        let lines: Vec<&str> = table.lines().take(2).collect();
        let at = |line: &str, word: &str| columns(line.split(word).next().unwrap_or_default());
        assert_eq!(at(lines[0], "latency"), at(lines[1], "12.0 s"));
    }

    #[test]
    fn the_median_of_even_counts_is_between() {
        assert_eq!(median(vec![3.0, 1.0]), Some(2.0));
        assert_eq!(median(vec![]), None);
    }
}
