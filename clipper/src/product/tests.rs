use clipmill_domain::{MediaTime, product::Product, source::Language};

use super::*;

fn product(sku: &str, name: &str, aliases: &[&str], link: Option<u32>) -> Product {
    Product {
        sku: sku.into(),
        name: name.into(),
        aliases: aliases.iter().map(|a| (*a).into()).collect(),
        category: None,
        attributes: std::collections::BTreeMap::default(),
        price: None,
        link,
        order: None,
    }
}

fn list() -> Vec<Matcher> {
    [
        product("K", "针织开衫", &["开衫"], Some(5)),
        product("C", "充电宝", &["磁吸充电宝"], Some(6)),
        product("D", "Denim Jacket", &["jacket"], None),
    ]
    .iter()
    .map(Matcher::new)
    .collect()
}

fn said(text: &str, at: f64) -> Said<'_> {
    Said { text, at: MediaTime::from_seconds(at), chat: 0.0 }
}

fn bound(text: &str) -> Option<String> {
    OnSale::default().hear(&list(), said(text, 0.0), Language::Zh).map(|b| b.sku)
}

#[test]
fn names_sounds_and_links_bind() {
    assert_eq!(bound("套上开衫马上就有层次了").as_deref(), Some("K"));
    assert_eq!(bound("磁吸充电保自带线").as_deref(), Some("C"), "a homophone of the name");
    assert_eq!(bound("六号链接点进去").as_deref(), Some("C"));
    assert_eq!(bound("look at this Denim Jacket").as_deref(), Some("D"));
    assert_eq!(bound("two jackets please").as_deref(), Some("D"));
}

#[test]
fn nothing_said_binds_nothing() {
    assert_eq!(bound("家人们中午好"), None);
    assert_eq!(bound("straitjacketed"), None);
    assert_eq!(bound(""), None);
}

fn described_list() -> Vec<Matcher> {
    let with = |sku: &str, name: &str, attributes: &[(&str, &str)]| {
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Matcher::new(&Product { attributes, ..product(sku, name, &[], None) })
    };
    vec![
        with("B", "Lip Balm", &[("finish", "light shine"), ("sold as", "three for 15")]),
        with(
            "P",
            "Power Bank",
            &[("capacity", "10,000 mAh"), ("attachment", "snaps on the back of the phone")],
        ),
    ]
}

#[test]
fn going_on_to_another_product_unbinds_and_a_description_binds() {
    let list = described_list();
    let mut s = OnSale::default();
    let mut hear = |text: &str, at: f64| s.hear(&list, said(text, at), Language::En).map(|b| b.sku);
    assert_eq!(hear("this lip balm is great", 0.0).as_deref(), Some("B"));
    assert_eq!(hear("the last one is from the same team", 5.0), None, "unsure means unbound");
    assert_eq!(hear("10,000mAh and it snaps on", 9.0).as_deref(), Some("P"));
    assert_eq!(hear("a light shine on the case", 12.0).as_deref(), Some("P"), "a description never unbinds");
}

#[test]
fn one_trait_alone_binds_nothing() {
    let bound = OnSale::default().hear(&described_list(), said("my phone is over there", 0.0), Language::En);
    assert_eq!(bound, None);
}

#[test]
fn a_binding_lasts_then_lapses() {
    let mut s = OnSale::default();
    let list = list();
    s.hear(&list, said("这件开衫", 0.0), Language::Zh);
    assert!(s.hear(&list, said("很软", 40.0), Language::Zh).is_some());
    assert!(s.hear(&list, said("很软", 300.0), Language::Zh).is_none());
}

#[test]
fn a_common_word_of_another_product_does_not_unbind() {
    let list =
        [product("S", "Vitamin C Serum", &["serum"], None), product("W", "Water Bottle", &["bottle"], None)];
    let list: Vec<Matcher> = list.iter().map(Matcher::new).collect();
    let mut s = OnSale::default();
    let mut hear = |text: &str, at: f64| s.hear(&list, said(text, at), Language::En).map(|b| b.sku);
    assert_eq!(hear("this is the vitamin c serum", 0.0).as_deref(), Some("S"));
    assert_eq!(hear("one bottle lasts two months", 4.0).as_deref(), Some("S"));
    assert_eq!(hear("and here is the water bottle", 9.0).as_deref(), Some("W"), "a full name does");
}

#[test]
fn small_talk_with_a_product_word_binds_nothing() {
    let chat = Said { text: "我妈昨天也买了个充电宝", at: MediaTime::ZERO, chat: 0.95 };
    assert_eq!(OnSale::default().hear(&list(), chat, Language::Zh), None);
}

#[test]
fn a_price_that_only_one_product_has_points_to_it() {
    let priced =
        |sku: &str, name: &str, price| Product { price: Some(price), ..product(sku, name, &[], None) };
    let list: Vec<Matcher> =
        [priced("A", "面霜", 109.0), priced("B", "乳液", 89.9)].iter().map(Matcher::new).collect();
    let mut s = OnSale::default();
    s.hear(&list, said("好的，接下来这个", 0.0), Language::Zh);
    s.hear(&list, said("今天到手八十九块九", 3.0), Language::Zh);
    let b = s.hear(&list, said("就是八十九块九", 6.0), Language::Zh).unwrap();
    assert_eq!(b.sku, "B");
    assert!(b.why.contains("八十九块九"), "{}", b.why);
}

#[test]
fn the_feed_binds_without_a_word_and_the_running_order_after_next() {
    let mut list = [
        product("K", "针织开衫", &[], None),
        product("C", "充电宝", &[], None),
        product("D", "面霜", &[], None),
    ];
    (list[0].order, list[1].order, list[2].order) = (Some(1), Some(3), Some(2));
    let list: Vec<Matcher> = list.iter().map(Matcher::new).collect();
    let mut s = OnSale::default();
    s.fed(&list, Some("K"), MediaTime::ZERO, Language::Zh);
    let b = s.hear(&list, said("很软的", 2.0), Language::Zh).unwrap();
    assert!(b.sku == "K" && b.why.contains("商品推送"), "{b:?}");
    let next = s.hear(&list, said("好，下一款来了", 20.0), Language::Zh).unwrap();
    assert!(next.sku == "D" && next.why.contains("讲解顺序"), "{next:?}");
    assert_eq!(s.hear(&list, said("不好意思，是这个充电宝", 23.0), Language::Zh).unwrap().sku, "C");
    s.fed(&list, None, MediaTime::from_seconds(30.0), Language::Zh);
    assert_eq!(s.current(), None);
}

proptest::proptest! {
    /// Whatever is said, what is believed stays a probability, and a restart changes nothing.
    #[test]
    fn beliefs_stay_probabilities(picks in proptest::collection::vec((0usize..6, 0.0f32..1.0, 0.0f64..200.0), 1..60)) {
        let texts = ["这件开衫", "六号链接", "下一个", "很软", "denim jacket and 充电宝", "充电保"];
        let list = list();
        let (mut s, mut at) = (OnSale::default(), 0.0);
        for (i, chat, later) in picks {
            at += later;
            let said = Said { chat, ..said(texts[i], at) };
            let mut restarted: OnSale = serde_json::from_str(&serde_json::to_string(&s).unwrap()).unwrap();
            let b = s.hear(&list, said, Language::Zh);
            proptest::prop_assert_eq!(restarted.hear(&list, said, Language::Zh), b.clone());
            proptest::prop_assert!(b.is_none_or(|b| (0.0..=1.0).contains(&b.p)));
        }
    }
}
