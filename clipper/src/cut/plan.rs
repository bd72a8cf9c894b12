//! Where to cut: a clip begins and ends in a pause, never inside an utterance. Pure.

use clipmill_domain::{Span, clip::Edl, source::Language, transcript::Utterance};

/// Limits of a cut, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutRules {
    /// A shorter selling point is lengthened with the sentences before it, as long as they belong to it.
    pub length_us_min: i64,
    /// No clip is longer.
    pub length_us_max: i64,
    /// Breathing room before the first word; less where the sentence before is nearer.
    pub lead_in_us: i64,
    /// Breathing room after the last word; less where the next sentence is nearer.
    pub lead_out_us: i64,
    /// Sentences further apart than this are not joined to lengthen a clip.
    pub join_pause_us: i64,
}

impl Default for CutRules {
    fn default() -> Self {
        Self {
            length_us_min: 5_000_000,
            length_us_max: 60_000_000,
            lead_in_us: 250_000,
            lead_out_us: 400_000,
            join_pause_us: 1_500_000,
        }
    }
}

/// What to cut, and why so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutPlan {
    /// One continuous window, with the original sound.
    pub edl: Edl,
    /// `seq` of the first utterance heard.
    pub first_utterance: i64,
    /// `seq` of the last utterance heard.
    pub last_utterance: i64,
    /// What explains the boundaries.
    pub why: Vec<Reason>,
}

/// Why a cut lies where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Sentences at the end were left out to keep it under so many seconds.
    Shortened {
        /// The limit.
        seconds: i64,
    },
    /// The sentence before was kept because the point alone is short.
    Lengthened,
    /// Where it begins and ends, in milliseconds outside its first and last word.
    Between {
        /// Before the first word.
        lead_ms: i64,
        /// After the last word.
        tail_ms: i64,
    },
}

impl Reason {
    /// As a sentence for a person.
    pub fn describe(self, language: Language) -> String {
        match (self, language) {
            (Self::Shortened { seconds }, Language::Zh) => format!("去掉末尾的句子，不超过 {seconds} 秒"),
            (Self::Shortened { seconds }, Language::En) => {
                format!("shortened by sentences at the end to stay under {seconds} s")
            }
            (Self::Lengthened, Language::Zh) => "这个卖点太短，带上同一商品的前一句".to_owned(),
            (Self::Lengthened, Language::En) => {
                "the sentence before, on the same product, is kept because the point alone is short"
                    .to_owned()
            }
            (Self::Between { lead_ms, tail_ms }, Language::Zh) => {
                format!("首字前 {lead_ms} 毫秒开始，末字后 {tail_ms} 毫秒结束，不切断任何一句")
            }
            (Self::Between { lead_ms, tail_ms }, Language::En) => {
                format!(
                    "starts {lead_ms} ms before the first word and ends {tail_ms} ms after the last, outside every other sentence"
                )
            }
        }
    }
}

/// A sentence near the selling point, and whether it may be used to lengthen the clip (same product, and selling).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence {
    /// `seq` of the utterance.
    pub seq: i64,
    /// When it is said.
    pub span: Span,
    /// Whether a short clip may begin with it.
    pub may_lengthen: bool,
}

impl Sentence {
    /// From an utterance.
    pub fn of(u: &Utterance, may_lengthen: bool) -> Self {
        Self { seq: u.seq, span: u.span, may_lengthen }
    }
}

/// Plans the cut of the utterances `first..=last` (by `seq`) among `sentences`, which are in time order and should
/// reach a sentence further on both sides. Media exists only inside `recorded`. `None` when the selling point has no
/// sentence in the list or none of it is recorded.
pub fn plan_cut(
    sentences: &[Sentence],
    first: i64,
    last: i64,
    recorded: Span,
    rules: &CutRules,
) -> Option<CutPlan> {
    let mut a = sentences.iter().position(|s| s.seq >= first && s.seq <= last)?;
    let mut b = sentences.iter().rposition(|s| s.seq >= first && s.seq <= last)?;
    let length = |a: usize, b: usize| sentences[b].span.end() - sentences[a].span.start();
    let mut why = vec![];

    while b > a && length(a, b) > rules.length_us_max {
        b -= 1;
        why.push(Reason::Shortened { seconds: rules.length_us_max / 1_000_000 });
    }
    while length(a, b) < rules.length_us_min && a > 0 {
        let before = sentences[a - 1];
        let pause = sentences[a].span.start() - before.span.end();
        if !before.may_lengthen || pause > rules.join_pause_us || length(a - 1, b) > rules.length_us_max {
            break;
        }
        a -= 1;
        why.push(Reason::Lengthened);
    }

    let (begin, end) = (sentences[a].span.start(), sentences[b].span.end());
    let floor = a.checked_sub(1).map_or(recorded.start(), |i| sentences[i].span.end()).max(recorded.start());
    let ceiling = sentences.get(b + 1).map_or(recorded.end(), |s| s.span.start()).min(recorded.end());
    let start = (begin + -rules.lead_in_us).max(floor).min(begin);
    let stop = (end + rules.lead_out_us).min(ceiling).max(end);
    let span = Span::new(start.max(recorded.start()), stop.min(recorded.end())).ok()?;
    why.push(Reason::Between {
        lead_ms: (begin - span.start()).max(0) / 1000,
        tail_ms: (span.end() - end).max(0) / 1000,
    });
    Some(CutPlan {
        edl: Edl { spans: vec![span] },
        first_utterance: sentences[a].seq,
        last_utterance: sentences[b].seq,
        why,
    })
}

/// The stretch without a gap that holds most of `talk`, among `recorded` stretches in time order. `None` when none of
/// it is recorded.
pub fn stretch_of(recorded: &[Span], talk: Span, joint_us_max: i64) -> Option<Span> {
    let mut merged: Vec<Span> = vec![];
    for s in recorded {
        match merged.last_mut() {
            Some(m) if s.start() - m.end() <= joint_us_max => *m = m.hull(*s),
            _ => merged.push(*s),
        }
    }
    let common = |s: &Span| s.end().min(talk.end()) - s.start().max(talk.start());
    merged.into_iter().max_by_key(common).filter(|s| common(s) > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use clipmill_domain::MediaTime;

    use super::*;

    fn t(s: f64) -> MediaTime {
        MediaTime::from_seconds(s)
    }

    fn span(a: f64, b: f64) -> Span {
        Span::new(t(a), t(b)).unwrap()
    }

    fn sentence(seq: i64, a: f64, b: f64, may: bool) -> Sentence {
        Sentence { seq, span: span(a, b), may_lengthen: may }
    }

    #[test]
    fn a_clip_breathes_in_the_pauses_around_it() {
        let talk = [sentence(0, 0.0, 4.0, true), sentence(1, 5.0, 11.0, true), sentence(2, 11.1, 14.0, true)];
        let plan = plan_cut(&talk, 1, 1, span(0.0, 60.0), &CutRules::default()).unwrap();
        assert_eq!(plan.edl.spans, [span(4.75, 11.1)]);
    }

    #[test]
    fn a_short_point_takes_the_sentence_before_if_it_belongs() {
        let talk = |may| [sentence(0, 0.0, 4.0, may), sentence(1, 4.5, 6.0, true)];
        let rules = CutRules::default();
        assert_eq!(plan_cut(&talk(true), 1, 1, span(0.0, 9.0), &rules).unwrap().first_utterance, 0);
        assert_eq!(plan_cut(&talk(false), 1, 1, span(0.0, 9.0), &rules).unwrap().first_utterance, 1);
    }

    #[test]
    fn stretches_stop_at_gaps() {
        let recorded = [span(0.0, 4.0), span(4.0, 8.0), span(12.0, 16.0)];
        assert_eq!(stretch_of(&recorded, span(5.0, 6.0), 100_000), Some(span(0.0, 8.0)));
        assert_eq!(stretch_of(&recorded, span(7.0, 14.0), 100_000), Some(span(12.0, 16.0)));
        assert_eq!(stretch_of(&recorded, span(9.0, 11.0), 100_000), None);
    }

    proptest! {
        /// Whatever the talk, a planned cut holds its sentences whole and cuts inside none.
        #[test]
        fn no_cut_falls_inside_a_sentence(
            steps in prop::collection::vec((0i64..4_000_000, 200_000i64..20_000_000, any::<bool>()), 1..30),
            pick in any::<(prop::sample::Index, prop::sample::Index)>(),
        ) {
            let mut at = 0;
            let talk: Vec<Sentence> = (0i64..).zip(&steps).map(|(seq, (pause, len, may))| {
                let start = at + pause;
                at = start + len;
                Sentence { seq, span: Span::new(MediaTime::from_micros(start), MediaTime::from_micros(at)).unwrap(), may_lengthen: *may }
            }).collect();
            let (i, j) = (pick.0.index(talk.len()), pick.1.index(talk.len()));
            let (first, last) = (talk[i.min(j)].seq, talk[i.max(j)].seq);
            let rules = CutRules::default();
            let plan = plan_cut(&talk, first, last, Span::new(MediaTime::ZERO, MediaTime::from_micros(at)).unwrap(), &rules).unwrap();
            let cut = plan.edl.spans[0];
            for s in &talk {
                let inside = s.span.start() >= cut.start() && s.span.end() <= cut.end();
                prop_assert!(inside || !s.span.overlaps(cut), "{cut} cuts inside {}", s.span);
                prop_assert_eq!(inside, (plan.first_utterance..=plan.last_utterance).contains(&s.seq));
            }
            let one_sentence = plan.first_utterance == plan.last_utterance;
            prop_assert!(one_sentence || cut.micros() <= rules.length_us_max + rules.lead_in_us + rules.lead_out_us);
        }
    }
}
