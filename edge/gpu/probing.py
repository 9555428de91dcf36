"""Probing: what a runtime makes of one small graph whose true answers are known.

The graphs and their float64 answers are `converters.gpu_graphs`, which this package does without: it is given files, samples
and answers. Within `edge.gpu.process.reused()` a graph takes a fraction of a second.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.errors import AcceleratorError, InputError
from edge.gpu.check import gpu_check
from edge.gpu.patterns import scan
from edge.gpu.probe import EQUAL, NOT_WHOLE, WRONG, Probed
from edge.gpu.remote import Remote, refusal, unsupported
from edge.graph import Graph, Tensor, read_graph

OVERFLOW = 3.4e38  # the error of an answer that is infinite or no number: float32's largest, which JSON has
PATIENCE = 120.0  # seconds for one small graph
# The largest error of an answer that is right, over its largest value; of whole numbers, the share that differs is 0. What is
# right was up to 2e-4 off in float32 (sin), wrong answers by 0.15 and more; int8 by a step or two, which of a map of
# small values on the grid of a larger one is 0.02 each. In half precision, a step is 5e-4 and sums of many add up.
LARGEST = {"float32": 1e-3, "half": 2e-2, "int8": 5e-2}


@dataclass(frozen=True)
class Asked:
    """One graph to probe: its file, what is said of it, samples (inputs in the file's order), and the true answers to them."""

    path: Path
    name: str
    recipe: str
    operator: str
    source: str
    feeds: Sequence[Sequence[np.ndarray]]
    answers: Sequence[Sequence[np.ndarray]]


def ask(asked: Asked, gate: bool = True, python: str = sys.executable) -> tuple[Probed, str]:
    """(what came of one graph, the GPU's name), by the LiteRT that `python` has; the gate needs this environment's.

    Raises AcceleratorError where there is no driver.
    """
    graph = read_graph(asked.path)
    gpu, refused, why, adapter = None, (), "", ""
    try:
        with Remote(asked.path, "gpu", timeout=PATIENCE, python=python) as remote:
            gpu, adapter = difference(asked, [remote.run(feed) for feed in asked.feeds]), remote.adapter
        truth = EQUAL if judged(graph, gpu) else WRONG
    except AcceleratorError as error:
        if error.reason == "no driver":
            raise
        truth = NOT_WHOLE if error.reason == "failed" else error.reason  # older versions say less of why they refuse
        named = unsupported(error.log)
        refused, why = tuple(dict.fromkeys(op for op, _ in named)), "; ".join(dict.fromkeys(words for _, words in named))
        why = why or refusal(error.log)
    row = described(
        asked,
        graph,
        truth,
        gpu=gpu,
        refused=refused,
        why=why,
        cpu=_on_cpu(asked, "float32", python),
        half=_on_cpu(asked, "reduced", python) if gate and asked.recipe == "float32" else None,
        verdict=_verdict(asked) if gate else "",
    )
    return row, adapter


def described(
    asked: Asked,
    graph: Graph,
    truth: str,
    *,
    gpu: float | None,
    why: str,
    refused: tuple[str, ...] = (),
    cpu: float | None = None,
    half: float | None = None,
    verdict: str = "",
) -> Probed:
    """The row of a graph with what was measured."""
    return Probed(
        name=asked.name,
        recipe=asked.recipe,
        ops=tuple(sorted({operator.name for operator in graph.operators})),
        truth=truth,
        verdict=verdict,
        whole=truth in (EQUAL, WRONG),
        equal=None if gpu is None else truth == EQUAL,
        gpu=_rounded(gpu),
        cpu=_rounded(cpu),
        refused=refused,
        patterns=tuple(caution.what for caution in scan(graph)),
        operator=asked.operator,
        inputs=_shapes(graph.inputs),
        outputs=_shapes(graph.outputs),
        half=_rounded(half),
        why=why,
        source=asked.source,
    )


def judged(graph: Graph, error: float) -> bool:
    """Whether answers that are so far off are right; of whole numbers none may differ."""
    if not any(np.dtype(tensor.dtype).kind == "f" for tensor in graph.outputs):
        return error == 0
    return error <= LARGEST["int8" if graph.rounded else "float32"]


def difference(asked: Asked, results: Sequence[Sequence[np.ndarray]]) -> float:
    """The largest error over the largest true value of each output; of whole numbers, the share that differs."""
    errors = []
    for place in range(len(results[0])):
        true, got = (np.stack([np.asarray(sample[place]) for sample in side]) for side in (asked.answers, results))
        if true.dtype.kind != "f":
            errors.append(float((true != got).mean()))
        elif not np.isfinite(got).all():
            errors.append(OVERFLOW)
        else:
            errors.append(float(np.abs(true - got).max() / max(np.abs(true).max(), np.finfo(np.float32).tiny)))
    return max(errors)


def _on_cpu(asked: Asked, precision: str, python: str) -> float | None:
    try:
        with Remote(asked.path, "cpu", threads=1, precision=precision, timeout=PATIENCE, python=python) as cpu:
            return difference(asked, [cpu.run(feed) for feed in asked.feeds])
    except InputError:  # no kernel for it
        return None


def _verdict(asked: Asked) -> str:
    """The gate's word on the samples."""
    return gpu_check(asked.path, [feed[0] if len(feed) == 1 else feed for feed in asked.feeds], timeout=PATIENCE).reason


def _shapes(tensors: Sequence[Tensor]) -> str:
    return " ".join("×".join(map(str, tensor.shape)) for tensor in tensors)


def _rounded(value: float | None) -> float | None:
    """Two digits: the next ones are the machine's. Rounding errors of float32 are all one."""
    return None if value is None else float(f"{value:.1e}") if value > 2e-6 else 0.0
