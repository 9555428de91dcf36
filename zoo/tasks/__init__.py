"""Tasks: what a network learns from, how it is scored and how its answer is drawn. Nothing outside asks which task it is."""

from __future__ import annotations

from zoo.errors import unknown
from zoo.tasks.base import Task
from zoo.tasks.classification import Classification
from zoo.tasks.segmentation import Segmentation

_TASKS: dict[str, Task] = {task.name: task for task in (Classification(), Segmentation())}

__all__ = ["Task", "get", "names"]


def names() -> list[str]:
    """The names of all tasks, sorted."""
    return sorted(_TASKS)


def get(name: str) -> Task:
    """The task of that name.

    Raises:
        zoo.errors.InputError: for an unknown name.
    """
    if name not in _TASKS:
        raise unknown("task", name, _TASKS)
    return _TASKS[name]
