"""Anchors: the boxes that a detector's answers are told from, and the heads that tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from zoo import layers

Sides = list[tuple[float, float]]  # (width, height) of each anchor of a cell, as shares of the picture's
SIDES = 4  # offsets of a box
VARIANCES = (0.1, 0.1, 0.2, 0.2)  # of SSD's authors: offsets of the centre and logarithms of sides have about the same spread


def default_boxes(scales: Sequence[float], ratios: Sequence[Sequence[float]]) -> list[Sides]:
    """SSD's default boxes (Liu et al. 2016, section 2.2) of every level.

    Args:
        scales: of each level and one more, as shares of the picture's sides.
        ratios: of each level, the width over the height of further boxes, each of which comes upright too.

    Returns:
        of each level a square of its scale, a square between its and the next level's, and two boxes a ratio.
    """
    levels = []
    for scale, following, own in zip(scales[:-1], scales[1:], ratios, strict=True):
        between = math.sqrt(scale * following)
        sides = [(scale, scale), (between, between)]
        for ratio in own:
            long, short = scale * math.sqrt(ratio), scale / math.sqrt(ratio)
            sides += [(long, short), (short, long)]
        levels.append(sides)
    return levels


def anchor_heads(
    maps: Sequence[Any], anchors: Sequence[Sides], classes: int, head: Callable[[Any, int, str], Any]
) -> Any:
    """Rows N×P×(5 + classes): of each anchor of every map its offsets, and the logits of the background and the classes.

    Args:
        maps: N×h×w×C, from fine to coarse.
        anchors: of each.
        classes: without the background.
        head: from map, channels and name to a map of these channels.
    """
    numbers = SIDES + 1 + classes
    levels = [
        head(x, numbers * len(sides), f"level{level}_head")
        for level, (x, sides) in enumerate(zip(maps, anchors, strict=True), start=1)
    ]
    facts = [[[float(width), float(height)] for width, height in sides] for sides in anchors]
    options = {"coding": "anchors", "scores": "softmax", "anchors": facts, "variances": list(VARIANCES)}
    return layers.BoxRows(numbers, options, name="rows")(levels)
