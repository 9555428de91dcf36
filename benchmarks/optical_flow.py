"""Optical flow, side by side: how far vectors end from where they should, pair by pair.

    python benchmarks/optical_flow.py PATH [flownet_lite.warp]

PATH is what `flow:PATH` takes, here Middlebury's pairs with known flow and FlyingChairs's two examples, on which nothing was
trained or chosen. Beside the shipped weights in all their forms stand what moves nothing and OpenCV's Farnebäck and DIS. The
Keras network and the classical methods see every pair at its own size. A file shrinks it to the file's, or sees it in tiles of
that, which overlap by OVERLAP pixels. Means are over pairs, each counting as much as another. Latencies are of one file on one
CPU thread in one run; a pair in tiles takes as many as it has tiles.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rows import add_times, write_table

import edge
import zoo
from zoo import classical
from zoo.data.datasets.flow import FlowFolder, FlowPair, flow
from zoo.pretrained import catalog

OVERLAP = 64
METHODS = ("zero_flow", "farneback", "dis")
MEANS = {"end_point_error": "mean_epe", "outliers": "fl_all", "angular_error": "mean_angle"}  # score → column


def main(
    path: Annotated[Path, typer.Argument(help="Folder of pairs.")],
    weights: Annotated[str | None, typer.Argument(help="Shipped weights, as flownet_lite.warp.")] = None,
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/optical_flow.csv"),
) -> None:
    """Score and time."""
    pairs = flow(path, "test").pairs
    rows = [_row(name, "", classical.open(name), pairs) for name in METHODS]
    timed: list[dict[str, Any]] = []
    if weights is not None:
        rows.append(_row(weights, "keras", zoo.build(weights), pairs))
        with TemporaryDirectory() as folder:
            files = _files(weights, Path(folder))
            timed = [_row(weights, form, edge.Runner(file), pairs, file.stat().st_size) for form, file in files.items()]
            add_times(timed, list(files.values()), "ms")
            for form, file in files.items():
                timed.append(_row(weights, f"{form}, in tiles", edge.Runner(file, overlap=OVERLAP), pairs))
    names = [pair.name for pair in pairs]
    write_table(out, ("what", "form", *names, *MEANS.values(), "ms", "bytes"), [*rows, *timed])


def _row(what: str, form: str, subject: Any, pairs: tuple[FlowPair, ...], size: int | str = "") -> dict[str, Any]:
    """End-point errors by pair, and the means of all scores."""
    scores = [zoo.evaluate(subject, FlowFolder(pair.name, [pair]), progress=False).scores for pair in pairs]
    errors = {pair.name: round(each["end_point_error"], 2) for pair, each in zip(pairs, scores, strict=True)}
    means = {column: round(fmean(each[name] for each in scores), 3) for name, column in MEANS.items()}
    row = {"what": what, "form": form, **errors, **means, "bytes": size}
    print(row, flush=True)
    return row


def _files(weights: str, folder: Path) -> dict[str, Path]:
    """The converted files: the shipped ones, and of the other forms such as are made now."""
    import converters

    known, files = catalog.get(weights), {}
    for form in dict.fromkeys(score.form for score in known.measured[1:]):
        files[form] = known.path(form) if form in known.files else folder / f"{form}.tflite"
        if form not in known.files:
            converters.to_tflite(zoo.build(weights), files[form], recipe=form, input_size=known.input_size)
    return files


if __name__ == "__main__":
    typer.run(main)
