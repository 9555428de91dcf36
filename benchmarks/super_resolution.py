"""Super-resolution side by side: bicubic, published networks and ours, in luma PSNR and SSIM, parameters and milliseconds.

    python benchmarks/super_resolution.py PATH --weights pocket_sr.x2 --weights pocket_sr.x3

PATH holds Set5/ and Set14/ (`zoo.data.datasets.photographs`). Small pictures are Pillow's. Files see pictures in tiles; their
milliseconds are of one tile, on one CPU thread. What is published was measured on MATLAB's small pictures, with other training
data: its rows say whose they are.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rows import Row, add_times, write_table

COLUMNS = ("scale", "method", "form", "parameters", "set5_psnr", "set5_ssim", "set14_psnr", "set14_ssim", "ms", "learnt_from")
SETS = {"val": "set5", "test": "set14"}
TILE = (128, 128)
CALIBRATION = 64
# Published luma PSNR on Set5 and Set14, of networks that their authors trained on T91 (Dong et al. 2016, FSRCNN, table 3).
PUBLISHED = (
    (2, "FSRCNN (published)", 12464, 36.94, 32.54, "T91"),
    (3, "FSRCNN (published)", 12464, 33.06, 29.37, "T91"),
    (2, "SRCNN 9-1-5 (published)", 8032, 36.33, 32.15, "T91"),
    (3, "SRCNN 9-1-5 (published)", 8032, 32.45, 29.01, "T91"),
)


def main(
    data: Annotated[Path, typer.Argument(help="The folder of T91, Set5 and Set14.")],
    weights: Annotated[list[str], typer.Option(help="Shipped weights of a network of super-resolution; more than once.")],
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/super_resolution.csv"),
) -> None:
    """Score and time."""
    from zoo.cli.quiet import start_keras

    start_keras()
    from zoo.pretrained import catalog

    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in weights:
            scale = catalog.get(name).options["scale"]
            rows += [bicubic(data, scale), *published(scale), *ours(data, name, scale, Path(folder))]
    write_table(out, COLUMNS, rows)
    print(f"{out}: {len(rows)} rows")


def bicubic(data: Path, scale: int) -> Row:
    """Pillow's enlargement of each picture, and what a tile takes it."""
    from PIL import Image

    def enlarge(picture: np.ndarray) -> np.ndarray:
        size = (picture.shape[1] * scale, picture.shape[0] * scale)
        return np.array(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))

    tile, times = np.zeros((*TILE, 3), np.uint8), []
    for _ in range(50):
        began = time.perf_counter()
        enlarge(tile)
        times.append(time.perf_counter() - began)
    ms = round(1000 * float(np.median(times)), 2)
    return {"scale": scale, "method": "bicubic", "form": "Pillow", **scores(enlarge, data, scale), "ms": ms}


def published(scale: int) -> list[Row]:
    """The rows of other people's tables."""
    names = ("scale", "method", "parameters", "set5_psnr", "set14_psnr", "learnt_from")
    return [dict(zip(names, row, strict=True)) for row in PUBLISHED if row[0] == scale]


def ours(data: Path, name: str, scale: int, folder: Path) -> list[Row]:
    """Shipped weights in Keras, and their files of each form, converted anew where they are not shipped."""
    import converters
    import edge
    import zoo
    import zoo.data
    from zoo.pretrained import catalog

    known, model = catalog.get(name), zoo.build(name)
    facts = {"scale": scale, "method": name, "parameters": known.parameters, "learnt_from": "T91"}
    rows, paths = [{**facts, "form": "weights", **scores(model, data, scale)}], []
    training = zoo.data.open(f"sr:{data},scale={scale}", "train")
    for form in ("float32", "float16", "int8"):
        images = zoo.data.calibration_images(training, CALIBRATION, TILE, tiles=True)
        path = folder / f"{name}_{form}.tflite"
        quantized = {"calibration": images, "correct_bias": True} if form == "int8" else {}
        converters.to_tflite(model, path, form, TILE, **quantized)
        with edge.Runner(path, overlap=known.overlap) as runner:
            rows.append({**facts, "form": form, **scores(runner, data, scale)})
        paths.append(path)
    add_times(rows[1:], paths, "ms", 2)
    return rows


def scores(subject: Any, data: Path, scale: int) -> Row:
    """Of a network, a file or a function of one picture, on both sets."""
    import zoo
    import zoo.data

    row: Row = {}
    for split, column in SETS.items():
        found = zoo.evaluate(subject, zoo.data.open(f"sr:{data},scale={scale}", split), progress=False).scores
        row |= {f"{column}_psnr": round(found["psnr"], 2), f"{column}_ssim": round(found["ssim"], 4)}
    return row


if __name__ == "__main__":
    typer.run(main)
