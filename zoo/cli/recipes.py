"""`zoo recipes`: how the shipped weights were made, and a finished run made into shipped weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.arguments import DATA_HELP
from zoo.cli.quiet import start_keras

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset
    from zoo.pretrained.catalog import Trained
    from zoo.recipes import Recipe

GOOD = 0.003  # of its headline score a converted file may lose where that is a share,
GOOD_SHARE = 0.01  # and where it is another number, in shares of that

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
    recipe.spec(data)  # a wrong one need not wait for Keras
    start_keras()
    from zoo.pretrained import packing

    _report(packing.pack(recipe, run, data, _Tools(), out, print))


@app.command()
def convert(
    name: Annotated[str, typer.Argument(help="A recipe's name, or the path of a recipe file; its weights are there.")],
    data: Annotated[str | None, typer.Option("--data", "-d", help=DATA_HELP)] = None,
) -> None:
    """Make the converted files of shipped weights anew, as their recipe now says, with their scores and checksums.

    Weights stay as they are, and the scores of forms that have no file. For a recipe whose `quantization` has changed.

    Example: zoo recipes convert pocket_detect.bccd --data bccd:PATH
    """
    from zoo.pretrained import catalog
    from zoo.recipes import get

    recipe = get(name)
    recipe.spec(data)  # a wrong one need not wait for Keras
    weights = catalog.get(recipe.name)
    start_keras()
    from zoo.pretrained import packing

    _report(packing.convert(weights, recipe, data, _Tools(), print))


@app.command("take-over")
def take_over(
    name: Annotated[str, typer.Argument(help="A recipe's name; its weights are there.")],
    run: Annotated[Path, typer.Argument(help="Folder of the run to come.")],
    stage: Annotated[str, typer.Option(help="The earlier stage that the weights are of.")],
) -> None:
    """Let shipped weights stand for an earlier stage of their recipe, to which another was added; zoo train goes on from there.

    Example: zoo recipes take-over rednet_lite.denoise runs/denoise --stage once_more
    """
    from zoo.recipes import get

    recipe = get(name)
    start_keras()
    from zoo.training.recipe_runner import take_over

    print(f"{take_over(recipe, stage, run)}: zoo train --recipe {name} goes on behind it")


def write_scores(name: Annotated[str, typer.Argument(help="Of shipped weights, as unet_lite.ccp.")]) -> None:
    """Write the scores of shipped weights into their converted files once more, and the files' new checksums beside them.

    Packing has done so already; this is for files that were packed before, or whose scores were corrected.

    Example: zoo recipes write-scores unet_lite.ccp
    """
    from zoo.pretrained import catalog

    weights = catalog.get(name)
    start_keras()
    from zoo.pretrained import packing

    for form, file in packing.write_scores(weights, _Tools()).files.items():
        if form != catalog.WEIGHTS:
            print(f"{file.name}: {file.bytes:,} bytes")


app.command("write-scores")(write_scores)
app.command("inscribe", hidden=True)(write_scores)  # its word of 0.1


class _Tools:
    """Converters and runner, for `zoo.pretrained.packing`."""

    def convert(self, model: keras.Model, path: Path, form: str, training: Dataset, recipe: Recipe) -> None:
        """Writes the converted file of a form, calibrated as `zoo convert` does."""
        import converters

        size, tiles = recipe.size, recipe.overlap is not None
        options = {"data": training, "count": recipe.calibration, "input_size": size, "tiles": tiles}
        if form == "int8" and recipe.rounded is not None:
            model, options["data"] = _rounded(model, training, recipe), None
        elif converters.RECIPES[form].calibrated:
            options |= recipe.quantization
        converters.device_files(model, path, form, **options)

    def open(self, path: Path, overlap: int | None) -> Any:
        """LiteRT's runner on the file."""
        import edge

        return edge.Runner(path, overlap=overlap)

    def describe(self, path: Path, facts: Mapping[str, Any]) -> None:
        """Adds to the file's densezoo.json."""
        from converters.tflite import file as tflite_file

        tflite_file.amend(path, dict(facts))


def _rounded(model: keras.Model, training: Dataset, recipe: Recipe) -> keras.Model:
    """The network, equalised, after it has learnt on with the rounding of its int8 file, as its recipe says."""
    import converters
    import zoo.data
    from zoo.recipes import StageContext

    settings = recipe.rounded(StageContext(training, {})) if callable(recipe.rounded) else recipe.rounded
    images = zoo.data.calibration_images(training, recipe.calibration, recipe.size, recipe.overlap is not None)
    network = converters.quantize_aware(converters.equalize(model, images), images, ranges="least error")
    zoo.train(network, training, **settings)
    return network


def _report(weights: Trained) -> None:
    from rich.console import Console
    from rich.table import Table

    from zoo.outputs.score import SHARE

    headlines = weights.headlines
    base = next(iter(headlines.values()))
    table = Table(box=None, header_style="bold")
    for heading in ("form", f"{base.label} {base.shown_unit}".rstrip(), "against weights", "bytes"):
        table.add_column(heading, justify="right")
    for form, score in headlines.items():
        file = weights.files.get(form)
        size = f"{file.bytes:,}" if file else "not shipped"
        table.add_row(form, f"{score.shown:.4g}", f"{score.shown - base.shown:+.2g}", size)
    console = Console()
    console.print(table)
    for form, score in headlines.items():
        lost = (base.value - score.value) * (1 if base.higher_is_better else -1)
        allowed = GOOD if base.unit == SHARE else GOOD_SHARE * abs(base.value)
        if lost > allowed:
            lost, allowed = (replace(base, value=value).text for value in (lost, allowed))
            console.print(f"[bold]{form} loses {lost}[/], more than {allowed}")
    files = ", ".join(["card.json", *(file.name for file in weights.files.values())])
    console.print(f"in {weights.folder}/: {files}", markup=False, emoji=False)


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
