"""Sample: a picture, its answer and its name; the answer is one of `zoo.data.targets`, or several by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.targets import Batch, Label, Mask, Size, Target
from zoo.errors import InputError


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture and its answer, which unpacks as `image, target, name`.

    Attributes:
        image: uint8 H×W×C: RGB, or grey (C = 1), or RGB and a fourth channel; several frames lie along the channels, H×W×3k.
        target: what there is to know of it, or several such things by name. A bare array is taken for a `Mask`, a bare
            number for a `Label`.
        name: what the sample is called in messages and file names.
    """

    image: np.ndarray
    target: Target | dict[str, Target]
    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.target, dict):
            object.__setattr__(self, "target", as_target(self.target))

    def __iter__(self) -> Iterator[Any]:
        return iter((self.image, self.target, self.name))

    @property
    def targets(self) -> list[Target]:
        """All targets."""
        return list(self.target.values()) if isinstance(self.target, dict) else [self.target]

    @property
    def nbytes(self) -> int:
        """Bytes of memory of all arrays."""
        return self.image.nbytes + sum(target.nbytes for target in self.targets)

    def freeze(self) -> None:
        """Makes the arrays read-only, since others share them."""
        self.image.setflags(write=False)
        for target in self.targets:
            target.freeze()

    def resize(self, size: Size | None) -> Sample:
        """The sample stretched to (H, W); None changes nothing."""
        from zoo.data.transforms.geometric import resize

        if size is None or self.image.shape[:2] == tuple(size):
            return self
        return Sample(resize(self.image, size), change(self.target, lambda target: target.resize(size)), self.name)


def change(target: Target | dict[str, Target], how: Callable[[Target], Target]) -> Target | dict[str, Target]:
    """A target changed, or each of several."""
    return {name: how(one) for name, one in target.items()} if isinstance(target, dict) else how(target)


def stack(targets: Sequence[Target | dict[str, Target]]) -> Batch | dict[str, Batch]:
    """Targets of several samples as what Keras is given; several to a sample by their names."""
    first = targets[0]
    if isinstance(first, dict):
        return {name: stack([target[name] for target in targets]) for name in first}
    return type(first).stack(targets)


def as_target(target: Any) -> Target:
    """A target as it is; a bare array H×W of class indices as a `Mask`, a bare number as a `Label`.

    Raises:
        InputError: for anything else.
    """
    if isinstance(target, Target):
        return target
    array = np.asarray(target)
    if array.dtype.kind in "iub" and array.ndim in (0, 2):
        return Label(array) if array.ndim == 0 else Mask(array)
    raise InputError(
        f"a target {type(target).__name__} of shape {array.shape}; give a target of zoo.data (Mask, FlowField, …), class "
        "indices H×W, or one class index"
    )
