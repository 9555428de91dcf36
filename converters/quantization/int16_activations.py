"""Mixed precision with integers throughout, of TensorFlow's files: some layers of an int8 file compute with 16-bit activations.

TFLite's own quantizer has one width for a whole file; litert-quantizer, which was ai-edge-quantizer, takes one for each
operator, from the float file. Files of our own engine need neither.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import warnings
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.quantization.calibration import Calibration
from converters.quantization.mixed_precision import Names, file_graph, outputs
from converters.tensorflow_process import quiet
from zoo.errors import InputError

_ALL = ".*"


def quantize(flatbuffer: bytes, images: Calibration, wide: set[str], floating: set[str], names: Names) -> bytes:
    """A float flatbuffer in int8, with the operators of the layers in `wide` in int16×int8 and those in `floating` in float.

    Raises:
        InputError: where a layer has no 16-bit form.
    """
    package = _quantizer()
    calibrator, qtyping, quantizer, recipe_manager, qsv_utils = (
        importlib.import_module(f"{package}.{name}")
        for name in ("calibrator", "qtyping", "quantizer", "recipe_manager", "utils.qsv_utils")
    )
    graph = file_graph(flatbuffer)
    work = quantizer.Quantizer(flatbuffer)
    everything = qtyping.TFLOperationName.ALL_SUPPORTED
    work.update_quantization_recipe(_ALL, everything, _widths(qtyping, 8))
    for ends in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
        work.update_quantization_recipe(_ALL, ends, algorithm_key="no_quantize")  # float32 in and out
    for name in outputs(graph, wide, names):
        work.update_quantization_recipe(f"^{re.escape(name)}", everything, _widths(qtyping, 16))
    for name in outputs(graph, floating, names):
        work.update_quantization_recipe(f"^{re.escape(name)}", everything, algorithm_key="no_quantize")
    recipe = recipe_manager.RecipeManager()
    recipe.load_quantization_recipe(work.get_quantization_recipe())
    # Least and greatest over all images, as TFLite's; by itself it would take a moving average, whose end counts most.
    measuring = calibrator.Calibrator(flatbuffer, num_threads=2, qsv_update_func=qsv_utils.min_max_update)
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that all tensors are kept is the point
        try:
            measuring.calibrate(_feed(flatbuffer, images), recipe)
            result = bytes(work.quantize(measuring.get_model_qsvs()).quantized_model)
        except (ValueError, RuntimeError, NotImplementedError) as error:
            reason = str(error).strip().partition("\n")[0][:300]
            raise InputError(f"keep_int16: the file cannot be quantized so: {reason}; keep fewer layers") from error
    _check(file_graph(result), wide, names)
    _check_biases(result)
    return result


def _quantizer() -> str:
    """The quantizer's package under the name that is installed."""
    for name in ("litert_quantizer", "ai_edge_quantizer"):
        if importlib.util.find_spec(name) is not None:
            return name
    raise InputError("keep_int16 by engine 'tensorflow' needs a quantizer: pip install litert-quantizer")


def _widths(qtyping: Any, bits: int) -> Any:
    """Activations of so many bits, int16 without a zero point as its kernels want it; weights int8 per channel."""
    activations = qtyping.TensorQuantizationConfig(
        num_bits=bits, symmetric=bits == 16, granularity=qtyping.QuantGranularity.TENSORWISE
    )
    weights = qtyping.TensorQuantizationConfig(num_bits=8, symmetric=True, granularity=qtyping.QuantGranularity.CHANNELWISE)
    return qtyping.OpQuantizationConfig(
        activation_tensor_config=activations,
        weight_tensor_config=weights,
        compute_precision=qtyping.ComputePrecision.INTEGER,
    )


def _feed(flatbuffer: bytes, images: Calibration) -> dict[str, list[dict[str, Any]]]:
    from ai_edge_litert.interpreter import Interpreter

    ((signature, ends),) = Interpreter(model_content=flatbuffer).get_signature_list().items()
    return {signature: [{ends["inputs"][0]: batch} for (batch,) in images.batches()]}


def _check(graph: schema.SubGraphT, wide: set[str], names: Names) -> None:
    kinds: dict[str, set[int]] = {}
    for operator, owners in zip(graph.operators, names.owners(graph), strict=True):
        for layer in owners & wide:
            kinds.setdefault(layer, set()).add(graph.tensors[operator.inputs[0]].type)
    narrow = sorted(layer for layer, types in kinds.items() if schema.TensorType.INT16 not in types)
    if narrow:
        raise InputError(f"keep_int16: {', '.join(narrow)} has no 16-bit form; keep it in float: keep_float=")


def _check_biases(flatbuffer: bytes) -> None:
    """Raises InputError for a bias that has wrapped around: the quantizer clips to 2³¹ − 1 in float32, which is 2³¹."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        wide = tensor.type == schema.TensorType.INT64 and data is not None
        if wide and (np.frombuffer(bytes(data), np.int64) == np.iinfo(np.int32).min).any():
            raise InputError(
                f"keep_int16: the bias {tensor.name.decode()} does not fit into 32 bits beside its small weights; pass "
                "correct_bias=False, keep the layer in float (keep_float=), or leave the file to engine 'direct'"
            )
