"""Training of a tf_keras network on Keras 3's batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tf_keras

from converters.quantization.pruning import callbacks


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


def fit(
    network: tf_keras.Model, batches: Any, loss: Callable[[Any, Any], Any], epochs: int, rate: float, verbose: Any
) -> list[float]:
    """Trains in place and returns the loss of each epoch; the arguments are those of `converters.fine_tune`."""
    network.compile(tf_keras.optimizers.legacy.Adam(rate), loss=lambda targets, logits: loss(targets, logits))
    history = network.fit(_Sequence(batches), epochs=epochs, verbose=verbose, callbacks=callbacks(network))
    return [float(value) for value in history.history["loss"]]
