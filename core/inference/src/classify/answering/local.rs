//! A language model of this machine, asked which label it would go on with.
//!
//! Nothing is generated that would have to be read: at each step only the tokens that lead to some label are scored, so the
//! model chooses among the labels and can say nothing else. That is greedy decoding held to the list, with the
//! probabilities kept. What the model leans to whatever it reads is divided out (batch calibration, Zhou et al. 2023:
//! the mean over texts whose labels are evenly spread).

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use clipmill_domain::taxonomy::Label;

use super::{Answerer, CALIBRATION, NoAnswer, Opinion, prompt};
use crate::{
    classify::{LABELS, LabelProbs, Live, Talk},
    llm::{Decoder, LlmError, Memory, softmax},
};

/// Clauses of a text that are weighed against each other as evidence.
const CLAUSES_MAX: usize = 4;

/// The shortest clause, in characters, that can be evidence by itself.
const CLAUSE_CHARS_MIN: usize = 3;

/// What stands between a label and what follows it.
const END: &str = "\n\n";

/// A local model that answers. One question at a time: callers wait for each other.
pub struct LocalAnswerer {
    decoder: Decoder,
    /// The tokens of each label's name with what ends it, in the order of the taxonomy.
    names: Vec<Vec<u32>>,
    /// What was read; its first `beginning` tokens are the fixed ones.
    memory: Mutex<Memory>,
    beginning: usize,
    /// Mean probability of each label over [`CALIBRATION`].
    leaning: [f32; LABELS],
    deadline: Duration,
}

impl std::fmt::Debug for LocalAnswerer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalAnswerer").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl LocalAnswerer {
    /// Reads the fixed beginning once and finds out what the model leans to: some two thousand tokens, then eighteen
    /// questions. What has no answer within `deadline` of its call gets none.
    pub fn new(decoder: Decoder, deadline: Duration) -> Result<Self, LlmError> {
        Self::beginning_with(&prompt::LOCAL_BEGINNING, decoder, deadline)
    }

    fn beginning_with(beginning: &str, decoder: Decoder, deadline: Duration) -> Result<Self, LlmError> {
        let end = decoder.tokens(END)?;
        let name = |l: Label| Ok([decoder.tokens(&format!(" {l}"))?, end.clone()].concat());
        let names = Label::ALL.into_iter().map(name).collect::<Result<Vec<_>, LlmError>>()?;
        let mut memory = Memory::default();
        let ids: Vec<u32> = decoder.begin().into_iter().chain(decoder.tokens(beginning)?).collect();
        decoder.read(&ids, &mut memory)?;
        let mut this = Self {
            beginning: memory.tokens(),
            memory: Mutex::new(memory),
            leaning: [1.0; LABELS],
            decoder,
            names,
            deadline,
        };
        let mut sum = [0.0; LABELS];
        for text in CALIBRATION {
            let probs = this.probs(&Talk::alone(text))?;
            sum.iter_mut().zip(probs.as_array()).for_each(|(s, p)| *s += p);
        }
        // Nothing is leant to so little that dividing by it would make it certain.
        this.leaning = sum.map(|s| (s / CALIBRATION.len() as f32).max(1e-4));
        Ok(this)
    }

    /// How likely the model goes on with each label, its leaning divided out.
    fn probs(&self, talk: &Talk<'_>) -> Result<LabelProbs, LlmError> {
        let question = self.decoder.tokens(&prompt::local_question(talk))?;
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut p = self.choose(&question, &mut memory);
        memory.back_to(self.beginning);
        if let Ok(p) = &mut p {
            p.iter_mut().zip(&self.leaning).for_each(|(p, leaning)| *p /= leaning);
        }
        Ok(LabelProbs::from_weights(p?))
    }

    fn choose(&self, question: &[u32], memory: &mut Memory) -> Result<[f32; LABELS], LlmError> {
        let state = self.decoder.read(question, memory)?;
        let mut out = [0.0; LABELS];
        let all: Vec<usize> = (0..LABELS).collect();
        self.branch(&all, 0, 1.0, &state, memory, &mut out)?;
        Ok(out)
    }

    /// Shares `p` out among `labels`, whose names are the same up to the token `depth`. `state` is the model's after those.
    fn branch(
        &self,
        labels: &[usize],
        depth: usize,
        p: f32,
        state: &[f32],
        memory: &mut Memory,
        out: &mut [f32; LABELS],
    ) -> Result<(), LlmError> {
        let mut next: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for label in labels {
            // Two labels of one name, token by token, would share what is left of it.
            match self.names[*label].get(depth) {
                Some(token) => next.entry(*token).or_default().push(*label),
                None => out[*label] = p / labels.len() as f32,
            }
        }
        let tokens: Vec<u32> = next.keys().copied().collect();
        let mut shares = self.decoder.scores(state, &tokens)?;
        softmax(&mut shares);
        let here = memory.tokens();
        for ((token, labels), share) in next.iter().zip(shares) {
            if let [label] = labels[..] {
                out[label] = p * share;
                continue;
            }
            let state = self.decoder.read(&[*token], memory)?;
            self.branch(labels, depth + 1, p * share, &state, memory, out)?;
            memory.back_to(here);
        }
        Ok(())
    }

    /// The opinion on one stretch of talk. Its evidence is the clause that by itself speaks most for the label.
    fn opinion(&self, talk: &Talk<'_>, ends: Instant) -> Result<Opinion, NoAnswer> {
        let ask = |talk: &Talk<'_>| {
            if Instant::now() >= ends {
                return Err(NoAnswer::Late);
            }
            self.probs(talk).map_err(|error| {
                tracing::warn!(%error, "the local language model failed on a question");
                NoAnswer::Failed
            })
        };
        let probs = ask(talk)?;
        let label = probs.best().0;
        let mut best: Option<(&str, f32)> = None;
        if label.sells() {
            for clause in clauses(prompt::asked(talk)) {
                let p = ask(&Talk { text: clause, ..*talk })?.of(label);
                if best.is_none_or(|(_, q)| p > q) {
                    best = Some((clause, p));
                }
            }
        }
        let quote = best.map(|(clause, _)| clause.to_owned());
        Ok(Opinion::of_probs(&probs, quote.into_iter().collect()))
    }
}

impl Answerer for LocalAnswerer {
    fn ask(&self, talk: &[Talk<'_>], _: Live<'_>) -> Vec<Result<Opinion, NoAnswer>> {
        let ends = Instant::now() + self.deadline;
        talk.iter().map(|talk| self.opinion(talk, ends)).collect()
    }

    fn id(&self) -> String {
        format!("{}/{}", self.decoder.id(), prompt::VERSION)
    }
}

/// The clauses of a text that can be evidence, the longest few in order; the text itself where it is one clause.
fn clauses(text: &str) -> Vec<&str> {
    let marks = [',', '，', '。', '.', '!', '！', '?', '？', ';', '；', '、', '\n'];
    let parts = text.split(marks).map(str::trim);
    let mut found: Vec<(usize, &str)> =
        parts.filter(|c| c.chars().count() >= CLAUSE_CHARS_MIN).enumerate().collect();
    if found.is_empty() {
        return vec![text.trim()];
    }
    found.sort_by_key(|(_, c)| std::cmp::Reverse(c.chars().count()));
    found.truncate(CLAUSES_MAX);
    found.sort_by_key(|(i, _)| *i);
    found.into_iter().map(|(_, c)| c).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::tiny_decoder;

    fn answerer(seed: u64) -> LocalAnswerer {
        LocalAnswerer::beginning_with("Labels follow.\n\n", tiny_decoder(seed), Duration::from_secs(600))
            .unwrap()
    }

    fn ask(a: &LocalAnswerer, texts: &[&str]) -> Vec<Result<Opinion, NoAnswer>> {
        a.ask(&texts.iter().map(|t| Talk::alone(t)).collect::<Vec<_>>(), Live::UNKNOWN)
    }

    #[test]
    fn the_same_question_has_the_same_answer_whatever_was_asked_before() {
        let a = answerer(3);
        let first = ask(&a, &["soft cotton"]);
        ask(&a, &["只要九元，还送一条", ""]);
        assert_eq!(ask(&a, &["soft cotton"]), first);
        assert_eq!(a.memory.lock().unwrap().tokens(), a.beginning);
        assert_eq!(ask(&answerer(3), &["soft cotton"]), first);
        assert_ne!(ask(&answerer(4), &["soft cotton"]), first);
    }

    /// The shares of the branches are those of whole names, each step over the tokens that still lead to a label.
    #[test]
    fn a_labels_share_is_that_of_its_name_token_by_token() {
        let a = answerer(5);
        let question = a.decoder.tokens("Talk: \"x\"\nLabel:").unwrap();
        let got = a.choose(&question, &mut a.memory.lock().unwrap().clone()).unwrap();
        assert!((got.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        for (name, got) in a.names.iter().zip(got) {
            let mut p = 1.0f32;
            for depth in 0..name.len() {
                let mut memory = a.memory.lock().unwrap().clone();
                let state = a.decoder.read(&[&question, &name[..depth]].concat(), &mut memory).unwrap();
                let same = a.names.iter().filter(|n| n.get(..depth) == name.get(..depth));
                let mut next: Vec<u32> = same.filter_map(|n| n.get(depth).copied()).collect();
                next.sort_unstable();
                next.dedup();
                let mut shares = a.decoder.scores(&state, &next).unwrap();
                softmax(&mut shares);
                p *= shares[next.iter().position(|t| *t == name[depth]).unwrap()];
            }
            assert!((p - got).abs() < 1e-4, "{p} {got}");
        }
    }

    #[test]
    fn evidence_stands_in_the_text_and_a_passed_deadline_is_no_answer() {
        let mut a = answerer(6);
        let text = "这件是纯棉的，贴身穿很软，只要九十九";
        for opinion in ask(&a, &[text, "好", "so soft"]).into_iter().flatten() {
            assert!(opinion.quotes.iter().all(|q| [text, "好", "so soft"].iter().any(|t| t.contains(q))));
            assert_eq!(opinion.quotes.len(), usize::from(opinion.probs.best().0.sells()));
        }
        a.deadline = Duration::ZERO;
        assert_eq!(ask(&a, &["soft"]), [Err(NoAnswer::Late)]);
        assert_eq!(
            clauses("一二三四，好，一二，五六七。八九十a！b c d"),
            ["一二三四", "五六七", "八九十a", "b c d"]
        );
        assert_eq!(clauses(" 好 "), ["好"]);
    }

    #[test]
    fn a_leaning_is_divided_out() {
        let mut a = answerer(7);
        let before = a.probs(&Talk::alone("soft")).unwrap();
        a.leaning[Label::Chat.index()] *= 2.0;
        let after = a.probs(&Talk::alone("soft")).unwrap();
        let odds = |p: &LabelProbs| p.of(Label::Chat) / p.of(Label::Promo);
        assert!((odds(&after) - odds(&before) / 2.0).abs() < 1e-3 * odds(&before));
    }
}
