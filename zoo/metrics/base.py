"""Metric and Score: how answers are held against targets, and what comes out, whatever the task."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

SHARE = "share"  # the unit of values from 0 to 1, which people read as per cent


@dataclass(frozen=True)
class Score:
    """One number that says how good.

    Attributes:
        name: as in tables and files, in snake case.
        value: in the unit; nan where nothing was counted.
        unit: "share" of 0 to 1, "px", "dB", or "" for a plain number.
        higher_is_better: whether more is better.
    """

    name: str
    value: float
    unit: str = SHARE
    higher_is_better: bool = True

    @property
    def text(self) -> str:
        """The value for people: "90.1 %", "1.34 px"; "–" where it is nan."""
        if math.isnan(self.value):
            return "–"
        if self.unit == SHARE:
            return f"{100 * self.value:.1f} %"
        return f"{self.value:.4g} {self.unit}".rstrip()

    @property
    def shown(self) -> float:
        """The value on the scale that `text` shows: per cent for shares."""
        return 100 * self.value if self.unit == SHARE else self.value

    def better_than(self, other: float | None) -> bool:
        """Whether it is better than that value of the same score; nan is better than nothing, nothing is worse than any."""
        if math.isnan(self.value):
            return False
        if other is None or math.isnan(other):
            return True
        return self.value > other if self.higher_is_better else self.value < other

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as JSON holds it; nan becomes None."""
        value = None if math.isnan(self.value) else float(self.value)
        return {"name": self.name, "value": value, "unit": self.unit, "higher_is_better": self.higher_is_better}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Score:
        """The score of `to_dict`'s data."""
        value = float("nan") if data.get("value") is None else float(data["value"])
        return cls(str(data["name"]), value, str(data.get("unit", SHARE)), bool(data.get("higher_is_better", True)))


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
        """What its scores depend on beside the answers, by name, as JSON holds it: for whoever reads them later."""
        return {}

    def grids(self) -> list[Grid]:
        """Tables of shares for a report; by default none."""
        return []

    def rows(self) -> list[dict[str, Any]]:
        """A row a part of the answer, as a class, for a table; by default there are no parts."""
        return []
