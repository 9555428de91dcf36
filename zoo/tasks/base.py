"""What every task has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from zoo.errors import InputError


class Task(ABC):
    """One kind of question that a network can answer.

    Attributes:
        name: how the task is called in the registry, on the command line and in a file's metadata.
    """

    name: str

    @abstractmethod
    def default_labels(self) -> tuple[str, ...]:
        """Names of the classes when `build` is told nothing."""

    def labels_for(self, classes: int | Sequence[str] | None) -> tuple[str, ...]:
        """Names of the classes: given, numbered, or the task's own.

        Raises:
            InputError: for fewer than one class, a repeated or an empty name.
        """
        if classes is None:
            return self.default_labels()
        if isinstance(classes, int):
            if classes < 1:
                raise InputError(f"classes={classes}: a network needs at least one class")
            default = self.default_labels()
            return default if len(default) == classes else tuple(f"class {i}" for i in range(classes))
        labels = tuple(classes)
        if isinstance(classes, str) or not labels or len(set(labels)) < len(labels) or not all(labels):
            raise InputError(f"classes={classes!r}: expected a number, or a list of distinct names")
        return labels
