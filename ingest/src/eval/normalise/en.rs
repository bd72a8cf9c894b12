//! English: words, with numbers as digits.
//!
//! `n't`, `'re`, `'s` after a pronoun and the like are written out, other `'s` join their word; `gonna`, `okay` and a few
//! more have one form. Of two numbers side by side the second is the places (`sixty nine fifty` = `69.5`), after a
//! single digit the tens (`one fifty` = `150`). Names of units are singular, their signs are written out, `dollars` after a
//! number goes away like the sign, and its `cents` are places. Letters spelled out are one word, and parted from digits
//! after them: `H S 412` = `HS412`.

use super::{Letter, Token, en_number, number::without_zeros};

/// One form for words that are written in several.
const SAME: [(&str, &str); 46] = [
    ("can't", "can not"),
    ("cannot", "can not"),
    ("won't", "will not"),
    ("let's", "let us"),
    ("gonna", "going to"),
    ("wanna", "want to"),
    ("gotta", "got to"),
    ("okay", "ok"),
    ("alright", "all right"),
    ("mr", "mister"),
    ("vs", "versus"),
    ("colour", "color"),
    ("colours", "colors"),
    ("coloured", "colored"),
    ("colourfast", "colorfast"),
    ("flavour", "flavor"),
    ("flavours", "flavors"),
    ("favourite", "favorite"),
    ("favourites", "favorites"),
    ("odour", "odor"),
    ("odourless", "odorless"),
    ("grey", "gray"),
    ("centre", "center"),
    ("fibre", "fiber"),
    ("fibres", "fibers"),
    ("cosy", "cozy"),
    ("jewellery", "jewelry"),
    ("moisturise", "moisturize"),
    ("moisturiser", "moisturizer"),
    ("moisturising", "moisturizing"),
    ("aluminium", "aluminum"),
    ("tyre", "tire"),
    ("travelling", "traveling"),
    ("litre", "liter"),
    ("litres", "liter"),
    ("metre", "meter"),
    ("metres", "meter"),
    ("millilitre", "milliliter"),
    ("millilitres", "milliliter"),
    ("centimetre", "centimeter"),
    ("centimetres", "centimeter"),
    ("millimetre", "millimeter"),
    ("millimetres", "millimeter"),
    ("gramme", "gram"),
    ("grammes", "gram"),
    ("mah", "milliamp hour"),
];
/// Units whose plural is the same, with the signs that stand for them after a number.
const UNITS: [(&str, &[&str]); 24] = [
    ("hour", &["h", "hr", "hrs"]),
    ("minute", &["min", "mins"]),
    ("second", &["sec", "secs", "s"]),
    ("day", &[]),
    ("week", &[]),
    ("month", &[]),
    ("year", &[]),
    ("watt", &["w"]),
    ("volt", &["v"]),
    ("amp", &[]),
    ("gram", &["g"]),
    ("kilogram", &["kg", "kgs"]),
    ("milligram", &["mg"]),
    ("ounce", &["oz"]),
    ("pound", &["lb", "lbs"]),
    ("milliliter", &["ml"]),
    ("liter", &["l"]),
    ("millimeter", &["mm"]),
    ("centimeter", &["cm"]),
    ("meter", &["m"]),
    ("foot", &["ft", "feet"]),
    ("inch", &["inches"]),
    ("percent", &[]),
    ("cent", &[]),
];
const PRONOUNS: [&str; 15] = [
    "it",
    "that",
    "this",
    "he",
    "she",
    "there",
    "here",
    "what",
    "who",
    "where",
    "how",
    "when",
    "everyone",
    "everything",
    "one",
];
const ORDINALS: [(&str, &str); 10] = [
    ("1st", "first"),
    ("2nd", "second"),
    ("3rd", "third"),
    ("4th", "fourth"),
    ("5th", "fifth"),
    ("6th", "sixth"),
    ("7th", "seventh"),
    ("8th", "eighth"),
    ("9th", "ninth"),
    ("10th", "tenth"),
];

/// Every word, lower case, without punctuation.
pub(super) fn raw(letters: &[Letter]) -> Vec<Token> {
    words(letters, false)
}

/// The common form.
pub(super) fn normal(letters: &[Letter]) -> Vec<Token> {
    let mut out = Vec::new();
    for word in codes(words(letters, true)) {
        let forms = one_form(&word.text);
        let n = i64::try_from(forms.len().max(1)).unwrap_or(1);
        let length = word.end_us - word.start_us;
        out.extend((0..).zip(forms).map(|(i, text)| Token {
            text,
            start_us: word.start_us + length * i / n,
            end_us: word.start_us + length * (i + 1) / n,
        }));
    }
    let out = en_number::in_digits(out);
    after_numbers(out)
}

/// Words: letters and digits, with apostrophes inside; numbers with their point. With `apart`, letters right after a
/// number are a word of their own (`200g`), but not in `1st` or `3d`; and `%` and `&` are words.
fn words(letters: &[Letter], apart: bool) -> Vec<Token> {
    let at = |i: usize| letters.get(i).map_or(' ', |l| l.c);
    let mut out = Vec::new();
    let mut i = 0;
    while i < letters.len() {
        let from = i;
        let text: String = if at(i).is_ascii_digit() {
            let digit = |i: usize| at(i).is_ascii_digit();
            while digit(i) || (at(i) == '.' && digit(i + 1)) || (at(i) == ',' && thousand(&digit, i)) {
                i += 1;
            }
            let unit = (i..).take_while(|j| at(*j).is_alphabetic()).count();
            let sign: String = (i..i + unit).map(at).collect();
            let parted = apart && (en_number::is_multiplier(&sign) || is_sign(&sign));
            if unit > 0 && !parted {
                i += unit;
            }
            letters[from..i].iter().map(|l| l.c).filter(|c| *c != ',').collect()
        } else if at(i).is_alphanumeric() {
            while at(i).is_alphanumeric() || (at(i) == '\'' && at(i + 1).is_alphanumeric()) {
                i += 1;
            }
            letters[from..i].iter().map(|l| l.c).collect()
        } else {
            i += 1;
            match at(from) {
                '%' if apart => "percent".to_owned(),
                '&' if apart => "and".to_owned(),
                _ => continue,
            }
        };
        let text = if apart { text } else { text.replace('\'', "") };
        out.push(Token { text, start_us: letters[from].start_us, end_us: letters[i - 1].end_us });
    }
    out
}

/// Letters parted from digits after them, and letters that are spelled out joined. `a` and `I` begin no spelling.
fn codes(words: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(words.len());
    let mut spelling = false;
    for word in words {
        let letter = word.text.len() == 1 && word.text.starts_with(|c: char| c.is_ascii_lowercase());
        if let Some(last) = out.last_mut().filter(|_| letter && spelling) {
            last.text.push_str(&word.text);
            last.end_us = word.end_us;
            continue;
        }
        spelling = letter && !matches!(word.text.as_str(), "a" | "i");
        let digits = word.text.find(|c: char| c.is_ascii_digit()).filter(|at| {
            let (head, tail) = word.text.split_at(*at);
            !head.is_empty()
                && head.bytes().all(|b| b.is_ascii_lowercase())
                && tail.bytes().all(|b| b.is_ascii_digit())
        });
        let Some(at) = digits else {
            out.push(word);
            continue;
        };
        let (head, tail) = word.text.split_at(at);
        let share = |n: usize| i64::try_from(n).unwrap_or(1);
        let cut = word.start_us + (word.end_us - word.start_us) * share(at) / share(word.text.len()).max(1);
        out.push(Token { text: head.to_owned(), start_us: word.start_us, end_us: cut });
        out.push(Token { text: tail.to_owned(), start_us: cut, end_us: word.end_us });
    }
    out
}

/// A comma at `i` parts thousands.
fn thousand(digit: &dyn Fn(usize) -> bool, i: usize) -> bool {
    i > 0 && digit(i - 1) && (1..=3).all(|n| digit(i + n)) && !digit(i + 4)
}

fn is_sign(sign: &str) -> bool {
    sign == "mah" || UNITS.iter().any(|(_, signs)| signs.contains(&sign))
}

/// A word written out.
fn one_form(word: &str) -> Vec<String> {
    let split = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let fixed = SAME.iter().chain(&ORDINALS).find(|(from, _)| *from == word);
    if let Some((_, to)) = fixed {
        return split(to);
    }
    let (stem, tail) = word.split_once('\'').unwrap_or((word, ""));
    if let Some(verb) = word.strip_suffix("n't") {
        return vec![verb.to_owned(), "not".to_owned()];
    }
    let more = match tail {
        "re" => "are",
        "ll" => "will",
        "ve" => "have",
        "m" => "am",
        "d" => "would",
        "s" if PRONOUNS.contains(&stem) => "is",
        _ => return vec![unit_name(&word.replace('\'', ""))],
    };
    vec![stem.to_owned(), more.to_owned()]
}

/// Names of units in the singular.
fn unit_name(word: &str) -> String {
    let singular = word.strip_suffix('s').unwrap_or(word);
    let named = UNITS
        .iter()
        .find(|(name, signs)| *name == singular || signs.iter().any(|s| s.len() > 3 && *s == word));
    named.map_or(word, |(name, _)| name).to_owned()
}

/// Signs of units after a number become names; money's names go, as its signs have gone, and cents are places.
fn after_numbers(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    // Where the last number of dollars stands.
    let mut dollars = None;
    for mut token in tokens {
        if token.text == "cent"
            && let Some(at) = dollars
            && let Some(cents) = cents_after(&out, at)
        {
            out.truncate(at + 1);
            out[at].text = without_zeros(&format!("{}.{cents:02}", out[at].text));
            out[at].end_us = token.end_us;
            continue;
        }
        let number = out.last().is_some_and(|t: &Token| t.text.starts_with(|c: char| c.is_ascii_digit()));
        if number {
            if matches!(token.text.as_str(), "dollar" | "dollars" | "bucks" | "euro" | "euros") {
                if let Some(last) = out.last_mut() {
                    last.end_us = token.end_us;
                }
                dollars = out.len().checked_sub(1);
                continue;
            }
            if let Some((name, _)) = UNITS.iter().find(|(_, signs)| signs.contains(&token.text.as_str())) {
                token.text = (*name).to_owned();
            }
        }
        if token.text.starts_with(|c: char| c.is_ascii_digit()) {
            token.text = without_zeros(&token.text);
        }
        out.push(token);
    }
    out
}

/// The cents that follow the number of dollars at `at`, with or without an "and", and end `tokens`.
fn cents_after(tokens: &[Token], at: usize) -> Option<u8> {
    let whole = tokens.get(at)?.text.bytes().all(|b| b.is_ascii_digit());
    let cents = match tokens.get(at + 1..)? {
        [cents] => cents,
        [and, cents] if and.text == "and" => cents,
        _ => return None,
    };
    cents.text.parse().ok().filter(|c| whole && *c < 100)
}

#[cfg(test)]
mod tests {
    use clipmill_domain::source::Language;

    use super::super::text_tokens;

    fn form(text: &str) -> String {
        text_tokens(text, Language::En).join(" ")
    }

    #[test]
    fn spoken_and_written_are_one() {
        for (spoken, written, common) in [
            ("right now it is sixty nine fifty.", "Right now, it's $69.50.", "right now it is 69.5"),
            ("ninety-nine fifty", "99.50", "99.5"),
            ("twenty two point five watts", "22.5W", "22.5 watt"),
            ("one hundred and ten dollars", "$110", "110"),
            ("twelve ounce", "12-ounce", "12 ounce"),
            ("eighty percent in fifty minutes", "80% in 50 min", "80 percent in 50 minute"),
            ("Ten thousand milliamp hours,", "10,000 mAh", "10000 milliamp hour"),
            ("two hundred grams", "200g", "200 gram"),
            ("one fifty", "150", "150"),
            ("a hundred", "100", "100"),
            (
                "Will the colour bleed? No, it won't.",
                "will the color bleed no it will not",
                "will the color bleed no it will not",
            ),
            ("don't you're we'll", "do not you are we will", "do not you are we will"),
            ("the brand's team", "the brands team", "the brands team"),
            ("best-selling", "best selling", "best selling"),
            ("the first one", "the 1st one", "the first 1"),
            ("two thousand and five", "2,005", "2005"),
            ("ten k", "10k", "10000"),
            ("nineteen oh five", "19.05", "19.05"),
            ("twenty-seven left", "27 left", "27 left"),
            ("three for fifteen dollars", "3 for $15", "3 for 15"),
            ("twenty-six dollars and forty cents", "$26.40", "26.4"),
            ("nine dollars five cents", "$9.05", "9.05"),
            ("the code D A N A ten is a steal", "the code DANA10 is a steal", "the code dana 10 is a steal"),
            ("H S four hundred and twelve", "HS412", "hs 412"),
        ] {
            assert_eq!(form(spoken), common, "{spoken}");
            assert_eq!(form(written), common, "{written}");
        }
    }
}
