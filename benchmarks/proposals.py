"""Proposals, side by side: how much of what there is selective search's boxes would find, ours and OpenCV's.

    python benchmarks/proposals.py scenes_boxes:count=100 coco:PATH raccoon:PATH bccd:PATH --peer PYTHON_WITH_OPENCV_CONTRIB

On the test split of each data set: recall at 0.5 and 0.7, COCO's average recall and the mean greatest overlap, and what the
first 100 and 1,000 boxes find, by `zoo.metrics.proposals`. Times are the CPU's of one process in one run. OpenCV's
(`cv2.ximgproc.segmentation`, of opencv-contrib-python-headless, which cannot be installed beside the other OpenCV) runs in
the Python of another environment; it draws its ranks anew each time, so its rows move by some thousandths. Its strategies are
what its `switchTo…` choose, whose first regions are larger (k = 150 and 300 for `fast`): it makes fewer boxes.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer
from rows import Row, write_table

import zoo.data
from zoo import classical
from zoo.metrics.proposals import ProposalRecall

STRATEGIES = ["single", "fast", "quality"]
SCORES = ("ar", "recall_50", "recall_70", "ar_100", "ar_1000", "overlap")
COLUMNS = ("data", "pictures", "what", "strategies", "proposals", *SCORES, "cpu_seconds")
PEER = """
import sys, time
import cv2
import numpy as np

cv2.setNumThreads(1)
switch = {"single": "SingleStrategy", "fast": "SelectiveSearchFast", "quality": "SelectiveSearchQuality"}[sys.argv[2]]
search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
answers, start = {}, time.process_time()
with np.load(sys.argv[1]) as pictures:
    for name in pictures.files:
        search.setBaseImage(np.ascontiguousarray(pictures[name][..., ::-1]))
        getattr(search, f"switchTo{switch}")()
        answers[name] = search.process()
np.savez(sys.argv[3], seconds=time.process_time() - start, **answers)
"""


def ours(strategies: str, samples: list[Any]) -> tuple[list[np.ndarray], float]:
    """The proposals for each picture, n×6, and the CPU seconds of all."""
    search = classical.open(f"selective_search:strategies={strategies}")
    search(samples[0].image)  # the first call also imports
    start = time.process_time()
    return [search(sample.image) for sample in samples], time.process_time() - start


def theirs(python: Path, strategies: str, samples: list[Any]) -> tuple[list[np.ndarray], float]:
    """As `ours`, of OpenCV's in another Python."""
    with TemporaryDirectory() as folder:
        pictures, answers = Path(folder, "pictures.npz"), Path(folder, "answers.npz")
        np.savez(pictures, **{f"{index}": sample.image for index, sample in enumerate(samples)})
        subprocess.run([python, "-c", PEER, pictures, strategies, answers], check=True)
        with np.load(answers) as file:
            frames = [file[f"{index}"].astype(np.float64) for index in range(len(samples))]
            seconds = float(file["seconds"])
    rows = []
    for frame in frames:
        edges = np.concatenate([frame[:, :2], frame[:, :2] + frame[:, 2:]], axis=1)
        rows.append(np.column_stack([edges, np.zeros(len(edges)), 1 / np.arange(1, 1 + len(edges))]))
    return rows, seconds


def row(spec: str, what: str, strategies: str, samples: list[Any], answer: Callable[..., Any]) -> Row:
    """The scores of one way on one data set."""
    answers, seconds = answer(strategies, samples)
    metric = ProposalRecall()
    for sample, boxes in zip(samples, answers, strict=True):
        metric.update(sample.target, boxes)
    scores = {score.name: score.value for score in metric.scores()}
    facts = {"data": spec.partition(":")[0], "pictures": len(samples), "what": what, "strategies": strategies}
    result = {**facts, "proposals": round(scores["proposals"]), **{name: round(scores[name], 3) for name in SCORES}}
    result["cpu_seconds"] = round(seconds / len(samples), 3)
    print(result, flush=True)
    return result


def main(
    data: Annotated[list[str], typer.Argument(help="Specs of data sets of detection.")],
    peer: Annotated[Path | None, typer.Option(help="A Python that has opencv-contrib.")] = None,
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/proposals.csv"),
    limit: Annotated[int, typer.Option(help="Pictures of each data set at most.")] = 100,
    strategies: Annotated[list[str], typer.Option(help="Of single, fast and quality, which takes 5 s a picture.")] = STRATEGIES,
) -> None:
    """Measure selective search's proposals, ours and OpenCV's."""
    ways = {"selective_search": ours}
    if peer is not None:
        ways["OpenCV"] = lambda strategies, samples: theirs(peer, strategies, samples)
    rows = []
    for spec in data:
        dataset = zoo.data.open(spec, "test")
        samples = [dataset[index] for index in range(min(limit, len(dataset)))]
        rows += [row(spec, what, name, samples, way) for what, way in ways.items() for name in strategies]
    write_table(out, COLUMNS, rows)


if __name__ == "__main__":
    typer.run(main)
