"""`zoo quickstart`: the whole road in five minutes, from a network's name to its masks out of an int8 file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.arguments import parse_size
from zoo.cli.quickstart_page import COLUMNS, write_page
from zoo.cli.quiet import start_keras

if TYPE_CHECKING:
    import keras
    from rich.console import Console

    from zoo.data import Dataset

RECIPES = ("float32", "float16", "int8")
PICTURES = 9  # in the folder and on the page


def quickstart(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for everything that is made.")] = Path("quickstart"),
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the scenes.")] = 10,
    scenes: Annotated[int, typer.Option(min=16, help="Scenes to train on.")] = 1600,
    size: Annotated[str, typer.Option(help="Side of a scene in pixels, or HxW.")] = "128",
    seed: Annotated[int, typer.Option(help="Of the scenes and the start.")] = 0,
) -> None:
    """Train a small FCN-8s, quantize it, check it on CPU and GPU, and look at its answers. About five minutes.

    Interrupted, the same command goes on where it stopped.
    """
    from rich.console import Console
    from rich.text import Text

    import zoo.data

    start_keras()
    console = Console()
    pixels = parse_size(size)
    splits = {
        split: zoo.data.CachedDataset(zoo.data.Scenes(count, pixels, seed, split))
        for split, count in (("train", scenes), ("val", 100), ("test", 200))
    }
    console.rule("1 · A network learns")
    model = _train(splits, out, epochs, pixels, seed)

    console.rule("2 · Files for the phone")
    calibration = zoo.data.calibration_images(splits["train"], min(100, scenes), pixels)
    files = _convert(model, out, pixels, calibration, console)

    console.rule("3 · Do they say the same?")
    samples = zoo.data.calibration_images(splits["test"], 8, pixels)
    parity = _compare(model, files, samples, console)

    console.rule("4 · How good, how large, how fast")
    rows = _measure(model, files, splits["test"], parity, out, console)

    console.rule("5 · Pictures")
    _draw(files["int8"], splits["test"], out)
    write_page(rows, splits["test"], min(PICTURES, len(splits["test"])), out)
    look = ("everything is in ", (f"{out}/", "bold"), "; open ", (f"{out / 'index.html'}", "bold"), " to look at it,")
    run = f"zoo demo {out}/*.tflite --sample {out}/pictures/0_picture.png"
    console.print(Text.assemble(*look))
    console.print(Text.assemble("or run it on your own device:  ", (run, "bold")))


def _train(
    splits: dict[str, Dataset], out: Path, epochs: int, pixels: tuple[int, int], seed: int
) -> keras.Model:
    import keras

    import zoo
    import zoo.data

    keras.utils.set_random_seed(seed)
    train = splits["train"]
    model = zoo.build("fcn8s", classes=train.classes, encoder="mobilenet_v2_035", palette=train.palette)
    zoo.train(
        model,
        train,
        splits["val"],
        epochs=epochs,
        batch_size=16,
        size=pixels,
        learning_rate=4e-3,
        warmup=1,
        augment=zoo.data.Augment(flip_vertical=0.5, scale=(1.0, 1.0), hue=180),  # a scene has no upright, no true colour
        validate_every=max(1, epochs // 4),
        seed=seed,
        folder=out / "run",
    )
    return model  # it holds the best weights now


def _convert(
    model: keras.Model, out: Path, pixels: tuple[int, int], calibration: Any, console: Console
) -> dict[str, Path]:
    import converters

    files = {}
    for recipe in RECIPES:
        path = out / f"fcn8s_{recipe}.tflite"
        data = calibration if recipe == "int8" else None
        converters.to_tflite(model, path, recipe=recipe, input_size=pixels, calibration=data)
        console.print(f"{path}  {path.stat().st_size / 1000:,.0f} kB", markup=False, emoji=False)
        files[recipe] = path
    return files


def _compare(model: keras.Model, files: dict[str, Path], samples: Any, console: Console) -> dict[tuple[str, str], str]:
    """Keras against LiteRT, on the CPU and, where there is a Vulkan driver, on the GPU accelerator."""
    import converters
    import edge

    verdicts = {}
    for recipe, path in files.items():
        verdicts[recipe, "cpu"] = converters.parity(model, path, samples).verdict
        on_gpu = edge.gpu_check(path, samples)
        verdicts[recipe, "gpu"] = f"{on_gpu.reason}: {on_gpu.detail}"
        for accelerator in ("cpu", "gpu"):
            console.print(f"{recipe:8} {accelerator}  {verdicts[recipe, accelerator]}", markup=False, emoji=False)
    return verdicts


def _measure(
    model: keras.Model,
    files: dict[str, Path],
    test: Dataset,
    parity: dict[tuple[str, str], str],
    out: Path,
    console: Console,
) -> list[dict[str, Any]]:
    """One row a file: scores from the whole test split, bytes, milliseconds side by side in one run."""
    import csv

    from rich.table import Table

    import edge
    import zoo

    timed = {row.file: row for row in edge.benchmark(list(files.values()), accelerators=("cpu",), threads=(2,))}
    rows = [{"form": "Keras", "miou": zoo.evaluate(model, test).scores["miou"], "bytes": "", "ms": "", "cpu": "", "gpu": ""}]
    for recipe, path in files.items():
        miou = zoo.evaluate(edge.Runner(path), test).scores["miou"]
        checks = {accelerator: parity[recipe, accelerator] for accelerator in ("cpu", "gpu")}
        ms = round(timed[path.name].median_ms, 2)
        rows.append({"form": recipe, "miou": miou, "bytes": path.stat().st_size, "ms": ms, **checks})

    table = Table(box=None, header_style="bold")
    for heading in ("", "mIoU", "bytes", "ms, 2 threads"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(row["form"], f"{100 * row['miou']:.1f}", f"{row['bytes']:,}" if row["bytes"] else "", str(row["ms"]))
    console.print(table)
    with open(out / "table.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return rows


def _draw(path: Path, test: Dataset, out: Path) -> None:
    """Picture, true mask and the int8 file's answer of the first test scenes: each by itself, and all in one sheet."""
    import numpy as np
    from PIL import Image

    import edge
    from zoo import outputs

    runner = edge.Runner(path)
    spec = runner.card.spec
    kind = outputs.kind(spec)
    folder = out / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    scenes = []
    for index in range(min(PICTURES, len(test))):
        image, target, _ = test[index]
        answers = (image, *(kind.draw(image, answer, spec) for answer in (np.asarray(target), runner(image))))
        for name, pixels in zip(COLUMNS, answers, strict=True):
            Image.fromarray(pixels).save(folder / f"{index}_{name}.png")
        scenes.append(np.pad(np.hstack(answers), ((0, 8), (0, 8), (0, 0)), constant_values=255))
    rows = [np.hstack(scenes[start : start + 3]) for start in range(0, len(scenes) // 3 * 3, 3)]
    if rows:
        Image.fromarray(np.vstack(rows)).save(out / "overview.png")
