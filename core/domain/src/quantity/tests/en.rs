use super::*;

fn en(table: &[(&str, &str)]) {
    check(Language::En, table);
}

#[test]
fn prices() {
    en(&[
        ("ninety-nine fifty", "99.5 money"),
        ("it was one hundred and ten dollars and right now it is sixty nine fifty", "110 dollar; 69.5 money"),
        ("twenty nine ninety nine", "29.99 money"),
        ("a hundred and twenty nine ninety nine", "129.99 money"),
        ("$19.99", "19.99 dollar"),
        ("$1,299", "1299 dollar"),
        ("$1.5k", "1500 dollar"),
        ("19.99 dollars", "19.99 dollar"),
        ("nineteen dollars and ninety nine cents", "19.99 dollar"),
        ("nineteen dollars ninety nine", "19.99 dollar"),
        ("forty bucks", "40 dollar"),
        ("ten dollars off", "10 dollar"),
        ("twenty dollars and two pairs", "20 dollar; 2 pairs"),
        ("ninety nine cents", "0.99 money"),
        ("£25", "25 sterling"),
        ("five pounds and fifty pence", "5.5 sterling"),
        ("five euros", "5 euro"),
        ("thirty quid", "30 sterling"),
        ("only nineteen ninety nine today", "19.99 money"),
        ("now for 19.99", "19.99 money"),
        ("the price is forty nine", "49 money"),
        ("it costs twenty today", "20 money"),
        ("a thousand dollars", "1000 dollar"),
        ("twenty nine ninety nine dollars", "29.99 dollar"),
    ]);
}

#[test]
fn never_a_guessed_price() {
    en(&[
        ("one ninety nine", ""),
        ("one ninety nine dollars", ""),
        ("nineteen ninety nine", ""),
        ("twenty twenty six", ""),
        ("twelve ninety nine", ""),
        ("forty fifty people", ""),
        ("fifty fifty", ""),
        ("twenty four seven", ""),
        ("69.50", "69.5 plain"),
        ("lose five pounds", "5 plain"),
        ("twenty nine fifty gram packs", "29 plain; 50 gram"),
        ("there are only forty nine left", "49 plain"),
        ("it costs two years of work", "2 year"),
        ("a hundred and fifty", "150 plain"),
        ("forty five hundred", "4500 plain"),
        ("three two one", ""),
        ("thirty five forty", ""),
        ("one oh nine", ""),
    ]);
}

#[test]
fn discounts_and_offers() {
    en(&[
        ("half off", "0.5 x"),
        ("half price", "0.5 x"),
        ("thirty percent off", "0.7 x"),
        ("30% off", "0.7 x"),
        ("buy one get one free", "1 free for 1"),
        ("buy two get one free", "1 free for 2"),
        ("Buy two, get one free!", "1 free for 2"),
        ("buy one get one half off", "0.5 x on 2"),
        ("buy one get one 50% off", "0.5 x on 2"),
        ("the second one is half price", "0.5 x on 2"),
        ("second pair thirty percent off", "0.7 x on 2"),
        ("BOGO today", "1 free for 1"),
        ("two for thirty", "30 money for 2"),
        ("three for fifteen dollars, mix any flavour", "15 dollar for 3"),
        ("3 for $15", "15 dollar for 3"),
        ("two pairs for fifty", "50 money for 2"),
        ("two for twenty nine ninety nine", "29.99 money for 2"),
        ("three for two", "1 free for 2"),
        ("two for one", "1 free for 1"),
        ("four for the price of three", "1 free for 3"),
        ("ten for thirty days", "10 plain; 30 day"),
        ("two for five people", "2 plain; 5 people"),
    ]);
}

#[test]
fn measures_and_counts() {
    en(&[
        ("ten thousand milliamp hours", "10000 capacity"),
        ("10,000mAh and it snaps on", "10000 capacity"),
        ("10,000 milliamp hours", "10000 capacity"),
        ("size thirty eight", "38 size"),
        ("size 38", "38 size"),
        ("size M", ""),
        ("link number five today", "5 link"),
        ("click link 5", "5 link"),
        ("the link is below", ""),
        ("a dozen", "12 dozen"),
        ("two dozen eggs", "24 dozen"),
        ("half a dozen", "6 dozen"),
        ("one point five litres", "1.5 litre"),
        ("half a litre", "0.5 litre"),
        ("two and a half hours", "2.5 hour"),
        ("half an hour", "0.5 hour"),
        ("twelve ounce organic cotton denim with one percent stretch", "12 ounce; 1 %"),
        ("eighty percent in fifty minutes", "80 %; 50 minute"),
        ("weighs two hundred grams", "200 gram"),
        ("a 10-inch pan", "10 inch"),
        ("5 feet", "5 foot"),
        ("250ml", "250 millilitre"),
        ("65W", "65 power"),
        ("ten K", "10000 plain"),
        ("10k followers", "10000 plain"),
        ("a 4K screen", ""),
        ("2 million sold", "2000000 plain"),
        ("one million two hundred thousand", "1200000 plain"),
        ("a hundred and five thousand and ten", "105010 plain"),
        ("twenty seven left", "27 plain"),
        ("three times at the factory", "3 times"),
        ("this one is the one", ""),
        ("one piece", "1 piece"),
        ("1,299", "1299 plain"),
        ("5G and 3C and the 2nd", ""),
        ("at 8 pm", ""),
        ("January twenty third", ""),
        ("3 1/2 inches", ""),
        ("USB 3.0.1", ""),
        ("", ""),
    ]);
}
