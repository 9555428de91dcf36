"""Every layer and every operation that the writer knows says in a file what it says in Keras, with each set of kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from writer_run import answers, distance, expected, inputs_of, written

from converters.tflite.writer.flatbuffer import Writer

L, ops = keras.layers, keras.ops
MAP, ROW, LINE = (7, 6, 5), (9, 4), (5,)
WIDTHS = ((0, 0), (1, 0), (0, 2), (1, 1))
Make = Callable[..., Any]


class OwnScale(L.Layer):
    """A layer of somebody's own, in operations of `keras.ops`."""

    def build(self, shape: tuple) -> None:
        self.scale = self.add_weight((shape[-1],), "normal")

    def call(self, x: Any) -> Any:
        return ops.where(x > 0, x * self.scale, ops.zeros_like(x)) + ops.mean(x, axis=-1, keepdims=True)


LAYERS: dict[str, tuple[tuple, Make]] = {
    "conv2d": (MAP, lambda: L.Conv2D(4, 3, activation="relu")),
    "conv2d same strided": (MAP, lambda: L.Conv2D(4, (3, 2), strides=(2, 1), padding="same", use_bias=False)),
    "conv2d dilated": (MAP, lambda: L.Conv2D(4, 2, dilation_rate=(2, 3), padding="same", activation="tanh")),
    "conv2d groups": ((7, 6, 8), lambda: L.Conv2D(16, 3, groups=2)),
    "conv2d groups of three": ((7, 6, 6), lambda: L.Conv2D(9, 3, groups=3, padding="same")),
    "conv2d channels first": (MAP, lambda: L.Conv2D(4, 3, data_format="channels_first")),
    "conv1d": (ROW, lambda: L.Conv1D(6, 3, padding="same", activation="elu")),
    "conv1d causal": (ROW, lambda: L.Conv1D(6, 3, padding="causal", dilation_rate=2)),
    "depthwise2d": (MAP, lambda: L.DepthwiseConv2D(3, depth_multiplier=2, padding="same")),
    "depthwise2d strided": (MAP, lambda: L.DepthwiseConv2D(3, strides=2, activation="relu6")),
    "depthwise2d dilated": (MAP, lambda: L.DepthwiseConv2D(3, dilation_rate=2, padding="same")),
    "depthwise1d": (ROW, lambda: L.DepthwiseConv1D(3)),
    "separable2d": (MAP, lambda: L.SeparableConv2D(6, 3, depth_multiplier=2, activation="relu")),
    "separable1d": (ROW, lambda: L.SeparableConv1D(6, 3, padding="same")),
    "transposed 2s": (MAP, lambda: L.Conv2DTranspose(4, 4, strides=2, padding="same", activation="relu")),
    "transposed 3": (MAP, lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same")),
    "transposed valid": (MAP, lambda: L.Conv2DTranspose(4, 5, strides=3)),
    "transposed 1d": (ROW, lambda: L.Conv1DTranspose(4, 3, strides=2)),
    "dense": (LINE, lambda: L.Dense(4, activation="sigmoid")),
    "dense on a map": (MAP, lambda: L.Dense(4, activation="relu")),
    "einsum dense": (ROW, lambda: L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de")),
    "max pool": (MAP, lambda: L.MaxPooling2D(3, 2, padding="same")),
    "average pool": (MAP, lambda: L.AveragePooling2D((3, 2), (2, 1), padding="same")),
    "max pool 1d": (ROW, lambda: L.MaxPooling1D(2)),
    "average pool 1d": (ROW, lambda: L.AveragePooling1D(3, 1, padding="same")),
    "global average": (MAP, lambda: L.GlobalAveragePooling2D()),
    "global max": (MAP, lambda: L.GlobalMaxPooling2D(keepdims=True)),
    "global average 1d": (ROW, lambda: L.GlobalAveragePooling1D()),
    "adaptive average": (MAP, lambda: L.AdaptiveAveragePooling2D((3, 2))),
    "adaptive max": (MAP, lambda: L.AdaptiveMaxPooling2D((2, 3))),
    "batch norm": (MAP, lambda: L.BatchNormalization(beta_initializer="normal", moving_mean_initializer="normal")),
    "layer norm": (MAP, lambda: L.LayerNormalization(gamma_initializer="normal")),
    "layer norm axes": (MAP, lambda: L.LayerNormalization(axis=(1, 2))),
    "rms norm": (ROW, lambda: L.RMSNormalization()),
    "group norm": ((7, 6, 6), lambda: L.GroupNormalization(3, gamma_initializer="normal", beta_initializer="normal")),
    "instance norm": ((7, 6, 6), lambda: L.GroupNormalization(-1)),
    "unit norm": (MAP, lambda: L.UnitNormalization()),
    "rescaling": (MAP, lambda: L.Rescaling(1 / 127.5, -1)),
    "rescaling channels": ((7, 6, 3), lambda: L.Rescaling([1.0, 2.0, 3.0], [0.0, 1.0, 2.0])),
    "normalization": (MAP, lambda: L.Normalization(mean=[1, 2, 3, 4, 5], variance=[1, 2, 1, 3, 1])),
    "resizing": (MAP, lambda: L.Resizing(11, 13)),
    "resizing nearest": (MAP, lambda: L.Resizing(5, 13, interpolation="nearest")),
    "center crop": (MAP, lambda: L.CenterCrop(4, 3)),
    "up nearest": (MAP, lambda: L.UpSampling2D((2, 3))),
    "up bilinear": (MAP, lambda: L.UpSampling2D(2, interpolation="bilinear")),
    "up 1d": (ROW, lambda: L.UpSampling1D(2)),
    "zero padding": (MAP, lambda: L.ZeroPadding2D(((1, 2), (0, 3)))),
    "zero padding 1d": (ROW, lambda: L.ZeroPadding1D(2)),
    "cropping": (MAP, lambda: L.Cropping2D(((1, 2), (0, 3)))),
    "cropping 1d": (ROW, lambda: L.Cropping1D(2)),
    "reshape": (MAP, lambda: L.Reshape((6, -1))),
    "permute": (MAP, lambda: L.Permute((3, 1, 2))),
    "flatten": (MAP, lambda: L.Flatten()),
    "repeat vector": (LINE, lambda: L.RepeatVector(3)),
    "softmax axis": (MAP, lambda: L.Softmax(axis=1)),
    "prelu": (MAP, lambda: L.PReLU("normal", shared_axes=[1, 2])),
    "prelu of one slope": (MAP, lambda: L.PReLU("normal", shared_axes=[1, 2, 3])),
    "prelu of rows": (MAP, lambda: L.PReLU("normal", shared_axes=[2, 3])),
    "leaky relu": (MAP, lambda: L.LeakyReLU(0.1)),
    "elu": (MAP, lambda: L.ELU(0.5)),
    "relu options": (MAP, lambda: L.ReLU(max_value=2, negative_slope=0.1, threshold=0.5)),
    "relu one": (MAP, lambda: L.ReLU(1.0)),
    "dropout": (MAP, lambda: L.Dropout(0.5)),
    "gaussian noise": (MAP, lambda: L.GaussianNoise(0.5)),
    "activity": (MAP, lambda: L.ActivityRegularization(0.1)),
    "random flip": (MAP, lambda: L.RandomFlip()),
    "embedding": ((6,), lambda: L.Embedding(8, 3)),
    "time distributed": ((3, 7, 6, 5), lambda: L.TimeDistributed(L.Conv2D(2, 3))),
    "lstm": (ROW, lambda: L.LSTM(5)),
    "lstm sequences": (ROW, lambda: L.LSTM(5, return_sequences=True)),
    "gru": (ROW, lambda: L.GRU(5, return_sequences=True)),
    "gru before": (ROW, lambda: L.GRU(5, reset_after=False, go_backwards=True)),
    "simple rnn": (ROW, lambda: L.SimpleRNN(5)),
    "bidirectional": (ROW, lambda: L.Bidirectional(L.LSTM(3, return_sequences=True))),
    "own layer": (MAP, lambda: OwnScale()),
}
ACTIVATIONS = (
    "relu", "relu6", "elu", "selu", "celu", "gelu", "silu", "sigmoid", "tanh", "softplus", "softsign", "softmax",
    "log_softmax", "exponential", "hard_sigmoid", "hard_silu", "mish", "leaky_relu", "log_sigmoid", "hard_tanh",
    "hard_shrink", "soft_shrink", "tanh_shrink", "squareplus", "sparse_plus", "sparse_sigmoid", "linear",
)  # fmt: skip
FUNCTIONS: dict[str, tuple[tuple, Make]] = {
    "arithmetic": (MAP, lambda x: (x + 1) * (2 - x) / (ops.abs(x) + 0.5) - x**2),
    "power": (MAP, lambda x: ops.power(ops.abs(x) + 0.1, 1.7)),
    "floor and mod": (MAP, lambda x: ops.floor(x * 3) + ops.ceil(x) + ops.mod(x, 0.7) + x // 0.3),
    "functions": (MAP, lambda x: ops.exp(x) + ops.sin(x) + ops.cos(x) + ops.log(ops.abs(x) + 1) + ops.rsqrt(x * x + 1)),
    "more functions": (
        MAP,
        lambda x: ops.log1p(ops.abs(x)) + ops.expm1(x) + ops.sinh(x) + ops.log10(x * x + 1) + ops.sign(x),
    ),
    "rounding": (MAP, lambda x: ops.round(x * 3) + ops.trunc(x * 5)),
    "clip": (MAP, lambda x: ops.clip(x, -0.5, 0.7)),
    "where": (MAP, lambda x: ops.where(ops.logical_and(x > -1, x < 0.5), x, 3.0)),
    "comparisons": (MAP, lambda x: ops.cast(ops.logical_or(x >= 1, ops.logical_not(x <= 0)), "float32")),
    "reductions": (MAP, lambda x: ops.mean(x, 1) + ops.sum(x, 1) + ops.max(x, 1) - ops.min(x, 1) + ops.prod(x, 1)),
    "variance": (MAP, lambda x: ops.var(x, (1, 2)) + ops.std(x, (1, 2))),
    "any and all": (
        MAP,
        lambda x: ops.cast(ops.any(x > 1, axis=-1), "float32") + ops.cast(ops.all(x > -1, axis=-1), "float32"),
    ),
    "logsumexp": (MAP, lambda x: ops.logsumexp(x, axis=-1)),
    "argmax": (MAP, lambda x: ops.argmax(x, axis=-1)),
    "argmin": (MAP, lambda x: ops.argmin(x, axis=1)),
    "cumsum": (MAP, lambda x: ops.cumsum(x, axis=2)),
    "top k": (MAP, lambda x: ops.top_k(x, 3)[0]),
    "top k of all": (MAP, lambda x: ops.cast(ops.top_k(ops.round(x) - 9, 5)[1], "float32")),
    "slices": (MAP, lambda x: x[:, 1:-1, ::2, 1:4] * 2),
    "backwards": (MAP, lambda x: x[:, ::-1, :, ::-2]),
    "numbers": (MAP, lambda x: x[:, 2] + x[..., 0, :][:, :1]),
    "new axis": (MAP, lambda x: x[:, None, ..., 0]),
    "transposes": (MAP, lambda x: ops.swapaxes(ops.moveaxis(ops.transpose(x, (0, 3, 1, 2)), 1, -1), 1, 2)),
    "joins": (MAP, lambda x: ops.concatenate([ops.stack([x, x + 1], axis=2)[:, :, 0], ops.hstack([x, x])], axis=1)),
    "splits": (MAP, lambda x: ops.split(x, [2, 5], axis=1)[1] + ops.split(x, 2, axis=2)[0][:, 2:5, :1]),
    "unstack": (MAP, lambda x: ops.unstack(x, axis=1)[2]),
    "repeat and tile": (MAP, lambda x: ops.tile(ops.repeat(x, 2, axis=1), (1, 1, 2, 1))),
    "flip and roll": (MAP, lambda x: ops.flip(ops.roll(x, 2, axis=1), axis=(1, 3))),
    "pads": (
        MAP,
        lambda x: ops.pad(ops.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0)), mode="reflect"), WIDTHS, constant_values=2.0),
    ),
    "symmetric pad": (MAP, lambda x: ops.pad(x, ((0, 0), (1, 2), (2, 1), (0, 0)), mode="symmetric")),
    "squeeze": (MAP, lambda x: ops.squeeze(ops.expand_dims(x, (1, -1)), 1)),
    "broadcast": (LINE, lambda x: ops.broadcast_to(x, (3, 1, 5)) + 0),
    "take": (MAP, lambda x: ops.take(x, [2, 0, -1], axis=1)),
    "one hot": ((4, 3), lambda x: ops.one_hot(ops.cast(ops.abs(x) * 2, "int32"), 5)),
    "matmul": (MAP, lambda x: ops.matmul(x, ops.swapaxes(x, -1, -2))),
    "matmul constant": (ROW, lambda x: ops.matmul(x, np.arange(12, dtype="float32").reshape(4, 3))),
    "matmul broadcast": ((2, 3, 4), lambda x: ops.matmul(x, np.arange(24, dtype="float32").reshape(2, 4, 3))),
    "einsum": (ROW, lambda x: ops.einsum("bij,bkj->bik", x, x)),
    "einsum heads": ((3, 4, 2), lambda x: ops.einsum("aecd,abcd->acbe", x, x)),
    "tensordot": (ROW, lambda x: ops.tensordot(x, np.ones((4, 3), "float32"), axes=1)),
    "resize": (MAP, lambda x: ops.image.resize(x, (9, 4))),
    "space to depth": ((6, 4, 8), lambda x: ops.depth_to_space(ops.space_to_depth(x, 2), 2) + 1),
    "moments": (MAP, lambda x: ops.moments(x, axes=[1, 2])[1]),
    "normalize": (MAP, lambda x: ops.normalize(x, axis=-1)),
    "tril": (ROW, lambda x: ops.tril(x, k=1)),
    "integers": (MAP, lambda x: ops.cast(x * 9, "int32") // 2 + ops.cast(x > 0, "int32") * 3),
    "integer remainder": (MAP, lambda x: ops.mod(ops.cast(x * 9, "int32"), 4)),
    "glu": ((3, 6), lambda x: ops.glu(x)),
    "reciprocal": (MAP, lambda x: ops.reciprocal(ops.abs(x) + 0.5)),
    "divide no nan": (MAP, lambda x: ops.divide_no_nan(x, ops.relu(x))),
    "atan2": (MAP, lambda x: ops.arctan2(x, x + 1)),
    "isfinite": (MAP, lambda x: ops.cast(ops.isfinite(ops.exp(x * 90)), "float32") + ops.cast(ops.isnan(x), "float32")),
    "attention": (ROW, lambda x: ops.dot_product_attention(x[:, :, None], x[:, :, None], x[:, :, None])),
    "two constants": (MAP, lambda x: x + ops.ones((5,)) * ops.arange(5, dtype="float32")),
}
SEVERAL: dict[str, tuple[list[tuple], Make]] = {
    "merges": ([MAP, MAP], lambda x, y: [
        L.Add()([x, y, x]), L.Subtract()([x, y]), L.Multiply()([x, y]), L.Average()([x, y]), L.Maximum()([x, y]),
        L.Minimum()([x, y]), L.Concatenate()([x, y]), L.Concatenate(axis=1)([x, y]),
    ]),
    "dot": ([ROW, ROW], lambda x, y: L.Dot(axes=2)([x, y])),
    "dot normalized": ([LINE, LINE], lambda x, y: L.Dot(axes=1, normalize=True)([x, y])),
    "attention heads": ([ROW, ROW], lambda x, y: L.MultiHeadAttention(2, 3)(x, y)),
    "grouped attention": ([ROW, ROW], lambda x, y: L.GroupQueryAttention(3, 4, 2)(x, y)),
    "attention": ([ROW, ROW], lambda x, y: L.Attention()([x, y])),
    "masked softmax": ([ROW, ROW], lambda x, y: [L.Softmax()(x, mask=y), L.Softmax(1)(x, mask=y > 0)]),
    "masked attention": ([ROW, (9, 9)], lambda x, y: L.MultiHeadAttention(2, 3)(x, x, attention_mask=y > 0)),
    "broadcasts": ([MAP, (1, 1, 5)], lambda x, y: [x * y, x + y[:, 0], ops.maximum(x, y)]),
    "outputs": ([MAP], lambda x: [x, ops.relu(x), x, L.Flatten()(x), ops.relu(x)]),
    "shared": ([MAP, MAP], lambda x, y: (lambda layer: [layer(x), layer(y)])(L.Conv2D(3, 3, activation="relu"))),
    "relu also read": ([MAP], lambda x: (lambda y: [ops.relu(y), y])(L.Conv2D(3, 1)(x))),
    "product and relu": ([MAP, MAP], lambda x, y: L.ReLU()(L.Dot(axes=3)([x, y]))),
}  # fmt: skip


def check(model: keras.Model, batch: int = 1) -> None:
    keras.utils.set_random_seed(1)
    for weight in model.weights:
        if "float" in weight.dtype and "variance" not in weight.path and "seed" not in weight.path:
            weight.assign(keras.random.normal(weight.shape, stddev=0.5) + 0 * weight)
    shapes = [(batch, *tensor.shape[1:]) for tensor in model.inputs]
    arrays = inputs_of(model, shapes)
    content, truth = Writer(written(model, shapes)).bytes(), expected(model, arrays)
    for kernels in ("xnnpack", "plain"):
        for ours, theirs in zip(answers(content, arrays, kernels), truth, strict=True):
            assert distance(ours, theirs) < 1e-5, f"{kernels}: {distance(ours, theirs)}"


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    shape, make = LAYERS[name]
    image = keras.Input(shape, dtype="int32" if name == "embedding" else "float32")
    check(keras.Model(image, make()(image)))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    image = keras.Input((4, 4, 6))
    check(keras.Model(image, L.Activation(name)(image * 2)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    shape, make = FUNCTIONS[name]
    image = keras.Input(shape)
    check(keras.Model(image, make(image)))


@pytest.mark.parametrize("name", SEVERAL)
def test_several_tensors(name: str) -> None:
    shapes, make = SEVERAL[name]
    inputs = [keras.Input(shape) for shape in shapes]
    check(keras.Model(inputs, make(*inputs)))


@pytest.mark.parametrize(
    "name", ["conv2d same strided", "transposed 2s", "group norm", "lstm", "dense on a map", "batch norm"]
)
def test_three_pictures_at_a_time(name: str) -> None:
    shape, make = LAYERS[name]
    image = keras.Input(shape)
    check(keras.Model(image, make()(image)), batch=3)
