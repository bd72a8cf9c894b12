//! The one line shown in the feed: a fixed outline whose blanks are filled from what was said.

use clipmill_domain::{attribute::attributes, selling_point::SellingPoint, source::Language, wording};

/// "product · label: hook", in the language of the live. Every word of the hook was said.
pub fn title(point: &SellingPoint, language: Language) -> String {
    let label = match language {
        Language::Zh => point.label.zh(),
        Language::En => point.label.en(),
    };
    let hook = hook(point, language);
    let head = match &point.product_name {
        Some(name) => format!("{name} · {label}"),
        None => label.to_owned(),
    };
    match (hook.is_empty(), language) {
        (true, _) => head,
        (false, Language::Zh) => format!("{head}：{hook}"),
        (false, Language::En) => format!("{head}: {hook}"),
    }
}

/// The hook that the point has, else one from its words.
fn hook(point: &SellingPoint, language: Language) -> String {
    if !point.details.hook.is_empty() {
        return point.details.hook.clone();
    }
    let quote = &point.evidence.quote;
    wording::hook(quote, &attributes(quote, language, 0), language)
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{
        Id as _, RecordingId, SegmentId, SellingPointId, WallTime,
        selling_point::{Evidence, PointDetails},
        taxonomy::Label,
        time::{MediaTime, Span},
    };

    use super::*;

    const NOW: WallTime = WallTime::from_millis(0);

    fn point(quote: &str, name: Option<&str>) -> SellingPoint {
        SellingPoint {
            id: SellingPointId::new_at(NOW),
            segment_id: SegmentId::new_at(NOW),
            recording_id: RecordingId::new_at(NOW),
            span: Span::new(MediaTime::ZERO, MediaTime::from_seconds(9.0)).unwrap(),
            label: Label::Fabric,
            product_sku: None,
            product_name: name.map(str::to_owned),
            confidence: 0.9,
            evidence: Evidence { quote: quote.to_owned(), ..Evidence::default() },
            details: PointDetails::default(),
            made_by: "test".to_owned(),
        }
    }

    #[test]
    fn a_hook_is_whole_clauses_with_what_was_said() {
        let zh = |quote: &str| title(&point(quote, Some("开衫")), Language::Zh);
        assert_eq!(
            zh("纱线是细支的，织得很密，透气又不会勾丝。"),
            "开衫 · 面料：纱线是细支的，织得很密，透气又不会勾丝"
        );
        assert_eq!(
            zh("先看这件针织开衫，成分是百分之五十五的亚麻，加上百分之四十五的莫代尔"),
            "开衫 · 面料：先看这件针织开衫，成分是百分之五十五的亚麻"
        );
        assert_eq!(zh(""), "开衫 · 面料");
        let en = title(&point("so it has a brushed lining that keeps you warm", None), Language::En);
        assert_eq!(en, "Fabric: it has a brushed lining that keeps you warm");
    }

    #[test]
    fn a_hook_that_is_there_is_kept() {
        let mut p = point("anything else", None);
        p.details.hook = "70% linen".to_owned();
        assert_eq!(title(&p, Language::En), "Fabric: 70% linen");
    }
}
