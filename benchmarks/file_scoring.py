"""What scoring a `.tflite` file over a data set costs beside its network alone: `zoo.evaluate` and as many bare inferences.

    python benchmarks/file_scoring.py zoo/pretrained/pocket_seg.camvid/int8.tflite camvid:PATH

Both take turns on the whole data set, with one thread for the network. In `zoo.evaluate` samples are read and answers counted
in threads of their own, and the pictures prepared and the maps decoded in the network's. Figures are processor time of that
thread, which is what passes where the machine has a second core to itself, and beside it the wall's; each the least over the
rounds. The first round, which fills the memory with decoded samples, is a row of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rows import Row, write_table

COLUMNS = (
    "file", "data", "images", "reading", "network_ms", "evaluate_ms", "ratio", "network_wall_ms", "evaluate_wall_ms", "machine",
)  # fmt: skip


def main(
    file: Annotated[Path, typer.Argument(help="A .tflite file.")],
    data: Annotated[str, typer.Argument(help="A data spec with the split, such as camvid:PATH.")],
    split: Annotated[str, typer.Option()] = "test",
    rounds: Annotated[int, typer.Option(min=1, help="After the one that reads.")] = 3,
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/file_scoring.csv"),
) -> None:
    """Let them take turns."""
    import edge
    import zoo
    import zoo.data
    from edge.images import prepare
    from zoo.training.recipe_runner import machine

    runner = edge.Runner(file, threads=1)
    warm = zoo.data.open(data, split)
    feed = prepare(warm[0].image, runner.card)
    zoo.evaluate(runner, warm, limit=2, progress=False)  # what is imported and set up once
    samples = zoo.data.open(data, split)

    def network() -> None:
        for _ in range(len(samples)):
            runner.run(feed)

    def evaluate() -> None:
        zoo.evaluate(runner, samples, progress=False)

    times = np.array([[seconds(network), seconds(evaluate)] for _ in range(1 + rounds)]) / len(samples)
    facts: Row = {"file": "/".join(file.parts[-2:]), "data": samples.name, "images": len(samples), "machine": machine()}
    rows = [{**facts, "reading": "yes", **figures(times[0])}, {**facts, "reading": "no", **figures(times[1:].min(axis=0))}]
    print(*rows, sep="\n")
    write_table(out, COLUMNS, rows)


def seconds(work: Callable[[], None]) -> tuple[float, float]:
    """How long it takes: processor time of this thread, and the wall's."""
    began = time.thread_time(), time.perf_counter()
    work()
    return time.thread_time() - began[0], time.perf_counter() - began[1]


def figures(times: np.ndarray) -> Row:
    """Milliseconds an image of the network and of `zoo.evaluate`, by the processor and by the wall."""
    (network, network_wall), (evaluate, evaluate_wall) = (1000 * times).tolist()
    own = {"network_ms": round(network, 2), "evaluate_ms": round(evaluate, 2), "ratio": round(evaluate / network, 3)}
    return {**own, "network_wall_ms": round(network_wall, 2), "evaluate_wall_ms": round(evaluate_wall, 2)}


if __name__ == "__main__":
    typer.run(main)
