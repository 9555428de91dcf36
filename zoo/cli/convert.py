"""`zoo convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import Size, default_size, open_model, parse_size
from zoo.cli.quiet import start_keras


def convert(
    model: Annotated[
        Path, typer.Argument(help="A .keras file, the folder of a training run, or shipped weights such as unet_lite.person.")
    ],
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="float32, float16, dynamic or int8.")] = "float32",
    size: Size = None,
    calibration: Annotated[
        str | None, typer.Option("--calibration", "-c", help="For int8: training data (as --data) to measure ranges on.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Calibration images.")] = 64,
    io: Annotated[str, typer.Option(help="float32, int8 or uint8 input and output (int8 recipe).")] = "float32",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file; default MODEL_RECIPE.tflite.")] = None,
) -> None:
    """Convert a trained model into a self-describing .tflite file, and check that it says the same.

    Example: zoo convert runs/camvid --recipe int8 --size 360x480 --calibration camvid:PATH
    """
    start_keras()
    import converters
    import zoo.data
    from zoo.errors import InputError

    network = open_model(model)
    shape = network.inputs[0].shape[1:3]
    pixels = parse_size(size) or default_size(model) or (shape if None not in shape else None)
    if pixels is None:
        raise InputError(f"{model} takes any size, a phone's GPU one; choose it with --size, as in --size 256x256")
    images = None
    if calibration is not None:
        samples = zoo.data.open(calibration, "train")
        images = zoo.data.calibration_images(samples, min(count, len(samples)), pixels)
    stem = "model" if model.is_dir() else model.stem if model.is_file() else model.name
    default = (model if model.is_dir() else model.parent) / f"{stem}_{recipe}.tflite"
    written = converters.to_tflite(
        network, out or default, recipe=recipe, input_size=pixels, calibration=images, io=io
    )
    print(written)
    checked = images[:8] if images is not None else None
    if checked is not None:
        print(converters.parity(network, out or default, checked))
