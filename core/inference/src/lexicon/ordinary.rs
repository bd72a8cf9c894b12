//! How usual a run of Chinese characters is, by the frequencies of a dictionary. Pure, but for loading that dictionary once.

use std::sync::LazyLock;

use jieba_rs::Jieba;

static DICTIONARY: LazyLock<Jieba> = LazyLock::new(|| {
    let mut dictionary = Jieba::new();
    for word in OF_LIVES.split_ascii_whitespace() {
        dictionary.add_word(word, Some(OF_LIVES_COUNT), None);
    }
    dictionary
});

/// What hosts of lives say all day, which the dictionary's books and newspapers do not.
const OF_LIVES: &str = "主播 直播 直播间 弹幕 包邮 下单 拍下 上车 上新 开播 下播 福袋 发券 领券 优惠券 券后 到手价 秒杀 现货 \
    预售 补货 断货 尾货 返场 炸福利 放福利 小黄车 购物车 粉丝团 粉丝价 家人们 宝宝们 姐妹们 宝子们 老铁 点赞 关注 拼手速 拼团 \
    显瘦 显白 百搭 起球 勾丝 闷痘 起皮 换季 厚涂 刺挠 平铺 洗衣袋 均码 加绒 修身 宽松 保真 质保 换新 退换 运费险 五折 半价 \
    第二件 买一送一 号链接 一号链接 二号链接 三号链接 客服 后台 库存 改价 截单 备注 同款 联名 新款 爆款 断码 色号 色差";
const OF_LIVES_COUNT: usize = 3_000;

/// Words counted in the dictionary's texts.
const COUNTED: f64 = 6.0e7;
/// A character that is in no word stands for so many.
const UNKNOWN: f64 = 1.0;

/// The natural logarithm of how probable `text` is as running words; 0 for no text.
pub(super) fn likelihood(text: &str) -> f64 {
    if text.is_empty() {
        return 0.0;
    }
    DICTIONARY.cut(text, false).iter().map(|t| (count(t.word) / COUNTED).ln()).sum()
}

/// How often the dictionary's texts have `word`.
fn count(word: &str) -> f64 {
    if DICTIONARY.has_word(word) { (DICTIONARY.suggest_freq(word) as f64).max(UNKNOWN) } else { UNKNOWN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_words_are_likelier_than_nonsense() {
        assert!(likelihood("今天") > likelihood("充电") && likelihood("充电") > likelihood("裤腰"));
        assert!(likelihood("主播") > likelihood("猪波"));
        assert!(likelihood("").abs() < f64::EPSILON);
    }
}
