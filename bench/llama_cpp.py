"""llama.cpp in this process, by its Python wheel: what `tokenizer_reference.py` and `prompt_speed.py` share."""

import json
import urllib.request

import xllamacpp


class Llama:
    def __init__(self, model, threads=1):
        p = xllamacpp.CommonParams()
        p.model.path = model
        p.n_ctx, p.n_parallel, p.n_batch, p.n_ubatch = 2048, 1, 512, 512
        p.n_gpu_layers, p.warmup, p.port = 0, False, 0
        p.cpuparams.n_threads = p.cpuparams_batch.n_threads = threads
        self.server = xllamacpp.Server(p)
        self.at = self.server.listening_address

    def ask(self, path, **body):
        request = urllib.request.Request(self.at + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)
