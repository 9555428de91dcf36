"""Recipe runner: a recipe's stages one after the other, each a run of `zoo.train` that can be interrupted at any moment."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

import zoo
from zoo import registry, tasks
from zoo.errors import InputError, unknown
from zoo.recipes import Recipe, Stage, StageContext
from zoo.training import distribution
from zoo.training.checkpoints import Checkpoints, write_whole
from zoo.training.config import TrainingConfig, differences, upgraded, with_current_names
from zoo.training.trainer import Result, train

if TYPE_CHECKING:
    from zoo.data import Dataset

RECORD = "recipe.json"  # in the run's folder: what no checkpoint knows
TAKEN = "taken.json"  # in the folder of a stage that shipped weights stand for: how those were trained
CACHE_BYTES = 2 << 30  # bytes of decoded samples in memory: a recipe's data are read once and not once an epoch


def run(
    recipe: Recipe,
    data: str | None,
    folder: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    build: Mapping[str, Any] | None = None,
    max_seconds: float | None = None,
) -> Result:
    """Carries a recipe out, or goes on with it, in a folder; the last stage's `model.keras` lies in the folder itself.

    Args:
        recipe: of `zoo.recipes.get`.
        data: spec of the data; None where the recipe says it all.
        folder: of the run; an earlier stage is in the folder of its name inside.
        settings: of `zoo.train`, in place of the recipe's, in every stage: for trying it out. What is packed must be of
            the recipe's own.
        build: arguments of `zoo.build`, likewise, where a stage has them: where pretrained weights lie.
        max_seconds: stop before an epoch that would probably end later than this, counted from the call.

    Returns:
        The result of the last stage that was begun.

    Raises:
        InputError: data of another kind, or whatever `zoo.build` and `zoo.train` say.
    """
    folder, spec, began = Path(folder), recipe.spec(data), time.monotonic()
    earlier, count = _taken(recipe, folder)
    for stage in recipe.stages[count:]:
        own, ready = folder / stage.name, prepared(stage, spec, earlier, settings, build)
        note_machine(folder, recipe)
        seconds = None if max_seconds is None else max(1.0, max_seconds - (time.monotonic() - began))
        result = train(ready.model, ready.data, ready.val, folder=own, max_seconds=seconds, **ready.settings)
        if result.stopped:
            break
        earlier[stage.name] = own
    return result


@dataclass(frozen=True)
class PreparedStage:
    """A stage ready to be trained: its network, data to learn from and to choose by, settings of `zoo.train`."""

    model: keras.Model
    data: Dataset
    val: Dataset | None
    settings: dict[str, Any]


def prepared(
    stage: Stage,
    spec: str,
    earlier: Mapping[str, Path],
    settings: Mapping[str, Any] | None = None,
    build: Mapping[str, Any] | None = None,
) -> PreparedStage:
    """Opens a stage's data and builds its network.

    Args:
        stage: of a recipe.
        spec: of the recipe's data.
        earlier: folders of the stages before, by name.
        settings, build: as `run` takes them.

    Raises:
        InputError: as `run`.
    """
    context, val = _context(stage, spec, earlier)
    config = {**_settings(stage, context), **(settings or {})}
    return PreparedStage(_model(stage, context, build or {}, config.get("seed", 0)), context.data, val, config)


def check(recipe: Recipe, data: str, folder: Path) -> dict[str, Any]:
    """The facts of a finished run, if it is one of this recipe.

    Returns:
        {"epochs", "seconds"} of all stages together and "best" of the last one, its epoch counted from the first stage's
        start; and the record's "hardware" and "versions", None where the run was not begun by `zoo train --recipe`.

    Raises:
        InputError: if a stage is missing or not finished, or was trained with other settings or data than the recipe's.
    """
    spec, (earlier, count) = recipe.spec(data), _taken(recipe, folder)
    facts = [json.loads((own / TAKEN).read_text(encoding="utf-8")) for own in list(earlier.values())[-1:]]
    epochs, seconds = (sum(each[name] for each in facts) for name in ("epochs", "seconds"))
    for stage in recipe.stages[count:]:
        own = folder / stage.name
        if not (own / "model.keras").is_file():
            raise InputError(f"{own} holds no model.keras; finish the run first: zoo train --recipe {recipe.name} …")
        state = Checkpoints(own).load()
        if state is None:
            raise InputError(f"{own} holds no checkpoint, which says how the run was made")
        context, _ = _context(stage, spec, earlier)
        expected = TrainingConfig(**with_current_names(_settings(stage, context)))
        _compare(own, recipe, expected, context.data, state.settings)
        if state.epoch != expected.epochs:
            raise InputError(f"{own}: {state.epoch} of {expected.epochs} epochs are finished; finish the run first")
        best = state.best and {**state.best, "epoch": epochs + state.best["epoch"]}
        epochs += state.epoch
        seconds += sum(row["seconds"] for row in state.rows)
        earlier[stage.name] = own
    record = _read_record(folder)
    facts = {"epochs": epochs, "best": best, "seconds": round(seconds)}
    hardware = "; ".join(record["machines"]) if record else None
    return {**facts, "hardware": hardware, "versions": record.get("versions")}


def take_over(recipe: Recipe, stage: str, folder: Path) -> Path:
    """Lets a recipe's shipped weights stand for an earlier stage, and all before it, whose run is gone: a stage was added.

    Args:
        recipe: whose weights are shipped.
        stage: the name of the earlier stage that they are of.
        folder: of the run to come.

    Returns:
        The stage's folder, with `model.keras`, `best.weights.h5` and what the card says of the training.

    Raises:
        InputError: for a name that no earlier stage has, or a folder that is there already.
    """
    from zoo.pretrained import catalog

    names = [each.name for each in recipe.before]
    if stage not in names:
        raise unknown(f"earlier stage of {recipe.name}", stage, names)
    known, own = catalog.get(recipe.name), folder / stage
    if own.exists():
        raise InputError(f"{own} is there already; give another folder for the run")
    model = zoo.build(recipe.name)
    own.mkdir(parents=True)
    model.save(own / "model.keras")
    model.save_weights(own / "best.weights.h5")
    (own / TAKEN).write_text(json.dumps(dict(known.training), indent=1) + "\n", encoding="utf-8")
    return own


def _taken(recipe: Recipe, folder: Path) -> tuple[dict[str, Path], int]:
    """The earlier stage that shipped weights stand for, if any, by its name; and the number of stages up to it."""
    for count, stage in reversed(list(enumerate(recipe.before, start=1))):
        if (folder / stage.name / TAKEN).is_file():
            return {stage.name: folder / stage.name}, count
    return {}, 0


def _compare(folder: Path, recipe: Recipe, expected: TrainingConfig, data: Dataset, settings: Mapping[str, Any]) -> None:
    """Refuses a run of other settings than the recipe's; one that a run is too old to know had its default."""
    own_settings = json.loads(json.dumps(expected.to_dict()))
    defaults = json.loads(json.dumps(TrainingConfig(epochs=1).to_dict()))
    identity = upgraded(settings, expected)
    differs = differences({name: identity.get(name, defaults[name]) for name in own_settings}, own_settings)
    facts, count = identity["data"], len(data)
    if (facts.get("samples", count), tuple(facts.get("classes", data.classes))) != (count, data.classes):
        differs.append(f"data were {facts['samples']} samples of {len(facts['classes'])} classes, are {count} of {data.name}")
    if differs:
        raise InputError(f"{folder} is no run of {recipe.name}: {'; '.join(differs)} in the recipe")


def machine() -> str:
    """The machine in words: processor, cores, and accelerators that the backend uses."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [f"{model}, {count} cores"]
    accelerators = sum(not name.startswith("cpu") for name in distribution.devices())
    if accelerators:
        parts.append(f"{accelerators}× {_gpu_name()}")
    return " + ".join(parts)


def _gpu_name() -> str:
    try:
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        names = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return "GPU"
    return names.splitlines()[0].strip() if names.strip() else "GPU"


def _context(stage: Stage, spec: str, earlier: Mapping[str, Path]) -> tuple[StageContext, Dataset | None]:
    from zoo import data

    training = data.open(spec, stage.split, cache_bytes=CACHE_BYTES)
    validation = None if stage.val is None else data.open(spec, stage.val, cache_bytes=CACHE_BYTES)
    return StageContext(training, dict(earlier)), validation


def _settings(stage: Stage, context: StageContext) -> dict[str, Any]:
    return dict(stage.train(context) if callable(stage.train) else stage.train)


def arguments(stage: Stage, context: StageContext) -> dict[str, Any]:
    """A stage's arguments of `zoo.build`, what the data decide of them included; any size where it takes any."""
    own = stage.build(context) if callable(stage.build) else stage.build or {}
    entry = registry.get(stage.model)
    task = tasks.get(entry.task)
    shape = (*(entry.input_size if entry.fixed_size else (None, None)), task.channels(context.data))
    classes = {"classes": context.data.classes, "palette": context.data.palette} if context.data.classes else {}
    return {**classes, "input_shape": shape, **task.build_options(context.data), **own}


def last_arguments(recipe: Recipe, data: str, folder: Path) -> dict[str, Any]:
    """The arguments of `zoo.build` of a recipe's last stage in a finished run."""
    taken, count = _taken(recipe, folder)
    earlier = taken | {stage.name: folder / stage.name for stage in recipe.before[count:]}
    context, _ = _context(recipe.stages[-1], recipe.spec(data), earlier)
    return arguments(recipe.stages[-1], context)


def _model(stage: Stage, context: StageContext, build: Mapping[str, Any], seed: int) -> keras.Model:
    if context.data.task not in (None, registry.get(stage.model).task):
        raise InputError(f"{stage.model} is for {registry.get(stage.model).task}, {context.data.name} for {context.data.task}")
    own = arguments(stage, context)
    own |= {name: value for name, value in build.items() if name in own}
    keras.utils.set_random_seed(seed)  # the start is drawn too
    return zoo.build(stage.model, **own)


def note_machine(folder: Path, recipe: Recipe) -> None:
    """Notes where this call trains, and with which versions; a run may go on on another machine."""
    machines = dict.fromkeys([*(_read_record(folder).get("machines") or ()), machine()])
    versions = {"densezoo": zoo.__version__, "keras": keras.__version__, "backend": keras.backend.backend()}
    record = {"recipe": recipe.name, "machines": list(machines), "versions": versions}
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / RECORD, lambda file: file.write(text.encode()))


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
