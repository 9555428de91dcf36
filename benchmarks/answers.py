"""What a class map costs from a picture's pixels on: `edge.Runner`, its network alone, and what one would take instead.

    python benchmarks/answers.py zoo/pretrained/unet_lite.ccp/int8.tflite --mediapipe ENVIRONMENT/bin/python

One thread on one core. `plain` enlarges all scores before it takes the largest, as `edge.Runner` did until 0.1; its map must
be the Runner's to the last pixel (`equal`). `--mediapipe` is the Python of an environment with MediaPipe, whose ImageSegmenter
then answers the same pictures with the same file. The contestants take turns; the figures are processor time, which is what an
answer takes on a core of its own, and each one's least over the rounds: what else the machine does only adds to them.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rows import Row, write_table

if TYPE_CHECKING:
    import edge

SIZES = ((400, 600), (1200, 1600), (3000, 4000))
COLUMNS = (
    "file", "picture", "outlines", "network_ms", "runner_ms", "plain_ms", "mediapipe_ms", "of_plain", "of_mediapipe", "equal",
    "machine",
)  # fmt: skip
Seconds = Callable[[int], float]


def main(
    file: Annotated[Path, typer.Argument(help="A .tflite file of class scores.")],
    mediapipe: Annotated[Path | None, typer.Option(help="The Python of an environment with MediaPipe.")] = None,
    photograph: Annotated[Path | None, typer.Option(help="To be seen at every size; by default a scene that is drawn.")] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 15,
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/answers.csv"),
) -> None:
    """Let them take turns."""
    import edge
    from edge.images import prepare
    from zoo.training.recipe_runner import machine

    facts = {"file": "/".join(file.parts[-2:]), "machine": machine()}  # of all cores, before one is taken
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    pictures = [picture(photograph, size) for size in SIZES]
    runner = edge.Runner(file, threads=1)
    contestants: dict[str, Seconds] = {
        "network": timed(lambda index: runner.run(feeds[index])),
        "runner": timed(lambda index: runner(pictures[index])),
        "plain": timed(lambda index: plain(runner, pictures[index])),
    }
    feeds = [prepare(image, runner.card) for image in pictures]
    with segmenter(mediapipe, file, pictures) as peer:
        if peer is not None:
            contestants["mediapipe"] = peer
        times = race(contestants, len(pictures), rounds)
    rows = []
    for index, image in enumerate(pictures):
        answer = runner(image)
        row: Row = {**facts, "picture": f"{image.shape[1]}×{image.shape[0]}"}
        row |= {f"{name}_ms": round(1000 * least[index], 2) for name, least in times.items()}
        others = [name for name in times if name not in ("network", "runner")]
        row |= {f"of_{name}": round(times["runner"][index] / times[name][index], 3) for name in others}
        row |= {"outlines": round(outlines(runner, feeds[index]), 4), "equal": np.array_equal(answer, plain(runner, image))}
        print(row, flush=True)
        rows.append(row)
    write_table(out, COLUMNS, rows)


def picture(photograph: Path | None, size: tuple[int, int]) -> np.ndarray:
    """uint8 H×W×3 at that size."""
    from PIL import Image

    from edge.images import structured

    if photograph is None:
        return structured(*size, 1)[0]
    return np.asarray(Image.open(photograph).convert("RGB").resize(size[::-1]))


def plain(runner: edge.Runner, image: np.ndarray) -> np.ndarray:
    """The class map by enlarging every score."""
    from edge.images import prepare
    from zoo.outputs.class_scores import best_class
    from zoo.outputs.resize import strips

    answer = np.empty(image.shape[:2], np.uint8)
    for rows, scores in strips(runner.run(prepare(image, runner.card))[0], image.shape[:2]):
        answer[rows] = best_class(scores, runner.card.spec)
    return answer


def outlines(runner: edge.Runner, feed: np.ndarray) -> float:
    """The share of cells between four scores whose best classes differ."""
    best = runner.run(feed)[0].argmax(axis=-1)
    corners = np.stack([best[:-1, :-1], best[1:, :-1], best[:-1, 1:], best[1:, 1:]])
    return float((corners != corners[0]).any(axis=0).mean())


def timed(answer: Callable[[int], object]) -> Seconds:
    """The seconds of one answer to a picture, by its index."""

    def seconds(index: int) -> float:
        began = time.process_time()
        answer(index)
        return time.process_time() - began

    return seconds


@contextmanager
def segmenter(python: Path | None, file: Path, pictures: Sequence[np.ndarray]) -> Iterator[Seconds | None]:
    """MediaPipe's, in a process of its own on this one's core; None without a Python to run it."""
    if python is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder:
        paths = [Path(folder) / f"{index}.npy" for index in range(len(pictures))]
        for path, image in zip(paths, pictures, strict=True):
            np.save(path, image)
        command = [python, Path(__file__).with_name("mediapipe_segmenter.py"), file, *paths]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(list(map(str, command)), text=True, **pipes) as process:

            def seconds(index: int) -> float:
                process.stdin.write(f"{index}\n")
                process.stdin.flush()
                return float(process.stdout.readline())

            yield seconds
            process.stdin.close()


def race(contestants: dict[str, Seconds], count: int, rounds: int) -> dict[str, list[float]]:
    """The least seconds of each contestant for each picture; the first round, which warms up, does not count."""
    times = {name: [float("inf")] * count for name in contestants}
    for number in range(1 + rounds):
        for index in range(count):
            for name, seconds in contestants.items():
                taken = seconds(index)
                if number:
                    times[name][index] = min(times[name][index], taken)
    return times


if __name__ == "__main__":
    typer.run(main)
