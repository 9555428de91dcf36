"""Layers that make a map fit work in a graph of any height and width, on TensorFlow: exported and trained on many sizes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo import layers

if keras.backend.backend() != "tensorflow":
    pytest.skip("graphs of open sizes are TensorFlow's", allow_module_level=True)
tf = pytest.importorskip("tensorflow")

ONE = {
    "nearest": lambda: layers.NearestUnpooling2D(2),
    "by three": lambda: layers.NearestUnpooling2D(3),
    "shrink": lambda: layers.Downscale(0.75),
    "nails": lambda: layers.BedOfNails2D(2),
    "pad": lambda: layers.PadToMultiple(8),
    "grid": lambda: layers.AdaptiveAveragePooling2D(3),
    "positions": lambda: layers.MaxPoolIndices(),
}
TWO = {
    "resize": lambda: layers.ResizeLike(),
    "resize to nearest": lambda: layers.ResizeLike("nearest"),
    "crop": lambda: layers.CropLike("centre"),
}


@pytest.mark.parametrize("name", [*ONE, *TWO])
def test_a_layer_in_a_graph_of_any_size(name: str) -> None:
    """The same numbers as at a size that is known, where it is one operation."""
    spec = tf.TensorSpec((None, None, None, 4))
    if name in ONE:
        layer = ONE[name]()
        graph = tf.function(layer, input_signature=[spec])
    else:
        layer = TWO[name]()
        graph = tf.function(lambda x, y: layer([x, y]), input_signature=[spec, spec])
    rng = np.random.default_rng(0)
    for height, width in ((16, 24), (17, 23)):
        x = rng.uniform(-1, 1, (2, height, width, 4)).astype("float32")
        y = x[:, 3:-2, :-4] if name == "crop" else np.zeros((2, 31, 40, 4), "float32")
        known = layer(x) if name in ONE else layer([x, y])
        answer = graph(x) if name in ONE else graph(x, y)
        assert answer.shape == known.shape and answer.dtype == known.dtype
        np.testing.assert_allclose(answer, known, atol=1e-5)


@pytest.mark.parametrize("options", [{"upsampler": "nearest"}, {"upsampler": "resize"}], ids=str)
def test_a_segmenter_is_traced_and_trained_at_any_size(options: dict) -> None:
    import zoo

    model = zoo.build("unet", 3, (None, None, 3), width=0.0625, padding="same", **options)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(0)

    def samples():
        for side in (32, 48):
            yield rng.uniform(0, 255, (1, side, side + 16, 3)).astype("float32"), rng.integers(0, 3, (1, side, side + 16))

    spec = (tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((None, None, None), tf.int64))
    history = model.fit(tf.data.Dataset.from_generator(samples, output_signature=spec), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
