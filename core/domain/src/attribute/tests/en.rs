use super::*;

fn en(table: &[(&str, &str)]) {
    check(Language::En, table);
}

#[test]
fn materials_with_their_shares() {
    en(&[
        ("it's 70% linen, 30% cotton", "material linen 70 %; material cotton 30 %"),
        ("seventy percent linen and thirty percent cotton", "material linen 70 %; material cotton 30 %"),
        (
            "it has 15% vitamin C with ferulic acid and squalane",
            "material vitamin C 15 %; material ferulic acid; material squalane",
        ),
        (
            "twelve ounce organic cotton denim with one percent stretch",
            "size 12 oz; material organic cotton denim",
        ),
        ("pure cotton velvet, not polyester velvet", "material cotton velvet"),
        ("it's one hundred percent merino wool", "material merino wool 100 %"),
        ("no parabens, no fragrance", ""),
        ("it's alcohol free and fragrance-free", ""),
        ("there's no added sugar", ""),
        ("a wool cashmere blend, seventy thirty", "material wool; material cashmere"),
        ("it feels like silk", ""),
        ("cotton candy flavour", ""),
        ("is it real leather?", ""),
        ("not plastic, it's borosilicate glass", "material borosilicate glass"),
        ("not only linen but silk too", "material linen; material silk"),
        ("raise a glass to that", ""),
    ]);
}

#[test]
fn prices_and_offers() {
    en(&[
        (
            "it was one hundred and ten dollars and right now it is sixty nine fifty",
            "price it was 110 $; price right now 69.5",
        ),
        ("regular price $99.50, today $49.75", "price regular price 99.5 $; price today 49.75 $"),
        ("two for thirty", "offer 30 /2"),
        ("thirty percent off", "offer 0.7 x"),
        ("buy two get one free, free shipping", "offer 1 free /2; offer free shipping"),
        ("save twenty dollars", "offer 20 -$"),
        ("ten dollars off", "offer 10 -$"),
        ("under twenty dollars", ""),
        ("it's not forty dollars, it's only thirty dollars", "price only 30 $"),
        ("would you believe forty dollars?", ""),
        ("two dollars each", "price each 2 $"),
        ("shipping is five dollars", ""),
        ("four easy pays of nine dollars", "price easy pays of 9 $"),
        ("our usual selling price is eighty dollars", "price our usual selling price 80 $"),
        ("I'll be back in three minutes", ""),
        ("I told you a hundred times", ""),
        ("second pair half price", "offer 0.5 x /2"),
    ]);
}

#[test]
fn sizes() {
    en(&[
        ("it runs from 80 to 125 jin", "size runs from 80-125 jin"),
        ("sizes XS to XXL", "size XS to XXL"),
        ("small, medium and large", "size small; size medium; size large"),
        ("I'm wearing a medium", "size medium"),
        ("take a size M", "size M"),
        ("one size fits all", "size one size fits all"),
        ("a ten inch pan that weighs four pounds", "size 10 in"),
        ("it holds twenty ounces", "size holds 20 oz"),
        ("I'm 5 feet tall", ""),
        ("I lost ten lbs", ""),
        ("we don't have size M, only size L", "size L"),
        ("medium is sold out", ""),
        ("it's about two hundred grams", "size 200 g"),
        ("a large crowd tonight", ""),
    ]);
}

#[test]
fn colours() {
    en(&[
        ("it comes in white, sage and navy", "color white; color sage; color navy"),
        ("the sage green one", "color sage green"),
        ("light wash, mid blue, washed black", "color light wash; color mid blue; color washed black"),
        ("no black, but we have white", "color white"),
        ("we don't have it in black", ""),
        ("black is sold out", ""),
        ("black and navy are sold out", ""),
        ("do you have it in black?", ""),
        ("this is the gold standard", ""),
        ("black friday deals and a white glove service", ""),
        ("a cup of green tea with cream", ""),
        ("the cream is rich", ""),
        ("two shades, moss and tobacco", "color moss; color tobacco"),
        ("it's not black, it's charcoal grey", "color charcoal grey"),
        ("out of the blue", ""),
    ]);
}

#[test]
fn counts_and_terms() {
    en(&[
        ("only twenty seven left", "count left 27"),
        ("twelve cans in a case", "count 12 cans"),
        ("a hundred times better", ""),
        ("there are two people waiting", ""),
        ("thirty day returns", "date returns 30 day"),
        ("a two-year warranty", "date warranty 2 year"),
        ("two years of warranty", "date warranty 2 year"),
        ("this price is good until midnight", "date midnight"),
        ("today only", "date today"),
        ("it ends at 8 pm", "date 8 pm"),
        ("eight hours of battery", "date battery 8 h"),
        ("we don't have a two-year warranty", ""),
        ("two pairs of eyes", ""),
    ]);
}
