"""Registry: which networks there are. An architecture is a file that registers one builder and a table of variants.

Files anywhere below `zoo/models` are found by themselves, so that adding a network is adding a file.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.errors import InputError, unknown
from zoo.paper import Paper

MODELS = "zoo.models"  # the package whose files hold architectures, at any depth


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One network: a row of an architecture's table, which says what is its own, and once registered the entry of its name.

    Attributes:
        name, task: what `build` is asked for, and the name of the task that its answer belongs to.
        options: its arguments of the builder, or of an encoder's body and top.
        paper, inspired_by: where it was published; None for one of this zoo's own, and whose ideas that is made of.
        classes: names of the paper's classes, or how many; None for the task's own.
        input_size, channels: of the paper's picture, (H, W) in pixels; MACs are quoted for these.
        fixed_size: True where the graph needs a known input size (a Flatten before the first dense layer).
        min_size: smallest height and width that the network can see.
        mobile: True where the network is whole on the GPU accelerator in float32, float16 and int8.
        tiny: options that make a small network of the same graph, for tests.
        warm_start_options: options of one that starts from a smaller trained network, `build(…, init=)`.
        default_size: from the options that were named to the (H, W) that they ask for, or None; `build` takes that by default.
        builder: `(image, classes, **options) -> logits`.
        body, top, strides: of encoders only; see `zoo.models.encoders`.
    """

    name: str = ""
    task: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    paper: Paper | None = None
    inspired_by: tuple[Paper, ...] = ()
    classes: int | tuple[str, ...] | None = None
    input_size: tuple[int, int] = (0, 0)
    channels: int = 3
    fixed_size: bool = False
    min_size: int = 32
    mobile: bool = False
    tiny: Mapping[str, Any] = field(default_factory=dict)
    warm_start_options: Mapping[str, Any] = field(default_factory=dict)
    default_size: Callable[[Mapping[str, Any]], tuple[int, int] | None] | None = None
    builder: Callable[..., Any] | None = None
    body: Callable[..., Any] | None = None
    top: Callable[..., Any] | None = None
    strides: tuple[int, ...] = ()

    def __new__(cls, **said: Any) -> Variant:
        self = super().__new__(cls)
        object.__setattr__(self, "_said", said)  # a default that nobody wrote gives way to what a whole table shares
        return self

    def completed(self, shared: Mapping[str, Any]) -> Variant:
        """The row with what its table shares; where both say something the row does."""
        return Variant(**{**shared, **self._said})

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Every option there is: the keyword-only arguments of its builder, or of an encoder's body and top."""
        functions = (self.builder,) if self.body is None else (self.body, self.top)
        parameters = [p for function in functions for p in inspect.signature(function).parameters.values()]
        return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}

    @property
    def option_names(self) -> list[str]:
        """The options beyond the arguments of `build`."""
        return [name for name in self.parameters if name != "encoder"]

    def scale(self, options: Mapping[str, Any]) -> int:
        """Pixels of the answer per pixel of the picture along a side: what a builder's option `scale` says, 1 without one."""
        parameter = self.parameters.get("scale")
        return 1 if parameter is None else options.get("scale", parameter.default)

    @property
    def default_encoder(self) -> str | None:
        """The encoder that the builder takes when none is named; None where it takes none."""
        parameter = self.parameters.get("encoder")
        return None if parameter is None else self.options.get("encoder", parameter.default)


_registry: dict[str, Variant] = {}


def register(
    variants: Mapping[str, Variant], *, task: str, paper: Paper | None, **shared: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enters every row of `variants`, completed by the other arguments, under its name; decorates the builder."""

    def decorate(builder: Callable[..., Any]) -> Callable[..., Any]:
        for name, row in variants.items():
            enter(row.completed({"task": task, "paper": paper, "builder": builder, **shared, "name": name}))
        return builder

    return decorate


def enter(variant: Variant) -> None:
    """Adds a network; InputError for a name that is taken, no input size, or an option that the builder has not."""
    if variant.name in _registry:
        raise InputError(f"a model named {variant.name!r} is registered already; choose another name")
    if min(variant.input_size) < 1:
        raise InputError(f"{variant.name} is registered without input_size; give its paper's (height, width) in pixels")
    parameters = variant.parameters
    for option in {**variant.options, **variant.tiny}.keys() - parameters.keys():
        raise unknown(f"option of {variant.name}", option, parameters)
    _registry[variant.name] = variant


def withdraw(name: str) -> None:
    """Takes a name out again: for tests that register toys."""
    _registry.pop(name)


@functools.cache
def _discover() -> None:
    package = importlib.import_module(MODELS)
    for module in pkgutil.walk_packages(package.__path__, f"{MODELS}."):
        importlib.import_module(module.name)


def get(name: str) -> Variant:
    """The network of that name; InputError with the nearest known ones for any other."""
    _discover()
    if name not in _registry:
        raise unknown("model", name, _registry)
    return _registry[name]


def list_models(
    pattern: str = "*", *, task: str | None = None, mobile: bool | None = None, encoder: bool | None = None
) -> list[str]:
    """Names that match a glob, sorted; arguments as of `zoo.list_models`."""
    _discover()
    return sorted(
        name
        for name, entry in _registry.items()
        if fnmatch.fnmatchcase(name, pattern)
        and (task is None or entry.task == task)
        and (mobile is None or entry.mobile == mobile)
        and (encoder is None or (entry.body is not None) == encoder)
    )
