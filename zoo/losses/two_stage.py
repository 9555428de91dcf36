"""Losses of detectors in two stages: of the proposals, of the regions that are looked at again, and of their masks.

Girshick, "Fast R-CNN", 2015, section 2.3; Ren et al., "Faster R-CNN", 2015, section 3.1.2; He et al., "Mask R-CNN", 2017,
section 3. Functions of tensors, since what they are of is made within a training step. Boxes are corners in pixels throughout.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from zoo.layers.region_boxes import VARIANCES
from zoo.losses.box_matching import (
    NOTHING,
    assigned,
    encoded,
    hardest,
    logistic_entropy,
    of_matches,
    pairwise_overlap,
    smooth_distance,
)
from zoo.losses.box_targets import TINY

MASK = 56  # rows and columns that a thing's mask is shown in, stretched over its box: twice those that are answered
_BETA = 1 / 9  # of the proposals' smooth L1, as in the authors' and in torchvision's code


class Things(NamedTuple):
    """What is to be found in each picture."""

    boxes: Any  # N×n×4
    labels: Any  # N×n, numbers of classes
    there: Any  # float32 N×n, 0 in rows that only fill up


class Regions(NamedTuple):
    """Regions to learn from, R a picture."""

    boxes: Any  # N×R×4
    labels: Any  # int32 N×R, 0 for the background, else the class and 1
    offsets: Any  # N×R×4, of the thing from the region
    weights: Any  # float32 N×R, 0 in rows that only fill up
    matches: Any = None  # int32 N×R, the number of the thing, NOTHING of the background


def proposal_losses(
    objectness: Any,
    offsets: Any,
    anchors: Any,
    things: Things,
    noise: Any,
    *,
    usable: Any = None,
    low: float = 0.3,
    high: float = 0.7,
    count: int = 256,
    share: float = 0.5,
) -> tuple[Any, Any]:
    """Cross-entropy of the objectness, and smooth L1 of the offsets, over a sample of each picture's anchors.

    Args:
        objectness: N×P log-odds.
        offsets: N×P×4.
        anchors: P×4.
        things: to be found.
        noise: N×P, by which the sample is drawn.
        usable: bool P, anchors that may learn: in the paper those within the picture. None for all.
        low, high: intersections over union below which an anchor learns that nothing is there, and from which a thing.
        count: of the sample, of which at most `share` are things.
    """
    matches = assigned(pairwise_overlap(anchors[None], things.boxes), things.there, low, high)
    if usable is not None:
        matches = ops.where(usable[None], matches, NOTHING - 1)
    positive, negative = _sample(matches >= 0, matches == NOTHING, noise, count, share)
    weights = positive + negative
    entropy = logistic_entropy(objectness, positive)
    boxes = ops.where((matches >= 0)[..., None], of_matches(matches, things.boxes), anchors[None])
    distance = smooth_distance(offsets, encoded(boxes, anchors, (1.0, 1.0, 1.0, 1.0)), _BETA)
    total = ops.maximum(ops.sum(weights), 1.0)
    return ops.sum(entropy * weights) / total, ops.sum(distance * positive) / total


def sampled_regions(
    proposals: Any, things: Things, noise: Any, *, count: int = 128, share: float = 0.25, low: float = 0.0, high: float = 0.5
) -> Regions:
    """Regions to learn from, drawn among the proposals and the things themselves.

    Args:
        proposals: N×P×4; those without an area are none.
        things: to be found.
        noise: N×(P + n), by which the sample is drawn.
        count: of the sample of each picture, of which at most `share` are of things.
        low, high: what overlaps a thing by `high` or more learns it, from `low` to there the background, below nothing.
    """
    boxes = ops.stop_gradient(ops.concatenate([proposals, things.boxes], axis=1))
    overlaps = pairwise_overlap(boxes, things.boxes) * things.there[:, None]
    most = ops.max(overlaps, axis=-1)
    real = ops.all(boxes[..., 2:] > boxes[..., :2], axis=-1)
    fore, back = (ops.logical_and(real, part) for part in (most >= high, ops.logical_and(most >= low, most < high)))
    positive, negative = _sample(fore, back, noise, count, share)
    order = ops.argsort(-(2 * positive + negative), axis=-1)[:, :count]
    matches = ops.where(positive > 0, ops.cast(ops.argmax(overlaps, axis=-1), "int32"), NOTHING)
    things_of = of_matches(matches, ops.concatenate([things.boxes, ops.cast(things.labels, "float32")[..., None]], axis=-1))
    labels = ops.where(positive > 0, ops.cast(things_of[..., 4], "int32") + 1, 0)
    wanted = ops.where((positive > 0)[..., None], things_of[..., :4], boxes)
    sound = ops.where(real[..., None], boxes, ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0]))
    offsets = ops.where((positive > 0)[..., None], encoded(wanted, sound, VARIANCES), 0.0)
    boxes, offsets = (ops.take_along_axis(values, order[..., None], axis=1) for values in (boxes, offsets))
    rest = (labels, positive + negative, matches)
    labels, weights, matches = (ops.take_along_axis(values, order, axis=1) for values in rest)
    return Regions(boxes, labels, offsets, weights, matches)


def region_losses(scores: Any, offsets: Any, regions: Regions) -> tuple[Any, Any]:
    """Cross-entropy of the classes, and smooth L1 of the offsets that are of a region's own class.

    Args:
        scores: N×R×(1 + K) logits, the background first.
        offsets: N×R×4·(1 + K), those of the background, which nobody learns, first.
        regions: what they are of.
    """
    classes = scores.shape[-1] - 1
    known = ops.one_hot(regions.labels, 1 + classes, dtype="float32")
    entropy = -ops.sum(known * ops.log_softmax(scores, axis=-1), axis=-1)
    own = ops.reshape(offsets, (-1, offsets.shape[1], 1 + classes, 4)) * known[..., None]
    learning = ops.cast(regions.labels > 0, "float32") * regions.weights
    distance = smooth_distance(ops.sum(own, axis=2), regions.offsets)
    total = ops.maximum(ops.sum(regions.weights), 1.0)
    return ops.sum(entropy * regions.weights) / total, ops.sum(distance * learning) / total


def mask_loss(masks: Any, labels: Any, wanted: Any) -> Any:
    """The mean cross-entropy, pixel by pixel, of the mask that is of each region's class; of regions of the background none.

    Args:
        masks: M×h×w×K log-odds.
        labels: M, 0 for the background, else the class and 1.
        wanted: M×h×w of 0 and 1.
    """
    learning = ops.cast(labels > 0, "float32")
    known = ops.one_hot(ops.maximum(labels - 1, 0), masks.shape[-1], dtype="float32")
    own = ops.sum(masks * known[:, None, None], axis=-1)
    entropy = ops.mean(logistic_entropy(own, wanted), axis=(1, 2))
    return ops.sum(entropy * learning) / ops.maximum(ops.sum(learning), 1.0)


def mask_targets(boxes: Any, masks: Any, regions: Regions, size: tuple[int, int]) -> Any:
    """Which part of each region is its thing's: N×R×h×w of 0 and 1, 0 for regions of the background.

    Args:
        boxes: N×n×4, of the things.
        masks: N×n×m×m, of the things, each stretched over its box.
        regions: that were drawn.
        size: (h, w).
    """
    count, side = masks.shape[1:3]
    flat = ops.reshape(masks, (-1, count, side * side))
    own = of_matches(regions.matches, ops.concatenate([boxes, flat], axis=-1))
    box, mask = own[..., :4], ops.reshape(own[..., 4:], (-1, own.shape[1], side, side))
    down = _stretched(regions.boxes[..., 1::2], box[..., 1::2], size[0], side)
    across = _stretched(regions.boxes[..., 0::2], box[..., 0::2], size[1], side)
    shares = ops.matmul(ops.matmul(down, mask), ops.transpose(across, (0, 1, 3, 2)))
    return ops.cast(shares >= 0.5, "float32")


def _stretched(ends: Any, whole: Any, bins: int, side: int) -> Any:
    """How much of each of a mask's rows (or columns) each bin of a region shows, N×R×bins×side, by interpolation.

    Args:
        ends: N×R×2, where the region begins and ends.
        whole: N×R×2, where the mask does.
        bins, side: of the region and of the mask.
    """
    shares = ops.convert_to_tensor((np.arange(bins, dtype=np.float32) + 0.5) / bins)
    places = ends[..., :1] + (ends[..., 1:] - ends[..., :1]) * shares
    places = (places - whole[..., :1]) / ops.maximum(whole[..., 1:] - whole[..., :1], TINY) * side
    inside = ops.cast(ops.logical_and(places >= 0, places <= side), "float32")[..., None]
    places = ops.clip(places - 0.5, 0.0, side - 1.0)[..., None]
    return ops.relu(1.0 - ops.abs(places - ops.convert_to_tensor(np.arange(side, dtype=np.float32)))) * inside


def _sample(positive: Any, negative: Any, noise: Any, count: int, share: float) -> tuple[Any, Any]:
    """Which of the candidates are drawn, float32 N×P each: things up to their share, and others up to the count."""
    drawn = hardest(noise, positive, ops.zeros_like(noise[:, 0]) + int(count * share))
    return drawn, hardest(noise, negative, count - ops.sum(drawn, axis=-1))
