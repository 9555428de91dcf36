"""Label and tokens: what is said of a whole picture, wherever in it things lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.data.targets.base import Nowhere, rectangle


@dataclass(frozen=True, eq=False)
class Label(Nowhere):
    """One class index for the whole picture, int32 without axes."""

    values: np.ndarray

    def __post_init__(self) -> None:
        self._set("values", self.values, np.int32)

    @classmethod
    def stack(cls, targets: Sequence[Label]) -> np.ndarray:
        """int32 N."""
        return np.stack([target.values for target in targets])


@dataclass(frozen=True, eq=False)
class Tokens(Nowhere):
    """Numbers of a vocabulary in a row, int32 n, as of a caption. A text that speaks of left and right is not mirrored.

    Attributes:
        padding: the number that fills up shorter rows.
    """

    values: np.ndarray
    padding: int = 0

    def __post_init__(self) -> None:
        self._set("values", self.values, np.int32, None)

    def may_flip(self, axis: int) -> bool:
        """No: they may speak of left and right, above and below."""
        return False

    @classmethod
    def stack(cls, targets: Sequence[Tokens]) -> np.ndarray:
        """int32 N×n, shorter rows filled up with their padding."""
        return rectangle([target.values for target in targets], [target.padding for target in targets])
