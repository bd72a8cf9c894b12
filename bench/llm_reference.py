#!/usr/bin/env python3
"""Reference vectors for the feature model, computed apart from the Rust code.

A float32 forward pass of the Qwen2 decoder in numpy over the dequantised GGUF weights, with a byte-pair
tokenizer written here. Writes one JSON object: the model's SHA-256, the layer, and for each text its token ids
and the mean over tokens of the residual stream after that layer.

    python -m venv .venv && .venv/bin/pip install numpy gguf regex
    .venv/bin/python bench/llm_reference.py MODEL.gguf > fixtures/reference/qwen_l18_mean.json
"""

import hashlib
import json
import sys

import gguf
import numpy as np
import regex

LAYERS = 18
TEXTS = [
    "这件开衫是羊毛混纺的，第2颗扣子是贝壳扣，摸起来很软。",
    "It's a light rain jacket: 3 pockets, taped seams, and it's only $59.90 today!",
]
SPLIT = regex.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_characters():
    """The character that stands for each byte in the vocabulary."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, spare = {b: chr(b) for b in kept}, 256
    for b in range(256):
        if b not in table:
            table[b], spare = chr(spare), spare + 1
    return table


class Tokenizer:
    def __init__(self, fields):
        self.ids = {t: i for i, t in enumerate(fields["tokenizer.ggml.tokens"].contents())}
        merges = fields["tokenizer.ggml.merges"].contents()
        self.rank = {tuple(m.split(" ", 1)): i for i, m in enumerate(merges)}
        self.bytes = byte_characters()

    def __call__(self, text):
        out = []
        for piece in SPLIT.findall(text):
            parts = [self.bytes[b] for b in piece.encode()]
            while len(parts) > 1:
                ranks = [self.rank.get(pair, 1 << 30) for pair in zip(parts, parts[1:])]
                best = min(range(len(ranks)), key=ranks.__getitem__)
                if ranks[best] == 1 << 30:
                    break
                parts[best : best + 2] = ["".join(parts[best : best + 2])]
            out += [self.ids[p] for p in parts]
        return out


class Model:
    def __init__(self, path):
        self.reader = gguf.GGUFReader(path)
        self.tensors = {t.name: t for t in self.reader.tensors}

    def number(self, key):
        return self.reader.fields[key].contents()

    def weight(self, name):
        t = self.tensors[name]
        return gguf.quants.dequantize(t.data, t.tensor_type).reshape(t.shape[::-1]).astype(np.float32)

    def states(self, ids):
        heads, shared = self.number("qwen2.attention.head_count"), self.number("qwen2.attention.head_count_kv")
        eps, base = self.number("qwen2.attention.layer_norm_rms_epsilon"), self.number("qwen2.rope.freq_base")
        x = self.weight("token_embd.weight")[ids]
        n, width = x.shape
        d = width // heads
        angle = np.outer(np.arange(n), base ** (-np.arange(0, d, 2) / d))
        cos, sin = (np.tile(f(angle), 2)[:, None, :].astype(np.float32) for f in (np.cos, np.sin))
        mask = np.triu(np.full((n, n), -np.inf, dtype=np.float32), 1)

        def norm(x, name):
            return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * self.weight(name)

        def turn(x):
            a, b = np.split(x, 2, -1)
            return x * cos + np.concatenate([-b, a], -1) * sin

        for i in range(LAYERS):
            w = lambda name: self.weight(f"blk.{i}.{name}.weight")
            h = norm(x, f"blk.{i}.attn_norm.weight")
            q, k, v = ((h @ w(f"attn_{p}").T + self.weight(f"blk.{i}.attn_{p}.bias")).reshape(n, -1, d) for p in "qkv")
            k, v = (np.repeat(t, heads // shared, axis=1) for t in (turn(k), v))
            score = np.einsum("qhd,khd->hqk", turn(q), k) / np.sqrt(d) + mask
            score = np.exp(score - score.max(-1, keepdims=True))
            score /= score.sum(-1, keepdims=True)
            x = x + np.einsum("hqk,khd->qhd", score, v).reshape(n, width) @ w("attn_output").T
            h = norm(x, f"blk.{i}.ffn_norm.weight")
            gate = h @ w("ffn_gate").T
            x = x + (gate / (1 + np.exp(-gate)) * (h @ w("ffn_up").T)) @ w("ffn_down").T
        return x


def main(path):
    model = Model(path)
    tokenize = Tokenizer(model.reader.fields)
    with open(path, "rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()
    items = []
    for text in TEXTS:
        ids = tokenize(text)
        mean = model.states(ids).mean(0)
        items.append({"text": text, "tokens": ids, "mean": [float(f"{v:.6g}") for v in mean]})
    json.dump({"model_sha256": digest, "layer": LAYERS, "items": items}, sys.stdout, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main(sys.argv[1])
