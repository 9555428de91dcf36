"""`zoo benchmark`."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.arguments import DATA_HELP, Size, parse_size, shipped_file
from zoo.errors import InputError

if TYPE_CHECKING:
    from edge.timing import Row
    from zoo.outputs.score import Score


def benchmark(
    files: Annotated[list[Path], typer.Argument(help=".tflite files, timed turn by turn in one run.")],
    accelerator: Annotated[list[str] | None, typer.Option("--accelerator", "-a", help="cpu, gpu; may recur.")] = None,
    threads: Annotated[list[int] | None, typer.Option("--threads", "-t", help="CPU threads; may recur.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Leave the rows there as CSV.")] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Draw score against ms there (.svg), size as area; scores are the files' own, or --data's."),
    ] = None,
    data: Annotated[str | None, typer.Option("--data", "-d", help=f"Score the files too. {DATA_HELP}")] = None,
    split: Annotated[str, typer.Option(help="Of --data: train, val or test.")] = "test",
    limit: Annotated[int | None, typer.Option(min=1, help="Of --data: only the first so many images.")] = None,
    size: Size = None,
    by_operator: Annotated[
        bool, typer.Option("--by-operator", help="Where the time goes: by operator, on the CPU, on the first --threads.")
    ] = False,
) -> None:
    """Time files side by side, the reading of the answer included.

    Example: zoo benchmark a.tflite b.tflite --threads 1 --picture benchmark.svg
    """
    from rich.console import Console

    import edge
    from edge import chart
    from edge.timing import table, write_csv

    paths = [shipped_file(file) for file in files]
    if by_operator:
        if data is not None or picture is not None or accelerator not in (None, ["cpu"]):
            raise InputError("--by-operator times operators on the CPU; leave out --data, --picture and --accelerator gpu")
        _time_operators(paths, (threads or [1])[0], out, parse_size(size))
        return
    if picture is not None and picture.suffix.lower() != ".svg":
        raise InputError(f"--picture {picture}: give a name that ends in .svg")
    scores = _measured(paths, data, split, limit) if data is not None else _recorded(paths)
    places = {"accelerators": tuple(accelerator or ["cpu"]), "threads": tuple(threads or [1, 2])}
    rows = edge.benchmark(paths, **places, input_size=parse_size(size))  # a size is for the files that take any
    rows = _with_scores(rows, paths, scores)
    Console().print(table(rows))
    if out is not None:
        write_csv(rows, out)
    if picture is not None:
        for name in dict.fromkeys(row.file for row in rows if row.score != row.score):
            print(f"{name} is not in the picture: its score is not known (zoo evaluate FILE --data SPEC --record)")
        chart.draw(rows, picture)


def _time_operators(files: list[Path], threads: int, out: Path | None, size: tuple[int, int] | None) -> None:
    from rich.console import Console

    from edge.operators import operator_times, table, write_csv

    rows = operator_times(files, threads, input_size=size)
    Console().print(table(rows))
    if out is not None:
        write_csv(rows, out)


Scores = dict[Path, tuple["Score", str]]  # file → its score, and the data that it is of


def _with_scores(rows: list[Row], files: list[Path], scores: Scores) -> list[Row]:
    from edge.timing import scored, told_apart

    for file, name in zip(files, told_apart(files), strict=True):
        if file in scores:
            rows = scored(rows, name, *scores[file])
    return rows


def _recorded(files: list[Path]) -> Scores:
    """The scores that the files' cards hold, on the data that most of them were scored on: others are not to be compared."""
    from edge.tflite_file import read_card

    by_file = {}
    for file in files:
        with contextlib.suppress(InputError):  # a card that can't be read is no reason not to time the file, nor the others
            by_file[file] = read_card(file).headlines
    counts = Counter((data, score.name) for headlines in by_file.values() for data, score in headlines.items())
    if not counts:
        return {}
    data, name = counts.most_common(1)[0][0]
    return {
        file: (headlines[data], data)
        for file, headlines in by_file.items()
        if data in headlines and headlines[data].name == name
    }


def _measured(files: list[Path], data: str, split: str, limit: int | None) -> Scores:
    """The scores of files measured on these data, all classes of which they must know."""
    import zoo.data
    from zoo.cli.arguments import open_predictor
    from zoo.cli.evaluate import check_labels
    from zoo.cli.quiet import start_keras

    samples = zoo.data.open(data, split)
    subjects = {file: open_predictor(file) for file in files}
    for file, (_, meaning) in subjects.items():
        check_labels(meaning.labels, samples.classes, file, data)
    start_keras()
    results = {file: zoo.evaluate(runner, samples, limit=limit) for file, (runner, _) in subjects.items()}
    return {file: (result.headline, result.dataset) for file, result in results.items()}
