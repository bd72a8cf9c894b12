"""Prompt tokens a CPU second, ours against llama.cpp's, one thread each, the same file and text, turn by turn.

    cargo build --workspace --example prompt_speed
    python -m venv .venv && .venv/bin/pip install xllamacpp
    .venv/bin/python bench/prompt_speed.py target/models/MODEL.gguf [target/debug/examples/prompt_speed]

Whole depth: all layers of the model on both sides (llama.cpp also works out one token's probabilities). As used: the
layers that labels are read from, which is what a feature costs; the comparison then flatters us.
"""

import json
import statistics
import subprocess
import sys
import time

from llama_cpp import Llama

TEXT = "姐妹们看过来，这件羊毛开衫是双面的，摸上去特别软，不扎脖子，今天直播间一百九十九，三号链接，" * 5 + "it is really light and warm. " * 8
TURNS, TIMES = 3, 4
LAYERS = (24, 10)


def main(path, ours="target/debug/examples/prompt_speed"):
    llama = Llama(path)

    def theirs():
        begun, tokens = time.process_time(), 0
        for _ in range(TIMES):
            done = llama.ask("/completion", prompt=TEXT, n_predict=1, cache_prompt=False, temperature=0)
            tokens += done["tokens_evaluated"]
        return tokens / (time.process_time() - begun)

    def mine(layers):
        done = subprocess.run([ours, path, str(layers), str(TIMES)], input=TEXT.encode(), stdout=subprocess.PIPE, check=True)
        r = json.loads(done.stdout)
        return r["tokens"] / r["cpu_s"]

    theirs()
    speeds = {"llama.cpp": [], **{n: [] for n in LAYERS}}
    for _ in range(TURNS):
        speeds["llama.cpp"].append(theirs())
        for n in LAYERS:
            speeds[n].append(mine(n))
    peer = statistics.median(speeds.pop("llama.cpp"))
    print(f"llama.cpp, whole depth: {peer:.0f} prompt tokens a CPU second")
    for n, all in speeds.items():
        here = statistics.median(all)
        print(f"clipmill, {n} layers{' (whole depth)' if n == max(LAYERS) else ' (as used)'}: {here:.0f}, ratio {here / peer:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
