"""Trains the built-in heads anew and writes docs/ref/selling-points.md: how good labels are, by tier.

    make bench-labels                       (or: python3 bench/label_page.py PATH/TO/clipmill MODELS_DIR)

Needs nothing but Python. What texts look like to the models is kept in MODELS_DIR/features, so a second run takes a
minute or two.
"""

import json
import os
import subprocess
import sys

DATA = "fixtures/selling-points/"
TRAIN = [
    DATA + f"{name}.jsonl"
    for name in ("train", "train_more", "train_zh", "train_zh_heard", "train_en", "train_en_heard", "train_mixed")
]
DEV = ["dev", "dev2"]
TIERS = ["full", "short"]
PAGE = "docs/ref/selling-points.md"


def clipmill(program, models, *args, head=None):
    env = dict(os.environ, CLIPMILL__MODELS__DIR=models, CLIPMILL__TRANSCRIBE__THREADS="1")
    env.update({"CLIPMILL__CLASSIFY__HEAD": head[1], "CLIPMILL__CLASSIFY__TIER": head[0]} if head else {})
    done = subprocess.run([program, *args], env=env, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def row(name, r):
    kept = r["hard_negatives_kept"]
    cells = [name, r["items"], *(f"{r[k]:.3f}" for k in ("accuracy", "accuracy_also", "macro_f1"))]
    cells += ["-" if r["chat_f1"] is None else f"{r['chat_f1']:.3f}", "-" if kept is None else f"{kept:.3f}"]
    cells += [f"{r['top2']:.3f}", f"{r['ece']:.3f}"]
    cells += [f"{r['cpu_s_per_item']:.3f}" if "cpu_s_per_item" in r else "-"]
    return "| " + " | ".join(map(str, cells)) + " |"


def main(program, models):
    page = [
        "# How good labels are",
        "",
        "Made by `make bench-labels`, which trains the built-in heads on `fixtures/selling-points/train*.jsonl` and measures them. Held out:",
        "each example is judged by a head that had not seen it, nor a near-duplicate of it. New hosts: by a head that had heard nobody of",
        "its style (the figure to expect of a host who is new, as far as one project's writing can tell). `dev` and `dev2` are sets that",
        "settings were chosen by; nothing was fitted on them. All of this is written talk, not recorded: expect less of a real live.",
        "",
        "Kept: small talk with product words that is called small talk. Calibration: expected error of the confidence, over ten bins.",
        "Other labels of a stretch of talk are those with a probability of 0.2 or more beside the first.",
    ]
    for tier in TIERS:
        head = f"core/inference/heads/{tier}.safetensors"
        t = clipmill(program, models, "train", "classify", "--tier", tier, "--json", "--out", head, "--data", *TRAIN)
        page += ["", f"## The tier `{tier}`", ""]
        page += [f"It reads `{t['feature']}`: {t['examples']} examples, {t['texts']} texts with their forms, C = {t['c']:g}.", ""]
        page += ["| judged on | items | accuracy | also | macro-F1 | chat F1 | kept | top two | calibration | CPU s |"]
        page += ["| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
        page += [row("held out", t["as_written"]), row("held out, without punctuation", t["spoken"])]
        page += [row("new hosts", t["unseen"])] if t["unseen"] else []
        dev = []
        for name in DEV:
            args = ["eval", "classify", "--set", f"{DATA}{name}.jsonl", "--backend", tier, "--json"]
            dev.append(clipmill(program, models, *args, head=(tier, os.path.abspath(head))))
            page.append(row(f"`{name}`", dev[-1]))
        page += ["", "| label | items | precision | recall | F1 | F1, new hosts | F1, `dev2` |"]
        page += ["| --- | --- | --- | --- | --- | --- | --- |"]
        other = [{f["label"]: f for f in (r or {"per_label": []})["per_label"]} for r in (t["unseen"], dev[-1])]
        for f in t["as_written"]["per_label"]:
            more = [f"{o[f['label']]['f1']:.2f}" if f["label"] in o else "-" for o in other]
            figures = [f"{f[k]:.2f}" for k in ("precision", "recall", "f1")]
            page.append("| " + " | ".join([f["label"], str(f["items"]), *figures, *more]) + " |")
    with open(PAGE, "w") as f:
        f.write("\n".join(page) + "\n")
    print(f"wrote {PAGE} and the heads in core/inference/heads")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
