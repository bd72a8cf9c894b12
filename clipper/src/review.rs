//! What becomes of a selling point when a person corrects it. Pure: bounds stay on the borders of utterances, and words
//! that nobody said do not come in.

use clipmill_domain::{
    Span, product::Product, review::PointAnswer, selling_point::Warning, taxonomy::Label,
    transcript::Utterance,
};
use clipmill_inference::script::join_words;

/// What a person changes; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Another primary label.
    pub label: Option<Label>,
    /// Other labels beside it, in place of all there are.
    pub also: Option<Vec<Label>>,
    /// Another product, by its SKU, or none.
    pub product: Option<Option<String>>,
    /// `seq` of the first utterance.
    pub first: Option<i64>,
    /// `seq` of the last utterance.
    pub last: Option<i64>,
}

impl Change {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The most utterances that a selling point may be stretched over.
const UTTERANCES_MAX: usize = 200;

/// The utterances that lie in `span`, told by their middles: two transcripts never agree on a border to the
/// millisecond.
pub fn members(utterances: &[Utterance], span: Span) -> Vec<&Utterance> {
    let middle = |u: &Utterance| u.span.start() + u.span.micros() / 2;
    utterances.iter().filter(|u| span.start() <= middle(u) && middle(u) < span.end()).collect()
}

/// The words of utterances, whole and in order. Nothing is put between them but the space that Latin words need.
pub fn words_of(utterances: &[&Utterance]) -> String {
    join_words(utterances.iter().map(|u| u.text.trim()))
}

/// What the selling point says after `change`. `utterances` are those of the transcript that is shown, in order.
///
/// # Errors
/// What cannot be, in words for the person.
pub fn corrected(
    was: &PointAnswer,
    change: &Change,
    products: &[Product],
    utterances: &[Utterance],
) -> Result<PointAnswer, String> {
    let mut now = was.clone();
    if let Some(label) = change.label {
        if !label.sells() {
            return Err("small talk is no selling point: reject it instead".to_owned());
        }
        now.label = label;
    }
    if let Some(also) = &change.also {
        if also.iter().any(|l| !l.sells()) {
            return Err("small talk cannot stand beside another label".to_owned());
        }
        let known = |label: Label| {
            let all = was.details.also.iter().chain(&was.evidence.top);
            all.clone().find(|(l, _)| *l == label).map_or(1.0, |(_, p)| *p)
        };
        now.details.also.clear();
        for &label in also {
            if now.details.also.iter().all(|(l, _)| *l != label) {
                now.details.also.push((label, known(label)));
            }
        }
    }
    // A label does not stand beside itself.
    let label = now.label;
    now.details.also.retain(|(l, _)| *l != label);
    let also: Vec<Label> = now.details.also.iter().map(|(l, _)| *l).collect();
    now.details.fine.retain(|f| f.under == label || also.contains(&f.under));
    if let Some(sku) = &change.product {
        bind(&mut now, sku.as_deref(), products)?;
    }
    if change.first.is_some() || change.last.is_some() {
        move_bounds(&mut now, was, change, utterances)?;
    }
    if (now.label, &now.product_sku, now.span) != (was.label, &was.product_sku, was.span) {
        // Written from what it was taken for.
        now.details.hook.clear();
        now.details.titles.clear();
    }
    Ok(now)
}

fn bind(now: &mut PointAnswer, sku: Option<&str>, products: &[Product]) -> Result<(), String> {
    let product =
        match sku {
            None => None,
            Some(sku) => {
                let found = products.iter().find(|p| p.sku == sku);
                Some(found.ok_or_else(|| {
                    format!("the source has no product {sku:?}: enter it in its list first")
                })?)
            }
        };
    if product.map(|p| &p.sku) != now.product_sku.as_ref() {
        now.evidence.product_why = None;
        // The price was held against another product's.
        now.details.warnings.retain(|w| !matches!(w, Warning::PriceDiffers { .. }));
    }
    now.details.warnings.retain(|w| !matches!(w, Warning::ProductUnsure));
    now.product_sku = product.map(|p| p.sku.clone());
    now.product_name = product.map(|p| p.name.clone());
    Ok(())
}

fn move_bounds(
    now: &mut PointAnswer,
    was: &PointAnswer,
    change: &Change,
    utterances: &[Utterance],
) -> Result<(), String> {
    let inside = members(utterances, was.span);
    let (Some(own_first), Some(own_last)) = (inside.first(), inside.last()) else {
        return Err(
            "the transcript that is shown has no sentence there: show the one it was made on".to_owned()
        );
    };
    let (first, last) = (change.first.unwrap_or(own_first.seq), change.last.unwrap_or(own_last.seq));
    let there = |seq: i64| utterances.iter().any(|u| u.seq == seq);
    if !there(first) || !there(last) {
        return Err("these sentences are not near the selling point".to_owned());
    }
    if first > last {
        return Err("the first sentence comes after the last".to_owned());
    }
    if last < own_first.seq || own_last.seq < first {
        return Err("at least one sentence of the selling point stays in it".to_owned());
    }
    let chosen: Vec<&Utterance> = utterances.iter().filter(|u| first <= u.seq && u.seq <= last).collect();
    if chosen.len() > UTTERANCES_MAX {
        return Err(format!("a selling point has at most {UTTERANCES_MAX} sentences"));
    }
    if (first, last) == (own_first.seq, own_last.seq) {
        return Ok(());
    }
    if let (Some(a), Some(b)) = (chosen.first(), chosen.last()) {
        now.span = a.span.hull(b.span);
    }
    now.evidence.quote = words_of(&chosen);
    now.details.attributes.retain(|a| first <= a.utterance && a.utterance <= last);
    Ok(())
}

#[cfg(test)]
mod tests {
    use clipmill_domain::selling_point::{Evidence, FineLabel, PointDetails};
    use clipmill_store::testing::{self, seconds};
    use proptest::prelude::*;

    use super::*;

    fn said(texts: &[&str]) -> Vec<Utterance> {
        let source = clipmill_domain::Id::new_at(testing::NOW);
        let recording = testing::recording(source);
        let one = |(seq, text): (i64, &&str)| {
            let at = f64::from(i32::try_from(seq).unwrap()) * 3.0;
            testing::utterance(recording.id, seq, seconds(at, at + 2.5), text)
        };
        (0i64..).zip(texts).map(one).collect()
    }

    fn answer() -> PointAnswer {
        PointAnswer {
            label: Label::Fabric,
            product_sku: Some("A".to_owned()),
            product_name: Some("开衫".to_owned()),
            span: seconds(3.0, 8.5),
            evidence: Evidence {
                quote: "亚麻的，很软".to_owned(),
                top: vec![(Label::Fabric, 0.6), (Label::SkinFeel, 0.3)],
                words: vec!["亚麻".to_owned()],
                rule_hits: vec![],
                product_why: Some("说到开衫".to_owned()),
            },
            details: PointDetails {
                also: vec![(Label::SkinFeel, 0.3)],
                fine: vec![FineLabel { key: "linen".to_owned(), under: Label::Fabric, p: 0.5 }],
                titles: vec!["开衫是亚麻的".to_owned()],
                warnings: vec![Warning::ProductUnsure, Warning::PriceDiffers { said: 9.0, listed: 8.0 }],
                ..PointDetails::default()
            },
        }
    }

    fn products() -> Vec<Product> {
        let one =
            |sku: &str| serde_json::from_value(serde_json::json!({ "sku": sku, "name": format!("名{sku}") }));
        vec![one("A").unwrap(), one("B").unwrap()]
    }

    const TEXTS: [&str; 5] = ["大家好", "亚麻的", "很软", "the colour is", "green"];

    #[test]
    fn labels_and_products_change_with_what_hangs_on_them() {
        let (u, p) = (said(&TEXTS), products());
        let change = Change { label: Some(Label::SkinFeel), ..Change::default() };
        let now = corrected(&answer(), &change, &p, &u).unwrap();
        assert_eq!((now.label, &now.details.also[..]), (Label::SkinFeel, &[][..]), "not beside itself");
        assert!(now.details.fine.is_empty() && now.details.titles.is_empty());
        assert_eq!((now.span, &now.evidence), (answer().span, &answer().evidence));

        let also =
            Change { also: Some(vec![Label::Color, Label::SkinFeel, Label::Color]), ..Change::default() };
        let now = corrected(&answer(), &also, &p, &u).unwrap();
        assert_eq!(now.details.also, [(Label::Color, 1.0), (Label::SkinFeel, 0.3)]);
        assert_eq!(now.details.titles, answer().details.titles);

        let to_b = Change { product: Some(Some("B".to_owned())), ..Change::default() };
        let now = corrected(&answer(), &to_b, &p, &u).unwrap();
        assert_eq!((now.product_sku.as_deref(), now.product_name.as_deref()), (Some("B"), Some("名B")));
        assert!(now.details.warnings.is_empty() && now.evidence.product_why.is_none());
        let unbound = Change { product: Some(None), ..Change::default() };
        assert_eq!(corrected(&answer(), &unbound, &p, &u).unwrap().product_name, None);
        assert_eq!(corrected(&answer(), &Change::default(), &p, &u).unwrap(), answer());
    }

    #[test]
    fn bounds_move_to_whole_sentences_and_take_their_words_along() {
        let (u, p) = (said(&TEXTS), products());
        let bounds = |first, last| Change { first: Some(first), last: Some(last), ..Change::default() };
        let now = corrected(&answer(), &bounds(2, 4), &p, &u).unwrap();
        assert_eq!((now.span, now.evidence.quote.as_str()), (seconds(6.0, 14.5), "很软the colour is green"));
        let same = corrected(&answer(), &bounds(1, 2), &p, &u).unwrap();
        assert_eq!(same, answer(), "where nothing moves the quote stays as it was");
        let why = |c: &Change| corrected(&answer(), c, &p, &u).unwrap_err();
        assert!(why(&bounds(3, 4)).contains("stays in it"));
        assert!(why(&bounds(2, 1)).contains("comes after"));
        assert!(why(&bounds(1, 9)).contains("not near"));
        assert!(why(&Change { label: Some(Label::Chat), ..Change::default() }).contains("reject"));
        assert!(why(&Change { also: Some(vec![Label::Chat]), ..Change::default() }).contains("beside"));
        assert!(why(&Change { product: Some(Some("Z".into())), ..Change::default() }).contains("\"Z\""));
    }

    proptest! {
        #[test]
        fn corrected_bounds_lie_on_borders_of_sentences_and_hold_only_what_was_said(first in 0i64..5, last in 0i64..5) {
            let u = said(&TEXTS);
            let change = Change { first: Some(first), last: Some(last), ..Change::default() };
            if let Ok(now) = corrected(&answer(), &change, &products(), &u) {
                prop_assert!(u.iter().any(|x| x.span.start() == now.span.start()));
                prop_assert!(u.iter().any(|x| x.span.end() == now.span.end()));
                let plain = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                let all: String = members(&u, now.span).iter().map(|x| plain(&x.text)).collect();
                if now.span != answer().span {
                    prop_assert_eq!(plain(&now.evidence.quote), all);
                }
            }
        }
    }
}
