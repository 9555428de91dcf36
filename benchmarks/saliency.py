"""Saliency, side by side: where people look in OSIE's test photographs, by the seven scores of the MIT benchmark.

    python benchmarks/saliency.py PATH_OF_OSIE saliency_lite.osie

Beside the shipped weights in all their forms stand the classical methods, what a network must beat that has only learnt where
the middle is (a Gaussian there, and the mean of the training maps), and people: the map of the first eight subjects, scored on
where the other seven looked. Latencies are of one CPU thread in one run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rows import First, add_times, write_table

import edge
import zoo
import zoo.data
from zoo import classical
from zoo.data import Dataset, Sample
from zoo.metrics.saliency import SaliencyScores
from zoo.pretrained import catalog

if TYPE_CHECKING:
    from zoo.pretrained.catalog import Trained

METHODS = ("centre_gaussian", "mean_map", "itti", "spectral_residual")
FIRST_SUBJECTS = 8  # of fifteen: their map is the answer, the others' fixations are what it is scored on
SCORES = ("nss", "cc", "similarity", "kl", "auc_judd", "auc_borji", "auc_shuffled")
COLUMNS = ("what", "form", *SCORES, "lost", "ms", "bytes")


class OtherPeople(Dataset):
    """Pictures with the fixations of the later subjects; `answer` is the map of the first ones."""

    task = "saliency"

    def __init__(self, source: Dataset, folder: Path) -> None:
        self.name, self.target, self._source = source.name, source.target, source
        with np.load(folder / "subjects.npz") as file:
            self._subjects = {stem: file[stem] for stem in file.files}

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Sample:
        return self._parted(index, first=False)

    def answer(self, index: int) -> np.ndarray:
        """float32 H×W."""
        return self._parted(index, first=True).target.density()

    def _parted(self, index: int, first: bool) -> Sample:
        image, target, name = self._source[index]
        of_them = (self._subjects[name] < FIRST_SUBJECTS) == first
        return Sample(image, replace(target, values=target.values[of_them]), name)


def main(
    osie: Annotated[Path, typer.Argument(help="Folder of OSIE.")],
    weights: Annotated[str, typer.Argument(help="Shipped weights, as saliency_lite.osie.")],
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/saliency.csv"),
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many photographs.")] = None,
) -> None:
    """Score and time."""
    whole = zoo.data.open(f"osie:{osie}", "test")
    test = First(whole, limit or len(whole))
    rows = [_row("people", "8 on the other 7", _scored_people(OtherPeople(test, osie)))]
    for name in METHODS:
        spec = f"{name}:data=osie:{osie}" if name == "mean_map" else name
        rows.append(_row(name, "", _scored(classical.open(spec), test)))
    known = catalog.get(weights)
    rows.append(_row(weights, "keras", _scored(zoo.build(weights), test, size=known.input_size)))
    with TemporaryDirectory() as folder:
        files = dict(_files(known, Path(folder)))
        timed = [_row(weights, form, _scored(edge.Runner(path), test), path.stat().st_size) for form, path in files.items()]
        add_times(timed, list(files.values()), "ms")
    base = rows[-1]["nss"]
    for row in timed:
        row["lost"] = f"{100 * (1 - row['nss'] / base):.2f} %"
    write_table(out, COLUMNS, [*rows, *timed])


def _files(known: Trained, folder: Path) -> Iterator[tuple[str, Path]]:
    """The converted files: the shipped ones, and of the other forms such as are made now."""
    import converters

    for score in known.measured[1:]:
        if score.form in known.files:
            yield score.form, known.path(score.form)
        else:
            path = folder / f"{score.form}.tflite"
            converters.to_tflite(zoo.build(known.name), path, recipe=score.form, input_size=known.input_size)
            yield score.form, path


def _scored(subject: Any, test: Dataset, **settings: Any) -> dict[str, float]:
    return zoo.evaluate(subject, test, progress=False, **settings).scores


def _scored_people(data: OtherPeople) -> dict[str, float]:
    metric = SaliencyScores(data)
    for index in range(len(data)):
        metric.update(data[index].target, data.answer(index))
    return {score.name: score.value for score in metric.scores()}


def _row(what: str, form: str, scores: dict[str, float], size: int | str = "") -> dict[str, Any]:
    row = {"what": what, "form": form, **{name: round(scores[name], 3) for name in SCORES}, "bytes": size}
    print(row, flush=True)
    return row


if __name__ == "__main__":
    typer.run(main)
