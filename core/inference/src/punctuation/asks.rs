//! Whether a sentence without a mark asks something. Pure, and in doubt it does not.

/// Chinese that asks by its end alone, as 吗 does.
const ENDS_ASKING: [&str; 13] = [
    "有没有",
    "是不是",
    "好不好",
    "对不对",
    "要不要",
    "行不行",
    "能不能",
    "会不会",
    "可不可以",
    "了没有",
    "到没有",
    "了没",
    "怎么办",
];
/// Words that ask where nothing in the clause says otherwise.
const ASKING: [&str; 12] =
    ["什么", "多少", "怎么", "怎样", "哪里", "哪儿", "哪个", "哪款", "哪一", "谁", "几号", "第几"];
/// What a sentence that asks by such a word ends with.
const ENDS_WITH: [&str; 16] = [
    "什么",
    "为什么",
    "干什么",
    "多少",
    "多少钱",
    "怎么样",
    "怎么选",
    "怎么穿",
    "怎么洗",
    "哪里",
    "哪儿",
    "哪个",
    "哪款",
    "谁",
    "几号",
    "第几个",
];
/// With one of these the word means "any", or somebody else's question is told ("不知道多少").
const NO_QUESTION: [&str; 11] =
    ["不", "没", "都", "也", "随便", "无论", "知道", "告诉", "看看", "就是", "多么"];

/// Whether a Chinese sentence asks. `said`: without a mark at its end.
pub(crate) fn asks_zh(said: &str) -> bool {
    let clause = said.rsplit(['，', '。', '！', '？', '；', ',', '!', '?', ';']).next().unwrap_or(said);
    let clause = clause.trim();
    let any = |words: &[&str]| words.iter().any(|w| clause.contains(w));
    let bare = clause.trim_end_matches(['啊', '呀', '呢']);
    if bare.ends_with('吗') {
        return true;
    }
    if ENDS_ASKING.iter().any(|e| bare.ends_with(e)) {
        // "什么都没看到没有", "看看有没有"
        return !any(&["都", "也", "根本", "知道", "告诉", "看看", "无论", "不管"]);
    }
    // "有多少拍多少", "要什么有什么": a word that asks said twice promises all of it.
    let asked: usize = ASKING.iter().map(|w| clause.matches(w).count()).sum();
    if asked != 1 || any(&NO_QUESTION) {
        return false;
    }
    clause.ends_with('呢') || ENDS_WITH.iter().any(|e| bare.ends_with(e))
}

const FILLERS: [&str; 12] =
    ["so", "and", "but", "now", "ok", "okay", "well", "hey", "guys", "yeah", "oh", "alright"];
const AUXILIARIES: [&str; 26] = [
    "is", "are", "am", "was", "were", "do", "does", "did", "can", "could", "will", "would", "should", "have",
    "has", "isn't", "aren't", "wasn't", "don't", "doesn't", "didn't", "can't", "won't", "wouldn't",
    "haven't", "couldn't",
];
const SUBJECTS: [&str; 18] = [
    "i",
    "you",
    "we",
    "they",
    "he",
    "she",
    "it",
    "this",
    "that",
    "these",
    "those",
    "there",
    "anyone",
    "anybody",
    "everyone",
    "everybody",
    "your",
    "the",
];
const QUESTION_WORDS: [&str; 8] = ["what", "who", "where", "when", "why", "how", "which", "whose"];

/// Whether an English sentence asks: a verb before its subject at the beginning ("is it", "what do you"), or a tag at
/// the end ("isn't it"). "What I like is" and "when you buy two" do not ask.
pub(crate) fn asks_en(said: &str) -> bool {
    let lower = said.to_lowercase().replace('’', "'");
    // Only the last of several sentences counts.
    let last = [". ", "! ", "? "].iter().filter_map(|seam| lower.rfind(seam)).max().unwrap_or(0);
    let words: Vec<&str> = lower[last..]
        .split_whitespace()
        .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|w| !w.is_empty())
        .collect();
    let begins = words.iter().position(|w| !FILLERS.contains(w)).unwrap_or(words.len());
    let words = &words[begins..];
    let auxiliary = |i: usize| words.get(i).is_some_and(|w| AUXILIARIES.contains(w));
    let subject = |i: usize| words.get(i).is_some_and(|w| SUBJECTS.contains(w));
    let tag = words.len() > 2
        && words[words.len() - 2].ends_with("n't")
        && auxiliary(words.len() - 2)
        && ["it", "you", "they", "we", "he", "she"].contains(&words[words.len() - 1]);
    // "Do it like this", "have the blue one" and "should you need it" do not ask.
    let imperative = |verb: &str, subject: &str| match verb {
        "do" | "don't" | "have" => !["i", "you", "we", "they", "anyone", "anybody"].contains(&subject),
        "should" => subject == "you",
        _ => false,
    };
    if tag || (auxiliary(0) && subject(1) && !imperative(words[0], words[1])) {
        return true;
    }
    let Some(first) = words.first().filter(|w| QUESTION_WORDS.contains(w)) else { return false };
    // "What is great is the lining" says something.
    let says = words.iter().skip(1).filter(|w| ["is", "are", "was", "were"].contains(w)).count() > 1;
    let inverted = (*first != "which" && auxiliary(1) && subject(2))
        || (["how", "which", "what", "whose"].contains(first) && auxiliary(2) && subject(3));
    inverted && !says
}
