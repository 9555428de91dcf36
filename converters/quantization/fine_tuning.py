"""The epochs that a quantization-aware, pruned or clustered network is trained on, by its own Keras's `fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from converters.quantization import qat_direct
from converters.specs import model_outputs
from converters.tf_keras.origin import is_tf_keras
from zoo.errors import InputError
from zoo.layers import supervised
from zoo.training.jit import compiles

if TYPE_CHECKING:
    import tf_keras

Loss = Callable[[Any, Any], Any]


def fine_tune(
    network: keras.Model | tf_keras.Model,
    batches: Any,
    loss: Loss,
    epochs: int = 1,
    rate: float = 1e-5,
    verbose: Any = "auto",
) -> list[float]:
    """Trains in place and returns the loss of each epoch. A Keras 3 network may be given to `zoo.train` as well, which resumes.

    Args:
        network: what `quantize_aware`, `prune` or `cluster` returned; one of tf_keras with logits for its answer.
        batches: `zoo.data.Batches`, or any PyDataset of (images, targets).
        loss: as for Keras 3: of (targets, logits), as a task gives it.
        epochs: passes over the batches.
        rate: of Adam; small, for the network has learnt already.
        verbose: as of `fit`.

    Raises:
        InputError: for another kind of model, or one of tf_keras that does not answer with logits.
    """
    if qat_direct.is_rounding_aware(network):
        trained, weights = supervised(network)
        optimizer = keras.optimizers.Adam(rate)
        optimizer.build(trained.trainable_variables)  # before the first step, which TensorFlow would trace twice otherwise
        trained.compile(optimizer, loss=_each(loss, weights), loss_weights=weights, jit_compile=compiles(None))
        history = trained.fit(batches, epochs=epochs, verbose=verbose)
        return [float(value) for value in history.history["loss"]]
    if not is_tf_keras(network):
        raise InputError("fine_tune takes what quantize_aware, prune or cluster returned; train a Keras 3 model with zoo.train")
    for layer in filter(None, model_outputs(network)):
        if layer.spec.activation != "linear":
            raise InputError(f"the network ends in {layer.spec.activation}; build it with output='logits' to train it")
    from converters.tf_keras.fitting import fit

    return fit(network, batches, loss, epochs, rate, verbose)


def _each(loss: Loss, weights: list[float] | dict[str, float]) -> Any:
    """The loss for each output, in the form of their weights."""
    if isinstance(weights, dict):
        return dict.fromkeys(weights, loss)
    return loss if len(weights) == 1 else [loss] * len(weights)
