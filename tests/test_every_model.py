"""One suite over the whole registry: a network that is added is tested here for nothing.

Tiny siblings (same graph, few channels) keep it fast; `tiny` in the registry says how each is made small.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.registry import architecture

NAMES = zoo.list_models()
ENCODERS = zoo.list_models(encoder=True)
ODD = (97, 131)


def tiny(name: str, size: tuple[int, int] | None = ODD, **options) -> keras.Model:
    """A small sibling at a fixed size: the paper's own where only that fits, else `size`."""
    entry = architecture(name)
    if entry.fixed_size and entry.task == "classification":
        size = entry.input_size
    elif size is not None:
        size = tuple(max(pixels, entry.least_size) for pixels in size)
    shape = (*(size or (None, None)), entry.channels)
    keras.utils.set_random_seed(3)
    return zoo.build(name, **{"classes": 5, "input_shape": shape, **entry.tiny, **options})


def pictures(model: keras.Model, size: tuple[int, int] | None = None, count: int = 2) -> np.ndarray:
    shape = model.inputs[0].shape
    return np.random.default_rng(0).uniform(0, 255, (count, *(size or shape[1:3]), shape[3])).astype("float32")


def answer(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(model(images, training=False))


@pytest.mark.parametrize("name", NAMES)
def test_answers_at_the_inputs_resolution(name: str) -> None:
    model = tiny(name)
    images = pictures(model)
    logits = answer(model, images)
    expected = {"segmentation": (*images.shape[:3], 5), "classification": (2, 5)}
    assert logits.shape == expected[architecture(name).task]
    assert np.isfinite(logits).all()
    assert logits.std() > 0, "a network that says the same everywhere cannot be tested by its answer"
    assert model.inputs[0].name == "image"


@pytest.mark.parametrize("name", NAMES)
def test_heads_are_three_views_of_one_answer(name: str) -> None:
    logits_model = tiny(name)
    images = pictures(logits_model)
    logits = answer(logits_model, images)
    views = {}
    for head in ("probabilities", "classes"):
        model = tiny(name, head=head)
        model.set_weights(logits_model.get_weights())
        views[head] = answer(model, images)
    exponent = np.exp(logits - logits.max(-1, keepdims=True))
    np.testing.assert_allclose(views["probabilities"], exponent / exponent.sum(-1, keepdims=True), atol=1e-6)
    assert views["classes"].dtype == np.int32
    np.testing.assert_array_equal(views["classes"], logits.argmax(-1))


@pytest.mark.parametrize("name", NAMES)
def test_graph_is_layers_only_and_reloads_in_safe_mode(name: str, tmp_path) -> None:
    model = tiny(name)
    assert all(isinstance(operation, keras.layers.Layer) for operation in model.operations)
    model.save(tmp_path / "model.keras")
    again = zoo.load(tmp_path / "model.keras")
    images = pictures(model)
    np.testing.assert_array_equal(answer(again, images), answer(model, images))
    meaning, meaning_again = zoo.answer(model), zoo.answer(again)
    assert (meaning_again.task, meaning_again.labels, meaning_again.palette) == (
        meaning.task,
        meaning.labels,
        meaning.palette,
    )


@pytest.mark.parametrize("name", [n for n in NAMES if not architecture(n).fixed_size])
def test_any_size_gives_what_a_fixed_size_gives(name: str) -> None:
    free, fixed = tiny(name, size=None), tiny(name, size=(65, 98))
    free.set_weights(fixed.get_weights())
    images = pictures(fixed)
    np.testing.assert_allclose(answer(free, images), answer(fixed, images), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_size_too_small_is_an_error_with_the_least_size(name: str) -> None:
    entry = architecture(name)
    with pytest.raises(ValueError, match=f"too small.*{entry.least_size}"):
        zoo.build(name, input_shape=(entry.least_size - 1, 300, 3))
    keras.backend.clear_session()
    least = tiny(name, size=(entry.least_size, entry.least_size))
    assert np.isfinite(answer(least, pictures(least))).all()


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_every_weight(name: str) -> None:
    import tensorflow as tf

    model = tiny(name)
    images = pictures(model)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(images, training=False)))
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    dead = [v.path for v, g in zip(model.trainable_variables, gradients, strict=True) if g is None]
    assert not dead


DECODERS = {"unet": set(), "fcn8s": {8, 16, 32}}  # and the strides that they cannot do without


@pytest.mark.parametrize(
    "name, encoder",
    [(n, e) for n, strides in DECODERS.items() for e in ENCODERS if strides <= set(architecture(e).strides)],
)
@pytest.mark.parametrize("size", [(224, 224), (225, 319), ODD], ids=lambda size: f"{size[0]}x{size[1]}")
def test_decoders_work_over_every_encoder_with_their_strides(name: str, encoder: str, size: tuple[int, int]) -> None:
    options = {"encoder": encoder, "encoder_options": dict(architecture(encoder).tiny), "input_shape": (*size, 3)}
    model = zoo.build(name, classes=3, **options)
    assert model.output_shape == (None, *size, 3)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_features_lie_on_the_grid(encoder: str) -> None:
    from zoo.encoders import features

    entry = architecture(encoder)
    found = features(encoder, keras.Input((*ODD, 3)), **entry.tiny)
    assert tuple(int(name[1:]) for name in found) == entry.strides
    for name, tensor in found.items():
        stride = int(name[1:])
        assert tensor.shape[1:3] == tuple(-(-pixels // stride) for pixels in ODD), name
