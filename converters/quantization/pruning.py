"""Pruning and clustering while training goes on, over the tf_keras bridge and tfmot's wrappers."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import tensorflow_model_optimization as tfmot
import tf_keras

from converters.graph import Call, trace
from converters.quantization.batchnorm_folding import fold
from converters.quantization.fake_quant import kernel_of
from converters.quantization.qat import untouched
from converters.tf_keras.bridge import rebuild
from converters.tflite.lowering import check_backend
from zoo.errors import InputError, unknown

SCHEDULES = ("polynomial", "constant", "2:4")
_PRUNED = ("Conv2D", "Conv2DTranspose", "Dense")  # tfmot takes no depthwise kernels: they are few


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
    not pruned is warned of and listed by `untouched`. Nothing on phones computes faster for zeros spread at random: what is
    won is the size after compression.

    Args:
        model: functional or Sequential.
        sparsity: share of zeros in each kernel at the end.
        schedule: "polynomial" grows to it over `steps` steps; "constant" has it at once; "2:4" zeroes two in any four
            neighbouring input channels.
        steps: of training until the sparsity is reached.
        begin: steps before anything is pruned.
        every: steps between choices of what is zero.

    Raises:
        InputError: for an unknown schedule, a sparsity outside 0–1, steps below 1 or a layer without a twin.
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

    def wrap(call: Call, twin: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        fits = not options or call.inputs[0].shape[-1] % 4 == 0
        if type(twin).__name__ not in _PRUNED or not fits:
            return twin
        return schedules.prune_low_magnitude(twin, pruning_schedule=plan, name=f"prune_{call.operation.name}", **options)

    network, _ = rebuild(model, trace(model), wrap)
    _report(network, "pruned")
    return network


def cluster(model: keras.Model, clusters: int = 16, sparse: bool = False) -> tf_keras.Model:
    """A tf_keras model whose kernels each hold that many different weights, to be trained with `compile` and `fit`.

    Batch normalisation is folded in first, since each channel's own factor would make many weights of few.

    Args:
        model: functional or Sequential.
        clusters: different weights in each kernel.
        sparse: keep the zeros that there are, as `prune` left them.

    Raises:
        InputError: for fewer than two clusters, or a layer without a twin.
    """
    check_backend("tf_keras")
    if clusters < 2:
        raise InputError(f"clusters={clusters}; expected 2 or more, such as 16")
    twin, _ = rebuild(folded := fold(model), trace(folded))
    options = {
        "number_of_clusters": clusters,
        "cluster_centroids_init": tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS,
        "preserve_sparsity": sparse,
    }

    def wrap(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        if type(layer).__name__ not in _PRUNED:
            return layer
        return tfmot.clustering.keras.cluster_weights(layer, **options)

    network = tf_keras.models.clone_model(twin, clone_function=wrap)
    _report(network, "clustered")
    return network


def callbacks(network: tf_keras.Model) -> list[tf_keras.callbacks.Callback]:
    """What `fit` needs to be given for what `prune` returned; nothing for other networks."""
    pruned = any(hasattr(layer, "pruning_vars") for layer in network.layers)
    return [tfmot.sparsity.keras.UpdatePruningStep()] if pruned else []


def _report(network: tf_keras.Model, what: str) -> None:
    for row in untouched(network):
        if kernel_of(next(layer for layer in network.layers if layer.name == row.layer)) is not None:
            warnings.warn(f"not {what}: {row}", stacklevel=3)
