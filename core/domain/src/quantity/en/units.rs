//! What may stand after a number in English talk.

use super::{
    super::unit::{Currency, Duration, Length, Unit, Volume, Weight},
    numeral::word,
    token::Token,
};

type Row = (&'static [&'static str], Unit, i64);

/// Spelt out: after any number. Longer phrases stand before those they begin with.
const SPELT: &[Row] = &[
    (
        &["milliamp hours", "milliamp hour", "milliampere hours", "milliamps", "milliamp", "mah"],
        Unit::Capacity,
        1,
    ),
    (&["amp hours", "amp hour"], Unit::Capacity, 1_000),
    (&["fluid ounces", "fluid ounce", "fl oz"], Unit::Volume(Volume::FluidOunce), 1),
    (&["millimetres", "millimeters", "millimetre", "millimeter", "mm"], Unit::Length(Length::Millimetre), 1),
    (&["centimetres", "centimeters", "centimetre", "centimeter", "cm"], Unit::Length(Length::Centimetre), 1),
    (&["kilometres", "kilometers", "kilometre", "kilometer", "km"], Unit::Length(Length::Kilometre), 1),
    (&["metres", "meters", "metre", "meter"], Unit::Length(Length::Metre), 1),
    (&["inches", "inch"], Unit::Length(Length::Inch), 1),
    (&["feet", "foot", "ft"], Unit::Length(Length::Foot), 1),
    (&["milligrams", "milligram", "mg"], Unit::Weight(Weight::Milligram), 1),
    (&["kilograms", "kilogram", "kilos", "kilo", "kg"], Unit::Weight(Weight::Kilogram), 1),
    (&["grams", "gram"], Unit::Weight(Weight::Gram), 1),
    (&["ounces", "ounce", "oz"], Unit::Weight(Weight::Ounce), 1),
    (&["lbs", "lb"], Unit::Weight(Weight::Pound), 1),
    (&["jin", "catties", "catty"], Unit::Weight(Weight::Jin), 1),
    (
        &["millilitres", "milliliters", "millilitre", "milliliter", "mils", "ml"],
        Unit::Volume(Volume::Millilitre),
        1,
    ),
    (&["litres", "liters", "litre", "liter"], Unit::Volume(Volume::Litre), 1),
    (&["gallons", "gallon"], Unit::Volume(Volume::Gallon), 1),
    (&["kilowatts", "kilowatt", "kw"], Unit::Power, 1_000),
    (&["watts", "watt"], Unit::Power, 1),
    (&["seconds", "secs", "sec"], Unit::Time(Duration::Second), 1),
    (&["minutes", "minute", "mins", "min"], Unit::Time(Duration::Minute), 1),
    (&["hours", "hour", "hrs", "hr"], Unit::Time(Duration::Hour), 1),
    (&["days", "day"], Unit::Time(Duration::Day), 1),
    (&["weeks", "week"], Unit::Time(Duration::Week), 1),
    (&["months", "month"], Unit::Time(Duration::Month), 1),
    (&["years", "year"], Unit::Time(Duration::Year), 1),
];

/// Short: only after digits.
const SHORT: &[Row] = &[
    (&["g"], Unit::Weight(Weight::Gram), 1),
    (&["l"], Unit::Volume(Volume::Litre), 1),
    (&["m"], Unit::Length(Length::Metre), 1),
    (&["w"], Unit::Power, 1),
    (&["h"], Unit::Time(Duration::Hour), 1),
    (&["second"], Unit::Time(Duration::Second), 1),
];

/// What is counted in pieces.
const NOUNS: &[&str] = &[
    "piece",
    "pieces",
    "pack",
    "packs",
    "item",
    "items",
    "unit",
    "units",
    "bottle",
    "bottles",
    "box",
    "boxes",
    "pair",
    "pairs",
    "set",
    "sets",
    "bag",
    "bags",
    "case",
    "cases",
    "jar",
    "jars",
    "tube",
    "tubes",
    "can",
    "cans",
    "roll",
    "rolls",
    "color",
    "colors",
    "colour",
    "colours",
    "shade",
    "shades",
    "size",
    "sizes",
    "time",
    "times",
    "people",
    "customers",
    "order",
    "orders",
    "layers",
    "layer",
    "pockets",
    "sheets",
    "capsules",
    "tablets",
    "pods",
    "bars",
    "sticks",
    "stars",
    "flavors",
    "flavours",
    "styles",
    "gifts",
    "spots",
];

/// The token after `phrase`, if it stands at token `i`.
pub(super) fn phrase(t: &[Token], i: usize, phrase: &str) -> Option<usize> {
    phrase.split(' ').try_fold(i, |at, w| (word(t, at) == w).then_some(at + 1))
}

/// A unit of measure at token `i`, how many of it the word stands for, the token after.
pub(super) fn measure(t: &[Token], i: usize, written: bool) -> Option<(Unit, i64, usize)> {
    let find = |rows: &[Row]| {
        rows.iter().find_map(|(words, unit, factor)| {
            words.iter().find_map(|w| phrase(t, i, w)).map(|next| (unit.clone(), *factor, next))
        })
    };
    find(SPELT).or_else(|| written.then(|| find(SHORT)).flatten())
}

/// A noun of pieces at token `i`.
pub(super) fn noun(t: &[Token], i: usize) -> Option<&str> {
    Some(word(t, i)).filter(|w| NOUNS.contains(w))
}

/// A word for money at token `i`. Pounds are not among them: they are a weight as well.
pub(super) fn currency(t: &[Token], i: usize) -> Option<Currency> {
    match word(t, i) {
        "dollars" | "dollar" | "bucks" | "buck" | "usd" => Some(Currency::Dollar),
        "euros" | "euro" | "eur" => Some(Currency::Euro),
        "quid" | "gbp" => Some(Currency::Pound),
        "yuan" | "rmb" => Some(Currency::Yuan),
        _ => None,
    }
}

/// A sign of money.
pub(super) fn sign(c: char) -> Option<Currency> {
    match c {
        '$' => Some(Currency::Dollar),
        '€' => Some(Currency::Euro),
        '£' => Some(Currency::Pound),
        '¥' => Some(Currency::Yuan),
        _ => None,
    }
}
