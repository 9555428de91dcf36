"""Metric and Score: how answers are held against targets, and what comes out, whatever the task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.outputs.score import SHARE, Score

__all__ = ["SHARE", "Metric", "Score"]


@dataclass(frozen=True)
class Grid:
    """A table of shares to be looked at, as a confusion matrix.

    Attributes:
        title: what it shows.
        note: how to read it, a sentence or two.
        labels: of the rows, and of the columns.
        shares: float labels×labels of 0 to 1; nan where nothing was counted.
        relation: how a row, a column and its share are put in words, as "{row} answered as {column}".
    """

    title: str
    note: str
    labels: tuple[str, ...]
    shares: np.ndarray
    relation: str


class Metric(ABC):
    """Scores over a whole data set, filled sample by sample."""

    @abstractmethod
    def update(self, target: Any, answer: np.ndarray) -> None:
        """Counts one sample: what was wanted (a `Target`, or its values) and what was answered, decoded by its kind.

        Raises:
            InputError: for an answer that cannot be held against the target.
        """

    @abstractmethod
    def merge(self, other: Metric) -> Metric:
        """Adds what another one of the same settings counted (a part of the data scored apart) and returns this one."""

    @abstractmethod
    def scores(self) -> list[Score]:
        """The scores, the most telling first."""

    def settings(self) -> dict[str, Any]:
        """The settings that scores depend on beside the answers, by name, as JSON holds them: for whoever reads them later."""
        return {}

    def grids(self) -> list[Grid]:
        """Tables of shares for a report; by default none."""
        return []

    def rows(self) -> list[dict[str, Any]]:
        """A row a part of the answer, as a class, for a table; by default there are no parts."""
        return []
