//! How English sounds: how alike two spellings are to an ear. Pure.

use rphonetic::DoubleMetaphone;

/// A spelling, prepared: small letters without space, and what it sounds like by double metaphone (Lawrence Philips).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spoken {
    pub letters: String,
    keys: [String; 2],
}

/// Longer keys than this are cut; no term is so long.
const KEY_MAX: usize = 24;

impl Spoken {
    pub fn new(letters: String) -> Self {
        let key = DoubleMetaphone::new(Some(KEY_MAX)).double_metaphone(&letters);
        Self { keys: [key.primary(), key.alternate()], letters }
    }

    /// 0 for nothing in common, 1 for the same letters: half by sound, half by spelling.
    pub fn alike(&self, other: &Self) -> f64 {
        let sound = self
            .keys
            .iter()
            .flat_map(|a| other.keys.iter().map(move |b| strsim::normalized_levenshtein(a, b)))
            .fold(0.0, f64::max);
        f64::midpoint(sound, strsim::normalized_damerau_levenshtein(&self.letters, &other.letters))
    }

    /// Whether one is the other with an English ending: what is a form of the same word is no mishearing.
    pub fn is_form_of(&self, other: &Self) -> bool {
        let (a, b) = (self.letters.as_str(), other.letters.as_str());
        let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
        // The stem may lose an e or double its last letter: rinse, rinsing; crop, cropped.
        (same.saturating_sub(1)..=same)
            .filter(|stem| *stem >= 3 && a.is_char_boundary(*stem) && b.is_char_boundary(*stem))
            .any(|stem| ENDINGS.contains(&&a[stem..]) && ENDINGS.contains(&&b[stem..]))
    }
}

const ENDINGS: [&str; 24] = [
    "", "s", "es", "d", "ed", "r", "er", "rs", "ers", "ing", "ings", "y", "ly", "ies", "ied", "e", "est",
    "al", "ped", "ping", "ned", "ning", "ted", "ting",
];

/// Whether `word` is so common that it is not given up for a term by its sound alone.
pub(super) fn is_common(word: &str) -> bool {
    COMMON.split_ascii_whitespace().any(|w| w == word)
}

/// Words that every speaker says all day.
const COMMON: &str = "a about after again all almost also always am an and another any anything are around as ask at away \
    back bad be because been before being best better between big bit black blue both box bring but buy by call came can \
    cap car case chance change check child clean clear close cold color colour come coming cost could cut day days deal did \
    different do does done dollar dollars door down drop each easy eat eight else end enough even ever every everyone \
    everything eye eyes face fact fall far fast feel feels feet few fifteen fifty find fine first fit five fold for forty \
    four free friend friends from front full fun gave get gets getting gift girl girls give go goes going gold gone good got \
    great green grab guys had half hand hands hang happy hard has have he head hear heard heat help her here hey hi high him \
    his hit hold home hot hour hours house how hundred i if in inside into is it its just keep keeps kids kind know large \
    last late later leave left less let lets life light like line link lips little live long look looking looks lot love low \
    made make makes man many matter may maybe me mean might mind mine minute minutes more morning most mother move much must \
    my name near need needs never new next nice night nine no not nothing now number of off oh okay old on once one only open \
    or order other our out over own pack paper part party past pay pick piece place play please point pop power pretty price \
    pull put quick quite rather read ready real really red right rinse room run runs safe said same save saw say says see seen \
    sell send set seven she ship shoes short should show shown side sides since single six size sizes skin sleep small so soft \
    some someone something soon spray stand start stay step still stop sun sure sweet swipe take takes talk tell ten than thank \
    thanks that the their them then there these they thin thing things think third thirty this those three through time times \
    tiny tip to today together told tomorrow too took top touch try turn twelve twenty two under until up upon us use used uses \
    using very wait walk want wants warm was wash watch water way we wear week weeks well went were what when where which while \
    white who why wide will winter wish with within without woman women word work works would wow year years yellow yes yet you \
    your yours";

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> f64 {
        Spoken::new(a.to_owned()).alike(&Spoken::new(b.to_owned()))
    }

    #[test]
    fn what_sounds_alike_scores_high() {
        assert!(alike("eonglow", "aeonglow") > 0.85, "{}", alike("eonglow", "aeonglow"));
        assert!(alike("seeramide", "ceramide") > 0.85, "{}", alike("seeramide", "ceramide"));
        assert!(alike("selvage", "selvedge") > 0.8);
        assert!(alike("hahobaoil", "jojobaoil") > 0.6);
        assert!(alike("morning", "denim") < 0.5);
        assert!(alike("jacket", "packet") < 0.86, "{}", alike("jacket", "packet"));
    }

    #[test]
    fn endings_make_forms_not_mishearings() {
        let form = |a: &str, b: &str| Spoken::new(a.to_owned()).is_form_of(&Spoken::new(b.to_owned()));
        assert!(form("jackets", "jacket") && form("stretchy", "stretch") && form("cropping", "cropped"));
        assert!(form("brushed", "brush") && form("rinsing", "rinse"));
        assert!(!form("selvage", "selvedge") && !form("lanoline", "landline"));
    }
}
