"""`zoo recipes`: how the shipped weights were made, and a finished run made into shipped weights."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.arguments import DATA_HELP
from zoo.cli.quiet import start_keras
from zoo.errors import InputError

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset
    from zoo.pretrained.catalog import Score, Trained
    from zoo.recipes import Recipe

GOOD = 0.003  # of its headline score a converted file may lose

app = typer.Typer(no_args_is_help=False, rich_markup_mode="rich")


@app.callback(invoke_without_command=True)
def recipes(context: typer.Context) -> None:
    """The recipes of the shipped weights: list them, show one, or pack a finished run as shipped weights."""
    if context.invoked_subcommand is not None:
        return
    from zoo.recipes import get, names

    for name in names():
        print(f"{name:32} {get(name).source}")
    if not names():
        print("there is no recipe here; zoo train --recipe FILE.py runs one of your own (see zoo/recipes/__init__.py)")


@app.command()
def show(name: Annotated[str, typer.Argument(help="A recipe's name, or the path of a recipe file.")]) -> None:
    """What a recipe's file says: command, hardware, wall time, score."""
    from zoo.recipes import text

    print(text(name))


@app.command()
def pack(
    name: Annotated[str, typer.Argument(help="A recipe's name, or the path of a recipe file.")],
    run: Annotated[Path, typer.Argument(help="Folder of its finished run.")],
    data: Annotated[str | None, typer.Option("--data", "-d", help=DATA_HELP)] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Another folder than zoo/pretrained.")] = None,
) -> None:
    """Measure a finished run on its test split, and leave weights, converted files, checksums and scores to be shipped.

    Example: zoo recipes pack unet_lite.ccp runs/person --data ccp_person:PATH
    """
    from zoo.recipes import get

    recipe = get(name)
    spec = recipe.spec(data)
    start_keras()
    import zoo
    import zoo.data
    from zoo.pretrained.catalog import FOLDER
    from zoo.training.recipe_runner import check

    facts = check(recipe, spec, run)
    test, training = zoo.data.open(spec, recipe.scored), zoo.data.open(spec, recipe.split)
    options = _options(recipe, spec, run)
    folder = (out or FOLDER) / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".packing") as temporary:
        known = _pack(recipe, zoo.load(run / "model.keras"), options, facts, training, test, Path(temporary))
        for file in known.files.values():
            os.replace(Path(temporary) / file.name, folder / file.name)
    _document(known, folder)  # last: it names the others
    _report(replace(known, folder=folder))


@app.command()
def inscribe(name: Annotated[str, typer.Argument(help="Of shipped weights, as unet_lite.ccp.")]) -> None:
    """Write the scores of shipped weights into their converted files once more, and the files' new checksums beside them.

    Packing has done so already; this is for files that were packed before, or whose scores were corrected.

    Example: zoo recipes inscribe unet_lite.ccp
    """
    from zoo.pretrained import catalog

    known = catalog.get(name)
    start_keras()
    files = dict(known.files)
    for form in files:
        if form != catalog.WEIGHTS:
            path = known.path(form)
            _inscribe(path, known.score(form), known.licence)
            files[form] = _file(path)
            print(f"{path.name}: {files[form].bytes:,} bytes")
    _document(replace(known, files=files), known.folder)


def _document(known: Trained, folder: Path) -> None:
    """Writes card.json, at once."""
    from zoo.pretrained.catalog import CARD

    with tempfile.TemporaryDirectory(dir=folder, prefix=".packing") as temporary:
        document = Path(temporary) / CARD
        document.write_text(json.dumps(known.as_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(document, folder / document.name)


def _options(recipe: Recipe, spec: str, run: Path) -> dict[str, Any]:
    """What `zoo.build` needs beside labels, palette, size and weights to make the network again: plain data."""
    from zoo.training.recipe_runner import last_arguments

    told = last_arguments(recipe, spec, run)
    for name in ("classes", "palette", "input_shape", "head", "weights", "encoder_weights"):
        told.pop(name, None)
    try:
        return json.loads(json.dumps(told))
    except TypeError as error:
        raise InputError(f"{recipe.name}: build={told} cannot be shipped ({error}); give numbers, words and lists") from error


def _pack(
    recipe: Recipe,
    trained: keras.Model,
    options: dict[str, Any],
    facts: dict[str, Any],
    training: Dataset,
    test: Dataset,
    folder: Path,
) -> Trained:
    """Every file in a folder, each measured as it will be read."""
    from zoo.analysis.macs import parameters
    from zoo.cli.arguments import meaning_of
    from zoo.pretrained import packing
    from zoo.pretrained.catalog import WEIGHTS, Trained

    meaning = meaning_of(trained)
    paths = {WEIGHTS: folder / "weights.npz"}
    packing.save(trained, paths[WEIGHTS])
    _file(paths[WEIGHTS])  # what is too large to ship need not be measured
    channels = trained.inputs[0].shape[-1]
    shape = (*trained.inputs[0].shape[1:3], channels)
    model = packing.network(recipe.model, meaning.labels, meaning.palette, options, shape, name=recipe.name)
    packing.load(model, paths[WEIGHTS])
    print(f"{WEIGHTS}: on {test.name}")
    measured = [_measured(WEIGHTS, model, test, recipe)]
    for form in recipe.forms:
        path = folder / f"{form}.tflite"
        print(f"{form}: converting, on {test.name}")
        _convert(model, path, form, training, recipe)
        measured.append(_measured(form, path, test, recipe))
        _inscribe(path, measured[-1], recipe.licence)
        if form in recipe.shipped:
            paths[form] = path
    return Trained(
        name=recipe.name,
        model=recipe.model,
        task=meaning.task,
        options=options,
        labels=meaning.labels,
        palette=meaning.palette,
        channels=channels,
        input_size=recipe.size,
        parameters=parameters(model),
        source=recipe.source,
        licence=recipe.licence,
        recipe=recipe.name,
        training=facts,
        files={form: _file(path) for form, path in paths.items()},
        measured=tuple(measured),
        folder=folder,
    )


def _convert(model: keras.Model, path: Path, form: str, training: Dataset, recipe: Recipe) -> None:
    import converters
    import zoo.data

    quantized = {}
    if converters.RECIPES[form].calibrated:
        images = zoo.data.calibration_images(training, min(recipe.calibration, len(training)), recipe.size)
        quantized = {"calibration": images, "correct_bias": True}  # as `zoo convert` does
    converters.to_tflite(model, path, recipe=form, input_size=recipe.size, **quantized)


def _measured(form: str, subject: keras.Model | Path, test: Dataset, recipe: Recipe) -> Score:
    """The scores of one form over the whole split."""
    import edge
    import zoo
    from zoo.pretrained.catalog import Score

    if isinstance(subject, Path):
        found = zoo.evaluate(edge.Runner(subject), test)
    else:
        found = zoo.evaluate(subject, test, size=recipe.size)
    return Score(form, test.name, found.images, recipe.size, found.scores)


def _inscribe(path: Path, score: Score, licence: str) -> None:
    """Writes into a converted file what it scored, and whose the data are that it learnt from."""
    from converters.tflite import file as tflite_file

    scores = {score.dataset: {"images": score.images, **score.scores}}
    tflite_file.amend(path, {"scores": scores, "license": f"{licence} (of the data)"})


def _file(path: Path) -> Any:
    from zoo.pretrained.catalog import MOST_BYTES, File, checksum

    size = path.stat().st_size
    if size > MOST_BYTES:
        raise InputError(f"{path.name} has {size:,} bytes and a shipped file at most {MOST_BYTES:,}; ship a smaller network")
    return File(path.name, checksum(path), size)


def _report(known: Trained) -> None:
    from rich.console import Console
    from rich.table import Table

    metric, values = known.headline
    table = Table(box=None, header_style="bold")
    for heading in ("form", metric, "against weights", "bytes"):
        table.add_column(heading, justify="right")
    base = next(iter(values.values()))
    for form, value in values.items():
        file = known.files.get(form)
        size = f"{file.bytes:,}" if file else "not shipped"
        table.add_row(form, f"{100 * value:.2f}", f"{100 * (value - base):+.2f}", size)
    console = Console()
    console.print(table)
    for form, value in values.items():
        if base - value > GOOD:
            console.print(f"[bold]{form} loses {100 * (base - value):.2f} points[/], more than {100 * GOOD:.1f}")
    console.print(f"in {known.folder}/: " + ", ".join(["card.json", *(file.name for file in known.files.values())]))


def train_recipe(
    name: str,
    data: str | None,
    out: Path,
    settings: dict[str, Any],
    build: dict[str, Any],
    minutes: float | None,
) -> Any:
    """`zoo train --recipe`: the result of the last stage that was begun."""
    from zoo.recipes import get

    recipe = get(name)
    recipe.spec(data)  # a wrong one need not wait for Keras
    start_keras()
    from zoo.training.recipe_runner import run

    return run(recipe, data, out, settings=settings, build=build, max_seconds=None if minutes is None else 60 * minutes)
