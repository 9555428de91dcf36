"""A Gaussian over position and colour at once, for every pair of pixels, without looking at the pairs.

The pixels' values are splatted onto a grid over position and colour, blurred there and sliced back (Paris & Durand, "A Fast
Approximation of the Bilateral Filter using a Signal Processing Approach", 2006). In position the grid is whole and
interpolation bilinear. Of its colours only the palette is kept, the vertices that this picture uses most; a pixel lies in
a simplex of them, one more than there are channels (as in Adams et al., "Fast High-Dimensional Filtering Using the
Permutohedral Lattice", 2010), and the blur between them is one matrix for all pairs, so that nothing is lost on vertices that
are missing between two others. Interpolating twice widens and, in a simplex, slants the kernel by known covariances,
which the blur makes up for. Every shape depends on the picture's size alone.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

from keras import ops

LEAST_VARIANCE = 0.1  # of a blur, in cells²; a kernel narrower than interpolation itself cannot be had


@dataclass(frozen=True)
class Kernel:
    """A symmetric kernel over the pixels of each image, ready to be applied many times.

    Attributes:
        corners: of each pixel: ids of a vertex to splat to and to slice from, and the weight, each batch·pixels long.
        rows, columns: blurs along the axes of position, matrices.
        colours: blur between colours, batch×palette×palette.
    """

    corners: list[tuple[Any, Any, Any]]
    rows: Any
    columns: Any
    colours: Any

    def apply(self, values: Any) -> Any:
        """(batch·pixels)×L → the same shape: each pixel's sum over all pixels of its image, itself among them."""
        batch, palette = ops.shape(self.colours)[:2]
        height, width, channels = ops.shape(self.rows)[0], ops.shape(self.columns)[0], values.shape[-1]
        cells = height * width
        total = batch * cells * palette
        grid = sum(ops.segment_sum(values * weight, splat, total) for splat, _, weight in self.corners)
        grid = ops.matmul(self.rows, ops.reshape(grid, (batch, height, -1)))
        grid = ops.matmul(self.columns, ops.reshape(grid, (batch * height, width, palette * channels)))
        grid = ops.transpose(ops.reshape(grid, (batch, cells, palette, channels)), (0, 2, 1, 3))
        grid = ops.matmul(self.colours, ops.reshape(grid, (batch, palette, cells * channels)))
        grid = ops.reshape(grid, (total, channels))
        return sum(ops.take(grid, slice_, axis=0) * weight for _, slice_, weight in self.corners)


def gaussian(image: Any, position: float, colour: float, scales: tuple[Any, Any], sampling: float, palette: int) -> Kernel:
    """The kernel exp(−|p − q|² / 2θα² − |I(p) − I(q)|² / 2θβ²).

    Args:
        image: N×H×W×C, 0–255, float32.
        position, colour: the widths θα in pixels and θβ in grey levels for which the grid is laid out.
        scales: factors on both widths (scalars or tensors), which may be learned: they change the blur, not the grid.
        sampling: cells of the grid per width.
        palette: colours that are kept at most.
    """
    batch, height, width, channels = ops.shape(image)
    rows, row_vertices, row_blur = _axis(height, sampling / position, sampling * scales[0])
    columns, column_vertices, column_blur = _axis(width, sampling / position, sampling * scales[0])
    side = _vertices(255 * sampling / colour)
    colours = ops.reshape(ops.clip(image, 0.0, 255.0), (batch, height * width, channels)) * (sampling / colour)
    corners, vertices = _palette(*_simplex(colours, side), side**channels, min(palette, side**channels))

    slots = ops.shape(vertices)[1]
    cells = row_vertices * column_vertices
    image_of = ops.reshape(ops.arange(batch), (-1, 1))
    entries = []
    for (row, row_weight), (column, column_weight) in itertools.product(rows, columns):
        cell = ops.reshape(row[:, None] * column_vertices + column[None], (1, -1))
        near = ops.reshape(row_weight[:, None] * column_weight[None], (1, -1))
        for slot, weight in corners:
            splat = (image_of * cells + cell) * slots + slot
            slice_ = (image_of * slots + slot) * cells + cell
            entries.append((ops.reshape(splat, (-1,)), ops.reshape(slice_, (-1,)), ops.reshape(near * weight, (-1, 1))))
    return Kernel(entries, row_blur, column_blur, _colour_blur(vertices, side, channels, sampling * scales[1]))


def _axis(size: Any, cells_per_pixel: float, deviation: Any) -> tuple[list[tuple[Any, Any]], Any, Any]:
    """One axis of position: (vertex, weight) of each pixel's two neighbours, how many vertices, and their blur."""
    places = ops.cast(ops.arange(size), "float32") * cells_per_pixel
    low = ops.floor(places)
    over = places - low
    low = ops.cast(low, "int32")
    vertices = _vertices((size - 1) * cells_per_pixel) if isinstance(size, int) else low[-1] + 2
    variance = ops.maximum(ops.square(deviation) - 1 / 3, LEAST_VARIANCE)  # both interpolations add 1/6 on average
    line = ops.cast(ops.arange(vertices), "float32")
    blur = ops.exp(-ops.square(line[:, None] - line[None]) / (2 * variance))
    return [(low, 1 - over), (low + 1, over)], vertices, blur


def _vertices(last: float) -> int:
    """The number of vertices of an axis whose last place that is; float32 may round that place up to the next vertex."""
    return math.floor(last + 1e-3) + 2


def _simplex(colours: Any, side: int) -> tuple[list[Any], list[Any]]:
    """Ids and weights of the vertices around each colour: steps along one axis after another, the longest way first."""
    channels = colours.shape[-1]
    low = ops.floor(colours)
    over = colours - low
    order = ops.argsort(-over, axis=-1)
    over = ops.take_along_axis(over, order, axis=-1)
    strides = ops.convert_to_tensor([side ** (channels - 1 - axis) for axis in range(channels)], dtype="int32")
    steps = ops.take(strides, order)
    vertex = ops.sum(ops.cast(low, "int32") * strides, axis=-1)
    ids, weights = [vertex], [1 - over[..., 0]]
    for axis in range(channels):
        vertex = vertex + steps[..., axis]
        ids.append(vertex)
        weights.append(over[..., axis] - (over[..., axis + 1] if axis + 1 < channels else 0.0))
    return ids, weights


def _palette(ids: list[Any], weights: list[Any], total: int, size: int) -> tuple[list[tuple[Any, Any]], Any]:
    """Keeps the vertices of greatest weight in each image.

    Returns:
        (place in the palette, weight) of each pixel's vertices, those that are not in it with weight 0 and the others
        scaled up for them; and the ids in the palette, batch×size.
    """
    batch = ops.shape(ids[0])[0]
    own = ops.reshape(ops.arange(batch), (-1, 1)) * total  # each image has vertices of its own
    use = sum(
        ops.segment_sum(ops.reshape(weight, (-1,)), ops.reshape(vertex + own, (-1,)), batch * total)
        for vertex, weight in zip(ids, weights, strict=True)
    )
    _, vertices = ops.top_k(ops.reshape(use, (batch, total)), size)
    vertices = ops.cast(vertices, "int32")
    numbers = ops.reshape(ops.tile(ops.arange(1, size + 1)[None], (batch, 1)), (-1,))
    places = ops.segment_sum(numbers, ops.reshape(vertices + own, (-1,)), batch * total)  # 0: not in the palette
    slots = [ops.reshape(ops.take(places, vertex + own), ops.shape(vertex)) for vertex in ids]
    inside = [ops.where(slot > 0, weight, 0.0) for slot, weight in zip(slots, weights, strict=True)]
    whole = ops.maximum(sum(inside), 1e-6)
    return [(ops.maximum(slot - 1, 0), weight / whole) for slot, weight in zip(slots, inside, strict=True)], vertices


def _colour_blur(vertices: Any, side: int, channels: int, deviation: Any) -> Any:
    """The Gaussian between all pairs of a palette, less what interpolating in a simplex does twice: (I + ones) / 6."""
    across = ops.maximum(ops.square(deviation) - 1 / 6, LEAST_VARIANCE)
    along = ops.maximum(ops.square(deviation) - (1 + channels) / 6, LEAST_VARIANCE)  # the diagonal, where all axes agree
    squares = sums = 0.0
    for axis in range(channels):
        place = ops.cast((vertices // side ** (channels - 1 - axis)) % side, "float32")
        difference = place[:, :, None] - place[:, None]
        squares, sums = squares + ops.square(difference), sums + difference
    diagonal = ops.square(sums) / channels
    return ops.exp(-0.5 * ((squares - diagonal) / across + diagonal / along))
