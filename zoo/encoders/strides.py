"""Where a body halves its maps, and where it dilates instead."""

from __future__ import annotations

from zoo.errors import InputError

OUTPUT_STRIDES = (4, 8, 16, 32)


class Strides:
    """The stride of a body's maps so far, and the dilation that stands in for every halving beyond `output_stride`.

    A halving that is left out doubles the dilation of all later convolutions, so that at every 2nd (4th) position they
    see what they would have seen, with the same weights (Chen 2014).

    Attributes:
        stride: of the maps as they are now.
        dilation: of the convolutions that come next.

    Raises:
        InputError: for an output_stride other than 4, 8, 16 or 32.
    """

    def __init__(self, stride: int, output_stride: int) -> None:
        if output_stride not in OUTPUT_STRIDES:
            raise InputError(f"output_stride={output_stride}; expected one of {', '.join(map(str, OUTPUT_STRIDES))}")
        self.stride, self.dilation = stride, 1
        self._limit = output_stride

    def halve(self) -> int:
        """The stride that the next convolution gets: 2, or 1 where dilation takes over."""
        if self.stride < self._limit:
            self.stride *= 2
            return 2
        self.dilation *= 2
        return 1
