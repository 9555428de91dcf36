"""Models that find people, side by side: person IoU on CCP's test photographs, and latency in one run.

    python benchmarks/person.py PATH_OF_CCP zoo/pretrained/unet_lite.ccp/int8.tflite PEERS/{deeplab,selfie}*.tflite

Every model gets each photograph stretched to its own input size and is scored on its person mask at the photograph's
resolution. Peers that say nothing of their input and classes are described in PEERS below, by what their publishers state.
The photographs are scored as they are, which the picture beside the table shows, and also enlarged to the upper body, dimmed,
and blurred: not everybody stands in a street by day.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageEnhance, ImageFilter

import edge
import zoo.data
from edge import chart
from edge.errors import InputError
from edge.timing import scored
from zoo.outputs.score import Score

VOC_PERSON = 15
PEERS = {  # start of the file's name → range of its input, how its class map says person
    "selfiesegmentation": ((0.0, 1.0), 1),
    "deeplabv3_mnv2": (None, VOC_PERSON),
    "deeplabv3.": ((-1.0, 1.0), VOC_PERSON),
}
Picture = tuple[Image.Image, np.ndarray]


def upper_body(picture: Image.Image, person: np.ndarray) -> Picture:
    """The upper 45 % of the person with a quarter of margin: what a camera on a desk sees."""
    rows, columns = np.nonzero(person.any(axis=1))[0], np.nonzero(person.any(axis=0))[0]
    bottom = rows[0] + 0.45 * (rows[-1] - rows[0])
    margin = 0.25 * (bottom - rows[0])
    box = (
        max(0, int(columns[0] - margin)), max(0, int(rows[0] - margin)),
        min(person.shape[1], int(columns[-1] + margin)), int(bottom),
    )  # fmt: skip
    return picture.crop(box), person[box[1] : box[3], box[0] : box[2]]


VIEWS: dict[str, Callable[[Image.Image, np.ndarray], Picture]] = {
    "as they are": lambda picture, person: (picture, person),
    "upper body": upper_body,
    "dim": lambda picture, person: (ImageEnhance.Brightness(picture).enhance(0.45), person),
    "blurred": lambda picture, person: (picture.filter(ImageFilter.GaussianBlur(4)), person),
}


def main(
    ccp: Annotated[str, typer.Argument(help="Folder of Clothing Co-Parsing.")],
    files: Annotated[list[Path], typer.Argument(help=".tflite files; the first is what the others are compared with.")],
    out: Annotated[Path, typer.Option(help="The table; the picture goes beside it.")] = Path("docs/results/person.csv"),
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many photographs.")] = None,
) -> None:
    """Score and time."""
    samples = zoo.data.open(f"ccp_person:{ccp}", "test")
    samples = [samples[index] for index in range(min(limit or len(samples), len(samples)))]
    runners = {}
    for path in files:
        input_range, person = next((PEERS[start] for start in PEERS if path.name.startswith(start)), (None, 1))
        runners[path] = edge.Runner(path, input_range=input_range), person
        spec = runners[path][0].card.spec
        if not spec.dense or not spec.classes:
            raise InputError(f"{path} gives no map of classes but {spec.kind}; leave it out")
    latency = {row.file: row for row in edge.benchmark(files, threads=(1,))}
    rows, drawn = [], []
    for path, (runner, person) in runners.items():
        row: dict[str, object] = {"file": path.name, "bytes": path.stat().st_size}
        for name, view in VIEWS.items():
            scores = [iou(runner, person, *view(Image.fromarray(one.image), np.asarray(one.target) == 1)) for one in samples]
            row[name] = round(float(np.mean(scores)), 4)
        timed = latency[path.name]
        drawn += scored([timed], timed.file, Score("person IoU", float(row["as they are"])), "ccp/test")
        rows.append({**row, "ms": round(timed.median_ms, 2), "ratio": round(timed.ratio, 2)})
        print(rows[-1])
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    chart.draw(drawn, out.with_suffix(".svg"))


def iou(runner: edge.Runner, person: int, picture: Image.Image, truth: np.ndarray) -> float:
    """Intersection over union of the person in one photograph."""
    found = runner(np.asarray(picture)) == person
    union = np.logical_or(found, truth).sum()
    if not union:
        raise InputError("a photograph of CCP without a person; is this the right folder?")
    return float(np.logical_and(found, truth).sum() / union)


if __name__ == "__main__":
    typer.run(main)
