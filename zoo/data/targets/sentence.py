"""Sentence: one that is learnt, and all that would have been right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from zoo.data.targets.base import Nowhere, rectangle


@dataclass(frozen=True, eq=False)
class Sentence(Nowhere):
    """A sentence as numbers of a vocabulary, int32 n, its end with it; behind that is padding.

    What speaks of left and right is not mirrored.

    Attributes:
        references: int32 R×m, the sentences that are right, each with its end; by default this one alone.
        padding: the number that fills up shorter ones.
    """

    values: np.ndarray
    references: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    padding: int = 0

    def __post_init__(self) -> None:
        self._set("values", self.values, np.int32, None)
        references = self.references if len(self.references) else self.values[None]
        self._set("references", references, np.int32, None, None)

    def may_flip(self, axis: int) -> bool:
        """Not left to right, of which it may speak; top to bottom is for who asks for it to know."""
        return axis != 1

    @classmethod
    def stack(cls, targets: Sequence[Sentence]) -> np.ndarray:
        """int32 N×n, the sentences that are learnt, shorter ones filled up with their padding."""
        return rectangle([target.values for target in targets], [target.padding for target in targets])
