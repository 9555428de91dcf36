"""Primitives: operations that a file format has as one, and that Keras's own would not become.

A layer that is better said with them has a method `lower(inputs, primitives)` beside its `call`: the same numbers, for whoever
writes a file.
"""

from __future__ import annotations

from typing import Any, Protocol


class Primitives(Protocol):
    """The primitives that a converter offers; tensors are its own."""

    def argmax(self, x: Any, axis: int) -> Any:
        """The index of the first largest along an axis, int32."""

    def depth_to_space(self, x: Any, scale: int) -> Any:
        """N×h×w×s²C as N×sh×sw×C, s the scale: each block of s×s pixels from channels C apart, row by row."""

    def resize_like(self, x: Any, reference: Any, interpolation: str) -> Any:
        """N×h×w×C at the height and width of the reference, which are known when the graph runs; half-pixel centres."""
