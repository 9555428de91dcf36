"""Small TFLite graphs whose fate on LiteRT's GPU accelerator is known, built with TensorFlow: what `zoo gpu-probe` measures.

Each is a network of an image in 0–1, and a truth that was found by comparing the accelerator with TensorFlow's own answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

SIDE = 16
EQUAL, NOT_WHOLE, WRONG, CRASHED, FLAT = "whole and equal", "not whole", "wrong numbers", "crashed", "inconclusive"


def weights(*shape: int, seed: int = 0) -> tf.Tensor:
    fan_in = np.prod(shape[:-1])
    rng = np.random.default_rng([seed, *shape])
    return tf.constant((rng.normal(size=shape) * np.sqrt(2 / fan_in)).astype("float32"))


def conv(x: tf.Tensor, filters: int = 8, kernel: int = 3, stride: int = 1, dilation: int = 1, seed: int = 0) -> tf.Tensor:
    kernels = weights(kernel, kernel, x.shape[-1], filters, seed=seed)
    return tf.nn.conv2d(x, kernels, stride, "SAME", dilations=dilation)


def upsample(x: tf.Tensor, kernel: int, stride: int, filters: int = 5) -> tf.Tensor:
    shape = (1, x.shape[1] * stride, x.shape[2] * stride, filters)
    return tf.nn.conv2d_transpose(x, weights(kernel, kernel, filters, x.shape[-1]), shape, stride, "SAME")


def rows(x: tf.Tensor, seed: int = 0) -> tf.Tensor:
    return tf.reshape(conv(x, seed=seed), (1, SIDE * SIDE, 8))


def attention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    return tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True)), v)


def excite(x: tf.Tensor) -> tf.Tensor:
    return x * tf.sigmoid(conv(tf.reduce_mean(x, [1, 2], keepdims=True), 8, 1))


def layer_norm(x: tf.Tensor) -> tf.Tensor:
    mean = tf.reduce_mean(x, -1, keepdims=True)
    variance = tf.reduce_mean(tf.math.squared_difference(x, mean), -1, keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + 1e-5)


def deep(x: tf.Tensor, symmetric: bool = False) -> tf.Tensor:
    """A small segmentation network. `symmetric` pads its strided convolution as Caffe and PyTorch do: off by a pixel."""
    if symmetric:
        x = tf.nn.relu6(tf.nn.conv2d(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), weights(3, 3, 3, 8), 2, "VALID"))
    else:
        x = tf.nn.relu6(conv(x, stride=2))
    x = tf.nn.relu6(conv(x, seed=1))
    return conv(tf.image.resize(x, (SIDE, SIDE)), 5, 1)


def classes(x: tf.Tensor) -> tf.Tensor:
    return tf.argmax(deep(x), -1, output_type=tf.int32)


def plus_pooled(x: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """A map and its own mean, made of that shape."""
    h = tf.nn.relu(conv(x))
    return h + tf.reshape(conv(tf.reduce_mean(h, [1, 2], keepdims=True), 8, 1, seed=1), shape)


def point(x: tf.Tensor, stride: int = 1) -> tf.Tensor:
    """A 1×1 convolution."""
    return conv(x, 8, 1, stride, seed=1)


Build = Callable[[tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Known:
    """A network, what the accelerator makes of it (one of `edge.gpu.check.REASONS`), and the recipe that it is converted by."""

    network: Build
    truth: str
    recipe: str = "float32"


GRAPHS: dict[str, Known] = {
    "conv": Known(conv, EQUAL),
    "dilated": Known(lambda x: conv(conv(x), dilation=2), EQUAL),
    "depthwise": Known(lambda x: tf.nn.depthwise_conv2d(conv(x), weights(3, 3, 8, 1), [1, 1, 1, 1], "SAME"), EQUAL),
    "multiplier": Known(lambda x: tf.nn.depthwise_conv2d(conv(x), weights(3, 3, 8, 2), [1, 1, 1, 1], "SAME"), EQUAL),
    "grouped": Known(lambda x: tf.nn.conv2d(conv(x), weights(3, 3, 4, 8), 1, "SAME"), EQUAL),
    "transposed_by_2": Known(lambda x: upsample(conv(x, stride=2), 4, 2), EQUAL),
    "transposed_by_8_of_16": Known(lambda x: upsample(conv(x), 16, 8), EQUAL),  # 16 divides by 8; 4, below, does not
    "max_pool": Known(lambda x: tf.nn.max_pool2d(conv(x), 3, 2, "SAME"), EQUAL),
    "average_pool": Known(lambda x: tf.nn.avg_pool2d(conv(x), 3, 1, "SAME"), EQUAL),
    "channel_mean": Known(lambda x: tf.reduce_mean(conv(x), 3, keepdims=True), EQUAL),
    "resize": Known(lambda x: tf.image.resize(conv(x), (23, 37)), EQUAL),
    "nearest": Known(lambda x: tf.image.resize(conv(x), (32, 32), method="nearest"), EQUAL),
    "softmax": Known(lambda x: tf.nn.softmax(conv(x)), EQUAL),
    "argmax_int32": Known(classes, WRONG),
    "gelu": Known(lambda x: tf.nn.gelu(conv(x)), EQUAL),
    "silu": Known(lambda x: tf.nn.silu(conv(x)), EQUAL),
    "sine": Known(lambda x: tf.sin(9 * conv(x)), EQUAL),
    "layer_norm": Known(lambda x: layer_norm(conv(x)), EQUAL),
    "squeeze_and_excite": Known(lambda x: excite(conv(x)), EQUAL),
    "attention": Known(lambda x: attention(rows(x), rows(x, 1), rows(x, 2)), EQUAL),
    "depth_to_space": Known(lambda x: tf.nn.depth_to_space(conv(x), 2), EQUAL),
    "reflect_pad": Known(lambda x: tf.pad(conv(x), [[0, 0], [1, 2], [3, 4], [0, 0]], "REFLECT"), EQUAL),
    "concat": Known(lambda x: tf.concat([conv(x, 3), conv(x, 5)], -1), EQUAL),
    "slice": Known(lambda x: conv(x)[:, 2:10, 3:11, 1:6], EQUAL),
    "split_gate": Known(lambda x: (lambda a, b: a * tf.sigmoid(b))(*tf.split(conv(x, 16), 2, -1)), EQUAL),
    "dense": Known(lambda x: tf.reshape(conv(x, stride=4), (1, 128)) @ weights(128, 10), EQUAL),
    "normalise_by_hand": Known(
        lambda x: (lambda h: h / tf.sqrt(tf.reduce_sum(h * h, -1, keepdims=True) + 1e-6))(conv(x)),
        EQUAL,
    ),
    "maximum_mask": Known(lambda x: (lambda h: tf.cast(h >= tf.reduce_max(h, -1, keepdims=True), tf.float32))(conv(x)), EQUAL),
    "mean": Known(lambda x: tf.reduce_mean(conv(x), [1, 2]), EQUAL),
    "tile": Known(lambda x: tf.tile(tf.reduce_mean(conv(x), [1, 2], keepdims=True), (1, SIDE, SIDE, 1)), EQUAL),
    "slice_reversed": Known(lambda x: (lambda h: tf.concat([h[..., 4:], h[..., :4]], -1))(conv(x)), EQUAL),
    "gather_constant": Known(lambda x: tf.gather(conv(x), tf.constant([3, 1, 0, 2]), axis=-1), EQUAL),
    "point_by_2": Known(lambda x: point(tf.nn.relu(conv(x)), 2), EQUAL),
    "deep_float16": Known(deep, EQUAL, "float16"),
    "deep_dynamic": Known(deep, EQUAL, "dynamic"),
    "transposed_dynamic": Known(lambda x: upsample(conv(x), 16, 8), EQUAL, "dynamic"),
    "deep_int8": Known(deep, EQUAL, "int8"),
    "strided_int8": Known(lambda x: conv(tf.nn.relu(conv(x)), stride=2, seed=1), EQUAL, "int8"),
    "picked_point_int8": Known(lambda x: point(tf.nn.max_pool2d(tf.nn.relu(conv(x)), 1, 2, "SAME")), EQUAL, "int8"),
    "plus_pooled_map_int8": Known(lambda x: plus_pooled(x, (1, 1, 1, 8)), EQUAL, "int8"),
    "argmax_int64": Known(lambda x: tf.argmax(conv(x), -1), NOT_WHOLE),
    "argmin": Known(lambda x: tf.argmin(conv(x), -1, output_type=tf.int32), NOT_WHOLE),
    "l2_normalise": Known(lambda x: tf.math.l2_normalize(conv(x), -1), NOT_WHOLE),
    "local_response": Known(lambda x: tf.nn.lrn(conv(x), 2), NOT_WHOLE),
    "gather_nd": Known(lambda x: tf.gather_nd(conv(x), tf.constant([[0, 1, 2], [0, 3, 4]])), NOT_WHOLE),
    "conv_3d": Known(lambda x: tf.nn.conv3d(x[..., None], weights(3, 3, 3, 1, 2), [1] * 5, "SAME"), NOT_WHOLE),
    "six_dimensions": Known(
        lambda x: tf.transpose(tf.reshape(conv(x), (1, 8, 2, 8, 2, 8)), (0, 1, 3, 2, 4, 5)),
        NOT_WHOLE,
    ),
    "while": Known(
        lambda x: tf.while_loop(lambda i, _: i < 3, lambda i, h: (i + 1, tf.nn.relu(h) * 0.9), (tf.constant(0), conv(x)))[1],
        NOT_WHOLE,
    ),
    "stack": Known(lambda x: tf.stack([conv(x), conv(x, seed=1)], -1), NOT_WHOLE),
    "scalar": Known(lambda x: conv(x) * tf.reduce_mean(x), NOT_WHOLE),
    "symmetric_pad": Known(lambda x: tf.pad(conv(x), [[0, 0], [1, 2], [3, 4], [0, 0]], "SYMMETRIC"), NOT_WHOLE),
    "one_hot": Known(lambda x: tf.one_hot(classes(x), 5), WRONG),
    "transposed_by_3": Known(lambda x: upsample(conv(x), 6, 3), WRONG),
    "transposed_by_8": Known(lambda x: upsample(conv(x, stride=4), 16, 8), WRONG),
    "split_reversed": Known(lambda x: tf.concat(tf.split(conv(x, 12), 3, -1)[::-1], -1), WRONG),
    "point_by_2_int8": Known(lambda x: point(tf.nn.relu(conv(x)), 2), WRONG, "int8"),
    "plus_pooled_vector_int8": Known(lambda x: plus_pooled(x, (8,)), WRONG, "int8"),
    "same_matrix_twice": Known(lambda x: attention(rows(x), rows(x), rows(x)), CRASHED),
    "background_only": Known(lambda x: 0 * conv(x, 5) + tf.constant([9.0, 0, 0, 0, 0]), FLAT),
    "background_only_classes": Known(
        lambda x: tf.argmax(tf.nn.softmax(conv(x, 5)) + tf.constant([9.0, 0, 0, 0, 0]), -1, output_type=tf.int32),
        FLAT,
    ),
}


def convert(
    network: Build, path: Path, shape: tuple[int | None, ...] = (1, SIDE, SIDE, 3), recipe: str = "float32", io: str = "float32"
) -> Path:
    """Writes `network` of an image in 0–255 as a TFLite file without metadata."""

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="image")])
        def __call__(self, image: tf.Tensor) -> tf.Tensor:
            return network(image / 255.0)

    module = Module()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.__call__.get_concrete_function()], module)
    if recipe != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if recipe == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if recipe == "int8":
        rng = np.random.default_rng(0)
        kinds = [shape, (1, 1, 1, shape[-1])] * 4  # noise, and one colour: what is averaged ranges wider in the latter
        pictures = [np.broadcast_to(rng.uniform(0, 255, kind), shape).astype("float32") for kind in kinds]
        converter.representative_dataset = lambda: ([picture] for picture in pictures)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(io)
    path.write_bytes(converter.convert())
    return path


def build(name: str, path: Path) -> Path:
    """Writes the graph of that name."""
    return convert(GRAPHS[name].network, path, recipe=GRAPHS[name].recipe)


def answer(name: str, picture: np.ndarray) -> np.ndarray:
    """TensorFlow's own answer, in float32, to a picture float32 1×SIDE×SIDE×3 in 0–255."""
    return GRAPHS[name].network(tf.constant(picture) / 255.0).numpy()
