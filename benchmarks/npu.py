"""A neural processor's compiler: what Arm's Vela takes of our int8 files for Ethos-U55, U65 and U85.

    python benchmarks/npu.py                                        # ten minutes of one core
    python benchmarks/npu.py --files 'unet*' --out /tmp/npu         # what is asked of few files goes elsewhere

Asked are the int8 files of every shipped set as they are, and of mobile networks of which no set is shipped, one of each
family, a tiny one of the same graph, with int8 at both ends. They are compiled and no more: times are Vela's own estimates, for
the clocks and memories that its vela.ini gives each processor. Vela is of a fixed version in an environment of its own. Files
that the tables have already are not asked again: delete the tables to ask all anew.
"""

from __future__ import annotations

import csv
import fnmatch
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rows import Row, read_table, write_table

from edge.gpu import environments
from edge.graph import read_graph
from zoo.pretrained import catalog

PACKAGE = "ethos-u-vela==5.2.0"
RESULTS = Path(__file__).parents[1] / "docs" / "results"
COLUMNS = (
    "file", "weights", "size", "processor", "operators", "taken", "parts", "milliseconds", "sram_kib", "seconds", "why",
)  # fmt: skip
LEFT_COLUMNS = ("file", "processor", "operator", "output", "why")
PATIENCE = 600.0  # seconds for one file
NETWORKS = (
    "lraspp", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_lite0", "fast_scnn", "ssdlite", "tiny_denoiser",
    "resnet18", "pose_heatmaps_lite", "tiny_flow", "deeplab_v3_mobilenet_v3", "efficientnet_b0", "plain18",
)  # fmt: skip
SIZE = (128, 128)  # of their pictures
TRAINED, TINY = "trained", "tiny"
_PART = "ethos-u"  # the custom operator that stands for what the processor does
# What Vela says of an operator that stays on the CPU.
_LEFT = re.compile(r"^Warning \(supported operators\) operator: (\w+), ofm: '(.*)'\nReason: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Processor:
    """A processor by Vela's name, with the system and the use of memory that its vela.ini has for it."""

    name: str
    system: str
    memory: str


PROCESSORS = (
    Processor("ethos-u55-256", "Ethos_U55_High_End_Embedded", "Shared_Sram"),
    Processor("ethos-u65-512", "Ethos_U65_High_End", "Dedicated_Sram"),
    Processor("ethos-u85-256", "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram"),
)


@dataclass(frozen=True)
class File:
    """A file to be compiled: what to call it, whether it is `TRAINED` or `TINY`, and what gives its path in a folder."""

    name: str
    weights: str
    path: Callable[[Path], Path]


def files(pattern: str) -> list[File]:
    """The int8 files of shipped sets, and those of networks, which are written when they are asked for."""
    sets = [(catalog.get(name), form) for name in catalog.names() for form in catalog.get(name).files]
    shipped = [
        File(f"{trained.name}{form.removeprefix('int8')}", TRAINED, lambda _, trained=trained, form=form: trained.path(form))
        for trained, form in sets
        if form.partition(".")[0] == "int8"
    ]
    networks = [File(name, TINY, partial(_written, name)) for name in NETWORKS]
    return [file for file in (*shipped, *networks) if fnmatch.fnmatch(file.name, pattern)]


def _written(name: str, folder: Path) -> Path:
    import keras

    import converters
    from zoo.analysis import tiny_models
    from zoo.training.batchnorm import recalibrate_batchnorm

    keras.backend.clear_session()
    model = tiny_models.tiny_model(name, SIZE)
    pictures = tiny_models.toy_batch(model, 4, seed=1).images
    recalibrate_batchnorm(model, [pictures])
    return converters.to_tflite(model, folder / f"{name}.tflite", "int8", calibration=pictures, io="int8").path


def compiled(vela: Path, file: File, path: Path, processor: Processor) -> tuple[Row, list[Row]]:
    """(what became of a file, a row for each operator that stays on the CPU)."""
    graph = read_graph(path)
    facts = {"file": file.name, "processor": processor.name}
    sizes = " ".join("×".join(map(str, tensor.shape[1:])) for tensor in graph.inputs)
    row = {**dict.fromkeys(COLUMNS, ""), **facts, "weights": file.weights, "size": sizes, "operators": len(graph.operators)}
    with tempfile.TemporaryDirectory() as name:
        options = {
            "config": "Arm/vela.ini", "accelerator-config": processor.name, "system-config": processor.system,
            "memory-mode": processor.memory, "output-dir": name,
        }  # fmt: skip
        command = [vela, path, *(word for key, value in options.items() for word in (f"--{key}", value))]
        began = time.monotonic()
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
        except subprocess.TimeoutExpired:
            return {**row, "why": f"no end within {PATIENCE:g} s"}, []
        except subprocess.CalledProcessError as error:
            return {**row, "why": " ".join((error.stderr or error.stdout).split())[-200:]}, []
        row["seconds"] = round(time.monotonic() - began, 1)
        (summary,) = Path(name).glob("*_summary_*.csv")
        (result,) = Path(name).glob("*_vela.tflite")
        names = [operator.name for operator in read_graph(result).operators]
        row |= _estimates(summary)
    left = [dict(zip(LEFT_COLUMNS, (*facts.values(), *words), strict=True)) for words in left_operators(done.stdout)]
    row["parts"] = names.count(_PART)
    row["taken"] = row["operators"] - (len(names) - row["parts"])
    return row, left


def left_operators(words: str) -> list[tuple[str, str, str]]:
    """The operators that Vela says it leaves to the CPU: (operator, its output's name, why)."""
    return _LEFT.findall(words)


def _estimates(summary: Path) -> Row:
    with summary.open(newline="", encoding="utf-8") as opened:
        (numbers,) = csv.DictReader(opened)
    return {
        "milliseconds": f"{1e3 * float(numbers['inference_time']):.3g}",
        "sram_kib": round(float(numbers["sram_memory_used"])),
    }


def main(
    pattern: Annotated[str, typer.Option("--files", help="Glob over the names of sets and networks.")] = "*",
    out: Annotated[Path, typer.Option(help="Where npu.csv and npu_left.csv go.")] = RESULTS,
) -> None:
    """Compiles each file for every processor, and writes the two tables."""
    rows, left = read_table(out / "npu.csv"), read_table(out / "npu_left.csv")
    known = {row["file"] for row in rows}
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        vela = Path(environments.environment([PACKAGE], folder / "vela")).with_name("vela")
        for file in (file for file in files(pattern) if file.name not in known):
            print(file.name, file=sys.stderr, flush=True)
            path = file.path(folder)
            for processor in PROCESSORS:
                row, operators = compiled(vela, file, path, processor)
                rows.append(row)
                left += operators
            write_table(out / "npu.csv", COLUMNS, rows)
            write_table(out / "npu_left.csv", LEFT_COLUMNS, left)


if __name__ == "__main__":
    typer.run(main)
