"""Class weights, counted from a data set's targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from zoo.errors import InputError, unknown

if TYPE_CHECKING:
    from zoo.data import Dataset


def class_weights_from(dataset: Dataset, rule: str = "sqrt_median") -> np.ndarray:
    """One weight a class, float64, from how often each class is in the targets (ignored pixels left out).

    Args:
        dataset: a labelled data set; every target is read once.
        rule:
            "median": median frequency balancing, median(f) / f, with f a class's share of the pixels of those images
            that it is in (Eigen & Fergus 2015; SegNet for CamVid);
            "sqrt_median": its square root, which costs the frequent classes less;
            "enet": 1 / ln(1.02 + share of all pixels) (Paszke et al. 2016).

    Returns:
        The weights; 1 for a class that is in no target, since nothing is known of it.

    Raises:
        InputError: unknown rule; no target has a pixel that counts.
    """
    if rule not in _RULES:
        raise unknown("class weight rule", rule, _RULES)
    count = len(dataset.classes)
    pixels = np.zeros(count, np.int64)  # of the class
    around = np.zeros(count, np.int64)  # of the images that it is in
    for index in range(len(dataset)):
        target = np.asarray(dataset[index].target).ravel()
        if dataset.ignore is not None:
            target = target[target != dataset.ignore]
        here = np.bincount(target, minlength=count)
        if len(here) > count:
            raise InputError(f"{dataset[index].name}: holds class {len(here) - 1}; classes are 0..{count - 1}")
        pixels += here
        around += np.where(here > 0, target.size, 0)
    if not pixels.any():
        raise InputError(f"{dataset.name}: no pixel of {len(dataset)} targets counts; there is nothing to balance")
    weights = np.ones(count)
    present = pixels > 0
    weights[present] = _RULES[rule](pixels[present], around[present])
    return weights


def _median(pixels: np.ndarray, around: np.ndarray) -> np.ndarray:
    frequency = pixels / around
    return np.median(frequency) / frequency


_RULES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "median": _median,
    "sqrt_median": lambda pixels, around: np.sqrt(_median(pixels, around)),
    "enet": lambda pixels, around: 1 / np.log(1.02 + pixels / pixels.sum()),
}
