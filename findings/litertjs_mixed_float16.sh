#!/usr/bin/env bash
# LiteRT.js on WebAssembly: a layer whose kernel lies in float16 and whose bias in float32 is many times slower
#
# Tool:     @litertjs/core 2.5.3 in Chromium 156; ai-edge-litert 2.3.0 has the format's schema. Needs npm and chromium. Date: 2026-11-28.
# Expected: a depthwise convolution behind DEQUANTIZEs of float16 constants takes as long as the same one in float32, as it does
#           where kernel and bias both are float16 (weights are widened once, when the file is loaded).
# Seen:     with a float16 kernel beside a float32 bias, or the other way round, it takes 3 to 9 times as long; with the
#           same file LiteRT's Python interpreter is as fast as in float32 in the former case. LiteRT#9663 reports a whole network
#           that is 21 times slower in float16.
# Matters:  converters that halve only large constants, or skip what float16 cannot hold, write such files; on a phone's browser
#           a network is then slower than the file twice its size. Store both in float16, or neither.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ai-edge-litert==2.3.0 numpy==2.4.6
npm install --silent --no-audit --no-fund --prefix "$folder" @litertjs/core@2.5.3
cat > "$folder/index.html" <<'END'
<!doctype html>
<script type="importmap">
{ "imports": { "@litertjs/core": "/node_modules/@litertjs/core/dist/index.js",
               "@litertjs/wasm-utils": "/node_modules/@litertjs/wasm-utils/dist/index.js" } }
</script>
<script type="module">
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';
await loadLiteRt('/node_modules/@litertjs/core/wasm/');
const least = {};
for (const name of ['float32_float32', 'float16_float16', 'float16_float32', 'float32_float16']) {
  const model = await loadAndCompile(`/${name}.tflite`, { accelerator: 'wasm' });
  const image = new Tensor(new Float32Array(96 * 96 * 64), [1, 96, 96, 64]);
  const times = [];
  for (let count = 0; count < 40; count++) {
    const began = performance.now();
    const [answer] = await model.run([image]);
    await answer.data();
    times.push(performance.now() - began);
    answer.delete();
  }
  least[name] = Math.min(...times);
  model.delete();
}
await fetch('/times', { method: 'POST', body: JSON.stringify(least) });
</script>
END
cat > "$folder/program.py" <<'END'
"""Writes the files, serves the page to Chromium and compares the times."""

import functools
import http.server
import json
import queue
import subprocess
import sys
import threading
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite

FOLDER = Path(sys.argv[1])
TYPES = {"float32": tflite.TensorType.FLOAT32, "float16": tflite.TensorType.FLOAT16}
DEPTHWISE, DEQUANTIZE = tflite.BuiltinOperator.DEPTHWISE_CONV_2D, tflite.BuiltinOperator.DEQUANTIZE


def network(kernel: str, bias: str) -> bytes:
    """A depthwise convolution of 64 channels whose weights lie in these types."""
    random, shape = np.random.default_rng(0), [1, 96, 96, 64]
    tensors = [tflite.TensorT(name="image", shape=shape, type=TYPES["float32"], buffer=0)]
    buffers, operators, places = [tflite.BufferT()], [], [0]
    for name, sides, dtype in (("kernel", [1, 3, 3, 64], kernel), ("bias", [64], bias)):
        data = random.normal(size=sides).astype(dtype)
        buffers.append(tflite.BufferT(data=np.frombuffer(data.tobytes(), np.uint8)))
        tensors.append(tflite.TensorT(name=name, shape=sides, type=TYPES[dtype], buffer=len(buffers) - 1))
        places.append(len(tensors) - 1)
        if dtype == "float16":
            tensors.append(tflite.TensorT(name=f"{name}_wide", shape=sides, type=TYPES["float32"], buffer=0))
            operators.append(tflite.OperatorT(opcodeIndex=1, inputs=[places[-1]], outputs=[len(tensors) - 1]))
            places[-1] = len(tensors) - 1
    tensors.append(tflite.TensorT(name="answer", shape=shape, type=TYPES["float32"], buffer=0))
    options = tflite.DepthwiseConv2DOptionsT(strideH=1, strideW=1, depthMultiplier=1, dilationHFactor=1, dilationWFactor=1)
    operators.append(
        tflite.OperatorT(
            opcodeIndex=0,
            inputs=places,
            outputs=[len(tensors) - 1],
            builtinOptionsType=tflite.BuiltinOptions.DepthwiseConv2DOptions,
            builtinOptions=options,
        )
    )
    codes = [
        tflite.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=version)
        for code, version in ((DEPTHWISE, 1), (DEQUANTIZE, 3))
    ]
    graph = tflite.SubGraphT(name="main", tensors=tensors, inputs=[0], outputs=[len(tensors) - 1], operators=operators)
    model = tflite.ModelT(version=3, operatorCodes=codes, subgraphs=[graph], buffers=buffers)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


times = queue.Queue()


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_POST(self) -> None:
        times.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


for one in TYPES:
    for other in TYPES:
        (FOLDER / f"{one}_{other}.tflite").write_bytes(network(one, other))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=FOLDER))
threading.Thread(target=server.serve_forever, daemon=True).start()
command = ["chromium", "--headless", "--no-sandbox", "--no-first-run", f"--user-data-dir={FOLDER}/profile"]
browser = subprocess.Popen(
    [*command, f"http://localhost:{server.server_port}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
)
try:
    seen = times.get(timeout=300)
finally:
    browser.terminate()
    browser.wait()
print(f"{'kernel_bias':18} expected   seen, of float32")
ratios = {name: value / seen["float32_float32"] for name, value in seen.items()}
for name, ratio in ratios.items():
    print(f"{name:18} about 1    {ratio:.1f} ({seen[name]:.1f} ms)")
if min(ratios["float16_float32"], ratios["float32_float16"]) < 2 or ratios["float16_float16"] > 2:
    sys.exit("changed: float16 beside float32 is no longer what is slow")
END
date -I
"$folder/venv/bin/python" "$folder/program.py" "$folder"
