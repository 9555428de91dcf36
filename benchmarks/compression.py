r"""One trained network, made smaller in every way: mIoU on the test split, zeros in the file, bytes, ms.

    python benchmarks/compression.py ccp_person:PATH

A network with squeeze-and-excitation, trained for it and made int8 with and without rounding-aware training:

    zoo train lraspp --encoder mobilenet_v3_small --data ccp_person:PATH --size 160 --epochs 12 --out runs/gates
    python benchmarks/compression.py ccp_person:PATH --weights runs/gates --size 160 --ways int8,QAT \
        --work runs/compression_gates --out docs/results/compression_gates.csv

Starts from shipped weights, and learns for --epochs from the data's training split where a way needs learning: rounding-aware
training, pruning (half of each kernel, or two in any four), clustering, and rounding-aware training of what was pruned. All
begin with batch normalisation folded into the kernels, so that no statistics go stale. Every file but the float one is int8.
What stops half-way goes on when started again: the files and scores of each row stay in --work. Latencies are taken at the
end, all files taking turns in one run on one CPU thread; `gpu` is what `edge.gpu_check` finds.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rows import First, Row, add_times, kept, write_table

if TYPE_CHECKING:
    import keras

    from zoo.data import Batches, Dataset

COLUMNS = ("way", "epochs", "miou", "lost", "zeros", "bytes", "gzip_bytes", "ms", "seconds", "gpu")
_KERNELS = {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"}


@dataclass
class Material:
    """What every way is given: the folded network, pictures to measure ranges on, batches to learn from."""

    model: keras.Model
    images: np.ndarray
    batches: Batches
    loss: Callable[[Any, Any], Any]
    epochs: int
    work: Path

    def learn(self, network: Any, rate: float) -> None:
        import converters

        converters.fine_tune(network, self.batches, self.loss, self.epochs, rate, verbose=2)

    def plan(self) -> dict[str, int]:
        """Pruning is over at two thirds of the steps; the rest is to recover."""
        steps = max(1, 2 * self.epochs * len(self.batches) // 3)
        return {"steps": steps, "every": max(1, steps // 10)}


def _half(given: Material) -> keras.Model:
    return _pruned(given, "polynomial")


def _two_in_four(given: Material) -> keras.Model:
    return _pruned(given, "2:4")


def _pruned(given: Material, schedule: str) -> keras.Model:
    import converters

    network = converters.prune(given.model, 0.5, schedule, **given.plan())
    given.learn(network, 1e-4)
    return converters.to_keras(network, given.model)


def _clustered(given: Material) -> keras.Model:
    import converters

    network = converters.cluster(given.model, clusters=32)
    given.learn(network, 1e-5)
    return converters.to_keras(network, given.model)


def _aware(given: Material) -> Any:
    import converters

    network = converters.quantize_aware(given.model, given.images, engine="tensorflow")
    given.learn(network, 1e-5)
    return network


def _aware_of_zeros(given: Material) -> Any:
    import converters
    import zoo

    pruned = zoo.load(given.work / "pruned 50 %" / "model.keras")
    network = converters.quantize_aware(pruned, given.images, keep="sparsity", engine="tensorflow")
    given.learn(network, 1e-5)
    return network


WAYS: dict[str, Callable[[Material], Any] | None] = {  # what makes a network to convert; None: the one that is there
    "float32": None,
    "int8": None,
    "QAT": _aware,
    "pruned 50 %": _half,
    "pruned 2:4": _two_in_four,
    "32 clusters": _clustered,
    "PQAT": _aware_of_zeros,  # after the pruned one, which it starts from
}


def main(
    data: Annotated[str, typer.Argument(help="A data spec with train and test of the network's classes.")],
    weights: Annotated[str, typer.Option(help="Shipped weights, or a trained .keras file.")] = "unet_lite.ccp",
    work: Annotated[Path, typer.Option(help="Where files and scores stay.")] = Path("runs/compression"),
    out: Annotated[Path, typer.Option(help="The table; the picture goes beside it.")] = Path("docs/results/compression.csv"),
    size: Annotated[str, typer.Option(help="HxW of the files and of learning.")] = "256",
    epochs: Annotated[int, typer.Option(min=1, help="Of each way that learns.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Photographs a step.")] = 16,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many photographs, to try it.")] = None,
    ways: Annotated[str, typer.Option(help="With commas between them; what these start from is made too.")] = ",".join(WAYS),
) -> None:
    """Make, convert, score and time."""
    from zoo.cli.arguments import parse_size
    from zoo.cli.quiet import start_keras

    chosen = _chosen(ways)
    start_keras()
    import edge
    import zoo.data

    pixels = parse_size(size)
    training, test = (zoo.data.open(data, split) for split in ("train", "test"))
    given = _material(weights, training, pixels, epochs, batch, limit, work)
    rows = [kept(work / way, lambda way=way: _row(way, given, test, pixels, limit)) for way in chosen]
    files = [work / way / "model.tflite" for way in chosen]
    add_times(rows, files, "ms", digits=2)
    for row, file in zip(rows, files, strict=True):
        row["lost"] = round(rows[0]["miou"] - row["miou"], 2)
        row["gpu"] = edge.gpu_check(file, list(given.images[:2])).reason
    write_table(out, COLUMNS, rows)
    draw(rows, out.with_suffix(".png"))
    print(f"{out} and {out.with_suffix('.png')}: {len(rows)} ways")


def _chosen(ways: str) -> list[str]:
    """Those asked for, float32, which all are compared with, and what PQAT starts from, in the order of `WAYS`."""
    asked = {way.strip() for way in ways.split(",")}
    if not asked <= set(WAYS):
        raise typer.BadParameter(f"{', '.join(sorted(asked - set(WAYS)))} is none of {', '.join(WAYS)}", param_hint="--ways")
    needed = asked | {"float32"} | ({"pruned 50 %"} if "PQAT" in asked else set())
    return [way for way in WAYS if way in needed]


def _material(
    weights: str, training: Dataset, pixels: tuple[int, int], epochs: int, batch: int, limit: int | None, work: Path
) -> Material:
    import converters
    import zoo
    import zoo.data
    import zoo.pretrained.catalog
    from zoo.cli.arguments import open_model

    shape = (*pixels, 3)
    model = zoo.build(weights, input_shape=shape) if zoo.pretrained.catalog.is_name(weights) else open_model(Path(weights))
    images = zoo.data.calibration_images(training, min(64, limit or 64), pixels)
    augment = zoo.data.Augment(scale=(0.9, 1.6), brightness=0.2, contrast=0.2, saturation=0.2)
    seen = training if limit is None else First(training, limit)
    batches = zoo.data.Batches(seen, batch, size=pixels, augment=augment, seed=0)
    loss = zoo.tasks.get(training.task).loss(zoo.output_spec(model), batches.ignore)
    return Material(converters.fold(model, biases=True), images, batches, loss, epochs, work)


def _row(way: str, given: Material, test: Dataset, pixels: tuple[int, int], limit: int | None) -> Row:
    """One row without its latency; the files stay in the way's folder."""
    import converters
    import edge
    import zoo
    from converters.tf_keras.origin import is_tf_keras

    began, make, folder = time.monotonic(), WAYS[way], given.work / way
    network = given.model if make is None else make(given)
    folder.mkdir(parents=True, exist_ok=True)
    if not is_tf_keras(network):
        network.save(folder / "model.keras")
    recipe = "float32" if way == "float32" else "int8"
    measured = {} if recipe == "float32" or is_tf_keras(network) else {"calibration": given.images, "correct_bias": True}
    path = converters.to_tflite(network, folder / "model.tflite", recipe, input_size=pixels, **measured).path
    return {
        "way": way,
        "epochs": 0 if make is None else given.epochs,
        "miou": round(zoo.evaluate(edge.Runner(path), test, limit=limit, progress=False).headline.shown, 2),
        "zeros": round(zeros(path), 3),
        "bytes": path.stat().st_size,
        "gzip_bytes": len(gzip.compress(path.read_bytes(), 9)),
        "seconds": round(time.monotonic() - began),
    }


def zeros(path: Path) -> float:
    """Share of the weights in the file's kernels that are exactly 0."""
    from ai_edge_litert import schema_py_generated as schema

    from converters.tflite import inspection

    file = inspection.load(path)
    graph, kernels = file.subgraphs[0], {getattr(schema.BuiltinOperator, name) for name in _KERNELS}
    used = {int(op.inputs[1]) for op in graph.operators if file.operatorCodes[op.opcodeIndex].builtinCode in kernels}
    kinds = {schema.TensorType.INT8: np.int8, schema.TensorType.FLOAT32: np.float32}
    tensors = (graph.tensors[index] for index in sorted(used))
    weights = [np.frombuffer(bytes(file.buffers[one.buffer].data), kinds[one.type]) for one in tensors]
    return float((np.concatenate(weights) == 0).mean())


def draw(rows: list[Row], path: Path) -> None:
    """Bytes as they are and compressed, with what each way loses and how long it takes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 0.6 * len(rows) + 1), layout="constrained")
    places = np.arange(len(rows))[::-1]
    axes.barh(places + 0.2, [row["bytes"] / 1e6 for row in rows], 0.38, color="#9ecae1", label="file")
    axes.barh(places - 0.2, [row["gzip_bytes"] / 1e6 for row in rows], 0.38, color="#1f77b4", label="after gzip")
    for place, row in zip(places, rows, strict=True):
        told = f" mIoU {row['miou']:.1f}, {row['ms']:.1f} ms, {100 * row['zeros']:.0f} % zeros"
        axes.text(max(row["bytes"], row["gzip_bytes"]) / 1e6, place, told, va="center", fontsize=8)
    axes.set_yticks(places, [row["way"] for row in rows])
    axes.set_xlabel("MB")
    axes.margins(x=0.35)
    axes.legend(loc="lower right", fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    typer.run(main)
