"""The rounding of channel counts that the mobile networks share."""

from __future__ import annotations


def round_channels(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of `divisor`, but never more than 10 % below what was asked for (Howard 2017's released code)."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
