"""Times in the browser, on LiteRT.js's WebAssembly: a network in each form, and layers whose weights lie in 16 bits.

    python benchmarks/web_forms.py [--out docs/results/web_forms.csv]

LiteRT#9663 met a float16 file that is 21 times slower on WebAssembly than its float32 parent. It is not float16 as such: what
is slow is a layer whose kernel lies in 16 bits and whose bias in 32, or the other way round. Chromium without a window, one
thread; the least of so many inferences with the reading of outputs, all files in one page; LiteRT's Interpreter runs the same
files beside.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rows import write_table

from converters.gpu_graphs.draft import Draft, Value
from edge.gpu.probing import Asked

NETWORK, SIZE, CLASSES = "unet_lite", (160, 160), 5
FORMS = ("float32", "float16", "dynamic")
REPEATS, LITERTJS = 25, "2.5.3"
COLUMNS = ("what", "kernel", "bias", "bytes", "wasm_ms", "of_float32", "python_ms", "litertjs")
_SIDES = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": 0}


def conv(draft: Draft, stored: Callable[[Value, bool], Value]) -> Value:
    """A convolution of 64 channels into 64."""
    kernel, bias = stored(draft.weights(64, 3, 3, 64), False), stored(draft.weights(64), True)
    return draft.op("CONV_2D", draft.input((1, 64, 64, 64)), kernel, bias, **_SIDES)


def depthwise(draft: Draft, stored: Callable[[Value, bool], Value]) -> Value:
    """A depthwise convolution of 64 channels."""
    kernel, bias = stored(draft.uniform(-0.6, 0.6, 1, 3, 3, 64), False), stored(draft.weights(64), True)
    return draft.op("DEPTHWISE_CONV_2D", draft.input((1, 96, 96, 64)), kernel, bias, depthMultiplier=1, **_SIDES)


def dense(draft: Draft, stored: Callable[[Value, bool], Value]) -> Value:
    """A dense layer of 512 units on 512 rows."""
    kernel, bias = stored(draft.weights(512, 512), False), stored(draft.weights(512), True)
    return draft.op("FULLY_CONNECTED", draft.input((1, 512, 512)), kernel, bias, keepNumDims=True)


def layers(folder: Path) -> Iterator[tuple[tuple[str, str, str], Asked]]:
    """((layer, kernel's type, bias's type), file) of every combination, float32 in both first."""
    types = tuple(itertools.product(("float32", "float16"), repeat=2))
    for layer, (kernel, bias) in itertools.product((conv, depthwise, dense), types):
        draft = Draft(samples=1)

        def stored(value: Value, is_bias: bool, draft: Draft = draft, pair: tuple[str, str] = (kernel, bias)) -> Value:
            if pair[is_bias] == "float32":
                return value
            return draft.op("DEQUANTIZE", draft.constant(value.samples[0], "float16"), dtype="float32")

        draft.result(layer(draft, stored))
        path = folder / f"{layer.__name__}_{kernel}_{bias}.tflite"
        path.write_bytes(draft.bytes())
        yield (layer.__name__, kernel, bias), Asked(path, path.stem, "", "", "", draft.feeds, ())


def networks(folder: Path) -> Iterator[tuple[tuple[str, str, str], Asked]]:
    """((network, form, form), file) of each form by our own writer, float32 first."""
    import converters
    import zoo

    image = np.random.default_rng(0).uniform(0, 255, (1, *SIZE, 3)).astype(np.float32)
    model = zoo.build(NETWORK, classes=CLASSES)
    for form in FORMS:
        path = converters.to_tflite(model, folder / f"{form}.tflite", form, SIZE).path
        yield (NETWORK, form, form), Asked(path, form, "", "", "", [[image]], ())


def main(out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/web_forms.csv")) -> None:
    """Writes the files, times them and writes the table."""
    from edge.gpu import environments, web
    from edge.gpu.remote import Remote

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        titles, asked = zip(*layers(folder), *networks(folder), strict=True)
        modules = environments.litertjs(LITERTJS, folder / "modules")
        times = web.milliseconds(asked, modules, "wasm", REPEATS)
        rows, whole = [], {}
        for (what, kernel, bias), one, wasm in zip(titles, asked, times, strict=True):
            with Remote(one.path, "cpu", threads=1) as cpu:
                native = min(cpu.times(one.feeds[0], REPEATS))
            whole.setdefault(what, wasm)
            ratio = f"{wasm / whole[what]:.1f}"
            values = (what, kernel, bias, one.path.stat().st_size, f"{wasm:.1f}", ratio, f"{native:.1f}", LITERTJS)
            rows.append(dict(zip(COLUMNS, values, strict=True)))
            print(*values)
    write_table(out, COLUMNS, rows)


if __name__ == "__main__":
    typer.run(main)
