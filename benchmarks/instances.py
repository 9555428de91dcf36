"""Nuclei told apart, side by side: what a class for outlines and a watershed gain over a mask cut into its parts.

    python benchmarks/instances.py PATH_OF_NUCLEI

On the test pictures of the Data Science Bowl, seen at 256×256: the semantic weights unet.nuclei, whose mask falls into
connected parts, and again cut by the classical watershed over the distance from its edge; and, where its weights are there,
unet_instances.nuclei, its insides as connected parts alone, and as its kind decodes them, in all shipped forms. Average
precision of masks by COCO's rules, the Bowl's own score, milliseconds of one CPU thread in one run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np
import typer
from rows import First, add_times, write_table

import edge
import zoo
import zoo.data
from zoo.evaluation.predictor import Predictor
from zoo.outputs.instances import Instances, shares_of
from zoo.outputs.watershed import connected_parts, enlarged, flooded
from zoo.pretrained import catalog

SEMANTIC, OUTLINED = "unet.nuclei", "unet_instances.nuclei"
SCORES = ("ap50", "ap", "ap75", "dsb")
COLUMNS = ("what", "answer", "form", *SCORES, "ms", "bytes")
APART = 5  # pixels between two middles of nuclei, as the distance from the edge shows them
LEAST = 8  # pixels of a nucleus on the network's map, as the kind has it

Cut = Callable[[np.ndarray, np.ndarray], np.ndarray]  # bool h×w and shares h×w → numbers h×w


def by_parts(inside: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Connected parts."""
    return connected_parts(inside.astype(int))[0]


def by_distance(inside: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The watershed over the distance from the edge, from its peaks."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter
    from skimage.feature import peak_local_max

    distance = gaussian_filter(distance_transform_edt(inside), 1)
    peaks = peak_local_max(distance, min_distance=APART, labels=connected_parts(inside.astype(int))[0])
    numbers = np.zeros(inside.shape, np.int32)
    numbers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return flooded(numbers, -distance.astype(np.float32), inside)


class CutMask:
    """A network's mask of nuclei, cut: what `zoo.evaluate` takes for a function of an image."""

    def __init__(self, model: keras.Model, size: tuple[int, int], cut: Cut) -> None:
        self.name, self._predictor, self._cut = model.name, Predictor(model, size), cut

    def __call__(self, image: np.ndarray) -> Instances:
        """The nuclei of a picture; a nucleus's score is the mean share of its pixels."""
        output = self._predictor.predict([image])[0]
        inside, shares = output.argmax(axis=-1) == 1, shares_of(output, self._predictor.spec)[..., 1]
        numbers = self._cut(inside, shares)
        count = int(numbers.max())
        sizes = np.bincount(numbers.ravel(), minlength=count + 1)
        scores = np.bincount(numbers.ravel(), weights=shares.ravel(), minlength=count + 1) / np.maximum(sizes, 1)
        found = Instances(enlarged(numbers, image.shape[:2]), np.zeros(count, np.int64), scores[1:].astype(np.float32))
        return found[(sizes[1:] >= LEAST) & (found.areas > 0)]


def main(
    nuclei: Annotated[Path, typer.Argument(help="Folder of the nuclei.")],
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/instances.csv"),
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many pictures.")] = None,
) -> None:
    """Score and time."""
    whole = zoo.data.open(f"nuclei_instances:{nuclei}", "test")
    test = First(whole, limit or len(whole))
    size = catalog.get(SEMANTIC).input_size
    semantic = zoo.build(SEMANTIC)
    cuts = {"connected parts": by_parts, "watershed of the distance": by_distance}
    rows = [_row(SEMANTIC, name, "keras", CutMask(semantic, size, cut), test) for name, cut in cuts.items()]
    if catalog.is_name(OUTLINED):
        rows += _outlined(test, size)
    write_table(out, COLUMNS, rows)


def _outlined(test: Any, size: tuple[int, int]) -> list[dict[str, Any]]:
    model, known = zoo.build(OUTLINED), catalog.get(OUTLINED)
    rows = [_row(OUTLINED, "connected parts", "keras", CutMask(model, size, by_parts), test)]
    rows.append(_row(OUTLINED, "watershed of the outlines", "keras", model, test, size=size))
    paths = [known.path(form) for form in known.files if form != catalog.WEIGHTS]
    timed = [_row(OUTLINED, "watershed of the outlines", path.stem, edge.Runner(path), test) for path in paths]
    for row, path in zip(timed, paths, strict=True):
        row["bytes"] = path.stat().st_size
    add_times(timed, paths, "ms")
    return rows + timed


def _row(what: str, answer: str, form: str, subject: Any, test: Any, **settings: Any) -> dict[str, Any]:
    scores = zoo.evaluate(subject, test, progress=False, **settings).scores
    row = {"what": what, "answer": answer, "form": form, **{name: round(scores[name], 3) for name in SCORES}}
    print(row, flush=True)
    return row


if __name__ == "__main__":
    typer.run(main)
