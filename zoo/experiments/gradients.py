"""Gradients with respect to inputs and weights, on any Keras backend.

Keras has no `gradient`; each backend has its own. But each backend trains. So the input becomes a weight (`Held`), the
only trainable one of a model without inputs worth the name, the quantity to differentiate becomes its loss, and one training
step hands the gradient to an optimizer that moves nothing and keeps what it is given (`GradientRecorder`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


class Held(keras.layers.Layer):
    """A tensor as a weight. Its input is a dummy N×1 that only says how many rows there are; its output is `value`.

    Args:
        shape: of the whole tensor, batch included.
    """

    def __init__(self, shape: tuple[int, ...], **options: Any) -> None:
        super().__init__(**options)
        self.held_shape = tuple(shape)

    def build(self, input_shape: Any) -> None:
        self.value = self.add_weight(shape=self.held_shape, initializer="zeros", name="value")

    def call(self, inputs: Any) -> Any:
        return self.value + 0.0 * keras.ops.sum(inputs)

    def compute_output_shape(self, input_shape: Any) -> tuple[int, ...]:
        return self.held_shape


class Objective(keras.layers.Layer):
    """A function of a tensor added to the loss, in the tensor's own precision; what `compile` takes as a loss is of float32.

    Args:
        function: of the tensor, in `keras.ops`: a scalar.
    """

    def __init__(self, function: Callable[[Any], Any], **options: Any) -> None:
        super().__init__(**options)
        self.function = function

    def call(self, inputs: Any) -> Any:
        self.add_loss(self.function(inputs))
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class GradientRecorder(keras.optimizers.Optimizer):
    """Keeps the gradients of one step, moves nothing."""

    def __init__(self) -> None:
        super().__init__(learning_rate=0.0)

    def build(self, variables: list) -> None:
        super().build(variables)
        self.kept = [self.add_variable_from_reference(variable, name="kept") for variable in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        self.assign(self.kept[self._get_variable_index(variable)], gradient)


def input_gradient(
    model: keras.Model, shape: tuple[int, ...], objective: Callable[[Any], Any]
) -> Callable[[np.ndarray], np.ndarray]:
    """A function that takes inputs and gives d objective(model(inputs)) / d inputs, both of `shape`.

    The model runs as at inference: normalisation with its moving statistics, no dropout. Its weights may be changed between
    calls (they are read anew each time); they are not trained.

    Args:
        model: one input, one output.
        shape: of the inputs, batch included.
        objective: of the model's output, in `keras.ops`: a scalar. Taken as a sum over the batch, it gives each input's
            own gradient, as inputs do not meet at inference.
    """
    dummy = keras.Input((1,), batch_size=shape[0])
    holder = Held(shape)
    was_trainable = model.trainable
    model.trainable = False
    outer = keras.Model(dummy, model(holder(dummy), training=False))
    recorder = GradientRecorder()
    outer.compile(optimizer=recorder, loss=lambda truth, answer: objective(answer), jit_compile=False)
    rows = np.zeros((shape[0], 1), np.float32)

    def gradient(inputs: np.ndarray) -> np.ndarray:
        holder.value.assign(inputs)
        outer.train_on_batch(rows, rows)
        return keras.ops.convert_to_numpy(recorder.kept[0])

    outer.train_on_batch(rows, rows)  # builds and traces while the model is frozen
    model.trainable = was_trainable
    return gradient


def layer_gradients(layer: keras.layers.Layer, inputs: np.ndarray, objective: Callable[[Any], Any]) -> list[np.ndarray]:
    """d objective(layer(inputs)) by the inputs, then by each trainable weight of the layer; all in the inputs' precision.

    JAX has float64 only where it is told so before it starts: JAX_ENABLE_X64=1.

    Args:
        layer: or a model, built or not, of the inputs' precision.
        inputs: batch included.
        objective: of the layer's output, in `keras.ops`: a scalar.
    """
    dtype = inputs.dtype.name
    dummy = keras.Input((1,), batch_size=len(inputs), dtype=dtype)
    holder = Held(inputs.shape, dtype=dtype)
    outer = keras.Model(dummy, Objective(objective, dtype=dtype)(layer(holder(dummy))))
    recorder = GradientRecorder()
    outer.compile(optimizer=recorder, jit_compile=False, run_eagerly=True)  # one step: tracing it costs more
    holder.value.assign(inputs)
    outer.train_on_batch(np.zeros((len(inputs), 1), dtype))
    return [keras.ops.convert_to_numpy(kept) for kept in recorder.kept]
