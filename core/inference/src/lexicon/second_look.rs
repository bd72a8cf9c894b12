//! Terms in what a recogniser gave for a chunk, and a second look at the sound where they are unsure.

use super::Lexicon;
use crate::{asr::RecognizedSegment, guard::Guarded};

/// The most terms given to a recogniser as hints: a long list makes it hear them everywhere.
const HINTS_MAX: usize = 8;

/// Puts the terms in `first` right. Where that is unsure, `again` is asked to recognise the same sound with those terms
/// as hints. Its text is not taken over, for hints make recognisers stray: it only confirms terms.
pub(crate) fn mend<E>(
    lexicon: &Lexicon,
    first: &mut Guarded,
    again: Option<impl FnOnce(&[String]) -> Result<Guarded, E>>,
) -> Result<(), E> {
    let mut hints: Vec<String> = vec![];
    for segment in &first.kept {
        hints.extend(lexicon.repair(&segment.words).unsure.into_iter().map(|u| u.term));
    }
    hints.sort();
    hints.dedup();
    hints.truncate(HINTS_MAX);
    let mut confirmed = vec![];
    if let Some(again) = again
        && !hints.is_empty()
    {
        let second = again(&hints)?;
        let (before, after) = (first.letters(), second.letters());
        // A loop, a text that stops early or one that tells a story is no witness.
        if !second.ran_wild() && after * 5 >= before * 4 && after * 4 <= before * 5 + 20 {
            let said: Vec<String> = second.kept.iter().map(RecognizedSegment::text).collect();
            let there = said.iter().flat_map(|t| lexicon.terms_in(t));
            confirmed.extend(there.filter(|t| hints.iter().any(|h| h == t)).map(str::to_owned));
        }
    }
    let confirmed: Vec<&str> = confirmed.iter().map(String::as_str).collect();
    for segment in &mut first.kept {
        segment.words = lexicon.repair_knowing(&segment.words, &confirmed).words;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::tests::{entry, said};

    fn guarded(text: &str, p: f32) -> Guarded {
        let words = said(text, p);
        let end_s = words.last().map_or(0.0, |w| w.end_s);
        Guarded { kept: vec![RecognizedSegment { start_s: 0.0, end_s, words }], ..Guarded::default() }
    }

    fn looked(second: &str) -> (String, Vec<String>) {
        let lexicon = Lexicon::new(&[entry("细支", &[], &[])], &[]);
        let mut first = guarded("纱线是细致的很密", 0.95);
        let mut asked = vec![];
        let again = |terms: &[String]| {
            asked = terms.to_vec();
            Ok::<_, ()>(guarded(second, 0.9))
        };
        mend(&lexicon, &mut first, Some(again)).unwrap();
        (first.kept[0].text(), asked)
    }

    #[test]
    fn a_second_look_confirms_a_term_and_changes_nothing_else() {
        assert_eq!(looked("沙线是细支的很密"), ("纱线是细支的很密".to_owned(), vec!["细支".to_owned()]));
        assert_eq!(looked("纱线是细致的很密").0, "纱线是细致的很密");
        assert_eq!(looked("细支").0, "纱线是细致的很密", "a text that stops early is no witness");
    }

    #[test]
    fn without_a_second_look_the_unsure_stays() {
        let lexicon = Lexicon::new(&[entry("细支", &[], &[])], &[]);
        let mut first = guarded("纱线是细致的很密", 0.95);
        mend(&lexicon, &mut first, None::<fn(&[String]) -> Result<Guarded, ()>>).unwrap();
        assert_eq!(first.kept[0].text(), "纱线是细致的很密");
    }
}
