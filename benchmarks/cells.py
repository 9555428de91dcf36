"""Cells found: detectors of blood cells side by side, by their scores, and where an answer's time goes.

    python benchmarks/cells.py PATH_OF_BCCD

On the test pictures of BCCD, the shipped detectors that were made under one recipe, as Keras computes them and in their
shipped files: average precision by COCO's rules, and of each class at an overlap of a half; milliseconds of one CPU thread in
the network, and of the processor's in choosing among what it says, apart; what the GPU accelerator says of the file.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rows import First, Row, add_times, write_table

import edge
import zoo
import zoo.data
from zoo import outputs
from zoo.pretrained import catalog

TAG = "bccd"
SCORES = ("ap50", "ap", "ap75", "ap_small")
SEEN = 4  # pictures that GPU and CPU are compared on
ROUNDS = 3


def main(
    bccd: Annotated[Path, typer.Argument(help="Folder of BCCD.")],
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/cells.csv"),
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many pictures.")] = None,
) -> None:
    """Score, time and ask the accelerator."""
    whole = zoo.data.open(f"bccd:{bccd}", "test")
    test = First(whole, limit or len(whole))
    rows, files = [], {}
    for name in (name for name in catalog.names() if name.endswith(f".{TAG}")):
        known = catalog.get(name)
        rows.append(_row(name, "keras", known, zoo.build(name), test, size=known.input_size))
        for form in (form for form in known.files if form != catalog.WEIGHTS):
            path = known.path(form)
            row = _row(name, form, known, edge.Runner(path), test)
            verdict = edge.gpu_check(path, [_seen(test[index].image, known.input_size) for index in range(SEEN)])
            row |= {"bytes": path.stat().st_size, "gpu": "equal" if verdict.ok else verdict.reason}
            row["choosing_ms"] = round(_choosing(path, test), 2)
            rows.append(row)
            files[len(rows) - 1] = path
    add_times([rows[place] for place in files], list(files.values()), "ms")
    columns = ("what", "form", "parameters", *SCORES, *(f"ap50 {label}" for label in test.classes))
    write_table(out, (*columns, "ms", "choosing_ms", "bytes", "gpu"), rows)


def _row(what: str, form: str, known: Any, subject: Any, test: Any, **settings: Any) -> Row:
    evaluation = zoo.evaluate(subject, test, progress=False, **settings)
    scores = {name: round(evaluation.scores[name], 3) for name in SCORES}
    classes = {f"ap50 {row['class']}": round(float(row["ap50"]), 3) for row in evaluation.rows()}
    row = {"what": what, "form": form, "parameters": known.parameters, **scores, **classes}
    print(row, flush=True)
    return row


def _seen(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    from zoo.data.transforms.geometric import resize

    return resize(image, size).astype(np.float32)


def _choosing(path: Path, test: Any) -> float:
    """The processor's median milliseconds of choosing boxes among what a file says of a picture."""
    with edge.Runner(path) as runner:
        spec, times = runner.card.spec, []
        for index in range(min(len(test), 12)):
            image = test[index].image
            (raw,) = runner.run(_seen(image, runner.card.size)[None])
            for _ in range(ROUNDS):
                began = time.process_time()
                outputs.kind(spec).decode(raw, spec, image.shape[:2])
                times.append(time.process_time() - began)
    return 1000 * float(np.median(times))


if __name__ == "__main__":
    typer.run(main)
