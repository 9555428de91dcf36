"""`zoo report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.arguments import (
    MODEL_HELP,
    Accelerator,
    Data,
    Size,
    default_size,
    meaning_of,
    open_model,
    open_predictor,
    parse_size,
    shipped_file,
)
from zoo.cli.quiet import start_keras


def report(
    model: Annotated[Path, typer.Argument(help=MODEL_HELP)],
    data: Data,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    size: Size = None,
    accelerator: Accelerator = "cpu",
    pictures: Annotated[int, typer.Option(min=1, help="How many of the best and of the worst pictures to show.")] = 4,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where the page goes; report.html beside the model.")] = None,
) -> None:
    """Score a model and leave a page to look at: its scores, tables, the curves of its run, best and worst pictures.

    Example: zoo report runs/camvid --data camvid:PATH
    """
    import zoo
    import zoo.data
    from zoo.cli.evaluate import check_labels

    samples = zoo.data.open(data, split)
    start_keras()
    from zoo import tasks
    from zoo.evaluation.evaluate import task_of_data
    from zoo.evaluation.report import Extremes, page, run_of

    file, pixels = shipped_file(model), parse_size(size)
    settings: dict[str, Any] = {}
    if file.suffix == ".tflite":
        subject, spec = open_predictor(file, accelerator, pixels)
        task = task_of_data(samples)
    else:
        subject = open_model(model)
        meaning, settings["size"] = meaning_of(subject), pixels or default_size(model)
        spec, task = meaning.spec, tasks.get(meaning.task)
    check_labels(spec.labels, samples.classes, model, data)
    extremes = Extremes(samples, task, spec, pictures)
    evaluation = zoo.evaluate(subject, samples, limit=limit, seen=extremes, **settings)
    target = out or (model / "report.html" if model.is_dir() else Path(f"{model.name}.report.html"))
    target.write_text(page(model.name, evaluation, samples.palette, *run_of(model), extremes), encoding="utf-8")
    headline = evaluation.headline
    unit = "%" if headline.unit == "share" else headline.unit
    print(f"{headline.name} {headline.shown:.2f} {unit}; the page is {target}")
