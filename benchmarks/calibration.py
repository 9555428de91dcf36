r"""How many calibration images int8 needs: the task's score over 1 … 512 of them, for networks with shipped weights.

    python benchmarks/calibration.py pocket_seg.camvid=camvid:PATH --counts 1,2,4,8,16,32,64,128
    python benchmarks/calibration.py unet_lite.ccp=ccp_person:PATH deeplab_v3plus_mobilenet_v2.camvid=camvid:PATH \
        --counts 1,4,16,64

Each count is drawn --draws times from the training split, without putting back, from seeds that are the same for all networks;
the row has the median with the least and the greatest. `spread` is the count as `zoo convert` takes it, evenly over the split.
Every file is made by the direct engine with corrected biases, as `zoo recipes pack` makes those that are shipped, and scored on
the same first --images of the test split, as is the float32 file. A count that a split has not is left out. What stops half-way
goes on when started again: the scores stay in --work. Rows of networks that a call does not name stay in the table.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rows import Row, kept, log_axis, write_table

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
COLUMNS = ("network", "data", "images", "calibration", "draws", "score", "score_least", "score_greatest", "spread", "float32")


def main(
    networks: Annotated[list[str], typer.Argument(help="NAME.TAG=SPEC: shipped weights and data with train and test.")],
    images: Annotated[int, typer.Option(min=1, help="Of the test split, the first.")] = 100,
    draws: Annotated[int, typer.Option(min=1, help="Of each count.")] = 3,
    counts: Annotated[str, typer.Option(help="With commas between them.")] = ",".join(map(str, COUNTS)),
    work: Annotated[Path, typer.Option(help="Where scores stay.")] = Path("runs/calibration"),
    out: Annotated[Path, typer.Option(help="The table; the picture goes beside it.")] = Path("docs/results/calibration.csv"),
) -> None:
    """Draw, convert and score."""
    from zoo.cli.quiet import start_keras

    start_keras()
    chosen, named = tuple(int(count) for count in counts.split(",")), [network.split("=", 1) for network in networks]
    rows = _others(out, {name for name, _ in named})
    rows += [row for name, spec in named for row in _curve(name, spec, chosen, draws, images, work)]
    write_table(out, COLUMNS, rows)
    draw(rows, out.with_suffix(".png"))
    print(f"{out} and {out.with_suffix('.png')}: {len(rows)} points")


def _others(table: Path, names: set[str]) -> list[Row]:
    """The rows of a table that are of other networks than these."""
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["network"] not in names]
    return [{key: value if key in ("network", "data") else _number(value) for key, value in row.items()} for row in rows]


def _number(text: str) -> float:
    return float(text) if "." in text else int(text)


def _curve(name: str, spec: str, counts: tuple[int, ...], draws: int, images: int, work: Path) -> list[Row]:
    """The rows of one network, by count."""
    import zoo
    import zoo.data
    from zoo.pretrained import catalog

    training, test = (zoo.data.open(spec, split) for split in ("train", "test"))
    size = catalog.get(name).input_size
    model = zoo.build(name, input_shape=(*size, catalog.get(name).channels))

    def score(point: str, calibration: Callable[[], np.ndarray] | None) -> float:
        folder = work / name / point
        return kept(folder, lambda: _scored(model, calibration and calibration(), test, images, folder))["score"]

    rows, whole = [], score("float32", None)
    for count in (count for count in counts if count <= len(training)):
        row = {"network": name, "data": test.name, "images": min(images, len(test)), "calibration": count, "draws": draws}
        drawn = [
            score(f"{count}/{seed}", lambda seed=seed, count=count: drawn_images(training, count, size, seed))
            for seed in range(draws)
        ]
        even = score(f"{count}/spread", lambda count=count: zoo.data.calibration_images(training, count, size))
        scores = {"score": statistics.median(drawn), "score_least": min(drawn), "score_greatest": max(drawn)}
        rows.append({**row, **scores, "spread": even, "float32": whole})
    return rows


def drawn_images(training: Dataset, count: int, size: tuple[int, int], seed: int) -> np.ndarray:
    """So many training images, drawn without putting back."""
    from zoo.data.transforms.geometric import resize

    chosen = np.random.default_rng(seed).permutation(len(training))[:count]
    return np.stack([resize(training[int(index)].image, size) for index in chosen]).astype(np.float32)


def _scored(model: keras.Model, calibration: np.ndarray | None, test: Dataset, images: int, folder: Path) -> Row:
    """The score of the file that these images make; the float32 file's without any."""
    import converters
    import edge
    import zoo

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.tflite"
    quantized = {} if calibration is None else {"calibration": calibration, "correct_bias": True}
    converters.to_tflite(model, path, "float32" if calibration is None else "int8", **quantized)
    score = zoo.evaluate(edge.Runner(path), test, limit=images, progress=False).headline
    return {"score": round(score.shown, 2), "name": score.name}


def draw(rows: list[Row], path: Path) -> None:
    """What each network loses to its float32 file, over the count."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for name in dict.fromkeys(row["network"] for row in rows):
        mine = [row for row in rows if row["network"] == name]
        places = [row["calibration"] for row in mine]
        lines = axes.plot(places, [row["score"] - row["float32"] for row in mine], marker="o", ms=4, label=name)
        bounds = ([row[f"score_{end}"] - row["float32"] for row in mine] for end in ("least", "greatest"))
        axes.fill_between(places, *bounds, alpha=0.2, color=lines[0].get_color(), lw=0)
    log_axis(axes, [row["calibration"] for row in rows])
    axes.axhline(0, color="0.6", lw=0.8)
    axes.set_xlabel("calibration images")
    axes.set_ylabel("int8 minus float32, points")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    typer.run(main)
