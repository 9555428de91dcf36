"""Tasks: what a network learns from and how it is scored. A file a task, found by itself."""

from __future__ import annotations

from zoo.data.targets import Target
from zoo.errors import InputError
from zoo.outputs.catalog import Catalog
from zoo.tasks.base import Task, ToyBatch

__all__ = ["Task", "ToyBatch", "get", "names", "of_output", "of_target", "register", "withdraw"]

_tasks: Catalog[Task] = Catalog(Task, __name__, __path__, "task")
register, withdraw, names, get = _tasks.register, _tasks.withdraw, _tasks.names, _tasks.get


def of_output(shape: tuple[int | None, ...], kind: str) -> Task:
    """The task whose default output is of that kind and, as the shape's, of every pixel or of the whole picture.

    Raises:
        InputError: if none is.
    """
    for name in names():
        task = get(name)
        spec = task.output_spec(task.labels_for(None))
        if spec.kind == kind and spec.dense == (len(shape) == 4):
            return task
    raise InputError(f"no task has a {kind} of shape {shape} for its output; wrap the model's in zoo.layers.ModelOutput")


def of_target(target: type[Target]) -> Task:
    """The task that learns from targets of that type.

    Raises:
        InputError: if none does.
    """
    for name in names():
        if get(name).target is target:
            return get(name)
    raise InputError(f"no task learns from {getattr(target, '__name__', target)}; say a `task` of {', '.join(names())}")
