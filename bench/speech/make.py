#!/usr/bin/env python3
"""Makes the spoken fixtures: NAME.opus and its truth NAME.jsonl, from scripts/NAME.jsonl and sets.toml. README.md tells how."""
import argparse
import json
import pathlib
import subprocess
import tomllib

import numpy as np

import sound
from sound import RATE, gain, power, seconds

HERE = pathlib.Path(__file__).resolve().parent
FIELDS = ("id", "start", "end", "text", "label", "product", "speaker", "speed", "pitch", "bg")


def spoken(kokoro, row: dict, plan: dict, rng: np.random.Generator, room: np.ndarray) -> tuple[np.ndarray, float, float]:
    """One sentence in the room, silence cut off, at its level; with it the factors of speed and pitch."""
    from phonemes import tokens

    speaker = plan["speakers"][row.get("speaker", "A")]
    quick = row["label"] in ("urgency", "promo")
    low, high = plan["quick"] if quick else plan["speed"]
    speed = row.get("speed", 1.0) * rng.uniform(low, high)
    pitch = speaker["pitch"] * rng.uniform(0.97, 1.03)
    level = rng.uniform(-2.5, 2.5)
    x = kokoro.say(tokens(row.get("say", row["text"]), plan["language"]), speaker["voice"], speed / pitch)
    x = sound.trimmed(sound.shifted(x, pitch))
    if "whisper" in row.get("style", ""):
        x = sound.whispered(rng, x)
        level -= 4.0
    if "cut" in row.get("style", ""):  # broken off: the last 60 ms are missing
        x = sound.faded(x[: -seconds(0.06)], 0.0, 0.008)
    x = sound.trimmed(np.convolve(x, room))
    active = x[np.abs(x) > 0.02 * np.abs(x).max()]
    return x * gain(-21.0 + level) / np.sqrt(power(active)), speed, pitch


def background(plan: dict, rng: np.random.Generator, length: int) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Pink noise throughout, music on and off; and the stretches, in seconds, in which the music plays."""
    noise = sound.pink(rng, length) * 0.5
    track = sound.music(rng, length)
    on, spans, at = np.zeros(length), [], 0.0
    while at < length / RATE:
        until = min(at + rng.uniform(*plan["music_on"]), length / RATE)
        spans.append((at, until))
        part = sound.faded(np.ones(seconds(until) - seconds(at)), 0.4 if at else 0.0, 0.6)
        on[seconds(at) : seconds(at) + len(part)] = part[: length - seconds(at)]
        at = until + rng.uniform(*plan["music_off"])
    return noise + track * on, spans


def talk(script: pathlib.Path, plan: dict, kokoro) -> tuple[np.ndarray, np.ndarray, list[dict]]:
    """The mix, the speech alone, and the truth."""
    rng = np.random.default_rng(plan["seed"])
    rows = [json.loads(line) for line in open(script, encoding="utf-8")]
    rooms = {who: sound.room(np.random.default_rng(plan["seed"] + 1 + i)) for i, who in enumerate(sorted(plan["speakers"]))}
    at, placed, truth = rng.uniform(1.2, 2.0), [], []
    for i, row in enumerate(rows):
        who = row.get("speaker", "A")
        x, speed, pitch = spoken(kokoro, row, plan, np.random.default_rng([plan["seed"], i]), rooms[who])
        before = rows[i - 1] if i else row
        if "over" in row:  # seconds before the end of the sentence before
            start = truth[-1]["end"] - row["over"]
        else:
            pause = rng.uniform(*(plan["pause"] if row.get("product") == before.get("product") else plan["turn"]))
            start = at + (row.get("gap", pause) if i else 0.0)
        start = seconds(start) / RATE
        end = start + len(x) / RATE
        placed.append((start, x))
        truth.append({"id": i, "start": round(start, 3), "end": round(end, 3), "text": row["text"], "label": row["label"],
                      "product": row.get("product"), "speaker": who, "speed": round(speed, 3), "pitch": round(pitch, 3)})
        at = max(at, end)
        print(f"{start:7.2f} {end:7.2f} {row['text']}", flush=True)
    length = seconds(at + rng.uniform(1.5, 2.5))
    speech = np.zeros(length)
    for start, x in placed:
        speech[seconds(start) : seconds(start) + len(x)] += x
    behind, spans = background(plan, rng, length)
    inside = np.zeros(length, bool)
    for line in truth:
        inside[seconds(line["start"]) : seconds(line["end"])] = True
        middle = (line["start"] + line["end"]) / 2
        line["bg"] = "music" if any(a <= middle <= b for a, b in spans) else "noise"
    behind *= np.sqrt(power(speech[inside]) / power(behind[inside])) * gain(-plan["snr_db"])
    truth.sort(key=lambda line: line["start"])
    for i, line in enumerate(truth):
        line["id"] = i
    return speech + behind, speech, [{k: line[k] for k in FIELDS} for line in truth]


def without_speech(plan: dict) -> np.ndarray:
    """The scenes of a file in which nobody speaks, one after the other."""
    rng = np.random.default_rng(plan["seed"])
    made = {"music": lambda n: sound.music(rng, n, lead=True), "noise": lambda n: sound.pink(rng, n), "silence": lambda n: np.zeros(n),
            "applause": lambda n: sound.applause(rng, n), "hum": lambda n: sound.hum(rng, n)}
    parts = []
    for scene in plan["scenes"]:
        parts.append(sound.faded(made[scene["what"]](seconds(scene["seconds"])) * gain(scene.get("level_db", -24.0)), 0.02, 0.02))
    return np.concatenate(parts)


def written(x: np.ndarray, path: pathlib.Path, codec: list[str]) -> None:
    run = ["ffmpeg", "-y", "-v", "error", "-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", "-", "-map_metadata", "-1", "-fflags", "+bitexact",
           "-flags:a", "+bitexact", *codec, str(path)]
    subprocess.run(run, input=x.astype("<f4").tobytes(), check=True)


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("names", nargs="+", help="sets of sets.toml")
    args.add_argument("--sets", type=pathlib.Path, default=HERE / "sets.toml", help="other sets; their scripts lie beside it")
    args.add_argument("--out", type=pathlib.Path, required=True)
    args.add_argument("--voices", type=pathlib.Path, default=HERE / "work/package/voices", help="NAME.bin files of the npm package")
    args.add_argument("--cache", type=pathlib.Path, default=HERE / "work/cache", help="where the folded model is kept")
    args.add_argument("--threads", type=int, default=1)
    args.add_argument("--stems", action="store_true", help="write NAME.speech.wav (the speech alone) and NAME.mix.wav too, for check.py")
    args = args.parse_args()
    plans = tomllib.loads(args.sets.read_text(encoding="utf-8"))
    args.out.mkdir(parents=True, exist_ok=True)
    kokoro = None
    for name in args.names:
        plan = {**plans["common"], **plans[name]}
        if "scenes" in plan:
            mix = without_speech(plan)
            stem, truth = np.zeros(len(mix)), []
        else:
            if kokoro is None:
                from voice import Kokoro
                kokoro = Kokoro(args.voices, args.cache, args.threads)
            mix, stem, truth = talk(args.sets.parent / "scripts" / f"{name}.jsonl", plan, kokoro)
        softer = sound.limiter(mix, -3.5)
        mix, stem = mix * softer, stem * softer
        written(mix, args.out / f"{name}.opus", ["-c:a", "libopus", "-b:a", "24k"])
        with open(args.out / f"{name}.jsonl", "w", encoding="utf-8") as out:
            out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in truth)
        if args.stems:
            written(stem, args.out / f"{name}.speech.wav", ["-c:a", "pcm_f32le"])
            written(mix, args.out / f"{name}.mix.wav", ["-c:a", "pcm_f32le"])
        print(f"{name}: {len(mix) / RATE:.1f} s, {len(truth)} sentences")


if __name__ == "__main__":
    main()
