"""Small random graphs through the writer: does each file say what Keras says?

    python benchmarks/writer_sweep.py --count 2000 --tensorflow 100 --jobs 2 --out writer_sweep.csv

Every graph has its own seed, which is told where one differs, so that it can be made again: `--seed 1234 --count 1`. What is
drawn stands in `random_graphs.py`. Each file is run by LiteRT with XNNPACK and without, and held against the same graph in
float64. A difference above 1e-5 of the largest number that the graph computes is reported, and so is a layer that the writer
does not know; the exit status says whether anything was wrong. The first `--tensorflow` graphs are written by TensorFlow's
converter as well.

The table has a row for each class of layer and operation: in how many graphs it was, and what became of these. A graph that is
refused counts for the layer that is named, one that is wrong for all that is in it.
"""

from __future__ import annotations

import csv
import multiprocessing
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import typer
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from random_graphs import random_model

TOLERANCE = 1e-5
PART = 25  # graphs that a process does in a row
RIGHT, REFUSED, WRONG = "right", "refused", "wrong"
COLUMNS = ("operation", *(f"{engine}_{verdict}" for engine in ("direct", "tensorflow") for verdict in (RIGHT, REFUSED, WRONG)))
_KERNELS = {"xnnpack": OpResolverType.AUTO, "plain": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES}


@dataclass(frozen=True)
class Exact:
    """What a graph computes in float64: its picture, its outputs, and the largest number on the way."""

    image: np.ndarray
    outputs: list[np.ndarray]
    largest: float


@contextmanager
def _double() -> Iterator[None]:
    policy = keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy(policy)


def exact(seed: int) -> Exact:
    """The answer of a seed's graph, to be had from its file."""
    from converters.graph import evaluate, trace

    with _double():
        model = random_model(seed)
        image = np.random.default_rng(seed).normal(size=(1, *model.inputs[0].shape[1:])).astype("float32")
        source = trace(model)
        values = {value: keras.ops.convert_to_numpy(tensor) for value, tensor in evaluate(source, image).items()}
    largest = max(float(np.abs(value).max(initial=0)) for value in values.values())
    return Exact(image, [values[value] for value in source.outputs], largest)


def distance(answers: Sequence[np.ndarray], truth: Exact) -> float:
    """The largest difference, as a share of the largest number in the graph; infinite where shapes differ."""
    pairs = list(zip(answers, truth.outputs, strict=True))
    if any(one.shape != other.shape or np.isnan(one - other).any() for one, other in pairs):
        return float("inf")
    return max(float(np.abs(one - other).max(initial=0)) for one, other in pairs) / max(truth.largest, 1e-6)


def worst(model: keras.Model, truth: Exact) -> dict[str, float]:
    """By set of kernels: how far our own file is from the graph in float64."""
    from converters.tflite.writer import lowering
    from converters.tflite.writer.flatbuffer import Writer
    from converters.tflite.writer.passes.pipeline import optimize

    names = [f"out{place}" for place in range(len(truth.outputs))]
    graph = lowering.lower(model, [truth.image.shape], ["image"], names)
    optimize(graph)
    content, distances = Writer(graph).bytes(), {}
    for kernels, resolver in _KERNELS.items():
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
        answers = interpreter.get_signature_runner()(image=truth.image)
        distances[kernels] = distance([answers[name] for name in names], truth)
    return distances


def by_tensorflow(model: keras.Model, truth: Exact, path: Path) -> dict[str, float]:
    """How far the file of TensorFlow's converter is."""
    import converters
    from converters import file_runs

    converters.to_tflite(model, path, engine="tensorflow")
    return {"tensorflow": distance(list(file_runs.answers(path, [truth.image])[0].values()), truth)}


class Counts:
    """What became of the graphs, by the classes of what is in them."""

    def __init__(self) -> None:
        self._rows: dict[str, Counter[str]] = defaultdict(Counter)
        self.verdicts: Counter[str] = Counter()

    def add(self, engine: str, verdict: str, model: keras.Model, refusal: str = "") -> None:
        """One graph; `refusal` is what the engine said, which names a layer."""
        self.verdicts[f"{engine}_{verdict}"] += 1
        operations = [each for each in model.operations if not isinstance(each, keras.layers.InputLayer)]
        named = [each for each in operations if f"'{each.name}'" in refusal]
        for kind in {type(each).__name__ for each in named or operations}:
            self._rows[kind][f"{engine}_{verdict}"] += 1

    def merge(self, other: Counts) -> None:
        """Adds those of other graphs."""
        self.verdicts += other.verdicts
        for kind, row in other._rows.items():
            self._rows[kind] += row

    def write(self, path: Path) -> None:
        """As a table, the sum of all graphs last."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for kind, row in [*sorted(self._rows.items()), ("all graphs", self.verdicts)]:
                writer.writerow([kind, *(row[column] for column in COLUMNS[1:])])


def sweep(seeds: range, tensorflow: range) -> Counts:
    """Writes, runs and compares the graphs of some seeds, of `tensorflow` with its converter too; prints what differs."""
    keras.backend.clear_session()
    counts = Counts()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras thinks that nobody means a softmax over one channel
        for seed in seeds:
            model, truth = random_model(seed), exact(seed)
            asked = {"direct": partial(worst, model, truth)}
            if seed in tensorflow:
                asked["tensorflow"] = partial(by_tensorflow, model, truth, Path(folder) / "file.tflite")
            for engine, ask in asked.items():
                verdict, said = _verdict(ask)
                counts.add(engine, verdict, model, said)
                if verdict != RIGHT:
                    kinds = " ".join(type(operation).__name__ for operation in model.operations[1:])
                    print(f"seed {seed}: {engine}: {verdict}: {said}: {kinds}", flush=True)
    return counts


def _verdict(ask: Callable[[], dict[str, float]]) -> tuple[str, str]:
    """What became of a graph, and what there is to say of it."""
    from zoo.errors import InputError

    try:
        distances = ask()
    except InputError as error:
        return REFUSED, str(error)
    except (RuntimeError, ValueError) as error:  # LiteRT's
        return WRONG, str(error).strip().partition("\n")[0]
    said = ", ".join(f"{kernels} {distance:.1e}" for kernels, distance in distances.items())
    return (WRONG if max(distances.values()) > TOLERANCE else RIGHT), said


def main(
    count: Annotated[int, typer.Option(help="Graphs.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the first.")] = 0,
    tensorflow: Annotated[int, typer.Option(help="How many of them TensorFlow's converter writes as well.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
    out: Annotated[Path | None, typer.Option(help="The table, as .csv.")] = None,
) -> None:
    """Write, run and compare; print every graph that differs."""
    counts, asked = Counts(), range(seed, seed + tensorflow)
    parts = [range(first, min(first + PART, seed + count)) for first in range(seed, seed + count, PART)]
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for part in as_completed([pool.submit(sweep, part, asked) for part in parts]):
            counts.merge(part.result())
            if out:
                counts.write(out)
    print(", ".join(f"{verdict} {number}" for verdict, number in sorted(counts.verdicts.items())))
    sys.exit(bool(counts.verdicts["direct_wrong"]))


if __name__ == "__main__":
    typer.run(main)
