"""Small random graphs: what a seed says, and nothing else, decides them.

Layers and operations, sizes, strides, dilations, paddings, ranks and activations are drawn; so are branches, several outputs,
and tensors that several layers read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

L, ops = keras.layers, keras.ops
_ACTIVATIONS = (
    None, None, "relu", "relu6", "tanh", "sigmoid", "silu", "gelu", "elu", "selu", "softplus", "hard_sigmoid", "hard_silu",
    "softsign", "mish", "leaky_relu", "softmax", "hard_tanh", "celu", "log_sigmoid",
)  # fmt: skip


class Draw:
    """Random choices of one seed, and the layers that they make."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self._random.integers(low, high + 1))

    def of(self, choices: Any) -> Any:
        """One of several."""
        return choices[self.whole(0, len(choices) - 1)]

    def chance(self, share: float) -> bool:
        """Whether something with this probability happens."""
        return bool(self._random.random() < share)

    def array(self, shape: tuple[int, ...]) -> np.ndarray:
        """Normal numbers."""
        return self._random.normal(size=shape).astype("float32")


def _window(draw: Draw, x: Any) -> dict[str, Any]:
    """A window that fits into a map, as options of a convolution."""
    padding = draw.of(["same", "valid"])
    size = [draw.whole(1, min(4, side if padding == "valid" else 4)) for side in x.shape[1:3]]
    stride = draw.whole(1, 3) if draw.chance(0.4) else 1
    rate = 1
    if stride == 1 and draw.chance(0.3):
        rate = draw.whole(1, 3)
        if padding == "valid" and any((k - 1) * rate >= side for k, side in zip(size, x.shape[1:3], strict=True)):
            rate = 1
    return {"kernel_size": tuple(size), "strides": stride, "padding": padding, "dilation_rate": rate}


def _convolution(draw: Draw, x: Any) -> Any:
    divisors = [n for n in range(1, x.shape[-1] + 1) if x.shape[-1] % n == 0]
    groups = draw.of(divisors) if draw.chance(0.25) else 1
    filters = groups * draw.whole(1, 6)
    return L.Conv2D(filters, groups=groups, activation=draw.of(_ACTIVATIONS), use_bias=draw.chance(0.7), **_window(draw, x))(x)


def _depthwise(draw: Draw, x: Any) -> Any:
    return L.DepthwiseConv2D(
        depth_multiplier=draw.whole(1, 3), activation=draw.of(_ACTIVATIONS), use_bias=draw.chance(0.7), **_window(draw, x)
    )(x)


def _separable(draw: Draw, x: Any) -> Any:
    return L.SeparableConv2D(draw.whole(1, 6), activation=draw.of(_ACTIVATIONS), **_window(draw, x))(x)


def _transposed(draw: Draw, x: Any) -> Any:
    size, stride = (draw.whole(1, 6), draw.whole(1, 6)), draw.whole(1, 4)
    options = {"padding": draw.of(["same", "valid"]), "activation": draw.of(_ACTIVATIONS), "use_bias": draw.chance(0.7)}
    return L.Conv2DTranspose(draw.whole(1, 5), size if draw.chance(0.4) else draw.of([2, 3, 4]), strides=stride, **options)(x)


def _pooling(draw: Draw, x: Any) -> Any:
    kind, padding = draw.of([L.MaxPooling2D, L.AveragePooling2D]), draw.of(["same", "valid"])
    size = [draw.whole(1, min(3, side)) for side in x.shape[1:3]]
    return kind(tuple(size), strides=draw.whole(1, 3), padding=padding)(x)


def _normalization(draw: Draw, x: Any) -> Any:
    options = {"moving_mean_initializer": "normal", "gamma_initializer": "ones", "beta_initializer": "normal"}
    kinds: list[Callable[[], Any]] = [
        lambda: L.BatchNormalization(**options),
        lambda: L.BatchNormalization(scale=False, **options),
        lambda: L.LayerNormalization(),
        lambda: L.GroupNormalization(draw.of([n for n in range(1, x.shape[-1] + 1) if x.shape[-1] % n == 0])),
        lambda: L.Rescaling(0.7, 0.1),
        lambda: L.UnitNormalization(),
        lambda: L.Normalization(mean=draw.array((x.shape[-1],)), variance=np.abs(draw.array((x.shape[-1],))) + 0.5),
    ]
    return draw.of(kinds)()(x)


def _activation(draw: Draw, x: Any) -> Any:
    layers: list[Callable[[], Any]] = [
        lambda: L.ReLU(),
        lambda: L.ReLU(6.0),
        lambda: L.LeakyReLU(0.2),
        lambda: L.PReLU("normal", shared_axes=[1, 2]),
        lambda: L.ELU(0.7),
        lambda: L.ReLU(max_value=2.0, threshold=0.3, negative_slope=0.1),
        lambda: L.Activation(draw.of(_ACTIVATIONS[2:])),
        lambda: L.Dropout(0.3),
        lambda: L.Softmax(axis=draw.of([1, 2, -1])),
    ]
    return draw.of(layers)()(x)


def _shape(draw: Draw, x: Any) -> Any:
    height, width, channels = x.shape[1:]
    pads = tuple((draw.whole(0, 2), draw.whole(0, 2)) for _ in range(2))
    cuts = tuple((draw.whole(0, (side - 1) // 2), draw.whole(0, (side - 1) // 2)) for side in (height, width))
    layers: list[Callable[[], Any]] = [
        lambda: L.ZeroPadding2D(pads),
        lambda: L.Cropping2D(cuts),
        lambda: L.UpSampling2D((draw.whole(1, 3), draw.whole(1, 3)), interpolation=draw.of(["nearest", "bilinear"])),
        lambda: L.Resizing(draw.whole(1, 14), draw.whole(1, 14), interpolation=draw.of(["nearest", "bilinear"])),
        lambda: L.Permute(draw.of([(2, 1, 3), (3, 1, 2), (1, 3, 2)])),
        lambda: L.Reshape((width, height, channels)),
        lambda: L.AdaptiveAveragePooling2D((draw.whole(1, height), draw.whole(1, width))),
    ]
    return draw.of(layers)()(x)


def _operation(draw: Draw, x: Any) -> Any:
    side = draw.whole(0, x.shape[1] - 1)
    operations: list[Callable[[], Any]] = [
        lambda: x * draw.of([0.5, -1.0, 1, 2]) + draw.of([0, 1, -0.3]),
        lambda: ops.maximum(x, 0.1) - ops.minimum(x, 0.4),
        lambda: ops.exp(-ops.abs(x)),
        lambda: ops.sqrt(ops.square(x) + 1),
        lambda: x / (ops.abs(x) + 1),
        lambda: ops.clip(x, -0.5, 1.0),
        lambda: ops.where(x > 0.2, x, -x),
        lambda: ops.flip(x, axis=draw.whole(1, 3)),
        lambda: ops.roll(x, draw.whole(-2, 2), axis=draw.whole(1, 3)),
        lambda: x[:, side:, :: draw.whole(1, 2)],
        lambda: x[:, :, ::-1],
        lambda: ops.pad(x, ((0, 0), (0, min(1, x.shape[1] - 1)), (min(1, x.shape[2] - 1), 0), (0, 0)), mode="reflect"),
        lambda: ops.mean(x, axis=draw.of([1, 2, 3, (1, 2)]), keepdims=True) * x,
        lambda: ops.max(x, axis=draw.whole(1, 3), keepdims=True) - x,
        lambda: ops.repeat(x, 2, axis=draw.whole(1, 3)),
        lambda: ops.tile(x, (1, draw.whole(1, 2), draw.whole(1, 2), 1)),
        lambda: ops.take(x, [0, -1], axis=draw.whole(1, 3)),
        lambda: x + draw.array((x.shape[-1],)),
        lambda: x * draw.array((x.shape[2], 1)),
        lambda: x + draw.array((x.shape[1], 1, x.shape[-1])),
        lambda: ops.matmul(x, draw.array((x.shape[-1], 3))),
        lambda: ops.matmul(x, ops.swapaxes(x, -1, -2)),
        lambda: ops.cumsum(x, axis=draw.whole(1, 3)),
        lambda: ops.concatenate(ops.split(x, [min(1, x.shape[1])], axis=1)[::-1], axis=1) if x.shape[1] > 1 else x + 1,
        lambda: ops.softmax(x, axis=draw.whole(1, 3)),
        lambda: ops.logsumexp(x, axis=-1, keepdims=True) + x,
        lambda: L.Dense(draw.whole(1, 5), activation=draw.of(_ACTIVATIONS))(x),
        lambda: ops.log(ops.abs(x) + 1) - ops.rsqrt(ops.square(x) + 1),
        lambda: ops.sin(x) + ops.cos(x),
        lambda: ops.power(ops.abs(x) + 0.5, draw.of([0.5, 2.0, -1.0])),
        lambda: ops.var(x, axis=draw.of([1, 2, (1, 2)]), keepdims=True) + x,
        lambda: ops.einsum("bhwc,cd->bhwd", x, draw.array((x.shape[-1], 2))),
        lambda: ops.stack([x, -x], axis=draw.whole(1, 3))[:, 0],
        lambda: ops.amin(x, axis=draw.whole(1, 3), keepdims=True) + ops.sum(x, axis=draw.whole(1, 3), keepdims=True),
    ]
    return draw.of(operations)()


def _line(draw: Draw, x: Any) -> Any:
    """A layer of sequences: the map's rows one after the other, and a map of one column again."""
    line = L.Reshape((x.shape[1] * x.shape[2], x.shape[3]))(x)
    length = line.shape[1]
    window = {"kernel_size": draw.whole(1, min(4, length)), "padding": draw.of(["same", "valid"])}
    rate = {"dilation_rate": draw.whole(1, 2)} if (window["kernel_size"] - 1) * 2 < length else {}
    kind, units = draw.of(_ACTIVATIONS), draw.whole(1, 4)
    layers: list[Callable[[], Any]] = [
        lambda: L.Conv1D(units, activation=kind, **window, **rate),
        lambda: L.Conv1D(units, strides=draw.whole(1, 3), activation=kind, **window),
        lambda: L.DepthwiseConv1D(depth_multiplier=draw.whole(1, 2), activation=kind, **window),
        lambda: L.SeparableConv1D(units, activation=kind, **window),
        lambda: L.Conv1DTranspose(units, strides=draw.whole(1, 2), activation=kind, **window),
        lambda: L.MaxPooling1D(window["kernel_size"], strides=draw.whole(1, 3), padding=window["padding"]),
        lambda: L.AveragePooling1D(window["kernel_size"], strides=draw.whole(1, 3), padding=window["padding"]),
        lambda: L.UpSampling1D(draw.whole(1, 3)),
        lambda: L.ZeroPadding1D((draw.whole(0, 2), draw.whole(0, 2))),
        lambda: L.Cropping1D((draw.whole(0, (length - 1) // 2), draw.whole(0, (length - 1) // 2))),
        lambda: draw.of([L.SimpleRNN, L.LSTM, L.GRU])(units, return_sequences=True),
        lambda: L.Bidirectional(L.GRU(units, return_sequences=True)),
        lambda: L.LayerNormalization(axis=draw.of([1, 2, [1, 2]])),
        lambda: L.EinsumDense("abc,cd->abd", output_shape=(length, units)),
    ]
    y = draw.of(layers)()(line) if length <= 64 and draw.chance(0.9) else L.MultiHeadAttention(2, units)(line, line)
    return L.Reshape((y.shape[1], 1, y.shape[2]))(y)


def _rank(draw: Draw, x: Any) -> Any:
    """An operation on two or on five axes, and a map again."""
    height, width, channels = x.shape[1:]
    if draw.chance(0.5):
        flat = L.Flatten()(x)
        rows: list[Callable[[], Any]] = [
            lambda: L.Dense(6, activation=draw.of(_ACTIVATIONS))(flat),
            lambda: L.BatchNormalization()(flat),
            lambda: ops.concatenate([flat, -flat], axis=1),
            lambda: ops.softmax(flat, axis=-1),
            lambda: flat - ops.max(flat, axis=1, keepdims=True),
            lambda: ops.cumsum(flat, axis=1),
        ]
        row = draw.of(rows)()
        return L.Reshape((1, 1, row.shape[1]))(row)
    block = L.Reshape((height, width, 1, channels))(x)
    blocks: list[Callable[[], Any]] = [
        lambda: ops.transpose(block, draw.of([(0, 2, 1, 3, 4), (0, 3, 4, 1, 2), (0, 1, 4, 3, 2)])),
        lambda: ops.concatenate([block, block * 2], axis=3),
        lambda: ops.mean(block, axis=draw.whole(1, 4), keepdims=True) + block,
        lambda: ops.pad(block, ((0, 0), (1, 0), (0, 1), (1, 1), (0, 0))),
        lambda: block + draw.array((channels,)),
        lambda: L.Conv3D(2, (1, 2, 1), padding="same")(block),
        lambda: ops.tile(block, (1, 1, 1, 2, 1)),
    ]
    made = draw.of(blocks)()
    return L.Reshape((made.shape[1], made.shape[2], made.shape[3] * made.shape[4]))(made)


def _merge(draw: Draw, x: Any, others: list[Any]) -> Any:
    alike = [other for other in others if other.shape == x.shape]
    other = draw.of(alike) if alike else x * 0.5 + 0.1
    layer = draw.of([L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate])
    merged = layer()([x, other])
    return L.ReLU()(merged) if draw.chance(0.4) else merged


def random_model(seed: int) -> keras.Model:
    """A model that depends on the seed alone."""
    draw = Draw(seed)
    keras.utils.set_random_seed(seed)
    image = keras.Input((draw.whole(1, 12), draw.whole(1, 12), draw.whole(1, 9)))
    tensors, steps = [image], draw.whole(2, 6)
    makers = (
        _convolution, _depthwise, _separable, _transposed, _pooling, _normalization, _activation, _shape,
        _operation, _operation, _line, _rank,
    )  # fmt: skip
    for _ in range(steps):
        source = tensors[-1] if draw.chance(0.8) else draw.of(tensors)
        y = _merge(draw, source, tensors) if draw.chance(0.15) else draw.of(makers)(draw, source)
        if np.prod(y.shape[1:]) <= 60_000:
            tensors.append(y)
    outputs = [tensors[-1]]
    if draw.chance(0.2):
        outputs.append(draw.of(tensors))
    if draw.chance(0.2):
        flat = L.Flatten()(tensors[-1]) if draw.chance(0.5) else L.GlobalAveragePooling2D()(tensors[-1])
        outputs.append(L.Dense(draw.whole(1, 5), activation=draw.of(_ACTIVATIONS))(flat))
    model = keras.Model(image, outputs)
    for weight in model.weights:
        if "variance" not in weight.path and "seed" not in weight.path:
            weight.assign(0.6 * draw.array(tuple(weight.shape)))
    return model
