"""What weights that others publish ask of `zoo.build` before a network is built: options of its graph, its classes.

No other weights ask for anything, and for these nothing heavier is imported than they need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.pretrained.torch_files import is_torch

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.registry import Variant


def completed_options(
    entry: Variant, options: Mapping[str, Any], weights: str | Path | None = None, encoder_weights: str | Path | None = None
) -> dict[str, Any]:
    """The options that `build` builds a network with, given those that were named: PyTorch weights add some of theirs.

    Raises:
        InputError: if the weights' file is missing or broken, or its network is none of ours.
    """
    if not (is_torch(weights) or is_torch(encoder_weights)):
        return dict(options)
    from zoo.pretrained import torchvision

    return torchvision.adapted(entry, options, weights, encoder_weights)


def classes_of(entry: Variant, named: Mapping[str, Any], weights: str | Path | None) -> int | Sequence[str] | None:
    """The classes of weights that others publish; None where nobody says."""
    if is_torch(weights):
        from zoo.pretrained import torchvision

        return torchvision.classes_of(entry, all_options(entry, named), weights)
    from zoo.pretrained.imagenet import class_names

    return class_names() if str(weights) == "imagenet" else None


def all_options(entry: Variant, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the defaults of those that nobody named."""
    defaults = {name: each.default for name, each in entry.parameters.items() if each.default is not each.empty}
    return {**defaults, **entry.options, **options}
