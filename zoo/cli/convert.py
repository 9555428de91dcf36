"""`zoo convert`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.arguments import Size, default_size, open_model, parse_size
from zoo.cli.quiet import start_keras
from zoo.errors import InputError, unknown

if TYPE_CHECKING:
    import keras
    import numpy as np

_FORMATS = ("tflite", "onnx")


KeepFloat = Annotated[
    str | None, typer.Option(help="int8: layers that stay in float, names or globs with commas between them.")
]
KeepInt16 = Annotated[
    str | None, typer.Option(help="int8: layers that compute with 16-bit activations, named like those of --keep-float.")
]


def convert(
    model: Annotated[
        Path, typer.Argument(help="A .keras file, the folder of a training run, or shipped weights such as unet_lite.ccp.")
    ],
    quantize: Annotated[
        str,
        typer.Option("--quantize", "-q", help="float32 (not at all), float16, dynamic, weights8, weights4, int8, int16x8."),
    ] = "float32",
    size: Size = None,
    calibration: Annotated[
        str | None, typer.Option("--calibration", "-c", help="Training data (as --data), for int8's ranges and for the check.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Calibration images.")] = 64,
    io: Annotated[str, typer.Option(help="float32, int8 or uint8 input and output (int8 recipe).")] = "float32",
    correct_bias: Annotated[
        bool, typer.Option(help="int8, int16x8: take the mean error of rounded kernels out of the biases.")
    ] = True,
    keep_float: KeepFloat = None,
    keep_int16: KeepInt16 = None,
    quantize_aware: Annotated[
        int, typer.Option(min=0, metavar="EPOCHS", help="int8: train so long on --calibration's data with the file's rounding.")
    ] = 0,
    engine: Annotated[
        str | None, typer.Option(help="direct (our own writer) or tensorflow; default direct, wherever it has the form.")
    ] = None,
    form: Annotated[str | None, typer.Option("--format", "-f", help="tflite or onnx; default by --out's ending.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file; default MODEL_QUANTIZED.tflite.")] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", "-r", hidden=True)] = None,
) -> None:
    """Convert a trained model into a self-describing .tflite or .onnx file, and check that it says the same.

    Examples: zoo convert runs/camvid --quantize int8 --size 360x480 --calibration camvid:PATH

    zoo convert runs/camvid --format onnx
    """
    if recipe is not None:
        print("zoo convert --recipe is called --quantize now, and goes with 0.3", file=sys.stderr)
        quantize = recipe
    start_keras()
    import converters

    network, pixels, form = open_model(model), parse_size(size) or default_size(model), _format(form, out)
    shape = network.inputs[0].shape[1:3]
    _check_size(model, form, pixels or shape)
    images = None if calibration is None else _images(calibration, count, pixels or shape)
    if form == "onnx":
        if (quantize, io) != ("float32", "float32"):
            raise InputError(f"an .onnx file is float32 throughout; leave out --quantize {quantize} and --io {io}")
        written = converters.to_onnx(network, out or _beside(model, ".onnx"), pixels)
    else:
        path = out or _beside(model, f"_{quantize}.tflite")
        patterns = {"keep_float": keep_float, "keep_int16": keep_int16}
        options = {"recipe": quantize, "input_size": pixels, "io": io, "engine": engine}
        options |= {key: names.split(",") for key, names in patterns.items() if names}
        if quantize_aware:
            if images is None or quantize != "int8":
                raise InputError("--quantize-aware is for --quantize int8 with --calibration, whose data it trains on")
            written = converters.to_tflite(_trained_for_int8(network, calibration, images, quantize_aware), path, **options)
        else:
            options["correct_bias"] = None if correct_bias else False
            written = converters.to_tflite(network, path, calibration=images if _is_calibrated(quantize) else None, **options)
    print(written)
    if images is not None:
        print(converters.parity(network, written, images[:8]))


def _check_size(model: Path, form: str, size: tuple[int | None, int | None]) -> None:
    if form == "tflite" and None in size:
        raise InputError(f"{model} takes any size, a phone's GPU one; choose it with --size, as in --size 256x256")


def _format(form: str | None, out: Path | None) -> str:
    """The one asked for, or by the ending of --out."""
    if form is None:
        return "onnx" if out is not None and out.suffix == ".onnx" else "tflite"
    if form not in _FORMATS:
        raise unknown("format", form, _FORMATS)
    return form


def _is_calibrated(recipe: str) -> bool:
    import converters

    entry = converters.RECIPES.get(recipe)  # an unknown one is refused by the converter itself
    return entry is not None and entry.calibrated


def _trained_for_int8(network: keras.Model, spec: str, images: np.ndarray, epochs: int) -> Any:
    """The tf_keras network, trained on the training split at the pictures' size."""
    import converters
    import zoo.data
    from zoo import tasks
    from zoo.layers import trained_spec

    data = zoo.data.open(spec, "train")
    batches = zoo.data.Batches(data, 4, images.shape[1:3], augment=zoo.data.Augment())
    loss = tasks.get(data.task).loss(trained_spec(network), batches.ignore)
    aware = converters.quantize_aware(network, images)
    converters.fine_tune(aware, batches, loss, epochs)
    return aware


def _images(spec: str, count: int, size: tuple[int | None, int | None]) -> np.ndarray:
    """Pictures of the training split."""
    import zoo.data

    if None in size:
        raise InputError(f"pictures of {spec} are needed at one size: choose it with --size, as in --size 256x256")
    samples = zoo.data.open(spec, "train")
    return zoo.data.calibration_images(samples, min(count, len(samples)), size)


def _beside(model: Path, ending: str) -> Path:
    stem = "model" if model.is_dir() else model.stem if model.is_file() else model.name
    return (model if model.is_dir() else model.parent) / f"{stem}{ending}"
