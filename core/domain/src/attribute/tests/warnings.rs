use super::*;
use crate::{product::Product, selling_point::Warning};

fn product(price: Option<f64>, attributes: &[(&str, &str)]) -> Product {
    Product {
        sku: "A".into(),
        name: "开衫".into(),
        aliases: vec![],
        category: None,
        attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        price,
        link: None,
        order: None,
    }
}

fn warned(text: &str, language: Language, product: &Product) -> Option<(f64, f64)> {
    match price_warning(&attributes(text, language, 0), product) {
        Some(Warning::PriceDiffers { said, listed }) => Some((said, listed)),
        other => {
            assert_eq!(other, None);
            None
        }
    }
}

#[test]
fn chinese_prices_against_the_list() {
    let p = product(Some(89.9), &[("日常价", "138"), ("两件价", "169"), ("颜色", "樱花粉")]);
    for (text, expected) in [
        ("日常价一百三十八，今天粉丝价八十九块九，两件一百六十九", None),
        ("今天只要七十九块九", Some((79.9, 89.9))),
        ("到手价九十九块", Some((99.0, 89.9))),
        ("原价一百六十八块", Some((168.0, 138.0))),
        ("原价一百三十八块", None),
        ("两件一百五十九块", Some((159.0, 169.0))),
        // Twice the price of one; three have no price in the list.
        ("两件一百七十九块八", None),
        ("三件两百二十块", None),
        // A reduction on top, a part, a bound, a question, small change.
        ("今天七十九块九，再减十块", None),
        ("平均一天三块钱", None),
        ("不到八十块", None),
        ("是不是一百块？", None),
        ("运费十块", None),
        ("今天一百一十九", None),
        ("", None),
    ] {
        assert_eq!(warned(text, Language::Zh, &p), expected, "{text}");
    }
    assert_eq!(warned("今天只要七十九块九", Language::Zh, &product(None, &[("日常价", "138")])), None);
}

#[test]
fn offers_of_the_product_list_are_prices() {
    let p = product(Some(150.0), &[("专柜价", "230"), ("优惠", "两支150，买二送一")]);
    assert_eq!(warned("两支一百五十块", Language::Zh, &p), None);
    assert_eq!(
        warned("一支九十九块", Language::Zh, &p),
        None,
        "the price is of two: of one nothing is known"
    );
    assert_eq!(warned("两支一百三十块", Language::Zh, &p), Some((130.0, 150.0)));
    assert_eq!(warned("专柜价两百六十块", Language::Zh, &p), Some((260.0, 230.0)));
    let two = product(Some(49.0), &[("原价", "99"), ("专柜价", "120")]);
    assert_eq!(warned("原价一百一十块", Language::Zh, &two), None, "which list price was meant is not known");
}

#[test]
fn english_prices_against_the_list() {
    let p = product(Some(49.75), &[("regular price", "99.50"), ("sold as", "two for 80")]);
    for (text, expected) in [
        ("regular price $99.50, today $49.75", None),
        ("today only $39.75", Some((39.75, 49.75))),
        ("it was 120 dollars", Some((120.0, 99.5))),
        ("two for seventy dollars", Some((70.0, 80.0))),
        ("two for eighty", None),
        ("save twenty dollars", None),
        ("two dollars a day", None),
        ("my rent is 900 dollars", None),
    ] {
        assert_eq!(warned(text, Language::En, &p), expected, "{text}");
    }
}
