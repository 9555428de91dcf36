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
    InputRange,
    Labels,
    Output,
    Overlap,
    Scales,
    Size,
    Tiles,
    open_predictor,
    parse_meaning,
    parse_size,
    parse_tiling,
    parse_views,
)
from zoo.errors import InputError


def predict(
    model: Annotated[Path, typer.Argument(help=MODEL_HELP)],
    images: Annotated[
        list[Path], typer.Argument(help="Pictures of any size; for a model of several frames so many for each answer.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the overlays and masks.")] = Path("predictions"),
    size: Size = None,
    accelerator: Accelerator = "cpu",
    flip: Flip = False,
    scales: Scales = None,
    tiles: Tiles = None,
    overlap: Overlap = OVERLAP,
    labels: Labels = None,
    output: Output = None,
    input_range: InputRange = None,
) -> None:
    """Draw and write a model's answers to pictures.

    A model of two frames, as of optical flow, takes the pictures in pairs: first second, first second, and so on.

    Example: zoo predict model.tflite photo.jpg

    zoo predict theirs.tflite photo.jpg --input-range 0,1 --output probabilities --labels background,person
    """
    import numpy as np
    from PIL import Image

    from zoo import outputs
    from zoo.data.image_files import as_rgb, read_image

    views, said = (parse_views(flip, scales), parse_tiling(tiles, overlap)), parse_meaning(labels, output, input_range)
    answer, spec = open_predictor(model, accelerator, parse_size(size), *views, said)
    kind = outputs.kind(spec)
    frames = getattr(answer, "frames", 1)
    if len(images) % frames:
        raise InputError(f"{len(images)} pictures: {model} takes them {frames} at a time")
    channels = getattr(answer, "channels", 3)
    pictures = [read_image(path, channels) for path in images]  # all of them first: nothing is written if one is broken
    out.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(images), frames):
        path, image = images[start], as_rgb(pictures[start])
        if len({picture.shape for picture in pictures[start : start + frames]}) > 1:
            raise InputError(f"{path} and the next are of several sizes; frames are of one size")
        prediction = answer(np.concatenate(pictures[start : start + frames], axis=-1))
        Image.fromarray(kind.draw(image, prediction, spec)).save(out / f"{path.stem}_overlay.png")
        print(f"{path}: {kind.describe(prediction, spec)}")
        kind.write(prediction, spec, out / path.stem)
        for name, sheet in (answer.sheets(image) if hasattr(answer, "sheets") else {}).items():
            Image.fromarray(sheet).save(out / f"{path.stem}_{name}.png")
    print(f"overlays in {out}/")
