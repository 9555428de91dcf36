"""Reductions of a graph's tensors, over the pictures that a model is shown: compiled on any backend, no map kept or copied.

Keras compiles what it predicts with, by `tf.function` or `jax.jit`; so the walk over the graph is a model whose prediction
is the reductions, and only these leave the backend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from converters.graph import Trace, Value, walk
from zoo.training.jit import compiles

Reduction = Callable[[Value, Any], Any]  # of a tensor of the backend, one of few numbers; None leaves the tensor out


class Reducer:
    """A graph that answers with a reduction of each of its tensors.

    Args:
        graph: of a functional model, whose weights are read each time.
        reduction: of a value of the graph and its tensor.
    """

    def __init__(self, graph: Trace, reduction: Reduction) -> None:
        self._model = _Walk(graph, reduction)
        self._model.compile(jit_compile=compiles(None))

    def __call__(self, *arrays: np.ndarray) -> dict[Value, np.ndarray]:
        """The reductions on a batch of pictures, one array an input, by value; those of the inputs are among them."""
        batch = [np.asarray(array, value.dtype) for array, value in zip(arrays, self._model.graph.inputs, strict=True)]
        results = self._model.predict_on_batch(batch[0] if len(batch) == 1 else batch)
        return dict(zip(self._model.values, results, strict=True))


class _Walk(keras.Model):
    """The model behind a `Reducer`: it calls the layers, and lets go of each tensor once its last reader has read it."""

    def __init__(self, graph: Trace, reduction: Reduction) -> None:
        super().__init__(name="reductions")
        self.graph, self.reduction = graph, reduction
        self.values: tuple[Value, ...] = ()
        # Keras hands compiled functions the variables of layers that it finds as attributes.
        self.found_layers = list(dict.fromkeys(c.operation for c in graph.calls if isinstance(c.operation, keras.Layer)))
        self.built = True

    def call(self, inputs: Any) -> list[Any]:
        tensors = dict(zip(self.graph.inputs, inputs if isinstance(inputs, (list, tuple)) else [inputs], strict=True))
        results = {value: self.reduction(value, tensor) for value, tensor in tensors.items()}
        for call in walk(self.graph, tensors):
            results.update({value: self.reduction(value, tensors[value]) for value in call.outputs})
        results = {value: result for value, result in results.items() if result is not None}
        self.values = tuple(results)
        return list(results.values())
