"""Proposals: where there may be something, whatever it is, for a detector to look at. Scored, and not learnt here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.targets import Boxes
from zoo.errors import InputError
from zoo.metrics import Metric
from zoo.outputs import OutputSpec
from zoo.outputs.boxes import box_output
from zoo.tasks.base import NO_LABEL, Task, ToyBatch

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset


class Proposals(Task):
    """Boxes in an order, held against those of a data set of detection, whatever their classes."""

    name = "proposals"
    headline = "ar"
    outputs = ("boxes",)
    target = Boxes

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """Boxes of one class."""
        return box_output(tuple(labels) or ("something",), palette or ())

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """Recall by the number of proposals."""
        from zoo.metrics.proposals import ProposalRecall

        self._check_wishes(wishes)
        return [ProposalRecall()]

    def loss(
        self, spec: OutputSpec, ignore: int | None = NO_LABEL, class_weights: Sequence[float] | None = None
    ) -> keras.losses.Loss:
        """None.

        Raises:
            InputError: always.
        """
        raise _untrained()

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """None.

        Raises:
            InputError: always.
        """
        raise _untrained()

    def target_as_answer(self, target: Any, spec: OutputSpec) -> np.ndarray:
        """Each box that counts, of one class, with a score of 1."""
        edges = target.values[~target.ignored]
        return np.column_stack([edges, np.zeros(len(edges)), np.ones(len(edges))]).astype(np.float32)


def _untrained() -> InputError:
    return InputError("proposals are scored and not learnt by themselves; train a network of the task detection, of one class")
