"""Small networks around each layer of `keras.layers` that image networks have, and each activation, for the layer matrix.

A case is an image, scaled to −1…1, brought to the rank that the layer takes, and the layer. Two settings of a layer are chosen
to differ in what a converter has to do, not in a number.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

L = keras.layers
SIDE, CHANNELS = 12, 3
Apply = Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """A layer in one setting.

    Args:
        layer: its class in `keras.layers`, or "activation".
        setting: in words.
        rank: of what it takes, batch included: 4 for maps, 3 for their rows, 2 for vectors, 5 for volumes.
        apply: from a tensor to the layer's output.
    """

    layer: str
    setting: str
    rank: int
    apply: Apply

    def model(self) -> keras.Model:
        """The network, seeded, its normalizations with statistics as after training."""
        keras.utils.set_random_seed(0)
        image = keras.Input((SIDE, SIDE, CHANNELS), name="image")
        x = L.Rescaling(1 / 127.5, -1.0, name="scale")(image)
        if self.rank == 5:
            x = L.Reshape((SIDE // 2, 2, SIDE, CHANNELS), name="volume")(x)
        elif self.rank == 3:
            x = L.Reshape((SIDE, SIDE * CHANNELS), name="rows")(x)
        elif self.rank == 2:
            x = L.Flatten(name="vector")(x)
        model = keras.Model(image, self.apply(x), name=f"{self.layer.lower()}")
        _trained(model)
        return model


def cases(pattern: str = "*") -> Iterator[Case]:
    """Every case whose layer matches a glob, in the order of the table below."""
    for rank, rows in _TABLE.items():
        for layer, settings in rows.items():
            for setting, apply in settings.items():
                if fnmatch.fnmatchcase(layer, pattern):
                    yield Case(layer, setting, rank, apply)
    for name in ACTIVATIONS:
        if fnmatch.fnmatchcase("activation", pattern):
            yield Case("activation", name, 4, _in_turn(L.Conv2D(4, 3, activation=name, name="layer")))
            alone = L.Conv2D(4, 1, name="first"), L.Activation(name, name="layer")
            yield Case("activation", f"{name} alone", 4, _in_turn(*alone))


def _trained(model: keras.Model) -> None:
    """Weights and statistics that are no round numbers: a scale of one hides what a converter loses."""
    rng = np.random.default_rng(1)
    for weight in model.weights:
        name, value = weight.path.rsplit("/", 1)[-1], keras.ops.convert_to_numpy(weight)
        if value.dtype.kind != "f" or "seed" in name:
            continue
        if "variance" in name or "gamma" in name or name == "scale":
            weight.assign(rng.uniform(0.5, 1.5, value.shape))
        elif name in ("bias", "beta", "moving_mean", "mean", "alpha"):
            weight.assign(rng.uniform(-0.3, 0.3, value.shape))
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def _in_turn(*layers: Apply) -> Apply:
    def apply(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    return apply


def _two(name: str, make: Callable[..., Any], **first: Any) -> Apply:
    """A layer of two maps: what comes in and a convolution of it."""
    return lambda x: make(name="layer", **first)([x, L.Conv2D(CHANNELS, 3, padding="same", name=name)(x)])


def _of(kind: str, *arguments: Any, **options: Any) -> Apply:
    def apply(x: Any) -> Any:
        return getattr(L, kind)(*arguments, **options, name="layer")(x)

    return apply


def _pair(kind: str, *settings: tuple[tuple, dict[str, Any]]) -> dict[str, Apply]:
    return {_words(args, options): _of(kind, *args, **options) for args, options in settings}


def _words(args: tuple, options: dict[str, Any]) -> str:
    return ", ".join([*map(str, args), *(f"{key}={value}" for key, value in options.items())]) or "defaults"


def _rows(table: dict[str, tuple[tuple[tuple, dict[str, Any]], ...]]) -> dict[str, dict[str, Apply]]:
    return {kind: _pair(kind, *settings) for kind, settings in table.items()}


def _wrapped(make: Callable[[], Any]) -> Apply:
    return lambda x: make()(x)


def _indices(x: Any) -> Any:
    return keras.ops.cast(keras.ops.clip(x * 2 + 2, 0, 3), "int32")


def _attention(kind: str, **options: Any) -> Apply:
    def apply(x: Any) -> Any:
        layer = getattr(L, kind)(**options, name="layer")
        return layer([x, x]) if "Head" not in kind and "Query" not in kind else layer(x, x)

    return apply


ACTIVATIONS = (  # those that a name alone is enough for: `threshold` asks for two numbers
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu",
    "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax",
    "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh", "tanh_shrink",
)  # fmt: skip

_SAME = {"padding": "same"}
_MAPS = _rows({
    "Conv2D": (((4, 3), {}), ((6, 3), {"strides": 2, "padding": "same", "groups": 3, "activation": "relu"})),
    "Conv2DTranspose": (((4, 3), {"strides": 2, **_SAME}), ((4, 4), {"strides": 2, "use_bias": False})),
    "DepthwiseConv2D": (((3,), {"dilation_rate": 2}), ((3,), {"depth_multiplier": 2, "strides": 2, **_SAME})),
    "SeparableConv2D": (((4, 3), {}), ((4, 3), {"strides": 2, "depth_multiplier": 2, "activation": "relu6"})),
    "MaxPooling2D": (((2,), {}), ((3,), {"strides": 2, **_SAME})),
    "AveragePooling2D": (((2,), {}), ((3,), {"strides": 2, **_SAME})),
    "GlobalAveragePooling2D": (((), {}), ((), {"keepdims": True})),
    "GlobalMaxPooling2D": (((), {}), ((), {"keepdims": True})),
    "AdaptiveAveragePooling2D": (((4,), {}), ((5,), {})),
    "AdaptiveMaxPooling2D": (((4,), {}), ((5,), {})),
    "UpSampling2D": (((2,), {}), (((2, 3),), {"interpolation": "bilinear"})),
    "Resizing": (((20, 9), {}), ((8, 8), {"interpolation": "nearest", "crop_to_aspect_ratio": True})),
    "CenterCrop": (((8, 8), {}), ((16, 9), {})),
    "ZeroPadding2D": (((1,), {}), ((((0, 1), (2, 3)),), {})),
    "Cropping2D": (((1,), {}), ((((0, 1), (2, 3)),), {})),
    "BatchNormalization": (((), {}), ((), {"axis": 1, "scale": False})),
    "LayerNormalization": (((), {}), ((), {"axis": (1, 2, 3), "epsilon": 1e-2})),
    "GroupNormalization": (((3,), {}), ((-1,), {"center": False})),
    "UnitNormalization": (((), {}), ((), {"axis": 1})),
    "RMSNormalization": (((), {}), ((), {"epsilon": 1e-2})),
    "Normalization": (
        ((), {"mean": (0.1, 0.2, 0.3), "variance": (0.5, 1.0, 2.0)}),
        ((), {"mean": 0.5, "variance": 2.0, "axis": None, "invert": True}),
    ),
    "Rescaling": (((3.0,), {"offset": 0.5}), (((1.0, 2.0, 0.5),), {"offset": (0.0, 1.0, -1.0)})),
    "Activation": ((("relu",), {}), (("softmax",), {})),
    "ReLU": (((), {}), ((), {"max_value": 0.5, "negative_slope": 0.1, "threshold": 0.1})),
    "LeakyReLU": (((), {}), ((), {"negative_slope": 0.01})),
    "PReLU": (((), {}), ((), {"shared_axes": (1, 2)})),
    "ELU": (((), {}), ((), {"alpha": 0.5})),
    "Softmax": (((), {}), ((), {"axis": (1, 2)})),
    "Dropout": (((0.5,), {}), ((0.2,), {"noise_shape": (None, 1, 1, 3)})),
    "SpatialDropout2D": (((0.5,), {}), ((0.2,), {"data_format": "channels_first"})),
    "AlphaDropout": (((0.5,), {}), ((0.1,), {})),
    "GaussianDropout": (((0.5,), {}), ((0.1,), {})),
    "GaussianNoise": (((0.5,), {}), ((0.1,), {})),
    "ActivityRegularization": (((), {"l1": 0.1}), ((), {"l2": 0.1})),
    "Identity": (((), {}), ((), {"dtype": "float16"})),
    "Flatten": (((), {}), ((), {"data_format": "channels_first"})),
    "Reshape": ((((36, 12),), {}), (((-1, 3),), {})),
    "Permute": ((((2, 1, 3),), {}), (((3, 1, 2),), {})),
    "Dense": (((5,), {}), ((5,), {"activation": "tanh", "use_bias": False})),
    "EinsumDense": ((("abcd,de->abce", (None, None, 4)), {}), (("abcd,bde->ace", (None, 4)), {"bias_axes": "e"})),
    "RandomFlip": (((), {}), (("vertical",), {})),
    "RandomRotation": (((0.2,), {}), ((0.1,), {"fill_mode": "constant"})),
    "RandomZoom": (((0.2,), {}), ((0.2, 0.1), {})),
    "RandomTranslation": (((0.2, 0.2), {}), ((0.1, 0.1), {"fill_mode": "nearest"})),
    "RandomCrop": (((8, 8), {}), ((16, 9), {})),
    "RandomContrast": (((0.2,), {}), ((0.5,), {})),
    "RandomBrightness": (((0.2,), {"value_range": (-1, 1)}), ((0.5,), {})),
    "Solarization": (((), {"value_range": (-1, 1)}), ((), {"threshold_factor": 0.5, "value_range": (-1, 1)})),
    "AutoContrast": (((), {"value_range": (-1, 1)}), ((), {})),
    "Equalization": (((), {"value_range": (-1, 1)}), ((), {"bins": 16})),
    "Discretization": (((), {"bin_boundaries": (-0.5, 0.0, 0.5)}), ((), {"bin_boundaries": (0.1,), "output_mode": "one_hot"})),
})  # fmt: skip
_MAPS |= {
    kind: {"two maps": _two("other", getattr(L, kind)), "a map and a vector": _broadcast}
    for kind in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
    for _broadcast in [
        lambda x, kind=kind: getattr(L, kind)(name="layer")([x, L.GlobalAveragePooling2D(keepdims=True, name="mean")(x)])
    ]
}
_MAPS |= {
    "Concatenate": {"channels": _two("other", L.Concatenate), "rows": _two("other", L.Concatenate, axis=1)},
    "TimeDistributed": {
        "Dense": _wrapped(lambda: L.TimeDistributed(L.Dense(4), name="layer")),
        "Conv1D": _wrapped(lambda: L.TimeDistributed(L.Conv1D(4, 3), name="layer")),
    },
    "SpectralNormalization": {
        "Conv2D": _wrapped(lambda: L.SpectralNormalization(L.Conv2D(4, 3), name="layer")),
        "Dense": _wrapped(lambda: L.SpectralNormalization(L.Dense(4), name="layer")),
    },
    "Pipeline": {
        "Resizing": _wrapped(lambda: L.Pipeline([L.Resizing(8, 8), L.Rescaling(2.0)], name="layer")),
        "RandomFlip": _wrapped(lambda: L.Pipeline([L.RandomFlip(), L.CenterCrop(8, 8)], name="layer")),
    },
    "Lambda": {
        "square": _of("Lambda", lambda x: x * x),
        "mean": _of("Lambda", lambda x: keras.ops.mean(x, axis=-1, keepdims=True)),
    },
}
_SEQUENCES = _rows({
    "Conv1D": (((4, 3), {}), ((4, 3), {"padding": "causal", "dilation_rate": 2})),
    "Conv1DTranspose": (((4, 3), {"strides": 2, **_SAME}), ((4, 3), {"activation": "relu"})),
    "DepthwiseConv1D": (((3,), {}), ((3,), {"depth_multiplier": 2, "strides": 2})),
    "SeparableConv1D": (((4, 3), {}), ((4, 3), {"strides": 2, **_SAME})),
    "MaxPooling1D": (((2,), {}), ((3,), {"strides": 1, **_SAME})),
    "AveragePooling1D": (((2,), {}), ((3,), {"strides": 1, **_SAME})),
    "GlobalAveragePooling1D": (((), {}), ((), {"keepdims": True})),
    "GlobalMaxPooling1D": (((), {}), ((), {"keepdims": True})),
    "AdaptiveAveragePooling1D": (((4,), {}), ((5,), {})),
    "AdaptiveMaxPooling1D": (((4,), {}), ((5,), {})),
    "UpSampling1D": (((2,), {}), ((3,), {})),
    "ZeroPadding1D": (((1,), {}), (((0, 2),), {})),
    "Cropping1D": (((1,), {}), (((0, 2),), {})),
    "SpatialDropout1D": (((0.5,), {}), ((0.1,), {})),
    "Masking": (((), {}), ((), {"mask_value": 1.0})),
    "LSTM": (((4,), {}), ((4,), {"return_sequences": True, "unroll": True})),
    "GRU": (((4,), {}), ((4,), {"return_sequences": True, "unroll": True})),
    "SimpleRNN": (((4,), {}), ((4,), {"return_sequences": True, "unroll": True})),
})  # fmt: skip
_SEQUENCES |= {
    "MultiHeadAttention": {
        "self": _attention("MultiHeadAttention", num_heads=2, key_dim=4),
        "narrow values": _attention("MultiHeadAttention", num_heads=3, key_dim=4, value_dim=2, use_bias=False),
    },
    "GroupQueryAttention": {
        "one group": _attention("GroupQueryAttention", head_dim=4, num_query_heads=2, num_key_value_heads=1),
        "two groups": _attention("GroupQueryAttention", head_dim=4, num_query_heads=4, num_key_value_heads=2),
    },
    "Attention": {"dot": _attention("Attention"), "scaled": _attention("Attention", use_scale=True)},
    "AdditiveAttention": {"scaled": _attention("AdditiveAttention"), "plain": _attention("AdditiveAttention", use_scale=False)},
    "Dot": {
        "axes=2": lambda x: L.Dot(2, name="layer")([x, L.Conv1D(SIDE * CHANNELS, 1, name="other")(x)]),
        "normalized": lambda x: L.Dot((2, 2), normalize=True, name="layer")([x, L.Conv1D(SIDE * CHANNELS, 1, name="other")(x)]),
    },
    "Bidirectional": {
        "LSTM": _wrapped(lambda: L.Bidirectional(L.LSTM(4), name="layer")),
        "GRU, sum": _wrapped(lambda: L.Bidirectional(L.GRU(4, unroll=True), merge_mode="sum", name="layer")),
    },
    "RNN": {
        "LSTMCell": _wrapped(lambda: L.RNN(L.LSTMCell(4), name="layer")),
        "two cells": _wrapped(lambda: L.RNN([L.GRUCell(4), L.SimpleRNNCell(3)], unroll=True, name="layer")),
    },
}
_VECTORS = _rows({
    "RepeatVector": (((3,), {}), ((1,), {})),
})
_VECTORS |= {
    "CategoryEncoding": {
        mode: (lambda x, mode=mode: L.CategoryEncoding(5, output_mode=mode, name="layer")(_indices(x)))
        for mode in ("multi_hot", "one_hot")
    },
    "Embedding": {
        "of rounded values": lambda x: L.Embedding(4, 3, name="layer")(_indices(x)),
        "then a mean": lambda x: L.GlobalAveragePooling1D(name="mean")(L.Embedding(4, 3, name="layer")(_indices(x))),
    },
}
_VOLUMES = _rows({
    "Conv3D": (((4, 2), {}), ((4, 2), {"strides": 2, **_SAME})),
    "Conv3DTranspose": (((4, 2), {"strides": 2}), ((4, 2), {"activation": "relu"})),
    "MaxPooling3D": (((2,), {}), ((2,), {"strides": 1, **_SAME})),
    "AveragePooling3D": (((2,), {}), ((2,), {"strides": 1, **_SAME})),
    "GlobalAveragePooling3D": (((), {}), ((), {"keepdims": True})),
    "GlobalMaxPooling3D": (((), {}), ((), {"keepdims": True})),
    "AdaptiveAveragePooling3D": (((2,), {}), (((3, 2, 5),), {})),
    "AdaptiveMaxPooling3D": (((2,), {}), (((3, 2, 5),), {})),
    "UpSampling3D": (((2,), {}), (((1, 2, 3),), {})),
    "ZeroPadding3D": (((1,), {}), ((((0, 1), (1, 0), (2, 2)),), {})),
    "Cropping3D": (((((1, 1), (0, 1), (2, 2)),), {}), ((((0, 1), (0, 0), (1, 1)),), {})),
    "SpatialDropout3D": (((0.5,), {}), ((0.1,), {})),
    "ConvLSTM2D": (((3, 2), {}), ((3, 2), {"return_sequences": True, **_SAME})),
})
_TABLE: dict[int, dict[str, dict[str, Apply]]] = {4: _MAPS, 3: _SEQUENCES, 2: _VECTORS, 5: _VOLUMES}
