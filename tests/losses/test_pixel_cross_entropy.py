"""Cross-entropy of pixels and its slope, beside what Keras gives: scores of any size, and maps of unknown sides."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.losses.pixel_cross_entropy import _written_out, pixel_cross_entropy

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="written out for TensorFlow alone")


def with_slope(loss, target: np.ndarray, logits: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The losses, and the slope of their weighted sum, in a graph that knows no sides."""

    @tf.function(input_signature=[tf.TensorSpec((None, logits.shape[1])), tf.TensorSpec((None,), tf.int32)])
    def both(values: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(values)
            losses = loss(labels, values)
            total = tf.reduce_sum(losses * weights)
        return losses, tape.gradient(total, values)

    losses, slope = both(logits, target)
    return losses.numpy(), slope.numpy()


def keras_loss(target: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return keras.ops.sparse_categorical_crossentropy(target, logits, from_logits=True)


@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0, 1e4, 1e30])
@pytest.mark.parametrize("classes", [1, 2, 11, 200])
def test_losses_and_slopes_are_keras_own(classes: int, spread: float) -> None:
    rng = np.random.default_rng(classes)
    logits = (spread * rng.normal(size=(500, classes))).astype(np.float32)
    target = rng.integers(0, classes, 500).astype(np.int32)
    weights = rng.uniform(0, 2, 500).astype(np.float32)
    losses, slope = with_slope(_written_out, target, logits, weights)
    expected, expected_slope = with_slope(keras_loss, target, logits, weights)
    np.testing.assert_allclose(losses, expected, rtol=1e-6, atol=2e-6)
    np.testing.assert_allclose(slope, expected_slope, atol=2e-6)


def test_broken_scores_stay_visible() -> None:
    """A network that has run off must not look as if it had not: training stops at a loss that is no number."""
    logits = np.array([[np.nan, 0], [np.inf, 0], [1, 2]], np.float32)
    losses, _ = with_slope(pixel_cross_entropy, np.zeros(3, np.int32), logits, np.ones(3, np.float32))
    assert np.isnan(losses[:2]).all() and np.isfinite(losses[2])
