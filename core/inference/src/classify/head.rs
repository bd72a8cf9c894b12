//! The small trained part: a feature vector to label probabilities, and its file.

use std::collections::HashMap;

use camino::Utf8Path;
use clipmill_domain::taxonomy::Label;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ClassifyError, LABELS, LabelProbs, Part, Tier};
use crate::llm::dot;

/// What the head file begins to be understood by; raised when its meaning changes.
const FORMAT: &str = "clipmill-head/2";

/// The heads that ship with the program, for the default models.
const FULL: &[u8] = include_bytes!("../../heads/full.safetensors");
const SHORT: &[u8] = include_bytes!("../../heads/short.safetensors");

/// What a head is and how it came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadFacts {
    /// Layout of the file.
    pub format: String,
    /// Label keys in the order of the scores.
    pub labels: Vec<String>,
    /// The feature it reads, as [`super::Encoder::feature_id`] names it.
    pub feature: String,
    /// How many numbers each part of it has; each part is brought to length 1 by itself.
    pub widths: Vec<usize>,
    /// SHA-256 over labels and texts of the examples.
    pub data_sha256: String,
    /// Examples it was fitted on.
    pub examples: usize,
    /// Texts it was fitted on: the examples in all their forms.
    pub texts: usize,
    /// Accuracy in cross-validation, 0 to 1.
    pub cv_accuracy: f64,
    /// Mean F1 over the labels in cross-validation, 0 to 1.
    pub cv_macro_f1: f64,
    /// Accuracy on hosts that it had not heard, 0 to 1; `None` where the examples are too few hosts' talk.
    pub unseen_accuracy: Option<f64>,
    /// What the scores were divided by so that probabilities mean what they say; already in the weights.
    pub temperature: f32,
}

/// Each part standardised and brought to length 1, one linear layer, softmax.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub(super) facts: HeadFacts,
    /// Of each feature over the training texts.
    pub(super) mean: Vec<f32>,
    /// Of each feature over the training texts; above zero.
    pub(super) deviation: Vec<f32>,
    /// [`LABELS`] rows as wide as the feature.
    pub(super) weight: Vec<f32>,
    /// One for each label.
    pub(super) bias: Vec<f32>,
}

impl Head {
    /// The head that ships with the program for `tier`.
    pub fn built_in(tier: Tier) -> Result<Self, ClassifyError> {
        let bytes = match tier {
            Tier::Full => FULL,
            Tier::Short => SHORT,
        };
        Self::from_bytes(bytes, "the built-in head")
    }

    /// Reads a head file.
    pub fn load(path: &Utf8Path) -> Result<Self, ClassifyError> {
        let bytes =
            std::fs::read(path).map_err(|source| ClassifyError::Read { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes, path.as_str())
    }

    /// From the bytes of a head file; `origin` names them in errors.
    pub fn from_bytes(bytes: &[u8], origin: &str) -> Result<Self, ClassifyError> {
        let bad = |reason: String| ClassifyError::BadHead { origin: origin.to_owned(), reason };
        let (_, meta) = SafeTensors::read_metadata(bytes).map_err(|e| bad(e.to_string()))?;
        let facts = meta.metadata().as_ref().and_then(|m| m.get("head"));
        let facts = facts.ok_or_else(|| bad("it does not say what it is".to_owned()))?;
        let facts: HeadFacts = serde_json::from_str(facts).map_err(|e| bad(e.to_string()))?;
        if facts.format != FORMAT {
            return Err(bad(format!("its format is {:?} where {FORMAT:?} is read", facts.format)));
        }
        if facts.labels != label_keys() {
            return Err(bad(format!(
                "its labels are {:?} and the taxonomy has {:?}",
                facts.labels,
                label_keys()
            )));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| bad(e.to_string()))?;
        let numbers = |name: &str| {
            let tensor = tensors.tensor(name).map_err(|e| bad(e.to_string()))?;
            if tensor.dtype() != Dtype::F32 {
                return Err(bad(format!("{name} holds {:?}", tensor.dtype())));
            }
            let numbers = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            let numbers: Vec<f32> = numbers.collect();
            if numbers.iter().all(|n| n.is_finite()) {
                Ok(numbers)
            } else {
                Err(bad(format!("{name} is not finite")))
            }
        };
        let head = Self {
            mean: numbers("mean")?,
            deviation: numbers("deviation")?,
            weight: numbers("weight")?,
            bias: numbers("bias")?,
            facts,
        };
        let width = head.width();
        if width == 0
            || head.deviation.len() != width
            || head.weight.len() != LABELS * width
            || head.bias.len() != LABELS
            || head.facts.widths.iter().sum::<usize>() != width
            || head.facts.widths.contains(&0)
            || head.deviation.iter().any(|d| *d <= 0.0)
        {
            return Err(bad("its tables do not fit together".to_owned()));
        }
        Ok(head)
    }

    /// The bytes of its file (safetensors); the same head always gives the same bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ClassifyError> {
        let bad = |reason: String| ClassifyError::BadHead { origin: "the new head".to_owned(), reason };
        let raw = |x: &[f32]| x.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        let width = self.width();
        let parts = [
            ("mean", vec![width], raw(&self.mean)),
            ("deviation", vec![width], raw(&self.deviation)),
            ("weight", vec![LABELS, width], raw(&self.weight)),
            ("bias", vec![LABELS], raw(&self.bias)),
        ];
        let views: Vec<_> = parts
            .iter()
            .map(|(name, shape, data)| Ok((*name, TensorView::new(Dtype::F32, shape.clone(), data)?)))
            .collect::<Result<_, safetensors::SafeTensorError>>()
            .map_err(|e| bad(e.to_string()))?;
        let facts = serde_json::to_string(&self.facts).map_err(|e| bad(e.to_string()))?;
        let metadata = HashMap::from([("head".to_owned(), facts)]);
        safetensors::serialize(views, Some(metadata)).map_err(|e| bad(e.to_string()))
    }

    /// Writes its file: under another name first, so that a file of this name is always whole.
    pub fn save(&self, path: &Utf8Path) -> Result<(), ClassifyError> {
        let bytes = self.to_bytes()?;
        let write = || {
            let dir = path.parent().filter(|d| !d.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
            let mut temp = tempfile::NamedTempFile::new_in(dir)?;
            std::io::Write::write_all(&mut temp, &bytes)?;
            temp.as_file().sync_all()?;
            temp.persist(path).map_err(|e| e.error)
        };
        write().map(drop).map_err(|source| ClassifyError::Write { path: path.to_owned(), source })
    }

    /// What it is and how it came about.
    pub fn facts(&self) -> &HeadFacts {
        &self.facts
    }

    /// Numbers in the feature vector that it reads.
    pub fn width(&self) -> usize {
        self.mean.len()
    }

    /// The first eight hex digits of the SHA-256 of its file.
    pub fn short_hash(&self) -> Result<String, ClassifyError> {
        Ok(hex::encode(&Sha256::digest(self.to_bytes()?)[..4]))
    }

    /// The label probabilities for a feature vector of [`Head::width`] numbers.
    pub fn apply(&self, feature: &[f32]) -> LabelProbs {
        LabelProbs::from_scores(self.scores(feature))
    }

    pub(super) fn scores(&self, feature: &[f32]) -> [f32; LABELS] {
        let z = standardise(feature, &self.mean, &self.deviation, &self.facts.widths);
        let mut scores = [0.0; LABELS];
        for ((s, row), bias) in scores.iter_mut().zip(self.weight.chunks_exact(self.width())).zip(&self.bias)
        {
            *s = dot(row, &z) + bias;
        }
        scores
    }

    pub(super) fn new_facts(parts: &[Part]) -> HeadFacts {
        HeadFacts {
            format: FORMAT.to_owned(),
            labels: label_keys(),
            feature: parts.iter().map(|p| p.id.as_str()).collect::<Vec<_>>().join("+"),
            widths: parts.iter().map(|p| p.width).collect(),
            data_sha256: String::new(),
            unseen_accuracy: None,
            examples: 0,
            texts: 0,
            cv_accuracy: 0.0,
            cv_macro_f1: 0.0,
            temperature: 1.0,
        }
    }
}

/// Each number in deviations from its mean, each part then of length 1.
pub(super) fn standardise(feature: &[f32], mean: &[f32], deviation: &[f32], widths: &[usize]) -> Vec<f32> {
    let mut z: Vec<f32> = feature.iter().zip(mean).zip(deviation).map(|((x, m), d)| (x - m) / d).collect();
    let mut rest = &mut z[..];
    for width in widths {
        let (part, after) = rest.split_at_mut((*width).min(rest.len()));
        let length = dot(part, part).sqrt().max(f32::MIN_POSITIVE);
        part.iter_mut().for_each(|x| *x /= length);
        rest = after;
    }
    z
}

fn label_keys() -> Vec<String> {
    Label::ALL.iter().map(|l| l.key().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(id: &str, width: usize) -> Part {
        Part { id: id.to_owned(), width, unit: false }
    }

    fn head() -> Head {
        let number = |i: usize| f32::from(u8::try_from(i * 37 % 101).unwrap()) / 50.0 - 1.0;
        Head {
            facts: Head::new_facts(&[part("a@0", 3), part("b@0/l2-mean", 1)]),
            mean: (0..4).map(number).collect(),
            deviation: vec![0.5, 1.0, 2.0, 4.0],
            weight: (0..LABELS * 4).map(number).collect(),
            bias: (0..LABELS).map(number).collect(),
        }
    }

    fn refused(change: impl FnOnce(&mut Head)) -> String {
        let mut head = head();
        change(&mut head);
        Head::from_bytes(&head.to_bytes().unwrap(), "x.safetensors").unwrap_err().to_string()
    }

    #[test]
    fn a_file_gives_the_same_head_back_and_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::from_path_buf(dir.path().join("head.safetensors")).unwrap();
        head().save(&path).unwrap();
        let read = Head::load(&path).unwrap();
        assert_eq!(read, head());
        assert_eq!(std::fs::read(&path).unwrap(), read.to_bytes().unwrap());
        assert_eq!(read.short_hash().unwrap(), head().short_hash().unwrap());
    }

    #[test]
    fn a_head_of_another_taxonomy_or_shape_is_refused() {
        assert!(refused(|h| h.facts.labels.swap(0, 1)).contains("its labels are"));
        assert!(refused(|h| drop(h.facts.labels.pop())).contains("its labels are"));
        assert!(refused(|h| h.facts.format = "clipmill-head/9".to_owned()).contains("format"));
        assert!(refused(|h| h.weight[3] = f32::NAN).contains("not finite"));
        assert!(refused(|h| h.deviation[0] = 0.0).contains("do not fit together"));
        assert!(refused(|h| h.facts.widths = vec![2, 1]).contains("do not fit together"));
        assert!(refused(|h| h.facts.widths = vec![4, 0]).contains("do not fit together"));
        let bytes = head().to_bytes().unwrap();
        for cut in [0, 7, 60, bytes.len() - 3] {
            assert!(matches!(Head::from_bytes(&bytes[..cut], "x"), Err(ClassifyError::BadHead { .. })));
        }
    }

    #[test]
    fn each_part_has_length_one_by_itself() {
        let z = standardise(&[3.0, 4.0, 0.1], &[0.0; 3], &[1.0; 3], &[2, 1]);
        assert_eq!(z, [0.6, 0.8, 1.0]);
    }

    proptest! {
        #[test]
        fn any_feature_gives_probabilities_that_sum_to_one(x in prop::array::uniform4(-1e6f32..1e6)) {
            let p = head().apply(&x);
            prop_assert!((p.as_array().iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }
}
