"""A Keras model as a `.tflite` file that describes itself."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

import zoo
from converters import input_arrays
from converters.collapsing import collapse
from converters.extras import needed_for
from converters.input_arrays import BYTES, model_inputs
from converters.quantization import calibration, mixed_precision, qat_direct
from converters.quantization.bias_correction import correct_biases
from converters.quantization.calibration import Calibration
from converters.single_precision import in_float32
from converters.tf_keras.origin import is_tf_keras
from converters.tflite import direct_engine, inspection
from converters.tflite import file as tflite_file
from converters.tflite.description import describe, input_shapes, output_names
from converters.tflite.layer_names import last_layers, layer_names
from converters.tflite.recipes import BY_TENSORFLOW, IO, RECIPES, SPARSE
from converters.tflite.request import Request
from converters.tflite.rounding_check import by_keras, warn_of_rounding
from zoo.errors import InputError, unknown
from zoo.outputs import InputSpec

ENGINES = ("direct", "tensorflow", "jax")


@dataclass(frozen=True)
class Converted:
    """The file that `to_tflite` wrote.

    Args:
        path: the file.
        bytes: its size.
        recipe: by which recipe.
        operators: how often each operator occurs in it.
        float_islands: of an int8 file, the operators between first and last layer that stayed in float (see
            `converters.float_islands`); empty for the other recipes.
    """

    path: Path
    bytes: int
    recipe: str
    operators: Mapping[str, int]
    float_islands: tuple[inspection.Operator, ...]

    def __str__(self) -> str:
        islands = f", {len(self.float_islands)} operators left in float" if self.float_islands else ""
        return f"{self.path}: {self.recipe}, {self.bytes:,} bytes, {sum(self.operators.values())} operators{islands}"

    def __fspath__(self) -> str:
        return str(self.path)


def to_tflite(
    model: keras.Model,
    path: str | Path,
    recipe: str = "float32",
    input_size: tuple[int, int] | None = None,
    calibration: Any = None,
    io: str = "float32",
    labels: Sequence[str] | None = None,
    palette: Sequence[Sequence[int]] | None = None,
    task: str | None = None,
    name: str | None = None,
    scores: Mapping[str, Any] | None = None,
    correct_bias: bool | None = None,
    keep_float: Sequence[str] = (),
    keep_int16: Sequence[str] = (),
    engine: str | None = None,
    batch: int = 1,
    open_size: bool = False,
    sparse: bool = False,
) -> Converted:
    """Writes a model as a self-describing `.tflite` file for batch 1 and one size, unless more is asked for; TFLite's built-in
    operations only. The same weights, calibration and versions give the same bytes, on every backend.

    Args:
        model: functional or Sequential, one N×H×W×C input in 0–255, or several of which one is such, kept by name and in order.
            One that ends in `zoo.layers.ModelOutput` says itself what its output means. Or what `quantize_aware` returned.
        path: where to; written at once or not at all.
        recipe: a key of `RECIPES`.
        input_size: (height, width) of pictures in pixels; needed where the model leaves their size open.
        calibration: for int8: dozens of training images of that size, N×H×W×C in 0–255, or anything that gives such images; a
            dict by name or a tuple for several inputs; texts N×1×T×1 for a network of one step (`zoo.layers.step_network`).
        io: of inputs and outputs: "float32", or with int8 also "int8" or "uint8", a picture's bytes. Class indices are int32.
        labels, palette, task: without a `ModelOutput`: a name and an (r, g, b) per class of the first output; what it is for.
        name: by default the model's.
        scores: to record: shares as {"miou": 0.71}, or {"camvid/test": {"images": 233, "scores": [score.to_dict(), …]}}.
        correct_bias: take the mean error of rounded kernels out of the biases (`converters.correct_biases`). By default
            done where ranges are measured; by engine "tensorflow" not beside `keep_int16`.
        keep_float: for int8: names or globs of layers that stay in float with what is fused to them, as `auto_mixed` chooses.
        keep_int16: for int8: likewise layers that compute with 16-bit activations, finer where int8 loses.
        engine: "direct", our own writer, where it has the recipe; "tensorflow", its converter; "jax", LiteRT's, float32 alone.
        batch, open_size: pictures at a time; leave height and width open where the model does, for the runtime to set.
        sparse: store kernels of many zeros, as `prune` leaves them, without these: float32, float16 and int8, direct engine.

    Raises:
        InputError: for a combination that makes no file, an unknown recipe, a layer that TFLite cannot express.
    """
    model, spans = _learnt(model)
    _check_options(recipe, io, calibration, is_tf_keras(model) or bool(spans))
    path, model = _check_path(path), model if is_tf_keras(model) else in_float32(collapse(model))
    shapes = _shapes(model, input_shapes(model, input_size), batch, open_size)
    _check_types(model, io)
    images = _calibration(model, calibration, shapes) if RECIPES[recipe].calibrated and calibration is not None else None
    overrides, facts = {"task": task, "labels": labels, "palette": palette}, {"recipe": recipe, "io": io}
    description = describe(model, shapes, overrides, name or model.name, images, **facts, scores=dict(scores or {}))
    engine, keeps = _engine(engine, model, recipe), {"keep_float": keep_float, "keep_int16": keep_int16}
    _check_mixed(keeps, recipe, io, images)
    _check_sparse(sparse, recipe, engine)
    corrects = not spans and _corrects(correct_bias, model, images, recipe, keep_int16 and engine != "direct")
    request = _request(model, shapes, description, images, keeps, corrects, spans, engine)
    return _written(path, replace(request, sparse=sparse), engine, description, model)


def _request(
    model: keras.Model,
    shapes: Sequence[tuple[int | None, ...]],
    description: Mapping[str, Any],
    images: Calibration | None,
    keeps: Mapping[str, Sequence[str]],
    corrects: bool,
    spans: Mapping[str, tuple[float, float]],
    engine: str,
) -> Request:
    """What either engine writes; TensorFlow's gets a network whose biases are corrected already."""
    layers = layer_names(model)
    if corrects and engine != "direct":
        layers |= layer_names(model := correct_biases(model, images.images, keeps["keep_float"]))
    exceptions = [mixed_precision.chosen(patterns, layers, argument) for argument, patterns in keeps.items()]
    exceptions[0] |= {layer.name for layer in model.layers if getattr(layer, "quantization", "") == "floating"}
    names = mixed_precision.Names(layers, last_layers(model))
    specs = [InputSpec.from_dict(spec) for spec in description["inputs"]]
    inputs, outputs = [spec.name for spec in specs], output_names(description)
    recipe, io = description["recipe"], description["io"]
    held = frozenset(spec.name for spec in specs if spec.range == BYTES)
    return Request(model, shapes, inputs, outputs, recipe, io, images, *exceptions, names, corrects, spans, held)


def _written(path: Path, request: Request, engine: str, description: Mapping[str, Any], original: keras.Model) -> Converted:
    """Writes the file, whole or not at all: what cannot be summed up is not left behind."""
    draft = path.with_name(f".{path.stem}.{os.getpid()}.tflite")
    try:
        expected = None
        if engine == "direct":
            graph = direct_engine.graph(request)
            tflite_file.write_graph(draft, graph, description, zoo.__version__)
            expected = graph.expected
        else:
            content = _by_jax(request) if engine == "jax" else _by_tensorflow(request)
            tflite_file.write(draft, content, description, request.names.layers, zoo.__version__)
        summary = _summary(draft, request.recipe)
        if request.images is not None and not request.images.steps:  # of single steps little can be said: texts tell, by parity
            samples = list(itertools.islice(request.images.batches(), calibration.JUDGED))
            expected = by_keras(original, samples) if expected is None else expected
            warn_of_rounding(original, draft, request, samples, expected, apart=engine != "direct")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return replace(summary, path=path)


def _learnt(model: keras.Model) -> tuple[keras.Model, dict[str, tuple[float, float]]]:
    """The network that was trained with the file's rounding, without it, and what it learnt that layers span."""
    return qat_direct.unrounded(model) if qat_direct.is_rounding_aware(model) else (model, {})


def _engine(wish: str | None, model: keras.Model, recipe: str) -> str:
    """The engine that writes the file."""
    if wish is not None and wish not in ENGINES:
        raise unknown("engine", wish, ENGINES)
    able = {
        "direct": direct_engine.knows(model, recipe),
        "tensorflow": recipe in BY_TENSORFLOW,
        "jax": recipe == "float32" and not is_tf_keras(model),
    }
    if wish is not None and not able[wish]:
        others = " or ".join(repr(engine) for engine in ENGINES if able[engine])
        raise InputError(f"engine {wish!r} does not write recipe {recipe!r} of this model; leave engine out, or say {others}")
    return wish or ("direct" if able["direct"] else "tensorflow")


def _by_tensorflow(request: Request) -> bytes:
    if len(request.shapes) > 1:
        raise InputError(f"engine 'tensorflow' writes files of one input, not of {len(request.shapes)}; leave engine out")
    if None in request.shape or request.shape[0] != 1:
        raise InputError("engine 'tensorflow' writes files of batch 1 and one size; leave batch and open_size out")
    with needed_for(f"recipe {request.recipe!r} by TensorFlow's converter"):
        from converters.tflite import tensorflow_engine
    return tensorflow_engine.flatbuffer(request)


def _by_jax(request: Request) -> bytes:
    from converters.tflite import jax_engine  # which brings JAX

    return jax_engine.flatbuffer(request)


def _corrects(
    wish: bool | None, model: keras.Model, images: Calibration | None, recipe: str, coarser: Any
) -> bool:
    """Whether biases are corrected: where ranges are measured, unless somebody says no, or asks TensorFlow's engine for 16-bit
    layers, of which the folded form is coarser."""
    can = images is not None and not is_tf_keras(model) and not images.steps  # a token is too little to take means of
    if wish and not can:
        raise InputError(
            f"correct_bias is for a Keras 3 model of pictures and a recipe with calibration, not for {recipe!r} here"
        )
    return can and not coarser if wish is None else wish


def _check_mixed(exceptions: Mapping[str, Sequence[str]], recipe: str, io: str, images: Calibration | None) -> None:
    for name, patterns in exceptions.items():
        if patterns and (recipe != "int8" or io != "float32" or images is None):
            raise InputError(f"{name} is for recipe='int8' with calibration and io='float32'")


def _check_sparse(wish: bool, recipe: str, engine: str) -> None:
    if wish and (recipe not in SPARSE or engine != "direct"):
        raise InputError(f"sparse is for engine 'direct' and recipe {', '.join(map(repr, SPARSE))}; leave it out")


def _shapes(
    model: keras.Model, shapes: Sequence[tuple[int | None, ...]], batch: int, open_size: bool
) -> list[tuple[int | None, ...]]:
    if not isinstance(batch, int) or batch < 1:
        raise InputError(f"batch={batch!r}; expected the number of pictures at a time, 1 or more")
    if open_size and len(shapes) > 1:
        raise InputError(
            f"model '{model.name}' has {len(shapes)} inputs, and only files of one leave its size open: give input_size"
        )
    if any(None in shape[1:] for shape in shapes) and not open_size:
        raise InputError(
            f"model '{model.name}' takes any size, a file only one: pass input_size=(height, width), as in (256, 256)"
        )
    return [(batch, *shape[1:]) for shape in shapes]


def _calibration(model: keras.Model, images: Any, shapes: Sequence[tuple[int, ...]]) -> Calibration:
    if len(shapes) == 1:
        (shape,) = shapes
        return replace(calibration.check(images, shape[1:3], shape[3]), dtype=_types(model)[0])
    inputs = model_inputs(model, shapes)
    if any(one.spec.feedback for one in inputs):
        return calibration.of_steps(model, images)
    return input_arrays.calibration(images, inputs)


def _types(model: keras.Model) -> list[str]:
    """The types of the model's inputs."""
    return [getattr(tensor.dtype, "name", tensor.dtype) for tensor in model.inputs]


def _check_types(model: keras.Model, io: str) -> None:
    """Refuses an `io` of another type than the whole numbers that the model takes, which a picture's bytes do not become."""
    for dtype in _types(model):
        if not dtype.startswith("float") and io not in ("float32", dtype):
            raise InputError(f"model '{model.name}' takes {dtype}, and io={io!r} was given; leave it out")


def _check_options(recipe: str, io: str, images: Any, trained: bool) -> None:
    if recipe not in RECIPES:
        raise unknown("recipe", recipe, RECIPES)
    if io not in IO:
        raise unknown("io", io, IO)
    calibrated = RECIPES[recipe].calibrated
    if trained and recipe not in ("float32", "int8"):
        raise InputError(f"recipe {recipe!r} is for Keras 3 models; a network that was trained for int8 becomes 'int8'")
    if io != "float32" and recipe != "int8":
        raise InputError(f"io={io!r} needs recipe='int8'; a {recipe} file has float32 input and output")
    if calibrated and images is None and not trained:
        raise InputError(
            f"recipe {recipe!r} measures ranges on images: pass calibration=, dozens of training images, N×H×W×C in 0–255"
        )
    if images is not None and not calibrated:
        warnings.warn(f"recipe {recipe!r} does not use calibration images; they are ignored", stacklevel=3)


def _check_path(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix != ".tflite":
        raise InputError(f"{path}: the file's name must end in .tflite")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file's name")
    return path


def _summary(path: Path, recipe: str) -> Converted:
    counts: dict[str, int] = {}
    for operator in inspection.operators(path):
        counts[operator.name] = counts.get(operator.name, 0) + 1
    islands = inspection.float_islands(path) if recipe == "int8" else ()
    return Converted(path, path.stat().st_size, recipe, counts, islands)
