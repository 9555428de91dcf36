"""`zoo evaluate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.arguments import (
    MODEL_HELP,
    OVERLAP,
    Accelerator,
    Data,
    Flip,
    InputRange,
    Labels,
    Output,
    Overlap,
    Scales,
    Size,
    Tiles,
    default_size,
    meaning_of,
    open_method,
    open_model,
    open_predictor,
    parse_meaning,
    parse_size,
    parse_tiling,
    parse_views,
    refuse_views,
    shipped_file,
)
from zoo.cli.quiet import start_keras
from zoo.errors import InputError

if TYPE_CHECKING:
    from zoo.data import Dataset
    from zoo.evaluation.evaluate import Evaluation

BOUNDARY = 0.0075  # tolerance for contours, of the image's diagonal


def evaluate(
    model: Annotated[Path, typer.Argument(help=MODEL_HELP)],
    data: Data,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    size: Size = None,
    accelerator: Accelerator = "cpu",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")] = None,
    oracle: Annotated[
        bool, typer.Option(help="Classical methods: let the truth name the regions, for two classes too (an upper bound).")
    ] = False,
    flip: Flip = False,
    scales: Scales = None,
    tiles: Tiles = None,
    overlap: Overlap = OVERLAP,
    boundary: Annotated[
        bool, typer.Option("--boundary", help="Score contours too: F-score within 0.75 % of the diagonal; takes a while.")
    ] = False,
    labels: Labels = None,
    output: Output = None,
    input_range: InputRange = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Leave the scores there as JSON.")] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the scores into the .tflite file's own card; the demo app shows them.")
    ] = False,
) -> None:
    """Score a model by its task's metrics over the whole split, at the images' own resolution.

    Example: zoo evaluate runs/camvid --data camvid:PATH
    """
    from rich.console import Console

    from zoo import classical

    pixels = parse_size(size)
    method = open_method(model, accelerator, pixels)
    if oracle and method is None:
        raise InputError(f"--oracle is for classical methods, whose regions have no names; {model} names its own classes")
    if record:
        _check_recordable(model)
    tta, tiling, said = parse_views(flip, scales), parse_tiling(tiles, overlap), parse_meaning(labels, output, input_range)
    settings: dict[str, Any] = {"limit": limit, "boundary": BOUNDARY if boundary else None}
    if method is not None:
        refuse_views(tta, tiling, model)
        if said:
            raise InputError(f"--labels, --output and --input-range say what a .tflite file means; {model} is none")
        evaluation = classical.evaluate(method, _samples(data, split), oracle=oracle, **settings)
    else:
        settings |= {"tta": tta, "tiling": tiling}
        evaluation = _evaluate_network(model, data, _samples(data, split), pixels, accelerator, settings, said)
    Console().print(evaluation.table())
    if out is not None:
        evaluation.to_json(out)
    if record:
        _record(model, evaluation)


def _check_recordable(model: Path) -> None:
    """Refuses, before any work, what has no card of its own or one that is sealed.

    Raises:
        InputError: for another thing than a `.tflite` file of the zoo, and for shipped weights.
    """
    from zoo.pretrained import catalog, store

    shipped = [folder.resolve() for folder in (*catalog.folders(), *store.folders())]
    if shipped_file(model) != model or model.resolve().parents[1] in shipped:
        raise InputError(f"--record: {model} is shipped with a checksum; copy the file, or use zoo recipes write-scores")
    if model.suffix != ".tflite":
        raise InputError(f"--record writes into a .tflite file, and {model} is none; leave the scores with --out FILE.json")
    from edge.tflite_file import read_card

    if read_card(model).source != "densezoo.json":
        raise InputError(f"--record: {model} was written by others and has no densezoo.json; --out FILE.json keeps the scores")


def _record(path: Path, evaluation: Evaluation) -> None:
    """Adds to what a file's card says of other data, and replaces what it says of these."""
    from converters.tflite import file as tflite_file

    before = (tflite_file.read(path) or {}).get("scores", {})
    scores = {"images": evaluation.images, "scores": [score.to_dict() for score in evaluation.results]}
    tflite_file.amend(path, {"scores": {**before, evaluation.dataset: scores}})


def _samples(data: str, split: str) -> Dataset:
    import zoo.data

    samples = zoo.data.open(data, split)
    start_keras()
    return samples


def _evaluate_network(
    model: Path,
    data: str,
    samples: Dataset,
    pixels: tuple[int, int] | None,
    accelerator: str,
    settings: dict[str, Any],
    said: dict[str, Any],
) -> Evaluation:
    """A Keras model is scored at its own size, or the one that was asked for; a file through the runner."""
    import zoo

    file = shipped_file(model)
    if file.suffix == ".tflite":
        subject, meaning = open_predictor(file, accelerator, pixels, settings["tta"], settings["tiling"], said)
        pixels = None
    elif said:
        raise InputError(f"--labels, --output and --input-range say what a .tflite file means; {model} is none")
    else:
        subject = open_model(model)
        meaning, pixels = meaning_of(subject), pixels or default_size(model)
    check_labels(meaning.labels, samples.classes, model, data)
    return zoo.evaluate(subject, samples, size=pixels, **settings)


def check_labels(ours: tuple[str, ...], theirs: tuple[str, ...], model: Path, data: str) -> None:
    """Refuses to score a model on data of another number of classes, and tells where they have other names.

    Raises:
        InputError: if the numbers of classes differ.
    """
    if len(ours) != len(theirs):
        raise InputError(f"{model} knows {len(ours)} classes, {data} has {len(theirs)}; they cannot be held against each other")
    other = [f"{mine} as {its}" for mine, its in zip(ours, theirs, strict=True) if mine.casefold() != its.casefold()]
    if other:
        print(f"note: classes are matched by number, and {model} names some otherwise: {', '.join(other[:4])}", file=sys.stderr)
