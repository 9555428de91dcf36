"""Tasks: what a network learns from and how it is scored. A file a task, found by itself."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil

from zoo.data.targets import Target
from zoo.errors import InputError, unknown
from zoo.tasks.base import Task, ToyBatch

__all__ = ["Task", "ToyBatch", "get", "names", "of_output", "of_target", "register", "withdraw"]

_own: dict[str, Task] = {}  # of others, entered by `register`


@functools.cache
def _found() -> dict[str, Task]:
    tasks: dict[str, Task] = {}
    for module in pkgutil.iter_modules(__path__):
        for each in vars(importlib.import_module(f"{__name__}.{module.name}")).values():
            if inspect.isclass(each) and issubclass(each, Task) and not inspect.isabstract(each):
                tasks.setdefault(each.name, each())
    return tasks


def register(own: Task) -> None:
    """Enters a task that is not of this package.

    Raises:
        InputError: if its name is taken.
    """
    if own.name in names():
        raise InputError(f"a task named {own.name!r} is there already; choose another name")
    _own[own.name] = own


def withdraw(name: str) -> None:
    """Takes a task of `register` out again."""
    _own.pop(name, None)


def names() -> list[str]:
    """The names of all tasks, sorted."""
    return sorted({**_found(), **_own})


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


def get(name: str) -> Task:
    """The task of that name.

    Raises:
        zoo.errors.InputError: for an unknown name.
    """
    tasks = {**_found(), **_own}
    if name not in tasks:
        raise unknown("task", name, tasks)
    return tasks[name]
