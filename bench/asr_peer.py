#!/usr/bin/env python3
"""Transcribes a sound with faster-whisper from the very weights that clipmill's recogniser was converted from, 8-bit, on one
thread, behind faster-whisper's own voice activity filter. One JSON object on standard output:

    {"text": .., "segments": [{"start", "end", "text"}], "cpu_s": .., "audio_s": .., "model": .., "compute_type": ..}

cpu_s: processor seconds (user and system) of the transcription alone; start, end and audio_s: seconds. The text is as the
model wrote it (Traditional characters stay). `clipmill eval asr --peer` runs `python3 bench/asr_peer.py --audio FILE --lang zh --json`.

    pip install faster-whisper==1.2.1
"""
import argparse
import json
import os
import pathlib
import resource
import sys
import tempfile

from whisper_original import MODEL, RATE, original_model, samples


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    root = pathlib.Path(__file__).resolve().parent.parent
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--audio", required=True, help="any file that ffmpeg reads")
    args.add_argument("--lang", required=True, help="the language spoken: zh, en ..")
    args.add_argument("--beam", type=int, default=5, help="5 is faster-whisper's default; 1 is greedy")
    args.add_argument("--wheels", default=str(root / "target/wheels"), help="where the two wheels of the model are or go")
    args.add_argument("--json", action="store_true", help="JSON on one line (without: the segments, one a line, and the cost)")
    args = args.parse_args()

    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[threads] = "1"
    try:
        from faster_whisper import WhisperModel
    except ImportError:
        sys.exit("faster-whisper is not installed for this python3: pip install faster-whisper==1.2.1")

    sound = samples(args.audio)
    with tempfile.TemporaryDirectory() as work:
        files = original_model(pathlib.Path(args.wheels), pathlib.Path(work))
        model = WhisperModel(str(files), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1)
    before = spent()
    found, _ = model.transcribe(sound, language=args.lang, beam_size=args.beam, vad_filter=True)
    segments = [{"start": round(s.start, 3), "end": round(s.end, 3), "text": s.text.strip()} for s in found]
    cpu = spent() - before
    between = "" if args.lang in ("zh", "ja", "yue") else " "
    said = {
        "text": between.join(s["text"] for s in segments), "segments": segments, "cpu_s": round(cpu, 3),
        "audio_s": round(len(sound) / RATE, 3), "model": MODEL, "compute_type": "int8", "beam": args.beam,
    }
    if args.json:
        print(json.dumps(said, ensure_ascii=False))
    else:
        for s in segments:
            print(f"{s['start']:8.2f} {s['end']:8.2f}  {s['text']}")
        print(f"{said['cpu_s']} CPU seconds for {said['audio_s']} s of sound")


if __name__ == "__main__":
    main()
