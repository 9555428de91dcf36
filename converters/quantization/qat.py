"""Quantization-aware training: a network that computes with the rounding of its int8 file, to be trained on a little."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from converters.extras import needed_for
from converters.graph import check_one_input
from converters.quantization import qat_direct
from converters.quantization.rounding_layers import KEEPS
from converters.quantization.unquantized import UnquantizedLayer
from converters.tf_keras.origin import is_tf_keras
from zoo.errors import InputError, unknown

if TYPE_CHECKING:
    import tf_keras

ENGINES = ("direct", "tensorflow")


def quantize_aware(
    model: keras.Model,
    calibration: Any = None,
    keep: str | Sequence[str] = (),
    ranges: str = "all",
    engine: str = "direct",
) -> keras.Model | tf_keras.Model:
    """A network that computes with the rounding of its int8 file, to be trained on a little with `compile` and `fit`.

    Batch normalisation is folded into the kernels first, with the statistics that it has; so train first. Then
    `to_tflite(network, path, "int8")` needs no calibration (but for what lies inside of a layer of several operators, as local
    response normalisation, where it says so), and `to_keras(network, fold(model))` brings the weights back.
    Layers whose weights stay in float are warned of and listed by `unquantized_layers`.

    Args:
        model: functional or Sequential.
        calibration: pictures as for `to_tflite`, from which activation ranges start. Without them they start from noise and
            need thousands of steps to get anywhere.
        keep: "sparsity" or "clusters" of the weights, or both, as left by `prune` and `cluster`: PQAT, CQAT, PCQAT.
        ranges: of activations: "all" that occurs on the pictures, or with "least error", which cuts off what is rare and
            far out where that loses less than it gains.
        engine: "direct": a Keras 3 model, on any backend, which `zoo.train` trains and resumes as any other and which learns
            the ranges too. "tensorflow": a tf_keras model over tensorflow-model-optimization, whose ranges follow the
            batches and whose files the GPU refuses for some networks; it needs `densezoo[tensorflow]`.

    Raises:
        InputError: for an unknown `keep` or engine, a layer without a counterpart, pictures that do not fit.
    """
    keep = (keep,) if isinstance(keep, str) else tuple(keep)
    for name in keep:
        if name not in KEEPS:
            raise unknown("thing to keep", name, KEEPS)
    check_one_input(model, "quantize_aware")
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    if engine == "direct":
        network = qat_direct.quantize_aware(model, calibration, keep, ranges)
    else:
        with needed_for("quantize_aware(engine='tensorflow')"):
            from converters.quantization import qat_tensorflow

        network = qat_tensorflow.quantize_aware(model, calibration, keep, ranges)
    for row in unquantized_layers(network):
        warnings.warn(f"not quantized: {row}", stacklevel=2)
    return network


def unquantized_layers(network: keras.Model | tf_keras.Model) -> tuple[UnquantizedLayer, ...]:
    """The layers with weights that `quantize_aware`, `prune` or `cluster` left as they are, and why."""
    if is_tf_keras(network):
        from converters.quantization import qat_tensorflow

        return qat_tensorflow.unquantized_layers(network)
    if not qat_direct.is_rounding_aware(network):
        raise InputError("expected what quantize_aware, prune or cluster returned")
    return qat_direct.unquantized_layers(network)


def to_keras(network: keras.Model | tf_keras.Model, model: keras.Model) -> keras.Model:
    """A Keras 3 model with the weights that a network has after training with rounding, pruning or clustering.

    Where batch normalisation was folded into the kernels (`quantize_aware`, `cluster`), it is in the copy too.

    Args:
        network: from `to_tf_keras`, `quantize_aware`, `prune` or `cluster` of that model.
        model: the model that the network was made of; it is left as it is.

    Raises:
        InputError: where a tf_keras network is not one of this model.
    """
    if qat_direct.is_rounding_aware(network):
        return qat_direct.unrounded(network)[0]
    from converters.tf_keras.bridge import to_keras as by_bridge

    return by_bridge(network, model)
