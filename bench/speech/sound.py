"""What is done to a sentence, and everything that is not speech. Nothing here is a recording: all of it is computed.

Samples are float64 at 24 kHz; `rng` is a numpy Generator, so a seed fixes the result."""
import numpy as np
from scipy import linalg, ndimage, signal

RATE = 24_000
FRAME = RATE // 200  # 5 ms


def seconds(n: float) -> int:
    return int(round(n * RATE))


def power(x: np.ndarray) -> float:
    return float(np.mean(x * x)) if len(x) else 0.0


def gain(db: float) -> float:
    return 10 ** (db / 20)


def faded(x: np.ndarray, into: float, out: float) -> np.ndarray:
    """Raised-cosine fades, in seconds."""
    x = x.copy()
    a, b = min(seconds(into), len(x)), min(seconds(out), len(x))
    if a:
        x[:a] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(a) / a)
    if b:
        x[-b:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(b) / b)
    return x


def trimmed(x: np.ndarray, below_db: float = -36.0) -> np.ndarray:
    """From the first to the last 5 ms that is less than 36 dB under the sentence's loud parts (95th percentile)."""
    frames = len(x) // FRAME
    levels = np.sqrt(np.mean(x[: frames * FRAME].reshape(frames, FRAME) ** 2, axis=1))
    loud = np.flatnonzero(levels > np.percentile(levels, 95) * gain(below_db))
    return faded(x[loud[0] * FRAME : (loud[-1] + 1) * FRAME], 0.002, 0.004)


def shifted(x: np.ndarray, pitch: float) -> np.ndarray:
    """Higher by the factor `pitch` and shorter by the same; the caller asks for slower speech to make up for it."""
    up = 1000
    return signal.resample_poly(x, up, int(round(up * pitch)))


def limiter(x: np.ndarray, top_db: float) -> np.ndarray:
    """Factors that keep the peaks of `x` under `top_db`, as a live's own limiter does; they begin 5 ms ahead of a peak."""
    wanted = np.minimum(1.0, gain(top_db) / np.maximum(np.abs(x), 1e-9))
    held = ndimage.minimum_filter1d(wanted, 2 * seconds(0.005) + 1)
    return ndimage.uniform_filter1d(held, 2 * seconds(0.0025) + 1, mode="nearest")


def room(rng: np.random.Generator, taps: int = 60, length: float = 0.045, level_db: float = -9.0) -> np.ndarray:
    """An impulse response: the direct sound and `taps` early reflections that die away within `length` seconds."""
    h = np.zeros(seconds(length))
    at = rng.integers(seconds(0.002), len(h), taps)
    np.add.at(h, at, rng.standard_normal(taps) * np.exp(-4.0 * at / len(h)))
    h *= gain(level_db) / np.sqrt(np.sum(h * h))
    h[0] = 1.0
    return h


def whispered(rng: np.random.Generator, x: np.ndarray, order: int = 26) -> np.ndarray:
    """The voice taken out: each 30 ms piece's resonances (linear prediction) driven by noise in place of the vocal folds."""
    size, hop = seconds(0.03), seconds(0.0075)
    window = np.hanning(size)
    source = signal.lfilter([1, -0.97], [1], np.r_[np.zeros(size), x, np.zeros(2 * size)])
    noise = rng.standard_normal(len(source))
    out, weight = np.zeros(len(source)), np.full(len(source), 1e-6)
    for at in range(0, len(source) - size, hop):
        piece = source[at : at + size] * window
        r = signal.correlate(piece, piece, "full", "fft")[size - 1 : size + order]
        if r[0] < 1e-9:
            continue
        r[0] *= 1.0001
        a = np.r_[1.0, -linalg.solve_toeplitz(r[:order], r[1 : order + 1])]
        driven = signal.lfilter([1.0], a, noise[at : at + size] * window)
        out[at : at + size] += driven * np.sqrt(power(piece) / max(power(driven), 1e-12)) * window
        weight[at : at + size] += window**2
    out = out / np.sqrt(weight)
    # Half of the pre-emphasis stays: a whisper has little below the first resonance and a flatter spectrum.
    out = signal.lfilter([1.0], [1, -0.75], out)[size : size + len(x)]
    out = signal.sosfilt(signal.butter(2, 250, "highpass", fs=RATE, output="sos"), out)
    return out * np.sqrt(power(x) / power(out))


def pink(rng: np.random.Generator, length: int) -> np.ndarray:
    """Noise whose power falls with the frequency, from 30 Hz; mean power 1."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    f = np.fft.rfftfreq(length, 1 / RATE)
    spectrum[1:] /= np.sqrt(f[1:])
    spectrum[f < 30] = 0
    x = np.fft.irfft(spectrum, length)
    return x / np.sqrt(power(x))


CHORDS = [[(57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62)], [(50, 53, 57), (55, 58, 62), (48, 51, 55), (53, 56, 60)],
          [(52, 55, 59), (48, 52, 55), (55, 59, 62), (50, 54, 57)]]


def hertz(note: float) -> float:
    return 440.0 * 2 ** ((note - 69) / 12)


def music(rng: np.random.Generator, length: int, lead: bool = False) -> np.ndarray:
    """Chords, bass, kick and hats at a steady tempo, over and over; with `lead`, a sung-like line on open vowels. Mean power 1."""
    beat = seconds(60 / rng.uniform(96, 124))
    chords = CHORDS[rng.integers(len(CHORDS))]
    x = np.zeros(length + 8 * beat)
    t = np.arange(4 * beat) / RATE
    bar = 0
    for at in range(0, length, 4 * beat):
        chord = chords[bar % len(chords)]
        bar += 1
        for note in chord:
            f = hertz(note + 12)
            pad = sum(np.sin(2 * np.pi * f * h * t * (1 + d)) / h**1.5 for h in (1, 2, 3) for d in (0, 0.002))
            x[at : at + len(t)] += 0.12 * faded(pad, 0.08, 0.2)
        for i in range(4):
            on = at + i * beat
            n = np.arange(seconds(0.3)) / RATE
            x[on : on + len(n)] += (0.9 if i % 2 == 0 else 0.4) * np.sin(2 * np.pi * (50 * n - 6 * np.exp(-n * 30))) * np.exp(-n * 12)
            bass = np.sin(2 * np.pi * hertz(chord[0] - 12) * n * 1.0) * np.exp(-n * 5)
            x[on : on + len(n)] += 0.5 * faded(bass, 0.005, 0.02)
            for half in (0, 1):
                hat = signal.lfilter([1, -0.95], [1], rng.standard_normal(seconds(0.05))) * np.exp(-np.arange(seconds(0.05)) / RATE * 90)
                x[on + half * beat // 2 : on + half * beat // 2 + len(hat)] += 0.10 * hat
    x = x[:length]
    if lead:
        x = x / np.sqrt(power(x)) + 0.9 * sung(rng, length, beat, chords)
    return x / np.sqrt(power(x))


VOWELS = {"a": (800, 1200, 2600), "o": (480, 850, 2500), "i": (300, 2250, 3000), "u": (340, 750, 2400), "e": (520, 1850, 2550)}


def sung(rng: np.random.Generator, length: int, beat: int, chords: list) -> np.ndarray:
    """A line that is nearly singing: pulses with vibrato through the resonances of vowels, a breath of noise at each note."""
    x = np.zeros(length + 8 * beat)
    at = 2 * beat
    while at < length:
        size = beat * int(rng.choice([1, 1, 2, 3]))
        if rng.random() < 0.2:
            at += beat
            continue
        note = rng.choice(chords[(at // (4 * beat)) % len(chords)]) + 12
        t = np.arange(size) / RATE
        f = hertz(note) * (1 + 0.012 * np.sin(2 * np.pi * 5.3 * t) * np.minimum(1, t / 0.25)) * (1 - 0.04 * np.exp(-t * 25))
        phase = np.cumsum(f) / RATE
        pulse = signal.sawtooth(2 * np.pi * phase) + 0.03 * rng.standard_normal(size) + 0.4 * np.exp(-t * 40) * rng.standard_normal(size)
        vowel = VOWELS[rng.choice(list(VOWELS))]
        voice = np.zeros(size)
        for formant, weight in zip(vowel, (1.0, 0.6, 0.25)):
            b, a = signal.iirpeak(formant, 7, fs=RATE)
            voice += weight * signal.lfilter(b, a, pulse)
        x[at : at + size] += faded(voice, 0.04, 0.09)[: len(x) - at]
        at += size
    x = x[:length]
    return x / np.sqrt(power(x))


def applause(rng: np.random.Generator, length: int) -> np.ndarray:
    """Bursts of many hands clapping, over the murmur of a crowd that shouts now and then. Mean power 1."""
    x = np.zeros(length + seconds(1))
    for start, size, rate in ((0.3, 3.2, 90), (4.2, 2.0, 35), (6.8, 2.8, 140)):
        for at in rng.uniform(start, start + size, int(rate * size)):
            clap = rng.standard_normal(seconds(0.035)) * np.exp(-np.arange(seconds(0.035)) / RATE * rng.uniform(90, 220))
            b, a = signal.butter(1, [rng.uniform(700, 1200), rng.uniform(2200, 5200)], "band", fs=RATE)
            n = seconds(at)
            x[n : n + len(clap)] += rng.uniform(0.3, 1.0) * signal.lfilter(b, a, clap)
    x = x[:length]
    t = np.arange(length) / RATE
    crowd = np.zeros(length)
    for formant in (450, 700, 1150, 2500):
        b, a = signal.iirpeak(formant, 3, fs=RATE)
        crowd += signal.lfilter(b, a, pink(rng, length))
    swell = 0.25 + np.exp(-(((t - 1.5) / 0.9) ** 2)) + np.exp(-(((t - 8.3) / 1.0) ** 2))
    x = x / np.sqrt(power(x)) + 0.35 * swell * crowd / np.sqrt(power(crowd))
    return x / np.sqrt(power(x))


def hum(rng: np.random.Generator, length: int) -> np.ndarray:
    """Mains hum (50 Hz and its harmonics) with clicks and keys. Mean power 1."""
    t = np.arange(length) / RATE
    x = sum(a * np.sin(2 * np.pi * 50 * h * t + rng.uniform(0, 6)) for h, a in ((1, 1), (2, 0.6), (3, 0.5), (5, 0.25), (7, 0.12)))
    for at in rng.uniform(0.2, length / RATE - 0.3, 22):
        n, size = seconds(at), seconds(rng.uniform(0.001, 0.02))
        x[n : n + size] += rng.uniform(2, 6) * rng.standard_normal(size) * np.exp(-np.arange(size) / RATE * 400)
    return x / np.sqrt(power(x))
