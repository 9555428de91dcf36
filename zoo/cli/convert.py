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


ModelFile = Annotated[
    Path, typer.Argument(help="A .keras file, a training run's folder, shipped weights; or a network's name with --weights.")
]
Weights = Annotated[
    str | None, typer.Option(help="Of the network MODEL: torchvision:FILE or timm:FILE (.pth, .safetensors).")
]
Quantize = Annotated[
    str, typer.Option("--quantize", "-q", help="float32 (not at all), float16, dynamic, weights8, weights4, int8, int16x8.")
]
Calibration = Annotated[
    str | None,
    typer.Option("--calibration", "-c", help="Training data (as --data), or a folder of pictures: for int8 and the check."),
]
CorrectBias = Annotated[bool, typer.Option(help="int8, int16x8: take the mean error of rounded kernels out of the biases.")]
Reader = Annotated[
    str | None, typer.Option("--for", metavar="CLIENT", help="Choose format and output for mediapipe, opencv, litert or web.")
]
KeepFloat = Annotated[
    str | None, typer.Option(help="int8: layers that stay in float, names or globs with commas between them.")
]
KeepInt16 = Annotated[
    str | None, typer.Option(help="int8: layers that compute with 16-bit activations, named like those of --keep-float.")
]
_CHECKED = 2  # samples that what runs step by step is held to the whole network on
_NOT_CHECKED = "whether it says the same as the model was not checked: that needs pictures, --calibration SPEC"


def convert(
    model: ModelFile,
    weights: Weights = None,
    quantize: Quantize = "float32",
    size: Size = None,
    calibration: Calibration = None,
    count: Annotated[int, typer.Option(min=1, help="Calibration images.")] = 64,
    io: Annotated[str, typer.Option(help="float32, int8 or uint8 input and output (int8 recipe).")] = "float32",
    correct_bias: CorrectBias = True,
    keep_float: KeepFloat = None,
    keep_int16: KeepInt16 = None,
    quantize_aware: Annotated[
        int, typer.Option(min=0, metavar="EPOCHS", help="int8: train so long on --calibration's data with the file's rounding.")
    ] = 0,
    engine: Annotated[
        str | None, typer.Option(help="direct (our own writer), tensorflow or jax; default direct, wherever it has the form.")
    ] = None,
    sparse: Annotated[bool, typer.Option("--sparse", help="Store pruned kernels without their zeros.")] = False,
    form: Annotated[str | None, typer.Option("--format", "-f", help="tflite or onnx; default by --out's ending.")] = None,
    reader: Reader = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file; default MODEL_QUANTIZED.tflite.")] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", "-r", hidden=True)] = None,
) -> None:
    """Convert a trained model into a self-describing .tflite or .onnx file, and check that it says the same.

    Examples: zoo convert runs/camvid --quantize int8 --size 360x480 --calibration camvid:PATH

    zoo convert runs/camvid --format onnx

    zoo convert runs/camvid --for mediapipe --size 256

    zoo convert resnet18 --weights torchvision:resnet18.pth --quantize int8 --size 224 --calibration photographs/
    """
    quantize = _renamed(recipe) or quantize
    start_keras("convert")
    import converters

    network, pixels = open_model(model, weights), parse_size(size) or default_size(model)
    network, form = (network, _format(form, out)) if reader is None else _for_client(network, reader, form, out, io, pixels)
    place = out or _beside(model, ".onnx" if form == "onnx" else f"_{quantize}.tflite")
    keeps = _exceptions(keep_float, keep_int16)
    options = {**keeps, "correct_bias": None if correct_bias else False, "engine": engine, "sparse": sparse}
    if form == "tflite" and _runs_in_steps(network, bool(size), bool(quantize_aware)):
        _write_steps(network, place, quantize, calibration, count, parse_size(size), {"io": io, **options})
        return
    shape = network.inputs[0].shape[1:3]
    _check_size(model, form, pixels or shape, reader)
    images = None if calibration is None else _images(calibration, count, pixels or shape)
    if form == "onnx":
        _check_float(quantize, io)
        written = converters.to_onnx(network, place, pixels)
    elif quantize_aware:
        if images is None or quantize != "int8":
            raise InputError("--quantize-aware is for --quantize int8 with --calibration, whose data it trains on")
        aware = _trained_for_int8(network, calibration, images, quantize_aware)
        written = converters.to_tflite(aware, place, quantize, pixels, images, io, sparse=sparse, **keeps)
    else:
        measured = images if _is_calibrated(quantize) else None
        written = converters.to_tflite(network, place, quantize, pixels, measured, io, **options)
    print(written, _NOT_CHECKED if images is None else converters.parity(network, written, images[:8]), sep="\n")


def _check_float(quantize: str, io: str) -> None:
    if (quantize, io) != ("float32", "float32"):
        raise InputError(f"an .onnx file is float32 throughout; leave out --quantize {quantize} and --io {io}")


def _runs_in_steps(network: keras.Model, sized: bool, aware: bool) -> bool:
    """Whether a device runs another network: word by word, or of several inputs.

    Raises:
        InputError: for one that reads, if options are given that only pictures have.
    """
    from zoo import tasks
    from zoo.layers import model_output

    meaning = model_output(network)
    task = None if meaning is None else tasks.get(meaning.task)
    if task is None or task.deployed(network) is network:
        return False
    if aware or (sized and task.encoder(network) is None):
        raise InputError("--size and --quantize-aware are for networks of pictures alone, and this one reads; leave them out")
    return True


def _write_steps(
    network: keras.Model, place: Path, quantize: str, spec: str | None, count: int, size: tuple[int, int] | None,
    options: dict[str, Any],
) -> None:  # fmt: skip
    """Writes the file of a device's network, and its encoder's where it has one; with data at hand it holds what the file says
    of them to what the whole network does."""
    import converters
    import edge
    import zoo.data
    from zoo import tasks
    from zoo.layers import model_output

    data, task = None if spec is None else zoo.data.open(spec, "train"), tasks.get(model_output(network).task)
    written = converters.device_files(network, place, quantize, data=data, count=count, input_size=size, **options)
    print(*written, sep="\n")
    if data is None:
        print(f"whether it says the same as the model was not checked: that needs data, --calibration SPEC of {task.name}")
        return
    samples = task.calibration(data, _CHECKED, size or network.inputs[0].shape[1:3])
    if isinstance(samples, dict):  # a network of several inputs, asked once
        print(converters.parity(task.deployed(network), written[0], samples))
        return
    samples = samples[:_CHECKED]
    with edge.Runner(written[0].path) as runner:
        print(converters.parity(network, lambda sample: runner.said(sample[0])[None], samples, recipe=quantize))


def _renamed(recipe: str | None) -> str | None:
    if recipe is not None:
        print("zoo convert --recipe is called --quantize now, and goes with 0.3", file=sys.stderr)
    return recipe


def _exceptions(keep_float: str | None, keep_int16: str | None) -> dict[str, Any]:
    """The layers that are quantized otherwise, as `to_tflite` takes them."""
    patterns = {"keep_float": keep_float, "keep_int16": keep_int16}
    return {key: names.split(",") for key, names in patterns.items() if names}


def _check_size(model: Path, form: str, size: tuple[int | None, int | None], reader: str | None) -> None:
    from converters.clients import client

    if None not in size:
        return
    needs = "a phone's GPU" if form == "tflite" else ""
    if reader is not None and client(reader).fixed:
        needs = client(reader).name
    if needs:
        raise InputError(f"{model} takes any size, {needs} one; choose it with --size, as in --size 256x256")


def _for_client(
    network: keras.Model, name: str | None, form: str | None, out: Path | None, io: str, size: tuple[int, int] | None
) -> tuple[keras.Model, str]:
    """The network with the end that a client reads, and the format that it takes; as they were for no client.

    Raises:
        InputError: for an unknown client, and for a format or numbers that it does not read.
    """
    if name is None:
        return network, _format(form, out)
    from converters.clients import client, ending_for

    reader = client(name)
    asked = form or (_format(None, out) if out is not None else None)
    if asked not in (None, reader.format):
        raise InputError(f"{reader.name} reads .{reader.format} files; leave out the format, or --for {name}")
    if io not in reader.io:
        raise InputError(f"{reader.name} takes {' or '.join(reader.io)} input and output; leave out --io {io}")
    return ending_for(network, reader, size), reader.format


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
    """The network, trained with the rounding of its file on the training split at the pictures' size."""
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
    if Path(spec).is_dir():
        return zoo.data.calibration_pictures(Path(spec), count, size)
    samples = zoo.data.open(spec, "train")
    return zoo.data.calibration_images(samples, min(count, len(samples)), size)


def _beside(model: Path, ending: str) -> Path:
    stem = "model" if model.is_dir() else model.stem if model.is_file() else model.name
    return (model if model.is_dir() else model.parent) / f"{stem}{ending}"
