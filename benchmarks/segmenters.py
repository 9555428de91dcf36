"""Segmenters side by side: one short training each with one recipe, then parameters, MACs, mIoU of float and int8, latency.

    python benchmarks/segmenters.py camvid:PATH --encoder-weights applications:mobilenet_v2_1.0_224_imagenet.weights.h5

What stops half-way goes on when started again: every network's run, file and scores stay in --work. The CSV and the picture are
written at the end, over all networks that have been finished there. The training is short on purpose (minutes a network on two
CPU cores): it ranks what learns quickly, and is no statement about what a network reaches in the end.
"""

from __future__ import annotations

import fnmatch
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rows import Row, add_times, kept, log_axis, trained, write_table

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

ENCODER = "mobilenet_v2"
FROZEN = "stem*,block*,last*"  # its batch normalisation: the published statistics are better than those of small batches


@dataclass(frozen=True)
class Entry:
    """A network of the table: its name in the registry, options of `zoo.build`, and whether its encoder is pretrained."""

    name: str
    options: dict[str, Any]
    pretrained: bool = True


ENTRIES = (
    Entry("fcn32s", {"encoder": ENCODER}),
    Entry("fcn16s", {"encoder": ENCODER}),
    Entry("fcn8s", {"encoder": ENCODER}),
    Entry("unet", {"encoder": ENCODER, "decoder_channels": (96, 64, 32, 24, 16)}),
    Entry("unet_lite", {}),
    Entry("deeplab_v3_mobilenet_v2", {}),
    Entry("deeplab_v3plus_mobilenet_v2", {}),
    Entry("lraspp", {"encoder": ENCODER}),
    Entry("fast_scnn", {}, pretrained=False),
    Entry("pocket_seg", {"auxiliary": (8, 16)}, pretrained=False),
    Entry("pocket_seg_small", {"auxiliary": (8, 16)}, pretrained=False),
)
RECIPE = {  # the same for all
    "epochs": 10,
    "batch_size": 8,
    "size": (240, 320),
    "learning_rate": 1e-3,
    "class_weights": "sqrt_median",
    "validate_every": 5,
}
CALIBRATION = 64
COLUMNS = ("network", "encoder", "start", "parameters", "gmacs", "epochs", "miou", "miou_int8", "ms", "ms_int8", "bytes_int8")


def main(
    data: Annotated[str, typer.Argument(help="A data spec with train, val and test, such as camvid:PATH.")],
    encoder_weights: Annotated[str | None, typer.Option(help="For the pretrained encoder; none: from scratch.")] = None,
    work: Annotated[Path, typer.Option(help="Where runs and files stay.")] = Path("runs/segmenters"),
    out: Annotated[Path, typer.Option(help="The table; the picture goes beside it.")] = Path("docs/results/segmenters.csv"),
    size: Annotated[str, typer.Option(help="HxW of the files and of MACs.")] = "360x480",
    epochs: Annotated[int, typer.Option(min=1, help="Of every training.")] = RECIPE["epochs"],
    only: Annotated[str, typer.Option(help="A glob of names.")] = "*",
) -> None:
    """Train, convert, score and time."""
    from zoo.cli.arguments import parse_size
    from zoo.cli.quiet import start_keras

    start_keras()
    pixels = parse_size(size)
    for entry in ENTRIES:
        folder = work / entry.name
        if fnmatch.fnmatch(entry.name, only):
            kept(folder, lambda entry=entry, folder=folder: scores(entry, data, encoder_weights, folder, pixels, epochs))
    finished = [work / entry.name for entry in ENTRIES if (work / entry.name / "scores.json").is_file()]
    rows = [json.loads((folder / "scores.json").read_text(encoding="utf-8")) for folder in finished]
    for recipe, column in (("float32", "ms"), ("int8", "ms_int8")):
        add_times(rows, [folder / f"{recipe}.tflite" for folder in finished], column)
    write_table(out, COLUMNS, rows)
    draw(rows, out.with_suffix(".png"))
    print(f"{out} and {out.with_suffix('.png')}: {len(rows)} networks")


def scores(
    entry: Entry, data: str, encoder_weights: str | None, folder: Path, pixels: tuple[int, int], epochs: int
) -> Row:
    """Trains one network unless it is trained, leaves its files in its folder and gives its row without latencies."""
    import converters
    import edge
    import zoo
    import zoo.data
    from zoo import registry
    from zoo.analysis.macs import parameters

    start = encoder_weights if entry.pretrained else None

    def build(training: Dataset) -> keras.Model:
        colours = {"palette": training.palette, "input_shape": (None, None, 3)}
        return zoo.build(entry.name, training.classes, encoder_weights=start, **colours, **entry.options)

    own = {"augment": zoo.data.Augment(native=True), "frozen_batchnorm": FROZEN if start else False}
    model = trained(build, data, folder, {**RECIPE, **own, "epochs": epochs})
    training, test = (zoo.data.open(data, split) for split in ("train", "test"))
    images = zoo.data.calibration_images(training, min(CALIBRATION, len(training)), pixels)
    for recipe in ("float32", "int8"):
        quantized = {"calibration": images, "correct_bias": True} if recipe == "int8" else {}  # as `zoo convert` does
        converters.to_tflite(model, folder / f"{recipe}.tflite", recipe=recipe, input_size=pixels, **quantized)
    return {
        "network": entry.name,
        "encoder": entry.options.get("encoder", registry.get(entry.name).default_encoder) or "",
        "start": "ImageNet encoder" if start else "scratch",
        "parameters": parameters(model),
        "gmacs": round(zoo.macs(model, input_size=pixels) / 1e9, 2),
        "epochs": epochs,
        "miou": round(zoo.evaluate(model, test).headline.shown, 1),
        "miou_int8": round(zoo.evaluate(edge.Runner(folder / "int8.tflite"), test).headline.shown, 1),
        "bytes_int8": (folder / "int8.tflite").stat().st_size,
    }


def draw(rows: list[Row], path: Path) -> None:
    """mIoU against latency, the area of a disc for the parameters, an arrow from float to int8."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5.5), layout="constrained")
    for row in rows:
        colour = "#1f77b4" if row["start"] == "ImageNet encoder" else "#d95f02"
        axes.scatter(row["ms"], row["miou"], s=row["parameters"] / 8e3, color=colour, alpha=0.35, linewidths=0)
        axes.annotate(
            "", (row["ms_int8"], row["miou_int8"]), (row["ms"], row["miou"]), arrowprops={"arrowstyle": "->", "color": colour}
        )
        above = row["start"] == "ImageNet encoder"
        side = "center" if above else "left" if row["ms_int8"] < row["ms"] else "right"
        place = {"xytext": (0, 11 if above else -16), "textcoords": "offset points", "ha": side, "fontsize": 8}
        axes.annotate(row["network"], (row["ms"], row["miou"]), **place)
    axes.margins(0.14)
    log_axis(axes, [row[column] for row in rows for column in ("ms", "ms_int8")])
    axes.set_xlabel("ms an image, one CPU thread, LiteRT (disc: float32, tip of the arrow: int8)")
    axes.set_ylabel("mean IoU on the test split, %")
    axes.set_title(f"{rows[0]['epochs']} epochs, one recipe. Blue: ImageNet encoder; orange: from scratch", fontsize=10)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    typer.run(main)
