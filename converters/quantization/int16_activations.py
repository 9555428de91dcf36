"""Mixed precision with integers throughout: an int8 file in which some layers compute with 16-bit activations.

TFLite's own quantizer has one width for a whole file; ai-edge-quantizer takes one for each operator, from the float file.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

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
    from ai_edge_quantizer import calibrator, qtyping, quantizer, recipe_manager
    from ai_edge_quantizer.utils import qsv_utils

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
    return result


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
