//! Damage for the tests of everything here that reads files: whole files are mangled in the ways that readers trip over.

use camino::Utf8Path;
use proptest::prelude::*;

use crate::classify::{Head, Tier, read_examples};

/// Numbers that lengths and counts are replaced by.
const EXTREMES: [u64; 8] =
    [0, 1, 0x7f, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff];

/// One way to damage a file; places are fractions of its length.
#[derive(Debug, Clone)]
enum Harm {
    /// It ends here.
    Cut(f64),
    /// A byte is another one.
    Byte(f64, u8),
    /// So many bytes are a number that no count should be.
    Extreme(f64, usize, u64),
    /// A stretch is left out.
    Gap(f64, usize),
    /// A stretch comes twice.
    Twice(f64, usize),
}

/// Copies of `whole` with one to three harms done to them. Most harms are done near the beginning, where the headers are.
pub(crate) fn damaged(whole: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let place = prop_oneof![0f64..1.0, (0f64..1.0).prop_map(|x| x * x * x)];
    let harm = (place, 0..5, any::<u8>(), 1usize..40, prop::sample::select(&EXTREMES[..])).prop_map(
        |(at, kind, byte, length, number)| match kind {
            0 => Harm::Cut(at),
            1 => Harm::Byte(at, byte),
            2 => Harm::Gap(at, length),
            3 => Harm::Twice(at, length),
            _ => Harm::Extreme(at, [1, 2, 4, 8][length % 4], number),
        },
    );
    prop::collection::vec(harm, 1..4).prop_map(move |harms| harms.iter().fold(whole.clone(), harmed))
}

fn harmed(mut bytes: Vec<u8>, harm: &Harm) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fraction of the length")]
    let place = |x: f64| (x * bytes.len() as f64) as usize;
    match *harm {
        Harm::Cut(at) => bytes.truncate(place(at)),
        Harm::Byte(at, byte) => {
            let at = place(at);
            if let Some(b) = bytes.get_mut(at) {
                *b = byte;
            }
        }
        Harm::Extreme(at, width, number) => {
            let from = place(at);
            let to = (from + width).min(bytes.len());
            bytes[from..to].copy_from_slice(&number.to_le_bytes()[..to - from]);
        }
        Harm::Gap(at, length) => {
            let from = place(at);
            let to = (from + length).min(bytes.len());
            bytes.drain(from..to);
        }
        Harm::Twice(at, length) => {
            let from = place(at);
            let again = bytes[from..(from + length).min(bytes.len())].to_vec();
            bytes.splice(from..from, again);
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_head_is_read_or_refused(head in damaged(Head::built_in(Tier::Full).unwrap().to_bytes().unwrap())) {
        match Head::from_bytes(&head, "a file") {
            Ok(head) => prop_assert!(head.width() > 0),
            Err(e) => prop_assert!(e.to_string().contains("a file"), "{e}"),
        }
    }

    #[test]
    fn damaged_labelled_talk_is_read_or_refused(lines in damaged(TALK.as_bytes().to_vec())) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines).unwrap();
        if let Ok(examples) = read_examples(Utf8Path::from_path(file.path()).unwrap()) {
            prop_assert!(examples.iter().all(|e| !e.text.trim().is_empty()));
        }
    }
}

/// A few lines of labelled talk.
const TALK: &str = "\
{\"id\":1,\"lang\":\"zh\",\"text\":\"这件开衫八十九块九\",\"label\":\"promo\",\"also\":[\"order\"],\"note\":\"hard\"}

{\"id\":\"b\",\"text\":\"It melts on the skin.\",\"label\":\"skin_feel\"}
";
