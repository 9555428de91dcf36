"""The fully connected CRF as a layer: every pixel is the neighbour of every other.

Krähenbühl & Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials", 2011; as a layer that can
be trained: Zheng et al., "Conditional Random Fields as Recurrent Neural Networks", 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError, unknown
from zoo.layers import bilateral
from zoo.layers.field import Field, Shape, summed_up

LEARNABLE = ("weights", "compatibility", "widths")
REACH = 5  # widths at which the spatial kernel is cut off; what lies beyond weighs under 4e-6


@keras.saving.register_keras_serializable(package="densezoo")
class DenseCRF(keras.layers.Layer):
    """Mean-field inference: [image N×H×W×C in 0–255, logits N×H×W×L] → logits N×H×W×L, float32.

    In each iteration every pixel i hears from every other what it believes, q, and corrects its own logits z:

        m = wα · Kα q + wγ · Kγ q,   z(l) − Σ μ(l', l) m(l'),   q = softmax of that

    with the bilateral kernel exp(−|pᵢ − pⱼ|² / 2θα² − |Iᵢ − Iⱼ|² / 2θβ²) and the spatial one exp(−|pᵢ − pⱼ|² / 2θγ²). Both
    are normalised symmetrically, D^−½ K D^−½ with D the row sums of K, which keeps them symmetric and lets a message have the
    size of one pixel's belief; the sums include the pixel itself. Both are as the authors' release has it.

    The spatial kernel is two passes of a one-dimensional convolution; the bilateral one goes over a grid
    (`zoo.layers.bilateral`), whose error falls with `sampling`. The gradient reaches logits and weights, not the image.

    Args:
        iterations: of the mean field; the papers use 5 to train and 10 to answer.
        bilateral_weight: wα.
        position_width: θα in pixels.
        colour_width: θβ in grey levels.
        spatial_weight: wγ.
        spatial_width: θγ in pixels.
        compatibility: μ as L rows of L numbers, the penalty for label l where a neighbour says l'; None for Potts' model,
            1 wherever they differ.
        learned: what is trained, of "weights" (one per class), "compatibility" and "widths"; the rest is given.
        sampling: cells of the bilateral grid per width; None computes every pair, which needs (H·W)² numbers.
        palette: colours of the grid that are kept at most.

    Raises:
        InputError: for numbers out of range, an unknown name in `learned`, or a compatibility that is not L×L.
    """

    quantization, carries = "rounds", 0

    def __init__(
        self,
        iterations: int = 5,
        bilateral_weight: float = 4.0,
        position_width: float = 40.0,
        colour_width: float = 10.0,
        spatial_weight: float = 2.0,
        spatial_width: float = 3.0,
        compatibility: Sequence[Sequence[float]] | None = None,
        learned: Sequence[str] = (),
        sampling: float | None = 1.0,
        palette: int = 1024,
        **kwargs: Any,
    ) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        positive = {"position_width": position_width, "colour_width": colour_width, "spatial_width": spatial_width}
        positive |= {"iterations": iterations, "palette": palette, "sampling": 1 if sampling is None else sampling}
        for option, value in positive.items():
            if not value > 0:
                raise InputError(f"{option}={value} of a CRF; expected more than 0")
        for name in learned:
            if name not in LEARNABLE:
                raise unknown("learned part of a CRF", name, LEARNABLE)
        self.iterations, self.sampling, self.palette = int(iterations), sampling, int(palette)
        self.bilateral_weight, self.spatial_weight = bilateral_weight, spatial_weight
        self.position_width, self.colour_width, self.spatial_width = position_width, colour_width, spatial_width
        self.compatibility = None if compatibility is None else [list(map(float, row)) for row in compatibility]
        self.learned = tuple(learned)

    def build(self, input_shape) -> None:
        (*_, channels), (*_, labels) = input_shape
        if channels > 3:
            raise InputError(f"a CRF sees images of 1 to 3 channels; this one has {channels}")
        start = 1 - np.eye(labels) if self.compatibility is None else np.asarray(self.compatibility)
        if start.shape != (labels, labels):
            raise InputError(f"compatibility of shape {start.shape}; {labels} labels need {labels}×{labels}")

        def add(name: str, values: Any, part: str) -> Any:
            values = np.asarray(values, "float32")
            initial = keras.initializers.Constant(values) if values.ndim == 0 else _Given(values)
            return self.add_weight(values.shape, initial, name=name, trainable=part in self.learned)

        self.bilateral_weights = add("bilateral_weights", np.full(labels, self.bilateral_weight), "weights")
        self.spatial_weights = add("spatial_weights", np.full(labels, self.spatial_weight), "weights")
        self.penalties = add("compatibility", start, "compatibility")
        self.log_scales = add("log_scales", np.zeros(3), "widths")  # of θα, θβ and θγ

    def call(self, inputs):
        image, logits = inputs
        image = ops.stop_gradient(ops.cast(image, "float32"))
        shape = ops.shape(logits)
        scales = ops.exp(self.log_scales)
        kernels = (
            (self._bilateral(image, scales), self.bilateral_weights),
            (self._spatial(shape, scales[2]), self.spatial_weights),
        )
        unary = ops.reshape(ops.cast(logits, "float32"), (-1, logits.shape[-1]))
        corrected = unary
        for _ in range(self.iterations):
            belief = ops.softmax(corrected, axis=-1)
            message = sum(kernel(belief) * weights for kernel, weights in kernels)
            corrected = unary - ops.matmul(message, self.penalties)
        return ops.reshape(corrected, shape)

    def _bilateral(self, image: Any, scales: Any) -> Callable[[Any], Any]:
        if self.sampling is None:
            return _normalised(self._every_pair(image, scales), ops.ones_like(ops.reshape(image[..., :1], (-1, 1))))
        kernel = bilateral.gaussian(
            image, self.position_width, self.colour_width, (scales[0], scales[1]), self.sampling, self.palette
        )
        return _normalised(kernel.apply, ops.ones_like(ops.reshape(image[..., :1], (-1, 1))))

    def _every_pair(self, image: Any, scales: Any) -> Callable[[Any], Any]:
        batch, height, width, channels = ops.shape(image)
        rows, columns = ops.cast(ops.arange(height), "float32"), ops.cast(ops.arange(width), "float32")
        places = ops.stack([ops.repeat(rows, width), ops.tile(columns, (height,))], axis=-1)[None]
        places = places / (self.position_width * scales[0])
        colours = ops.reshape(image, (batch, height * width, channels)) / (self.colour_width * scales[1])
        squares = _square_distances(places) + _square_distances(colours)
        kernel = ops.exp(-0.5 * squares)

        def apply(values: Any) -> Any:
            size = values.shape[-1]
            return ops.reshape(ops.matmul(kernel, ops.reshape(values, (batch, height * width, size))), (-1, size))

        return apply

    def _spatial(self, shape: Any, scale: Any) -> Callable[[Any], Any]:
        reach = int(np.ceil(REACH * self.spatial_width))
        taps = ops.convert_to_tensor(np.arange(-reach, reach + 1), dtype="float32") / (self.spatial_width * scale)
        taps = ops.exp(-0.5 * ops.square(taps))

        def apply(values: Any) -> Any:
            size = values.shape[-1]
            x = ops.reshape(values, (shape[0], shape[1], shape[2], size))
            for along in ((-1, 1, 1, 1), (1, -1, 1, 1)):
                kernel = ops.tile(ops.reshape(taps, along), (1, 1, size, 1))
                x = ops.depthwise_conv(x, kernel, padding="same", data_format="channels_last")
            return ops.reshape(x, (-1, size))

        return _normalised(apply, ops.ones((shape[0] * shape[1] * shape[2], 1)))

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """Unknown: it multiplies all the time, by how many colours a picture has.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"no count is known for layer {self.name!r} of type DenseCRF, which multiplies by how many colours a picture has; "
            "count the network without it"
        )

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """The whole picture's."""
        return summed_up(fields[0])

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[1].shape, dtype="float32")

    def get_config(self) -> dict:
        names = """iterations bilateral_weight position_width colour_width spatial_weight spatial_width compatibility
            sampling palette"""
        return {**super().get_config(), **{name: getattr(self, name) for name in names.split()}, "learned": list(self.learned)}


class _Given(keras.initializers.Initializer):
    """Starts a weight as an array of its own shape."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __call__(self, shape, dtype=None):
        return ops.convert_to_tensor(self.values, dtype=dtype)


def _normalised(kernel: Callable[[Any], Any], ones: Any) -> Callable[[Any], Any]:
    """D^−½ K D^−½ of a kernel K."""
    factor = 1 / ops.sqrt(ops.maximum(kernel(ones), 1e-6))
    return lambda values: kernel(values * factor) * factor


def _square_distances(points: Any) -> Any:
    """N×P×D → N×P×P."""
    return sum(ops.square(points[:, :, None, axis] - points[:, None, :, axis]) for axis in range(points.shape[-1]))
