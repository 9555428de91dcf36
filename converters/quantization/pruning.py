"""Pruning while training goes on, over the tf_keras bridge and tfmot's wrappers."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import tensorflow_model_optimization as tfmot
import tf_keras

from converters.graph import Call, trace
from converters.quantization.fake_quant import kernel_of
from converters.quantization.qat_tensorflow import unquantized_layers
from converters.tensorflow_process import check_backend
from converters.tf_keras.bridge import rebuild
from zoo.errors import InputError, unknown

SCHEDULES = ("polynomial", "constant", "2:4")
KERNELS = ("Conv2D", "Conv2DTranspose", "Dense")  # tfmot takes no depthwise kernels: they are few


def prune(
    model: keras.Model,
    sparsity: float = 0.5,
    schedule: str = "polynomial",
    steps: int = 1000,
    begin: int = 0,
    every: int = 100,
) -> tf_keras.Model:
    """A tf_keras model whose smallest weights become zero while it is trained with `compile` and `fit`.

    Give `fit` the callbacks of `converters.callbacks(network)`; then `to_keras(network, model)` has the zeros in it. What is
    not pruned is warned of and listed by `unquantized_layers`. Nothing on phones computes faster for zeros spread at random:
    what is won is the size after compression.

    Args:
        model: functional or Sequential.
        sparsity: share of zeros in each kernel at the end.
        schedule: "polynomial" grows to it over `steps` steps; "constant" has it at once; "2:4" zeroes two in any four
            neighbouring input channels.
        steps: of training until the sparsity is reached.
        begin: steps before anything is pruned.
        every: steps between choices of what is zero.

    Raises:
        InputError: for an unknown schedule, a sparsity outside 0–1, steps below 1 or a layer without a counterpart.
    """
    check_backend("tf_keras")
    if schedule not in SCHEDULES:
        raise unknown("schedule", schedule, SCHEDULES)
    if not 0 < sparsity < 1:
        raise InputError(f"sparsity={sparsity!r}; expected a share of zeros between 0 and 1, such as 0.5")
    if min(steps, every) < 1 or begin < 0:
        raise InputError(f"steps={steps}, every={every}, begin={begin}; expected 1 or more, 1 or more, 0 or more")
    schedules = tfmot.sparsity.keras
    if schedule == "polynomial":
        plan = schedules.PolynomialDecay(0.0, sparsity, begin, begin + steps, frequency=every)
    else:
        plan = schedules.ConstantSparsity(0.5 if schedule == "2:4" else sparsity, begin, frequency=every)
    options: dict[str, Any] = {"sparsity_m_by_n": (2, 4)} if schedule == "2:4" else {}

    def wrap(call: Call, counterpart: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        fits = not options or call.inputs[0].shape[-1] % 4 == 0
        if type(counterpart).__name__ not in KERNELS or not fits:
            return counterpart
        return schedules.prune_low_magnitude(counterpart, pruning_schedule=plan, name=f"prune_{call.operation.name}", **options)

    network, _ = rebuild(model, trace(model), wrap)
    warn_of_the_rest(network, "pruned")
    return network


def callbacks(network: tf_keras.Model) -> list[tf_keras.callbacks.Callback]:
    """The callbacks that `fit` needs for a network that `prune` returned; none for other networks."""
    pruned = any(hasattr(layer, "pruning_vars") for layer in network.layers)
    return [tfmot.sparsity.keras.UpdatePruningStep()] if pruned else []


def warn_of_the_rest(network: tf_keras.Model, action: str) -> None:
    """Warns of the kernels that were left as they are.

    Args:
        network: what tfmot made.
        action: what the others are now, as "pruned".
    """
    for row in unquantized_layers(network):
        if kernel_of(next(layer for layer in network.layers if layer.name == row.layer)) is not None:
            warnings.warn(f"not {action}: {row}", stacklevel=3)
