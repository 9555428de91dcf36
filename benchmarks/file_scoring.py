"""What scoring a `.tflite` file over a data set costs beside its network alone: `zoo.evaluate` and as many bare inferences.

    python benchmarks/file_scoring.py zoo/pretrained/pocket_seg.camvid/int8.tflite camvid:PATH

Both take turns, the whole data set a round, on one thread for the network. In `zoo.evaluate` samples are read, prepared,
decoded and counted besides. The first round, which fills the memory with decoded samples, is a row of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rows import Row, write_table

COLUMNS = ("file", "data", "images", "reading", "network_ms", "evaluate_ms", "ratio", "machine")


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

    pairs = []
    for _ in range(1 + rounds):
        pairs.append((seconds(network), seconds(lambda: zoo.evaluate(runner, samples, progress=False))))
    facts: Row = {"file": "/".join(file.parts[-2:]), "data": samples.name, "images": len(samples), "machine": machine()}
    rest = [min(times) for times in zip(*pairs[1:], strict=True)]
    rows = [{**facts, "reading": name, **figures(*times, len(samples))} for name, times in (("yes", pairs[0]), ("no", rest))]
    print(*rows, sep="\n")
    write_table(out, COLUMNS, rows)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def figures(network: float, evaluate: float, count: int) -> Row:
    """Milliseconds an image of both, and their ratio."""
    return {
        "network_ms": round(1000 * network / count, 2),
        "evaluate_ms": round(1000 * evaluate / count, 2),
        "ratio": round(evaluate / network, 3),
    }


if __name__ == "__main__":
    typer.run(main)
