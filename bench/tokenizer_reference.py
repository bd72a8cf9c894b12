"""Token ids as llama.cpp splits texts, for fixtures/reference.

    python -m venv .venv && .venv/bin/pip install xllamacpp
    .venv/bin/python bench/tokenizer_reference.py MODEL.gguf > fixtures/reference/qwen_tokens.json

The texts are those of fixtures/reference/sentence.json. The model's own tokenizer composes characters (NFC) before it splits;
llama.cpp leaves that out, so it is done here.
"""

import hashlib
import json
import sys
import unicodedata

from llama_cpp import Llama


def main(path):
    with open(path, "rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()
    with open("fixtures/reference/sentence.json") as f:
        texts = [item["text"] for item in json.load(f)["items"]]
    llama = Llama(path)
    items = []
    for text in texts:
        composed = unicodedata.normalize("NFC", text)
        tokens = llama.ask("/tokenize", content=composed, add_special=False, parse_special=False)["tokens"]
        items.append({"text": text, "tokens": tokens})
    json.dump({"model_sha256": digest, "items": items}, sys.stdout, ensure_ascii=False, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main(sys.argv[1])
