"""`zoo crf`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import DATA_HELP, Size, open_model, parse_size
from zoo.errors import InputError


def crf(
    model: Annotated[Path, typer.Argument(help="A .keras file of a segmenter, or the folder of a training run.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The new model; default MODEL_crf.keras.")] = None,
    options: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=NUMBER, as colour_width=8; may recur. See zoo.layers.DenseCRF.")
    ] = None,
    data: Annotated[str | None, typer.Option("--data", "-d", help=f"Search weights and widths there: {DATA_HELP}")] = None,
    split: Annotated[str, typer.Option(help="Of --data; not the one you will report on.")] = "val",
    count: Annotated[int, typer.Option(min=1, help="Images of the search, spread over the split.")] = 12,
    size: Size = None,
) -> None:
    """Put a fully connected CRF behind a segmenter; with --data, search its weights and widths there first.

    What it leaves is a model like any other: evaluate it and predict with it.

    Example: zoo crf runs/camvid --data camvid:PATH; then zoo evaluate runs/camvid/model_crf.keras --data camvid:PATH
    """
    import zoo.data
    from zoo.cli.quiet import start_keras

    settings = parse_options(options or [])
    samples = None if data is None else zoo.data.open(data, split)
    start_keras()
    from zoo.postprocessing.dense_crf import search, with_crf

    network = open_model(model)
    if samples is not None:
        result = search(network, samples, count, parse_size(size), settings, say=lambda line: print(line, flush=True))
        print(f"mIoU {100 * result.before:.2f} → {100 * result.best:.2f} on the images of the search")
        settings = result.options
    elif size is not None:
        raise InputError("--size is of the search; say where with --data")
    path = out or (model / "model_crf.keras" if model.is_dir() else model.with_name(f"{model.stem}_crf.keras"))
    if path.suffix != ".keras":
        raise InputError(f"{path}: a model is saved as .keras")
    with_crf(network, **settings).save(path)
    print(path)


def parse_options(pairs: list[str]) -> dict[str, float]:
    """["colour_width=8", "iterations=10"] as numbers by name.

    Raises:
        InputError: for anything but NAME=NUMBER.
    """
    options = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        try:
            options[name] = int(value) if value.isdecimal() else float(value)
        except ValueError:
            raise InputError(f"--set {pair}: expected NAME=NUMBER, as colour_width=8") from None
    return options
