"""Networks of a line or two, one a kind of output, as files of densezoo.json's format 2; and what LiteRT says to them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from colour_model import COLOURS, LABELS, SIZE
from PIL import Image

from zoo.outputs import InputSpec, OutputSpec

ONE = InputSpec(size=SIZE)
TWO = InputSpec(size=SIZE, channels=6, frames=2)
GREY = InputSpec(size=SIZE, channels=1)
PALETTE = tuple(tuple(int(part) for part in colour) for colour in COLOURS)
CLASSES = OutputSpec("class_scores", name="classes", channels=5, labels=LABELS, palette=PALETTE)
WHOLE = OutputSpec("class_scores", name="colour", channels=5, labels=LABELS, palette=PALETTE, scale=None)
FLOW = OutputSpec("vector_field", name="flow", channels=2, unit="px")
TWICE = OutputSpec("image", name="enlarged", channels=3, range=(0.0, 1.0), scale=2)
NEGATIVE = OutputSpec("image", name="negative", channels=3, range=(0.0, 255.0))

Network = Callable[[Any], Any]


def scores(image: Any) -> Any:
    """The nearest of five colours: |x - c|² is least where 2 c·x - |c|² is greatest."""
    import tensorflow as tf

    return tf.nn.conv2d(image, (2 * COLOURS.T / 255**2)[None, None], 1, "SAME") - (COLOURS**2).sum(1) / 255**2


def whole(image: Any) -> Any:
    """The nearest colour to the mean one."""
    import tensorflow as tf

    return tf.reduce_mean(scores(image), [1, 2])


def movement(image: Any) -> Any:
    """Movement in colours: red to the right, green downwards, 16 levels a pixel, none at 128."""
    return image[..., :2] / 16 - 8


def difference(frames: Any) -> Any:
    """What has become redder has moved to the right, what has become greener downwards."""
    return (frames[..., 3:5] - frames[..., 0:2]) / 16


def enlarged(image: Any) -> Any:
    """The picture twice as large, in 0–1, red and blue exchanged."""
    import tensorflow as tf

    return tf.image.resize(image[..., ::-1] / 255, (2 * SIZE[0], 2 * SIZE[1]), "nearest")


def negative(image: Any) -> Any:
    """What was dark is bright."""
    return 255 - image


def constant(values: np.ndarray) -> Network:
    """A network that says the same of every picture. Of networks that say the same, a file keeps one output."""
    import tensorflow as tf

    return lambda image: tf.constant(values) + 0 * tf.reduce_max(image)


def write_network(
    path: Path,
    networks: Mapping[str, Network],
    outputs: Sequence[OutputSpec],
    *,
    inputs: InputSpec = ONE,
    name: str = "toy",
    **facts: Any,
) -> Path:
    """A .tflite of one signature, an output for each of `networks`; the card names its outputs in an order of its own."""
    import tensorflow as tf

    module = tf.Module()
    shape = (1, *(inputs.size or SIZE), inputs.channels)

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name=inputs.name)])
    def call(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {key: network(image) for key, network in networks.items()}

    module.call = call
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([call.get_concrete_function()], module).convert())
    card = {
        "format": 2,
        "name": name,
        "task": "made_for_tests",
        "inputs": [inputs.to_dict()],
        "outputs": [output.to_dict() for output in outputs],
        "recipe": "float32",
        "io": "float32",
        **facts,
    }
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("densezoo.json", json.dumps(card))
    return path


def raw_outputs(path: Path, pictures: Sequence[np.ndarray], mode: str = "RGB") -> dict[str, np.ndarray]:
    """What LiteRT's own interpreter gives for uint8 pictures along the channels, by the signature's names, without the
    batch's axis. Pillow's mode "L" is grey."""
    from ai_edge_litert.interpreter import Interpreter

    height, width = SIZE
    images = [Image.fromarray(picture).convert(mode) for picture in pictures]
    resized = [image.resize((width, height), Image.Resampling.BILINEAR) for image in images]
    batch = np.concatenate([np.asarray(image, np.float32).reshape(height, width, -1) for image in resized], -1)[None]
    runner = Interpreter(str(path)).get_signature_runner()
    return {name: output[0] for name, output in runner(image=batch).items()}
