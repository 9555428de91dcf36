"""Recipes, by which the weights that the zoo ships were made: one plain Python file each, what they share in presets.py.

    zoo recipes                                            what there is
    zoo train --recipe unet_lite.ccp --data ccp_person:PATH --out runs/person
    zoo recipes pack unet_lite.ccp runs/person --data ccp_person:PATH

A recipe file is named after its weights, `unet_lite_ccp.py` for `unet_lite.ccp`. Its docstring states the command, the
hardware and the wall time; what came of it is in the weights' card.json alone. It defines RECIPE:

    RECIPE = Recipe(
        name="unet_lite.ccp",              # network.tag: what zoo.build will be asked for
        data="ccp_person",                    # the kind of data; where they lie is said by --data
        source="Clothing Co-Parsing (Yang, Luo, Lin 2014), 804 / 100 / 100 photographs",
        license="Apache-2.0",                 # of the data
        size=(256, 256),                      # H, W at which it is scored and converted
        build={"encoder_weights": "imagenet"},                    # arguments of zoo.build
        train={"epochs": 50, "batch_size": 16, "size": (256, 256)},   # settings of zoo.train
    )

Where a setting is more than plain data (a loss, an augmentation that draws from the training data, a teacher), `build` or
`train` is a function of `StageContext` that returns the dict; it imports what it needs. Several stages (a teacher before its
student, FCN-32s before 16s) are `before=(Stage("teacher", …),)`; a later stage finds what an earlier one left in
`context.earlier["teacher"]`.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from zoo.errors import InputError, unknown

if TYPE_CHECKING:
    from zoo.data import Dataset

__all__ = ["Recipe", "Stage", "StageContext", "get", "names"]


@dataclass(frozen=True)
class StageContext:
    """The context of a stage: all that its `build` and `train` may depend on.

    Attributes:
        data: the training data of this stage.
        earlier: the finished stages before it: name → folder, with the `model.keras` of that run.
    """

    data: Dataset
    earlier: Mapping[str, Path]


Arguments = Mapping[str, Any] | Callable[[StageContext], Mapping[str, Any]]


@dataclass(frozen=True)
class Stage:
    """One run of `zoo.train` in a recipe of several.

    Attributes:
        name: of its folder inside the run's; the last stage, the recipe's own, has none.
        model: a name of the registry.
        build: arguments of `zoo.build` beyond the data's classes and palette, which are given (and may be overridden).
        train: settings of `zoo.train`, which `zoo.training.config.TrainingConfig` explains, but `folder`.
        split, val: of the data, to train on and to choose the best epoch by; None for val: by the loss.
    """

    name: str
    model: str
    train: Arguments
    build: Arguments | None = None
    split: str = "train"
    val: str | None = "val"


@dataclass(frozen=True)
class Recipe:
    """The recipe of one set of weights: how it is made, scored and shipped.

    Attributes:
        name: "NETWORK.TAG"; the network is one of the registry.
        data: the kind of data (`zoo.data.SPECS`) such as "camvid"; or a whole spec with its colon, as "scenes:seed=1".
        data_options: that follow the path in the data's spec, as "scale=2,repeat=32".
        source: what the data are, for the card: name, authors, how many.
        license: of the data, for the card; say plainly where there is none.
        size: (H, W) in pixels at which the weights are scored and converted.
        rounded: settings of `zoo.train` by which the network, equalised (`converters.equalize`), learns on with the rounding of
            its int8 file (`converters.quantize_aware`) before that is written, the epoch of the least loss; the shipped weights
            stay as they are. None writes the file of them.
        overlap: pixels that tiles of that size share at least, in which converted files then see pictures; the weights see each
            picture as it is. For networks whose answer is the picture's detail. None resizes pictures to `size`.
        train, build, split, val: of the last stage, as in `Stage`.
        before: the stages before it.
        scored: split that the scores are of; nothing may have been chosen by it.
        forms: `.tflite` recipes that are scored beside Keras.
        shipped: those of `forms` whose file is shipped.
        calibration: how many training images int8 is calibrated with.
        quantization: settings of `converters.to_tflite` for forms that are calibrated, as {"correct_bias": False}; chosen by
            `val`, as all else.
    """

    name: str
    data: str
    source: str
    license: str
    size: tuple[int, int]
    train: Arguments
    build: Arguments | None = None
    split: str = "train"
    val: str | None = "val"
    before: tuple[Stage, ...] = ()
    scored: str = "test"
    forms: tuple[str, ...] = ("float32", "float16", "int8")
    shipped: tuple[str, ...] = ("int8",)
    calibration: int = 64
    quantization: Mapping[str, Any] = field(default_factory=dict)
    rounded: Arguments | None = None
    overlap: int | None = None
    data_options: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", self.name):
            raise InputError(f"a recipe's name {self.name!r} should be NETWORK.TAG in small letters, as unet_lite.ccp")
        stages = [stage.name for stage in self.before]
        if len({*stages, ""}) != len(stages) + 1:
            raise InputError(f"{self.name}: its earlier stages are named {stages}; each needs a name of its own")
        if not set(self.shipped) <= set(self.forms):
            raise InputError(f"{self.name}: shipped={self.shipped} are not all among forms={self.forms}, which are scored")
        if self.scored in (self.split, self.val):
            raise InputError(f"{self.name}: it would be scored on {self.scored!r}, which it learns from or is chosen by")

    @property
    def model(self) -> str:
        """The network's name in the registry."""
        return self.name.partition(".")[0]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All of them in order; the last is the recipe's own."""
        return *self.before, Stage("", self.model, self.train, self.build, self.split, self.val)

    def spec(self, given: str | None) -> str:
        """The data's spec: as given, with the recipe's options behind it, or the recipe's where it is a whole one.

        Raises:
            InputError: if the data are of another kind, or nobody said where they lie.
        """
        kind = self.data.partition(":")[0]
        if given is None:
            if kind == self.data:
                raise InputError(f"{self.name} learns from {kind}; say where they lie: --data {kind}:PATH")
            return self.data
        if given.partition(":")[0] != kind:
            raise InputError(f"{self.name} learns from {kind}, and {given!r} was given; expected {kind}:PATH")
        options = f",{self.data_options}" if self.data_options else ""
        return given if given.endswith(options) else given + options


def names() -> list[str]:
    """The recipes there are, sorted."""
    return sorted(_recipe(module).name for module in _modules())


def get(name: str) -> Recipe:
    """The recipe of that name, or of the Python file at that path.

    Raises:
        InputError: for an unknown name, a file that defines no RECIPE, or one that is not named after it.
    """
    return _recipe(_module(name))


def text(name: str) -> str:
    """The text of a recipe: its file's docstring."""
    return (_module(name).__doc__ or "").strip()


def _modules() -> list[ModuleType]:
    modules = [importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__)]
    return [module for module in modules if hasattr(module, "RECIPE")]


def _module(name: str) -> ModuleType:
    if name.endswith(".py"):
        return _read(Path(name))
    modules = {_recipe(module).name: module for module in _modules()}
    if name not in modules:
        if not modules:
            raise InputError(f"unknown recipe {name!r}; there is none yet: give the path of a recipe file, as my_net.py")
        raise unknown("recipe", name, modules)
    return modules[name]


def _read(path: Path) -> ModuleType:
    """Runs a recipe file of the caller's own."""
    if not path.is_file():
        raise InputError(f"no recipe file {path}")
    spec = importlib.util.spec_from_file_location(f"recipe_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses in it look themselves up
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, NameError, ImportError, TypeError) as error:
        raise InputError(f"{path} cannot be run as a recipe: {error}") from error
    return module


def _recipe(module: ModuleType) -> Recipe:
    recipe = getattr(module, "RECIPE", None)
    if not isinstance(recipe, Recipe):
        raise InputError(f"{module.__file__} defines no RECIPE = zoo.recipes.Recipe(…)")
    if Path(module.__file__).stem != recipe.name.replace(".", "_"):
        raise InputError(f"{module.__file__}: the recipe {recipe.name} belongs in {recipe.name.replace('.', '_')}.py")
    return recipe
