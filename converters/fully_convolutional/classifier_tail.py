"""The layers after the last feature map, each in its convolutional form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from converters.graph import Call, copy_weights
from zoo.errors import InputError
from zoo.layers import ModelOutput


@dataclass(frozen=True)
class State:
    """A tensor of the classifier's head, and what stands for it in the convolutional network.

    Args:
        map: N×H×W×C; each position's h×w window of it holds the classifier's features.
        window: (h, w); (1, 1) once a convolution or a pooling has taken the window in.
        order: the classifier's tensor without its batch axis, holding at each place the index of that feature in the
            flattened h×w×C window. Reshape, Permute and Flatten move these numbers; a Dense reads them off.
        affine: (scale, shift), one per window feature, still to be folded into the next Dense; from a
            BatchNormalization of flattened features, which has other parameters at each place of the window.
        grid: (h, w) of the feature map that the head was entered from: tensors on different grids cannot be joined.
    """

    map: keras.KerasTensor
    window: tuple[int, int]
    order: np.ndarray
    grid: tuple[int, int]
    affine: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def plain(self) -> bool:
        """Whether each position holds simply a vector of features, in the classifier's own order."""
        return self.window == (1, 1) and self.affine is None and self.in_order

    @property
    def in_order(self) -> bool:
        """Whether nothing has moved the features."""
        return np.array_equal(self.order.ravel(), np.arange(self.order.size))


class Head:
    """Applies the calls of a classifier's head to `State`s.

    Args:
        clone: makes a layer anew from an operation's configuration, with changes (see `_Rebuild.clone`).
    """

    # Bare operations (keras.ops.reshape) bear the same class names as the layers.
    MOVES = frozenset(("Flatten", "Reshape", "Permute", "Transpose", "Squeeze", "ExpandDims", "GetItem"))
    _ELEMENTWISE = frozenset((
        "Activation", "ReLU", "LeakyReLU", "ELU", "Relu", "Relu6", "Silu", "Gelu", "Sigmoid", "Tanh", "HardSwish",
        "Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization",
        "Identity", "Rescaling", "Cast",
    ))  # fmt: skip
    _PER_POSITION = frozenset(
        ("Softmax", "LogSoftmax", "LayerNormalization", "UnitNormalization", "BatchNormalization")
    )
    _JOINS = frozenset(("Add", "Subtract", "Multiply", "Divide", "Average", "Maximum", "Minimum", "Concatenate"))
    SUPPORTED = (
        "Dense, Dropout, Activation, ReLU, LeakyReLU, ELU, Softmax, BatchNormalization, LayerNormalization, "
        "1×1 Conv2D, Add, Multiply, Average, Maximum, Concatenate, Flatten, Reshape, Permute, global pooling, ModelOutput"
    )

    def __init__(self, clone: Callable[..., keras.Operation]) -> None:
        self.clone = clone

    def enter(self, feature_map: keras.KerasTensor, native: tuple[int, ...]) -> State:
        """The last feature map, of which the classifier sees 1×h×w×C (`native`)."""
        _, height, width, channels = native
        order = np.arange(height * width * channels, dtype=np.int32).reshape(height, width, channels)
        return State(feature_map, (height, width), order, (height, width))

    def finish(self, state: State) -> keras.KerasTensor:
        if not state.plain:
            raise InputError("the model ends before a Dense layer has taken in its flattened features")
        return state.map

    def apply(self, call: Call, args: tuple, kwargs: dict[str, Any], native: tuple[int, ...]) -> State:
        """The state after `call`, whose output is `native` (batch first) in the classifier.

        Raises:
            InputError: naming the layer, when it has no convolutional form.
        """
        operation, name = call.operation, type(call.operation).__name__
        states = [leaf for leaf in keras.tree.flatten((args, kwargs)) if isinstance(leaf, State)]
        if isinstance(operation, ModelOutput):
            return self._same(call, states[0], args, kwargs, plain=True)
        if isinstance(operation, keras.layers.Dense):
            return self._dense(call, states[0])
        if isinstance(operation, keras.layers.Conv2D):
            return self._pointwise(call, states[0])
        if name in ("GlobalAveragePooling2D", "GlobalMaxPooling2D", "AveragePooling2D", "MaxPooling2D"):
            return self._pool(call, states[0], native)
        if name in self.MOVES:
            return self._move(call, states[0], args, kwargs)
        if name == "BatchNormalization" and not states[0].plain:
            return self._batch_norm(call, states[0])
        if name in self._JOINS:
            return self._join(call, states, args, kwargs)
        if name in self._ELEMENTWISE or name in self._PER_POSITION:
            # A softmax over flattened features would be one over the window.
            softmax = name == "Activation" and "softmax" in str(operation.get_config().get("activation"))
            return self._same(call, states[0], args, kwargs, plain=softmax or name in self._PER_POSITION)
        raise _refusal(call, f"comes after the flattening and has no convolutional form; supported: {self.SUPPORTED}")

    # -------------------------------------------------------------------------------- layer by layer

    def _same(self, call: Call, state: State, args: tuple, kwargs: dict[str, Any], plain: bool) -> State:
        """The same layer, applied at each position."""
        unfolded = state.affine is not None and "Dropout" not in type(call.operation).__name__
        if unfolded or (plain and not state.plain):
            raise _refusal(call, "acts on flattened features; put it after the Dense layer that takes them in")
        layer, changes = call.operation, {}
        if type(layer).__name__ in self._PER_POSITION:
            changes = self._last_axis(call, state)
        layer = self.clone(layer, **changes)
        args, kwargs = _fill((args, kwargs), lambda state: state.map)
        out = layer(*args, **kwargs)
        copy_weights(call.operation, layer)
        return replace(state, map=out)

    def _last_axis(self, call: Call, state: State) -> dict[str, Any]:
        axis = getattr(call.operation, "axis", -1)
        axes = [axis] if isinstance(axis, int) else list(axis)
        if [a % (state.order.ndim + 1) for a in axes] != [state.order.ndim]:
            raise _refusal(
                call, f"acts along axis {axis}; after the flattening only the last one, the features, is supported"
            )
        return {"axis": -1} if isinstance(call.operation, keras.Layer) else {}

    def _dense(self, call: Call, state: State) -> State:
        dense = call.operation
        if state.order.size != state.order.shape[-1]:
            raise _refusal(call, f"acts on a map of {state.order.shape}, not on a vector; put a Flatten before it")
        if getattr(dense, "quantization_mode", None) is not None:
            raise _refusal(call, f"is quantized to {dense.quantization_mode}; convolutionalize the float model")
        height, width = state.window
        inputs, units = dense.kernel.shape
        kernel = np.empty((inputs, units), np.float32)
        kernel[state.order.ravel()] = _numpy(dense.kernel)
        bias = _numpy(dense.bias).astype(np.float32) if dense.use_bias else None
        if state.affine is not None:
            scale, shift = state.affine
            bias = (0 if bias is None else bias) + shift @ kernel
            kernel *= scale[:, None]
        config = dense.get_config()
        keys = ("activation", "dtype", "trainable", "kernel_initializer", "kernel_regularizer", "bias_regularizer")
        conv = self.clone(
            dense, kind=keras.layers.Conv2D, filters=units, kernel_size=(height, width), use_bias=bias is not None,
            data_format="channels_last", **{key: config[key] for key in keys if key in config},
        )  # fmt: skip
        out = conv(state.map)
        conv.set_weights([kernel.reshape(height, width, -1, units)] + ([] if bias is None else [bias]))
        return State(out, (1, 1), _vector(units, state.order.ndim), state.grid)

    def _pointwise(self, call: Call, state: State) -> State:
        conv = call.operation
        if not state.plain or tuple(conv.kernel_size) != (1, 1) or type(conv) is not keras.layers.Conv2D:
            raise _refusal(call, "comes after the pooling; there only a 1×1 Conv2D on the pooled map is supported")
        layer = self.clone(conv, strides=(1, 1))
        out = layer(state.map)
        copy_weights(conv, layer)
        return State(out, (1, 1), _vector(conv.filters, 3), state.grid)

    def _pool(self, call: Call, state: State, native: tuple[int, ...]) -> State:
        if state.window == (1, 1):
            return replace(state, order=state.order.reshape(native[1:]))
        if state.affine is not None or state.order.shape[:2] != state.window or not state.in_order:
            raise _refusal(call, "pools features that were moved before; supported: pooling of the feature map itself")
        kind = keras.layers.MaxPooling2D if "Max" in type(call.operation).__name__ else keras.layers.AveragePooling2D
        # Stride 1, whatever the classifier's was: it had but one position to put its window on.
        pool = self.clone(
            call.operation, kind=kind, pool_size=state.window, strides=1, padding="valid", data_format="channels_last",
            dtype=call.operation.get_config().get("dtype"),
        )  # fmt: skip
        return State(pool(state.map), (1, 1), _vector(native[-1], len(native) - 1), state.grid)

    def _move(self, call: Call, state: State, args: tuple, kwargs: dict[str, Any]) -> State:
        args, kwargs = _fill((args, kwargs), lambda state: state.order[None])
        # The classifier's own layer moves the indices: no second opinion on what it does.
        moved = _numpy(call.operation(*args, **kwargs))[0]
        if moved.size != state.order.size or not np.array_equal(np.sort(moved.ravel()), np.sort(state.order.ravel())):
            raise _refusal(call, f"drops or repeats features of the last map; supported: {self.SUPPORTED}")
        return replace(state, order=moved)

    def _batch_norm(self, call: Call, state: State) -> State:
        norm = call.operation
        self._last_axis(call, state)
        if state.order.ndim != 1:
            raise _refusal(call, f"acts on features of shape {state.order.shape}; supported after Flatten or Dense")
        mean, variance = (_numpy(weight).astype(np.float64) for weight in (norm.moving_mean, norm.moving_variance))
        gamma = _numpy(norm.gamma) if norm.scale else 1.0
        beta = _numpy(norm.beta) if norm.center else 0.0
        own_scale = gamma / np.sqrt(variance + norm.epsilon)
        own_shift = beta - mean * own_scale
        scale, shift = np.empty_like(own_scale), np.empty_like(own_shift)
        scale[state.order], shift[state.order] = own_scale, own_shift
        if state.affine is not None:
            shift, scale = state.affine[1] * scale + shift, state.affine[0] * scale
        return replace(state, affine=(scale.astype(np.float32), shift.astype(np.float32)))

    def _join(self, call: Call, states: list[State], args: tuple, kwargs: dict[str, Any]) -> State:
        if not all(state.plain for state in states) or len({state.order.ndim for state in states}) > 1:
            raise _refusal(call, "joins flattened features; put it after the Dense layers that take them in")
        grids = {state.grid for state in states}
        if len(grids) > 1:
            sizes = " and ".join(f"{h}×{w}" for h, w in sorted(grids))
            raise _refusal(call, f"joins features from maps of {sizes}; on a larger image these lie on different grids")
        changes = self._last_axis(call, states[0]) if isinstance(call.operation, keras.layers.Concatenate) else {}
        layer = self.clone(call.operation, **changes)
        args, kwargs = _fill((args, kwargs), lambda state: state.map)
        out = layer(*args, **kwargs)
        return State(out, (1, 1), _vector(out.shape[-1], states[0].order.ndim), states[0].grid)


def _vector(features: int, rank: int) -> np.ndarray:
    """The order of features that lie as a vector (rank 1) or as a 1×1 map (rank 3)."""
    return np.arange(features, dtype=np.int32).reshape((1,) * (rank - 1) + (features,))


def _refusal(call: Call, why: str) -> InputError:
    return InputError(f"layer {call.named()} {why}")


def _numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def _fill(structure: Any, fill: Callable[[State], Any]) -> Any:
    return keras.tree.map_structure(lambda leaf: fill(leaf) if isinstance(leaf, State) else leaf, structure)
