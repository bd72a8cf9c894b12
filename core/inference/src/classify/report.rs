//! How good answers are, against labelled talk.

use std::fmt;

use clipmill_domain::taxonomy::Label;
use serde::Serialize;

use super::{Example, LABELS, LabelProbs};

/// An answer beside the truth.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The truth.
    pub example: &'a Example,
    /// The answer.
    pub probs: LabelProbs,
}

/// Figures of one label, each 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelFigures {
    /// The label.
    pub label: Label,
    /// Items that have it as their first label.
    pub items: usize,
    /// Of those called so, the share that are.
    pub precision: f64,
    /// Of those that are, the share called so.
    pub recall: f64,
    /// Harmonic mean of the two; 0 where neither can be had.
    pub f1: f64,
}

/// Figures of a set; shares are 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Items judged.
    pub items: usize,
    /// Share whose best answer is the first label.
    pub accuracy: f64,
    /// Share whose best answer is the first label or one listed as acceptable.
    pub accuracy_also: f64,
    /// Mean F1 over the labels that occur.
    pub macro_f1: f64,
    /// F1 of small talk; `None` where the set holds none.
    pub chat_f1: Option<f64>,
    /// Share of small talk with product words that is called small talk; `None` where the set holds none.
    pub hard_negatives_kept: Option<f64>,
    /// Share whose first label is among the two best answers.
    pub top2: f64,
    /// Expected calibration error: mean distance between confidence and accuracy over ten bins.
    pub ece: f64,
    /// The labels that occur, in taxonomy order.
    pub per_label: Vec<LabelFigures>,
    /// Items by truth (row) and answer (column), in taxonomy order.
    pub confusion: Vec<Vec<usize>>,
}

impl Report {
    /// From answers beside their truth.
    pub fn of(judged: &[Judged<'_>]) -> Self {
        let mut confusion = vec![vec![0; LABELS]; LABELS];
        for j in judged {
            confusion[j.example.label.index()][j.probs.best().0.index()] += 1;
        }
        let per_label: Vec<LabelFigures> = Label::ALL
            .into_iter()
            .filter(|l| confusion[l.index()].iter().sum::<usize>() > 0)
            .map(|label| figures(label, &confusion))
            .collect();
        let of = |test: &dyn Fn(&Judged<'_>) -> bool| {
            share(judged.iter().filter(|j| test(j)).count(), judged.len())
        };
        let hard: Vec<&Judged<'_>> = judged.iter().filter(|j| j.example.note.contains("hard")).collect();
        let kept = hard.iter().filter(|j| j.probs.best().0 == Label::Chat).count();
        Self {
            items: judged.len(),
            accuracy: of(&|j| j.probs.best().0 == j.example.label),
            accuracy_also: of(&|j| {
                let best = j.probs.best().0;
                best == j.example.label || j.example.also.contains(&best)
            }),
            macro_f1: per_label.iter().map(|f| f.f1).sum::<f64>() / per_label.len().max(1) as f64,
            chat_f1: per_label.iter().find(|f| f.label == Label::Chat).map(|f| f.f1),
            hard_negatives_kept: (!hard.is_empty()).then(|| share(kept, hard.len())),
            top2: of(&|j| j.probs.top(2).iter().any(|(l, _)| *l == j.example.label)),
            ece: calibration_error(judged),
            per_label,
            confusion,
        }
    }
}

fn figures(label: Label, confusion: &[Vec<usize>]) -> LabelFigures {
    let i = label.index();
    let hit = confusion[i][i];
    let (items, called) = (confusion[i].iter().sum(), confusion.iter().map(|row| row[i]).sum());
    LabelFigures {
        label,
        items,
        precision: share(hit, called),
        recall: share(hit, items),
        f1: share(2 * hit, items + called),
    }
}

fn calibration_error(judged: &[Judged<'_>]) -> f64 {
    let mut bins = [(0usize, 0.0f64, 0usize); 10];
    for j in judged {
        let (label, p) = j.probs.best();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9")]
        let bin = &mut bins[((p * 10.0) as usize).min(9)];
        *bin = (bin.0 + 1, bin.1 + f64::from(p), bin.2 + usize::from(label == j.example.label));
    }
    bins.iter().map(|(_, p, hits)| (p - *hits as f64).abs()).sum::<f64>() / judged.len().max(1) as f64
}

/// `part / whole`, 0 for nothing.
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} items · accuracy {:.3} (also {:.3}) · macro-F1 {:.3} · top-2 {:.3} · calibration error {:.3}",
            self.items, self.accuracy, self.accuracy_also, self.macro_f1, self.top2, self.ece
        )?;
        let shown = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.3}"));
        writeln!(
            f,
            "chat F1 {} · hard negatives kept {}",
            shown(self.chat_f1),
            shown(self.hard_negatives_kept)
        )?;
        writeln!(f, "{:13} {:>5} {:>9} {:>7} {:>6}", "label", "items", "precision", "recall", "F1")?;
        for l in &self.per_label {
            writeln!(
                f,
                "{:13} {:5} {:9.3} {:7.3} {:6.3}",
                l.label.key(),
                l.items,
                l.precision,
                l.recall,
                l.f1
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(label: Label, also: &[Label], note: &str) -> Example {
        let (id, lang, text) = (String::new(), "zh".to_owned(), "x".to_owned());
        Example { id, lang, text, label, also: also.to_vec(), style: String::new(), note: note.to_owned() }
    }

    /// Counted by hand: fabric right, fabric called skin feel (acceptable), one hard negative kept, one sold.
    #[test]
    fn figures_match_a_count_by_hand() {
        let examples = [
            example(Label::Fabric, &[], ""),
            example(Label::Fabric, &[Label::SkinFeel], ""),
            example(Label::Chat, &[], "hard negative"),
            example(Label::Chat, &[], "hard negative"),
        ];
        let answers = [Label::Fabric, Label::SkinFeel, Label::Chat, Label::Fabric];
        let judged: Vec<_> = examples
            .iter()
            .zip(answers)
            .map(|(example, a)| Judged { example, probs: LabelProbs::certain(a) })
            .collect();
        let r = Report::of(&judged);
        assert_eq!((r.items, r.accuracy, r.accuracy_also, r.ece), (4, 0.5, 0.75, 0.5));
        assert_eq!((r.hard_negatives_kept, r.chat_f1), (Some(0.5), Some(2.0 / 3.0)));
        let fabric = &r.per_label[0];
        assert_eq!((fabric.precision, fabric.recall, fabric.f1), (0.5, 0.5, 0.5));
        assert_eq!(r.per_label.len(), 2);
        assert_eq!(r.confusion[Label::Chat.index()][Label::Fabric.index()], 1);
        assert!(r.to_string().contains("accuracy 0.500 (also 0.750)"));
        assert_eq!(Report::of(&[]).items, 0);
    }
}
