"""Pictures of the documentation: what shipped weights answer on pictures that may be shown.

    python -m publishing.pictures nuclei:PATH      # docs/nuclei.png: Data Science Bowl 2018 is CC0
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

import edge
import zoo.data
from zoo import outputs
from zoo.pretrained import catalog

OUT = Path(__file__).parents[1] / "docs" / "nuclei.png"
SIDE, GAP, ROWS = 200, 8, 3  # pixels, pixels, pictures


def main(data: Annotated[str, typer.Argument(help="nuclei:PATH")], weights: str = "unet.nuclei:int8") -> None:
    """Draw picture, truth and answer of three test pictures that look least alike."""
    samples = zoo.data.open(data, "test")
    runner = edge.Runner(catalog.find(weights))
    spec = runner.card.outputs[0]
    kind = outputs.kind(spec)
    light = [samples[index].image.mean() for index in range(len(samples))]
    chosen = [int(np.argsort(light)[round(place)]) for place in np.linspace(0, len(samples) - 1, ROWS)]
    rows = []
    for index in chosen:
        image, target, _ = samples[index]
        shown = (image, kind.draw(image, np.asarray(target), spec), kind.draw(image, runner(image), spec))
        rows.append(np.hstack([_framed(picture) for picture in shown]))
    Image.fromarray(np.vstack(rows)[:-GAP, :-GAP]).save(OUT, optimize=True)


def _framed(picture: np.ndarray) -> np.ndarray:
    """Its middle at one size, with a white gap to the right and below."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(picture).crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
    return np.pad(np.asarray(square), ((0, GAP), (0, GAP), (0, 0)), constant_values=255)


if __name__ == "__main__":
    typer.run(main)
