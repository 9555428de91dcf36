"""`zoo evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import Accelerator, Data, Size, meaning_of, open_model, open_predictor, parse_size
from zoo.cli.quiet import start_keras


def evaluate(
    model: Annotated[Path, typer.Argument(help="A .keras file, the folder of a training run, or a .tflite file.")],
    data: Data,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    size: Size = None,
    accelerator: Accelerator = "cpu",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Leave the scores there as JSON.")] = None,
) -> None:
    """Score a model: one confusion matrix over the whole split, at the images' own resolution.

    Example: zoo evaluate runs/camvid --data camvid:PATH
    """
    from rich.console import Console

    import zoo
    import zoo.data

    samples = zoo.data.open(data, split)
    start_keras()
    if model.suffix == ".tflite":
        subject, meaning = open_predictor(model, accelerator, parse_size(size))
        evaluate_at = None
    else:
        subject = open_model(model)
        meaning, evaluate_at = meaning_of(subject), parse_size(size)
    check_labels(meaning.labels, samples.classes, model, data)
    evaluation = zoo.evaluate(subject, samples, size=evaluate_at, limit=limit)
    Console().print(evaluation.table())
    if out is not None:
        evaluation.to_json(out)


def check_labels(ours: tuple[str, ...], theirs: tuple[str, ...], model: Path, data: str) -> None:
    """Refuses to score a model on data of other classes.

    Raises:
        InputError: if the numbers of classes differ.
    """
    from zoo.errors import InputError

    if len(ours) != len(theirs):
        raise InputError(f"{model} knows {len(ours)} classes, {data} has {len(theirs)}; they cannot be held against each other")
