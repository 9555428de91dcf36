"""Other runtimes: what OpenVINO, TFLite Micro, MNN and others answer to our files, beside LiteRT and ONNX Runtime.

    python benchmarks/other_runtimes.py                 # twenty minutes on two idle cores
    python benchmarks/other_runtimes.py --runtimes opencv    # the rows of the others stay as they are
    python benchmarks/other_runtimes.py --networks 'unet*' --graphs 'transposed*' --folder /tmp/runtimes --out /tmp/runtimes

Two questions: which graphs of one operator (those of `zoo gpu-probe`, whose truth is computed in float64) does a runtime that
reads `.tflite` get right; and which networks (tiny, float32, int8 and ONNX), held to what LiteRT answers to the
same file, and of ONNX files to what ONNX Runtime answers. Each runtime is of a fixed version in an environment of its own.
"""

from __future__ import annotations

import fnmatch
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import runtime_readers
import typer
from rich.progress import track
from rows import Row, read_table, write_table

RESULTS = Path(__file__).parents[1] / "docs" / "results"
COLUMNS = ("case", "form", "runtime", "version", "verdict", "rms", "largest", "apart", "why")
TFLITE, ONNX = (".tflite",), (".onnx",)
# Differences that rounding explains: float sums in another order; of 8-bit files a step here and there, beside the spread.
LARGEST = {"float32": 1e-3, "onnx": 1e-3, "int8": 5e-2}  # of a graph of one operator
# Of a whole network roundings add up, and a tiny untrained one's answers hardly spread: another runtime may be twice as far off
# as LiteRT's own two sets of kernels are apart on the same file.
RMS = {"float32": 1e-3, "onnx": 1e-3, "int8": 1e-1}
_TWICE = 2.0
_NEVER = 0.95  # of a network: the mean of all answers, whatever the picture, would be 1 away


@dataclass(frozen=True)
class Runtime:
    """A runtime: its reader, the package whose version counts, the endings that it reads, and what else pip is given."""

    reader: str
    package: str
    version: str
    reads: tuple[str, ...]
    others: tuple[str, ...] = ()


RUNTIMES = (
    Runtime("litert", "ai-edge-litert", "2.3.0", TFLITE),
    Runtime("openvino", "openvino", "2026.4.1", TFLITE + ONNX),
    Runtime("tflite_micro", "tflite-micro", "0.dev20261023182759", TFLITE),
    Runtime("mnn", "MNN", "3.6.1", TFLITE + ONNX),
    Runtime("tract", "tract", "0.23.9", ONNX),
    Runtime("opencv", "opencv-python-headless", "5.0.0.93", TFLITE + ONNX),
    Runtime("ncnn", "ncnn", "1.0.20261020", ONNX, ("pnnx==20261020", "--no-deps")),  # pnnx asks for PyTorch and needs none
    Runtime("tosa", "tosa-converter-for-tflite", "2026.2.0", TFLITE, ("tosa-tools==2026.8.0",)),
)
# One of each family, those with operators of their own among them.
NETWORKS = (
    "alexnet", "deconvnet", "deeplab_v2", "deeplab_v3plus_mobilenet_v2", "densenet121", "efficientnet_lite0", "espcn",
    "fast_scnn", "fcn8s", "flownet_lite", "googlenet", "lraspp", "mobilenet_v2", "mobilenet_v3_small",
    "pocket_detect", "pocket_seg", "pocket_sr", "rednet10", "resnet18", "saliency_lite", "segnet", "ssdlite", "unet",
    "unet_lite", "vgg16", "yolo_v1",
)  # fmt: skip
REFERENCES = {".tflite": "litert", ".onnx": "onnxruntime"}


@dataclass(frozen=True)
class Case:
    """A file to be read, as runtime_readers.py finds it in index.json."""

    case: str
    form: str
    file: str
    samples: str
    count: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    readers: tuple[str, ...]
    network: bool
    apart: float


def _case(
    name: str, form: str, path: Path, feeds: list[Any], answers: list[Any], network: bool, apart: float = 0.0
) -> Case:
    arrays = {
        f"{side}{at}_{place}": np.asarray(value)
        for side, samples in (("feed", feeds), ("answer", answers))
        for at, sample in enumerate(samples)
        for place, value in enumerate(sample)
    }
    samples = path.with_name(f"{path.name}.npz")
    np.savez(samples, **arrays)
    readers = tuple(
        runtime.reader
        for runtime in RUNTIMES
        if path.suffix in runtime.reads and not (network and runtime.reader == REFERENCES[path.suffix])
    )
    return Case(name, form, path.name, samples.name, len(feeds), *_ends(path), readers, network, apart)


def _ends(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a file's inputs and outputs."""
    if path.suffix == ".onnx":
        import onnx

        graph = onnx.load(path).graph
        return tuple(value.name for value in graph.input), tuple(value.name for value in graph.output)
    from edge.graph import read_graph

    graph = read_graph(path)
    return tuple(tensor.name for tensor in graph.inputs), tuple(tensor.name for tensor in graph.outputs)


def graphs(folder: Path, pattern: str) -> Iterator[Case]:
    """The graphs of one operator, in float32 and int8."""
    from converters.gpu_graphs.case import all_cases
    from converters.gpu_graphs.files import forms

    for name, case in all_cases().items():
        if fnmatch.fnmatch(name, pattern):
            for form in forms(case, folder):
                yield _case(name, form.recipe, form.path, list(form.feeds), list(form.answers), network=False)


def networks(folder: Path, pattern: str) -> Iterator[Case]:
    """The networks, tiny, with batch normalisation at rest, as float32, int8 and ONNX."""
    import keras

    from zoo.analysis import tiny_models

    for name in track([name for name in NETWORKS if fnmatch.fnmatch(name, pattern)], "networks"):
        keras.backend.clear_session()
        yield from _forms(name, tiny_models.tiny_model(name), folder)


def _forms(name: str, model: Any, folder: Path) -> Iterator[Case]:
    import converters
    from zoo.analysis import tiny_models
    from zoo.errors import InputError
    from zoo.training.batchnorm import recalibrate_batchnorm

    pictures = tiny_models.toy_batch(model, 12, seed=1).images.astype(np.float32)
    recalibrate_batchnorm(model, [pictures[:8]])
    size, feeds = tuple(pictures.shape[1:3]), [[picture[None]] for picture in pictures[-2:]]
    for form in ("float32", "int8", "onnx"):
        path = folder / f"{name}.{form}{ONNX[0] if form == 'onnx' else TFLITE[0]}"
        try:
            if form == "onnx":
                converters.to_onnx(model, path, size)
            else:
                converters.to_tflite(model, path, form, size, calibration=pictures[:8] if form == "int8" else None)
        except InputError as error:  # docs/results/conversions.csv says which and why
            print(f"{name} {form}: {error}")
            continue
        reference = runtime_readers.READERS[REFERENCES[path.suffix]]
        answers, plain = (reference(str(path), feeds, {"plain": plain}) for plain in (False, True))
        apart = runtime_readers.difference(answers, plain)["rms"]
        yield _case(name, form, path, feeds, answers, network=True, apart=apart)


def ask(runtime: Runtime, folder: Path, cases: list[Case]) -> list[Row]:
    """A row for every file that a runtime reads, asked in an environment with that version of it."""
    from edge.gpu import environments

    with tempfile.TemporaryDirectory() as name:
        python = environments.environment([f"{runtime.package}=={runtime.version}", "numpy", *runtime.others], Path(name))
        command = [python, Path(runtime_readers.__file__), runtime.reader, folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    asked = {(case.case, case.form): case for case in cases}
    lines = (folder / f"{runtime.reader}.jsonl").read_text().splitlines()
    return [_row(runtime, line, asked[line["case"], line["form"]]) for line in map(json.loads, lines)]


def _row(runtime: Runtime, line: dict[str, Any], case: Case) -> Row:
    measure, limits = ("rms", RMS) if case.network else ("largest", LARGEST)
    right = measure in line and line[measure] <= min(max(limits[case.form], _TWICE * case.apart), _NEVER)
    verdict = "right" if right else "wrong" if measure in line else "no answer"
    numbers = {key: f"{line[key]:.2g}" if key in line else "" for key in ("rms", "largest")}
    why = line.get("why", "")
    return {
        "case": case.case, "form": case.form, "runtime": runtime.reader, "version": runtime.version,
        "verdict": verdict, **numbers, "apart": f"{case.apart:.2g}", "why": why, "network": case.network,
    }  # fmt: skip


def main(
    networks_like: Annotated[str, typer.Option("--networks", help="Glob over `NETWORKS`.")] = "*",
    graphs_like: Annotated[str, typer.Option("--graphs", help="Glob over the names of the graphs.")] = "*",
    runtimes_like: Annotated[str, typer.Option("--runtimes", help="Glob over the readers; others' rows stay.")] = "*",
    folder: Annotated[Path | None, typer.Option(help="Where files go; default a temporary one.")] = None,
    out: Annotated[Path, typer.Option(help="Where runtimes.csv and runtime_operators.csv go.")] = RESULTS,
) -> None:
    """Writes the files, asks every runtime and writes the two tables."""
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = folder or Path(name)
        place.mkdir(parents=True, exist_ok=True)
        cases = [*graphs(place, graphs_like), *networks(place, networks_like)]
        (place / "index.json").write_text(json.dumps([asdict(case) for case in cases]))
        rows: list[Row] = []
        runtimes = [runtime for runtime in RUNTIMES if fnmatch.fnmatch(runtime.reader, runtimes_like)]
        for runtime in runtimes:
            print(runtime.reader, runtime.version, file=sys.stderr, flush=True)
            rows += ask(runtime, place, cases)
    readers = {runtime.reader for runtime in runtimes}
    for file, network in (("runtimes.csv", True), ("runtime_operators.csv", False)):
        chosen = [{key: row[key] for key in COLUMNS} for row in rows if row["network"] == network]
        chosen += [row for row in read_table(out / file) if row["runtime"] not in readers]
        write_table(out / file, COLUMNS, sorted(chosen, key=lambda row: (row["case"], row["form"], row["runtime"])))


if __name__ == "__main__":
    typer.run(main)
