#!/usr/bin/env python3
"""Checks made files, by means that share nothing with how they were made but the speech alone (make.py --stems):

- loudness and true peak of NAME.opus (ffmpeg's EBU R128 meter); a clipped file fails;
- the delay between the mix and the decoded NAME.opus (cross-correlation); more than 5 ms fails;
- each sentence's start and end against the envelope of the speech alone (10 ms power, 33 dB under the sentence's loud parts);
  more than 30 ms off fails, save where another sentence lies over it;
- in the decoded file: how far the speech of a sentence is above the background around it, in dB.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

import numpy as np

RATE = 24_000


def decoded(path: pathlib.Path) -> np.ndarray:
    run = ["ffmpeg", "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(run, check=True, capture_output=True).stdout, "<f4").astype(np.float64)


def loudness(path: pathlib.Path) -> tuple[float, float]:
    run = ["ffmpeg", "-hide_banner", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(run, check=True, capture_output=True, text=True).stderr.rsplit("Summary:", 1)[1]
    return tuple(float(re.search(rf"{name}:\s+(-?[\d.]+|-inf)", said)[1]) for name in ("I", "Peak"))


def envelope(x: np.ndarray, step: int) -> np.ndarray:
    """Power in windows of 10 ms that begin every `step` samples."""
    total = np.r_[0.0, np.cumsum(x * x)]
    at = np.arange(0, len(x) - 240, step)
    return (total[at + 240] - total[at]) / 240


def delay(a: np.ndarray, b: np.ndarray) -> float:
    """How many seconds `b` comes after `a`."""
    n = 1 << (len(a) + len(b)).bit_length()
    c = np.fft.irfft(np.fft.rfft(b, n) * np.conj(np.fft.rfft(a, n)), n)
    at = int(np.argmax(c))
    return (at if at < n // 2 else at - n) / RATE


def edges(speech: np.ndarray, line: dict, truth: list[dict]) -> tuple[float, float]:
    """Where the speech of `line` begins and ends, in seconds, by its envelope; within 0.1 s outside the truth, no neighbour's."""
    low = max([0.0, line["start"] - 0.1, *(o["end"] for o in truth if o["end"] <= line["start"])])
    high = min([line["end"] + 0.1, *(o["start"] for o in truth if o["start"] >= line["end"])])
    first = int(low * RATE)
    e = envelope(speech[first : int(high * RATE)], 24)
    loud = np.flatnonzero(e > np.percentile(e, 90) * 10 ** (-33 / 10))
    return first / RATE + loud[0] * 0.001 + 0.005, first / RATE + loud[-1] * 0.001 + 0.005


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("folder", type=pathlib.Path, help="what make.py --stems wrote")
    args.add_argument("names", nargs="+")
    args = args.parse_args()
    failed = False
    for name in args.names:
        opus = args.folder / f"{name}.opus"
        truth = [json.loads(line) for line in open(args.folder / f"{name}.jsonl", encoding="utf-8")]
        integrated, peak = loudness(opus)
        sound, mix, speech = decoded(opus), decoded(args.folder / f"{name}.mix.wav"), decoded(args.folder / f"{name}.speech.wav")
        late = delay(mix, sound)
        bad = [f"clipped: true peak {peak} dBFS"] if peak > -0.3 else []
        bad += [f"the codec moved it by {late * 1000:.1f} ms"] if abs(late) > 0.005 else []
        off = []
        for line in truth:
            alone = all(o is line or o["end"] < line["start"] or o["start"] > line["end"] for o in truth)
            a, b = edges(speech, line, truth)
            off.append((abs(a - line["start"]), abs(b - line["end"])))
            if alone and max(off[-1]) > 0.03:
                bad.append(f"sentence {line['id']}: {line['start']}-{line['end']}, by the envelope {a:.3f}-{b:.3f}")
        said = f"{name}: {len(sound) / RATE:.1f} s, {integrated} LUFS, true peak {peak} dBFS, codec delay {late * 1000:.1f} ms"
        if truth:
            covered = np.zeros(len(sound), bool)
            for line in truth:
                covered[int(line["start"] * RATE) : int(line["end"] * RATE)] = True
            over = 10 * np.log10(np.mean(sound[covered] ** 2) / np.mean(sound[~covered] ** 2))
            starts, ends = np.array(off).T * 1000
            said += (f", {covered.mean() * 100:.0f} % speech, {over:.1f} dB over the gaps; starts off {np.median(starts):.0f} ms"
                     f" (most {starts.max():.0f}), ends {np.median(ends):.0f} ms (most {ends.max():.0f})")
        print(said, *(f"  {b}" for b in bad), sep="\n")
        failed |= bool(bad)
    sys.exit(failed)


if __name__ == "__main__":
    main()
