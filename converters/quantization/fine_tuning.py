"""The epochs that a quantization-aware, pruned or clustered network is trained on, by tf_keras's own `fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tf_keras

from converters.quantization.pruning import callbacks
from converters.specs import model_outputs
from converters.tf_keras.origin import is_tf_keras
from zoo.errors import InputError


class _Sequence(tf_keras.utils.Sequence):
    """Keras 3's batches as tf_keras takes them."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Any:
        return self._batches[index]

    def on_epoch_end(self) -> None:
        self._batches.on_epoch_end()


def fine_tune(
    network: tf_keras.Model,
    batches: Any,
    loss: Callable[[Any, Any], Any],
    epochs: int = 1,
    rate: float = 1e-5,
    verbose: Any = "auto",
) -> list[float]:
    """Trains in place and returns the loss of each epoch.

    Args:
        network: what `quantize_aware`, `prune` or `cluster` returned, with logits for its answer.
        batches: `zoo.data.Batches`, or any PyDataset of (images, targets).
        loss: as for Keras 3: of (targets, logits), as a task gives it.
        epochs: passes over the batches.
        rate: of Adam; small, for the network has learnt already.
        verbose: as of `fit`.

    Raises:
        InputError: for another kind of model, or one that does not answer with logits.
    """
    if not is_tf_keras(network):
        raise InputError("fine_tune takes what quantize_aware, prune or cluster returned; train a Keras 3 model with zoo.train")
    for layer in filter(None, model_outputs(network)):
        if layer.spec.activation != "linear":
            raise InputError(f"the network ends in {layer.spec.activation}; build it with output='logits' to train it")
    network.compile(tf_keras.optimizers.legacy.Adam(rate), loss=lambda targets, logits: loss(targets, logits))
    history = network.fit(_Sequence(batches), epochs=epochs, verbose=verbose, callbacks=callbacks(network))
    return [float(value) for value in history.history["loss"]]
