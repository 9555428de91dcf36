"""One suite over the whole registry: a network that is added is tested here for nothing.

Tiny siblings (same graph, few channels) keep it fast; `tiny` in the registry says how each is made small.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
from tiny_models import (
    ARCHITECTURES,
    ENCODERS,
    GRAPHS,
    KINDS,
    NAMES,
    ODD,
    answer,
    answer_at_near_ties,
    pictures,
    tiny,
)

import zoo
from zoo import outputs, registry, tasks
from zoo.analysis.macs import trace
from zoo.analysis.tiny_models import toy_batch
from zoo.analysis.weightless import weightless
from zoo.layers import supervised


@pytest.mark.parametrize("name", GRAPHS)
class TestEveryGraph:
    """What each variant is held to; those whose tiny siblings are made by the same call stand for each other."""

    def test_answers_at_the_inputs_resolution(self, untrained: keras.Model) -> None:
        model = untrained
        images = pictures(model)
        logits = answer(model, images)
        spec = zoo.output_spec(model)
        sides = (spec.scale * side for side in images.shape[1:3]) if spec.dense else ()
        if outputs.kind(spec).pixelwise:
            assert logits.shape == (2, *sides, spec.channels)
            assert not spec.labels or len(spec.labels) == spec.channels == 5
        else:
            assert len(logits) == 2 and np.isfinite(outputs.kind(spec).decode(logits[0], spec, images.shape[1:3])).all()
        assert np.isfinite(logits).all()
        assert logits.std() > 0, "a network that says the same everywhere cannot be tested by its answer"
        assert model.inputs[0].name == "image"

    def test_is_layers_only_and_reloads_in_safe_mode(self, name: str, untrained: keras.Model, tmp_path) -> None:
        model = untrained
        assert all(isinstance(operation, keras.layers.Layer) for operation in model.operations)
        if name not in KINDS:
            return  # reloading takes as long as building; variants of one kind reload alike
        model.save(tmp_path / "model.keras")
        again = zoo.load(tmp_path / "model.keras")
        images = pictures(model)
        np.testing.assert_array_equal(answer(again, images), answer(model, images))
        assert zoo.output_spec(again) == zoo.output_spec(model)
        assert zoo.layers.model_output(again).task == zoo.layers.model_output(model).task


@pytest.mark.parametrize("name", NAMES)
def test_a_size_too_small_is_an_error_with_the_least_size(name: str) -> None:
    entry = registry.get(name)
    with pytest.raises(ValueError, match=f"too small.*{entry.min_size}"):
        zoo.build(name, input_shape=(entry.min_size - 1, 300, 3))


@pytest.mark.parametrize("name", KINDS)
def test_is_counted(untrained: keras.Model) -> None:
    assert zoo.macs(untrained) > 0


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if not registry.get(name).fixed_size])
def test_any_size_gives_what_a_fixed_size_gives(untrained_of_any_size: keras.Model, untrained: keras.Model) -> None:
    """In a graph that is traced for all sizes at once, as backends do when they have seen a few."""
    import tensorflow as tf

    free, fixed = untrained_of_any_size, untrained
    for one, other in zip(free.get_weights(), fixed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    images = pictures(fixed)
    maxima = {layer.name: layer.output for layer in free.layers if isinstance(layer, zoo.layers.MaxPoolIndices)}
    told = keras.Model(free.inputs, [free.output, maxima])
    traced = tf.function(
        lambda x: told(x, training=False), input_signature=[tf.TensorSpec((None, None, None, images.shape[-1]))]
    )
    found, recorded = traced(images)
    expected = answer_at_near_ties(fixed, images, {name: positions.numpy() for name, positions in recorded.items()})
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4 * expected.std())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_least_size_is_enough(name: str, untrained_of_any_size: keras.Model) -> None:
    """By the shapes that each layer foresees, and by numbers; one that takes any size need not be built again for it."""
    entry, model = registry.get(name), untrained_of_any_size
    size = tasks.get(entry.task).toy_size or (entry.min_size, entry.min_size)
    if None not in model.inputs[0].shape[1:]:
        model = tiny(name, size)
        assert np.isfinite(answer(model, pictures(model))).all()
        return
    *_, (_, _, foreseen) = trace(model, size)
    found = answer(model, np.random.default_rng(0).uniform(0, 255, (2, *size, entry.channels)).astype("float32"))
    assert np.isfinite(found).all() and found.shape[1:] == tuple(foreseen[0].shape[1:])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_gradients_reach_every_weight(untrained: keras.Model) -> None:
    """Of what is trained, which for some is shown the truth."""
    import tensorflow as tf

    model, images = untrained, pictures(untrained)
    network = supervised(model)[0]
    inputs = images if len(network.inputs) == 1 else [tf.constant(each) for each in (images, toy_batch(model, 2).targets)]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(network(inputs, training=False)))
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    assert not [v.path for v, g in zip(model.trainable_variables, gradients, strict=True) if g is None]


@pytest.mark.parametrize("name", ["fcn8s", "mobilenet_v2"])
def test_heads_are_three_views_of_one_answer(name: str) -> None:
    """The head is the registry's, so one segmenter and one classifier stand for all."""
    logits_model = tiny(name)
    images = pictures(logits_model)
    logits = answer(logits_model, images)
    views = {}
    for output in ("probabilities", "class_map"):
        model = tiny(name, output=output)
        model.set_weights(logits_model.get_weights())
        views[output] = answer(model, images)
    exponent = np.exp(logits - logits.max(-1, keepdims=True))
    np.testing.assert_allclose(views["probabilities"], exponent / exponent.sum(-1, keepdims=True), atol=1e-6)
    assert views["class_map"].dtype == np.int32
    np.testing.assert_array_equal(views["class_map"], logits.argmax(-1))


BODIES = [name for name in ENCODERS if name in GRAPHS]  # which the tiny siblings of all encoders have
STRIDES_ASKED_FOR = {"unet": set(), "fcn8s": {8, 16, 32}}


@pytest.mark.parametrize(
    "name, encoder",
    [
        (name, encoder)
        for name, strides in STRIDES_ASKED_FOR.items()
        for encoder in BODIES
        if strides <= set(registry.get(encoder).strides)
    ],
)
def test_decoders_work_over_every_encoder(name: str, encoder: str) -> None:
    entry = registry.get(encoder)
    options = {"encoder_options": dict(entry.tiny), "input_shape": (None, None, entry.channels)}
    with weightless():
        model = zoo.build(name, classes=3, encoder=encoder, **options)
        for size in [(224, 224), (225, 319), ODD]:
            *_, (_, _, logits) = trace(model, size)
            assert logits[0].shape == (1, *size, 3)


@pytest.mark.parametrize("encoder", BODIES)
def test_features_lie_on_the_grid(encoder: str) -> None:
    from zoo.models.encoders import features

    entry = registry.get(encoder)
    with weightless():
        found = features(encoder, keras.Input((*ODD, entry.channels)), **entry.tiny)
    assert tuple(int(name[1:]) for name in found) == entry.strides
    for name, tensor in found.items():
        stride = int(name[1:])
        assert tensor.shape[1:3] == tuple(-(-pixels // stride) for pixels in ODD), name
