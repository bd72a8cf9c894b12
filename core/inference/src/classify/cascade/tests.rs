//! With a default and a second model of which everything is known.

use std::sync::Mutex;

use clipmill_domain::taxonomy::Label;
use proptest::prelude::*;

use super::*;
use crate::classify::answering::Said;

/// Answers `promo` with the probability that the text says, and leaves the rest to `gift` and a little to all.
struct Default;

impl Classifier for Default {
    fn classify(&self, talk: &[Talk<'_>]) -> Result<Vec<Answer>, ClassifyError> {
        let answer = |t: &Talk<'_>| {
            let p: f32 = t.text.trim().parse().unwrap_or(1.0);
            Answer { probs: default(p), quotes: vec!["default".into()], by: "default".into() }
        };
        Ok(talk.iter().map(answer).collect())
    }

    fn id(&self) -> String {
        "default".into()
    }
}

fn default(promo: f32) -> LabelProbs {
    let mut p = [0.001; LABELS];
    p[Label::Promo.index()] = promo;
    p[Label::Gift.index()] = 1.0 - promo;
    LabelProbs::from_weights(p)
}

/// Says what it is told to, and notes what it was asked.
struct Second {
    says: Result<Opinion, NoAnswer>,
    asked: Mutex<Vec<String>>,
    gives: usize,
}

impl Answerer for Second {
    fn ask(&self, talk: &[Talk<'_>], _: Live<'_>) -> Vec<Result<Opinion, NoAnswer>> {
        self.asked.lock().unwrap().extend(talk.iter().map(|t| t.text.to_owned()));
        talk.iter().map(|_| self.says.clone()).take(self.gives).collect()
    }

    fn id(&self) -> String {
        "second".into()
    }
}

fn opinion(label: Label, confidence: f32) -> Opinion {
    Opinion::of_words(Said { label, also: vec![], confidence, quotes: vec!["second".into()] })
}

fn cascade(below: f32, says: Result<Opinion, NoAnswer>) -> (Cascade, Arc<Second>) {
    let second = Arc::new(Second { says, asked: Mutex::default(), gives: usize::MAX });
    (Cascade::new(Arc::new(Default), Arc::clone(&second) as _, CascadeOptions { below }), second)
}

fn classify(cascade: &Cascade, texts: &[&str]) -> Vec<Answer> {
    cascade.classify(&texts.iter().map(|t| Talk::alone(t)).collect::<Vec<_>>()).unwrap()
}

#[test]
fn only_what_the_default_is_unsure_of_is_asked_about_and_answers_keep_their_places() {
    let (cascade, second) = cascade(0.6, Ok(opinion(Label::Gift, 1.0)));
    let got = classify(&cascade, &["0.9", "0.55", "  ", "0.61", "0.5"]);
    assert_eq!(*second.asked.lock().unwrap(), ["0.55", "0.5"]);
    let by: Vec<&str> = got.iter().map(|a| &*a.by).collect();
    assert_eq!(by, ["default", "default + second", "default", "default", "default + second"]);
    assert_eq!(got[1].probs.best().0, Label::Gift);
    assert_eq!(got[1].quotes, ["second", "default"]);
    assert_eq!(got[0].probs.best().0, Label::Promo);
    assert_eq!(cascade.id(), "default below 0.6 > second");
}

#[test]
fn the_limits_ask_about_nothing_and_about_everything_said() {
    for (below, asked) in [(0.0, 0), (1.0, 2)] {
        let (cascade, second) = cascade(below, Ok(opinion(Label::Chat, 0.5)));
        classify(&cascade, &["1.0", "0.2", " "]);
        assert_eq!(second.asked.lock().unwrap().len(), asked, "{below}");
    }
}

#[test]
fn without_an_answer_the_default_stands_and_says_so() {
    for why in [NoAnswer::Down, NoAnswer::OverBudget, NoAnswer::Unreadable] {
        let (cascade, _) = cascade(0.6, Err(why));
        let got = classify(&cascade, &["0.5"]);
        assert_eq!(got[0].probs, default(0.5));
        assert_eq!(&*got[0].by, format!("default, no answer of second ({why})"));
    }
    let second = Arc::new(Second { says: Ok(opinion(Label::Gift, 1.0)), asked: Mutex::default(), gives: 1 });
    let short = Cascade::new(Arc::new(Default), second, CascadeOptions { below: 1.0 });
    let got = classify(&short, &["0.5", "0.5"]);
    assert!(got[0].by.contains('+') && got[1].by.contains("unreadable"));
}

#[test]
fn agreement_makes_sure_and_disagreement_unsure() {
    let join = |says: Opinion| {
        let (cascade, _) = cascade(1.0, Ok(says));
        classify(&cascade, &["0.55"]).remove(0).probs
    };
    let alone = default(0.55);
    assert!(join(opinion(Label::Promo, 0.7)).of(Label::Promo) > alone.of(Label::Promo) + 0.2);
    // A label that the default thinks impossible: a sure opinion just wins, a middling one does not.
    let (label, p) = join(opinion(Label::Fabric, 1.0)).best();
    assert!(label == Label::Fabric && p < 0.6, "{label} {p}");
    assert_eq!(join(opinion(Label::Fabric, 0.4)).best().0, Label::Promo);
}

proptest! {
    #[test]
    fn what_is_joined_is_a_distribution_and_a_surer_opinion_counts_for_more(
        promo in 0.0f32..1.0, label in 0..LABELS, low in 0.0f32..1.0, more in 0.0f32..1.0,
    ) {
        let label = Label::ALL[label];
        let first = Answer { probs: default(promo), quotes: vec![], by: "default".into() };
        let high = low + (1.0 - low) * more;
        let [weak, strong] = [low, high].map(|c| joined(&first, opinion(label, c), "second").probs);
        for p in [&weak, &strong] {
            prop_assert!((p.as_array().iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
        prop_assert!(strong.of(label) >= weak.of(label) - 1e-5);
        let nothing = joined(&first, opinion(label, 0.0), "second").probs;
        prop_assert_eq!(nothing.best().0, first.probs.best().0);
    }
}
