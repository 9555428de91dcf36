"""`zoo predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import (
    MODEL_HELP,
    OVERLAP,
    Accelerator,
    Flip,
    Overlap,
    Scales,
    Size,
    Tiles,
    open_predictor,
    parse_size,
    parse_tiling,
    parse_views,
)


def predict(
    model: Annotated[Path, typer.Argument(help=MODEL_HELP)],
    images: Annotated[list[Path], typer.Argument(help="Pictures of any size.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the overlays and masks.")] = Path("predictions"),
    size: Size = None,
    accelerator: Accelerator = "cpu",
    flip: Flip = False,
    scales: Scales = None,
    tiles: Tiles = None,
    overlap: Overlap = OVERLAP,
) -> None:
    """Lay a model's answer over pictures.

    Example: zoo predict model.tflite photo.jpg
    """
    from PIL import Image

    from zoo import outputs
    from zoo.data.image_files import read_rgb

    answer, spec = open_predictor(model, accelerator, parse_size(size), parse_views(flip, scales), parse_tiling(tiles, overlap))
    kind = outputs.kind(spec)
    pictures = {path: read_rgb(path) for path in images}  # all of them first: nothing is written if one is broken
    out.mkdir(parents=True, exist_ok=True)
    for path, image in pictures.items():
        prediction = answer(image)
        Image.fromarray(kind.draw(image, prediction, spec)).save(out / f"{path.stem}_overlay.png")
        print(f"{path}: {kind.describe(prediction, spec)}")
        kind.write(prediction, spec, out / path.stem)
    print(f"overlays in {out}/")
