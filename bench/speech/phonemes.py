"""Text to the phoneme letters that Kokoro reads: Mandarin by jieba, pypinyin and misaki, English by hibari's rules.

A Chinese sentence may hold English words and letters; each run of them is read as English, whole words by the dictionary and
letters one by one. Prices and numbers are written as words in the scripts, so nothing here reads digits."""
import json
import re
from importlib import resources

import jieba
import jieba.posseg
from hibari import Hibari
from misaki.tone_sandhi import ToneSandhi
from misaki.zh import ZHG2P
from pypinyin import Style, lazy_pinyin, load_phrases_dict

jieba.setLogLevel(60)
VOCABULARY = json.loads(resources.files("hibari").joinpath("assets/vocab.json").read_text(encoding="utf-8"))
SANDHI = ToneSandhi()
ENGLISH = Hibari()
PAUSES = ",.!?"
LETTERS = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
    "ˈA bˈi sˈi dˈi ˈi ˈɛf ʤˈi ˈAʧ ˈI ʤˈA kˈA ˈɛl ˈɛm ˈɛn ˈO pˈi kjˈu ˈɑɹ ˈɛs tˈi jˈu vˈi dˈʌbᵊlju ˈɛks wˈI zˈi"
).split()))

# Words that the dictionaries read wrongly in this kind of talk.
load_phrases_dict({
    "色差": [["sè"], ["chā"]],
    "一乘": [["yī"], ["chéng"]],
    "重磅": [["zhòng"], ["bàng"]],
    "只换": [["zhǐ"], ["huàn"]],
    "只剩": [["zhǐ"], ["shèng"]],
    "轻薄": [["qīng"], ["báo"]],
    "还剩": [["hái"], ["shèng"]],
})


def syllables(text: str) -> list[list[str]]:
    """Pinyin with tone digits (5 = neutral) of a run of Chinese characters, one list a word, tone changes applied."""
    words = SANDHI.pre_merge_for_modify([(w.word, w.flag) for w in jieba.posseg.lcut(text)])
    out = []
    for word, part in words:
        plain = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
        finals = lazy_pinyin(word, style=Style.FINALS_TONE3, neutral_tone_with_five=True)
        changed = SANDHI.modified_tone(word, part, finals) if len(finals) == len(word) else finals
        out.append([p[:-1] + f[-1] if f and f[-1].isdigit() else p for p, f in zip(plain, changed)])
    return out


def english(text: str) -> str:
    """Words in capitals and single capitals are spelled out (the rules alone would read "Type C" as "type one hundred")."""
    def spell(word: re.Match) -> str:
        letters = word[0]
        if letters in ("I", "A", "OK"):
            return letters
        return " ".join(f"[{c}](/{LETTERS[c]}/)" for c in letters)
    return " ".join(ENGLISH.phonemize(re.sub(r"\b[A-Z]+\b", spell, text))).strip()


def chinese(text: str) -> str:
    text = text.translate(str.maketrans("，。！？、：；", ",.!?,,,"))
    parts = []
    for run in re.findall(r"[一-鿿]+|[A-Za-z][A-Za-z' -]*|[,.!?…—]+", text):
        if "一" <= run[0] <= "鿿":
            words = ["".join(ZHG2P.py2ipa(s) for s in word) for word in syllables(run)]
            parts.append(" ".join(words).replace(chr(815), ""))
        elif run[0].isascii() and run[0].isalpha():
            parts.append(english(run).strip(".,") if len(run.strip()) > 1 else english(run.strip() + ".").strip("."))
        elif parts:
            parts[-1] += run[0] if run[0] in PAUSES else "…"
    return " ".join(parts)


def tokens(text: str, language: str) -> list[int]:
    """Kokoro's token numbers of a sentence, without the zeros at both ends."""
    said = chinese(text) if language == "zh" else english(text)
    unknown = sorted({c for c in said if c not in VOCABULARY})
    if unknown:
        raise ValueError(f"no token for {unknown} in {said!r} ({text})")
    return [VOCABULARY[c] for c in said]
