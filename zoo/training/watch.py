"""Watch: a look at the first targets of a run, for what would be learnt without a word although nothing is to be learnt."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.errors import InputError
from zoo.tasks import Task


class TargetWatch:
    """Looks at batches of targets until they show two classes, which the first one mostly does, or an epoch is over.

    Args:
        task: that says what counts in a batch.
        ignore: the target value that does not.
        batches: of an epoch.
    """

    def __init__(self, task: Task, ignore: int | None, batches: int) -> None:
        self._task, self._ignore, self._left = task, ignore, batches
        self._classes: dict[str, set[int]] = {}
        self._ignored = False

    def __call__(self, targets: np.ndarray | Mapping[str, np.ndarray]) -> None:
        """Looks at one more batch.

        Raises:
            InputError: for targets that are no classes, and at the end of an epoch in which but one class counts. (One in which
            nothing counts changes nothing, and is no error.)
        """
        if self._left <= 0:
            return
        for name, values in (targets if isinstance(targets, Mapping) else {"": targets}).items():
            classes = self._task.counted(np.asarray(values), self._ignore)
            if classes is None:
                self._left = 0
                return
            self._ignored = self._ignored or (self._ignore is not None and bool((np.asarray(values) == self._ignore).any()))
            self._classes.setdefault(name, set()).update(classes)
        self._left -= 1
        if all(len(classes) > 1 for classes in self._classes.values()):
            self._left = 0
        elif self._left == 0:
            for name, classes in self._classes.items():
                if len(classes) == 1:
                    self._refuse(name, classes)

    def _refuse(self, name: str, classes: set[int]) -> None:
        what = f"the targets of {name}" if name else "the targets"
        ignored = f"; {self._ignore} is ignored (data say otherwise by an attribute `ignore`)" if self._ignored else ""
        raise InputError(f"{what} of an epoch are of class {min(classes)} alone, from which nothing can be learnt{ignored}")
