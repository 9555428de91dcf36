"""Runs, checks and times a `.tflite` file where it will live: CPU, GPU and the web. Needs neither TensorFlow nor Keras.

    runner = edge.Runner("model.tflite")                 # accelerator="gpu" for the GPU
    classes = runner(image)                              # uint8 H×W×3 in, the task's answer at H×W out
    edge.gpu_check("model.tflite", samples=images)       # every op delegated? same numbers as on the CPU?
    edge.gpu_bisect("model.tflite", samples=images)      # if not: the first operator that is refused or wrong
    edge.gpu_lint("model.tflite")                        # what is known of its operators, without a GPU
    edge.benchmark(["a.tflite", "b.tflite"], accelerators=("cpu", "gpu"))
    edge.serve(["model.tflite"])                         # the demo app, on this machine
    edge.write_on(runner, "ROMEO:", 200)                 # a text, by a file of one step
    edge.watch(runner, camera)                           # what happens in every frame, by a file of one step and its encoder
    edge.ask(runner, image, "how many rings are there ?", ["one", "two", "three", "none"])
    edge.say(runner, image).text                         # a sentence about a picture, by a file of one word and its encoder
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Name → module, loaded at first use, so that `import edge` costs nothing and a worker process starts fast. No module has
# the name of a function here: importing it would put the module in the function's place.
_PUBLIC = {
    "Runner": "edge.runner",
    "gpu_check": "edge.gpu.check",
    "gpu_bisect": "edge.gpu.bisection",
    "gpu_lint": "edge.gpu.linting",
    "benchmark": "edge.timing",
    "serve": "edge.hosting.server",
    "export_app": "edge.hosting.export",
    "write_on": "edge.texts",
    "say": "edge.sentences",
    "ask": "edge.questions",
    "watch": "edge.films",
}

__all__ = [
    "Runner", "ask", "benchmark", "export_app", "gpu_bisect", "gpu_check", "gpu_lint", "say", "serve", "watch", "write_on",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'edge' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
