"""The engine that is LiteRT's own converter, from JAX: for layers that our writer does not know and that JAX computes.

JAX traces the network, and litert-converter makes TFLite's operators of its StableHLO: float32 files of one size and batch. It
needs Keras on JAX and the package litert-converter, whose interface is not documented: this follows version 0.5, which has
wheels for x86-64 Linux and for macOS on ARM.

JAX has no word for bilinear resizing and makes products with matrices of it, which take LiteRT twice as long and which XNNPACK
refuses at some sizes. Layers that say their resizing themselves (`zoo.layers.primitives`), and UpSampling2D, are marked as
the one operation that the converter knows.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from converters.graph import Trace, at_inference, distance, substitute, trace
from converters.tflite.request import Request
from zoo.errors import InputError

_PACKAGE = "litert_converter"
_BILINEAR = "odml.upsample_bilinear2d"  # as the converter calls it
FAITHFUL = 1e-2  # of the answer's spread, a file against its network on noise: untrained networks are chaotic
L = keras.layers


def flatbuffer(request: Request) -> bytes:
    """The file's flatbuffer, with the request's names.

    Raises:
        InputError: for another backend or recipe, without the package, and for what it does not convert.
    """
    _check(request)
    ir, passes, stablehlo, api = _converter()
    answers = _answers(trace(request.model))
    try:
        exported = _exported(answers, request)
        context = ir.Context()
        api.prepare_mlir_context(context)
        module = stablehlo.deserialize_portable_artifact(context, exported)
        names = {"input_names": list(request.inputs), "output_names": list(request.outputs)}
        api.set_signature(module.operation, signature_name="serving_default", **names)
        config = api.ConvertToTFLConfig()
        with context:
            api.run_convert_to_tfl_passes(module, passes.PassManager(), config)
        content = bytes(api.export_flatbuffer_to_bytes(module.operation))
    except InputError:
        raise
    except Exception as error:  # of JAX's tracing, of MLIR's passes
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise InputError(f"engine 'jax' does not convert '{request.model.name}': {reason}") from error
    _compare(content, answers, request)
    return content


def _check(request: Request) -> None:
    if keras.backend.backend() != "jax":
        raise InputError(
            f"engine 'jax' needs Keras on JAX, this process runs it on {keras.backend.backend()}: save the model and convert "
            "it in a process with KERAS_BACKEND=jax"
        )
    if request.recipe != "float32":
        raise InputError(f"engine 'jax' writes recipe 'float32' alone, not {request.recipe!r}; leave engine out")
    if any(None in shape for shape in request.shapes):
        raise InputError("engine 'jax' writes files of one size; leave open_size out")


def _converter() -> tuple[Any, Any, Any, Any]:
    """The modules of the converter."""
    names = ("mlir.ir", "mlir.passmanager", "mlir.dialects.stablehlo", "mlir._mlir_libs.converter_api_ext")
    try:
        return tuple(importlib.import_module(f"{_PACKAGE}.{name}") for name in names)
    except ModuleNotFoundError as error:
        raise InputError(
            "engine 'jax' needs litert-converter, which is not installed: pip install 'litert-converter==0.5.*'"
        ) from error


def _answers(graph: Trace) -> Callable[..., tuple[Any, ...]]:
    """The network at inference, as a function of its inputs that JAX traces."""

    def answers(*inputs: Any) -> tuple[Any, ...]:
        tensors = dict(zip(graph.inputs, inputs, strict=True))
        for call in graph.calls:
            args, kwargs = substitute((call.args, call.kwargs), tensors.__getitem__)
            tensors.update(zip(call.outputs, keras.tree.flatten(_in_jax(call.operation)(*args, **kwargs)), strict=True))
        return tuple(tensors[value] for value in graph.outputs)

    return answers


def _exported(answers: Callable[..., Any], request: Request) -> bytes:
    """The function as StableHLO."""
    import jax
    import jax.export

    specs = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in zip(request.shapes, _types(request), strict=True)]
    return jax.export.export(jax.jit(answers), platforms=["cpu"])(*specs).mlir_module_serialized


def _types(request: Request) -> list[str]:
    return [tensor.dtype for tensor in request.model.inputs]


def _compare(content: bytes, answers: Callable[..., Any], request: Request) -> None:
    """Holds the file to the network on seeded noise.

    Raises:
        InputError: where it says something else, or LiteRT does not run it.
    """
    import jax
    from ai_edge_litert.interpreter import Interpreter

    random = np.random.default_rng(0)
    most = [255 if "float" in dtype else 1.99 for dtype in _types(request)]  # whole numbers may be looked up
    noise = [
        random.uniform(0, high, shape).astype(dtype)
        for high, shape, dtype in zip(most, request.shapes, _types(request), strict=True)
    ]
    try:
        said = Interpreter(model_content=content).get_signature_runner()(**dict(zip(request.inputs, noise, strict=True)))
    except (RuntimeError, ValueError) as error:
        raise InputError(f"LiteRT does not run the file that engine 'jax' made of '{request.model.name}': {error}") from error
    for name, expected in zip(request.outputs, jax.jit(answers)(*noise), strict=True):
        error = distance(np.asarray(expected), said[name]) if expected.shape == said[name].shape else np.inf
        if not error <= FAITHFUL:
            raise InputError(
                f"engine 'jax' makes something else of '{request.model.name}': {name} is off by {error:.2g} of its spread"
            )


def _in_jax(operation: keras.Operation) -> Callable[..., Any]:
    """The operation at inference, its bilinear resizing as one operation."""
    if hasattr(operation, "lower"):
        return lambda inputs, **_: operation.lower(inputs, _Jax())
    bilinear = getattr(operation, "interpolation", "") == "bilinear" and operation.data_format == "channels_last"
    if bilinear and isinstance(operation, L.UpSampling2D):
        return lambda x: _resized(x, [side * factor for side, factor in zip(x.shape[1:3], operation.size, strict=True)])
    return at_inference(operation)


class _Jax:
    """JAX's words for `zoo.layers.primitives`."""

    def argmax(self, x: Any, axis: int) -> Any:
        """The index of the first largest along an axis, int32."""
        return keras.ops.cast(keras.ops.argmax(x, axis), "int32")

    def depth_to_space(self, x: Any, scale: int) -> Any:
        """Blocks of scale×scale pixels of the channels."""
        batch, height, width, channels = x.shape
        blocks = keras.ops.reshape(x, (batch, height, width, scale, scale, channels // scale**2))
        return keras.ops.reshape(keras.ops.transpose(blocks, (0, 1, 3, 2, 4, 5)), (batch, height * scale, width * scale, -1))

    def resize_like(self, x: Any, reference: Any, interpolation: str) -> Any:
        """N×h×w×C at the height and width of the reference."""
        if interpolation == "bilinear":
            return _resized(x, reference.shape[1:3])
        return keras.ops.image.resize(x, reference.shape[1:3], interpolation, data_format="channels_last")


def _resized(x: Any, size: Sequence[int]) -> Any:
    import jax

    def resize(image: Any, **_: Any) -> Any:
        return jax.image.resize(image, (image.shape[0], *size, image.shape[3]), "bilinear", antialias=False)

    marks = {"size": np.array(size, np.int32), "align_corners": False, "is_nchw_op": False}
    return jax.lax.composite(resize, name=_BILINEAR)(x, **marks)
