"""A traced TensorFlow function as ONNX, by the parts of tf2onnx that its own `from_function` is made of.

That one copies the whole graph before each of its optimizers, so as to go on without one that fails: half of the time that a
conversion takes. Here nothing is copied, and only where one fails is everything done again, with copies.
"""

from __future__ import annotations

from typing import Any

import onnx
import tensorflow as tf
from tf2onnx import optimizer, tf_loader
from tf2onnx.tfonnx import process_tf_graph

from converters.onnx.operators import HANDLERS

# Some of tf2onnx's optimizers, with the operators that each is for; no graph of ours has what is quantized, or is older than
# opset 10.
_FOR = {
    "remove_redundant_upsample": (),
    "const_dequantize_optimizer": (),
    "q_dq_optimizer": (),
    "loop_optimizer": ("Loop", "If", "Scan"),
    "einsum_optimizer": ("Einsum", "Loop", "If", "Scan"),
}


def optimized(function: Any, opset: int) -> onnx.ModelProto:
    """A concrete function's graph, weights inside, as ONNX.

    Args:
        function: of tensors; the variables that it reads become constants.
        opset: of the operators.

    Raises:
        Exception: tf2onnx's own kinds, for what it cannot express.
    """
    sides = function.inputs, function.outputs
    inputs, outputs = ([tensor.name for tensor in side if tensor.dtype != tf.resource] for side in sides)
    named = [spec.name for spec in tf.nest.flatten(function.structured_input_signature) if isinstance(spec, tf.TensorSpec)]
    names = {"input_names": inputs, "output_names": outputs, "tensors_to_rename": dict(zip(inputs, named, strict=False))}
    with tf.device("/cpu:0"):
        frozen = tf_loader.from_function(function, inputs, outputs)
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(frozen, name="")
            try:
                return _optimized(graph, opset, names, copies=False)
            except Exception:  # of an optimizer, from deep inside
                return _optimized(graph, opset, names, copies=True)


def _optimized(graph: tf.Graph, opset: int, names: dict[str, Any], copies: bool) -> onnx.ModelProto:
    converted = process_tf_graph(graph, opset=opset, custom_op_handlers=dict(HANDLERS), continue_on_error=True, **names)
    kinds = {node.type for node in converted.get_nodes()}
    every = optimizer._get_optimizers().items()
    chosen = {name: make for name, make in every if name not in _FOR or not kinds.isdisjoint(_FOR[name])}
    return optimizer.optimize_graph(converted, copies, chosen).make_model("network")
