"""A network whose answer is the picture's detail sees it in tiles, in the page as in Python, at its own pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from app_visit import NEEDS, Open
from PIL import Image

import edge
from edge.images import structured
from zoo.pretrained import catalog

pytestmark = NEEDS
pytest_plugins = ["app_fixtures"]


def test_a_picture_is_enlarged_under_the_slider_as_the_runner_does(visit: Open, tmp_path: Path) -> None:
    path = catalog.find("pocket_sr.x2:int8")
    with edge.Runner(path) as runner:
        size = runner.card.size
        pictures = {"larger": structured(size[0] + 45, size[1] + 77, 1)[0], "smaller": structured(70, 90, 1)[0]}
        expected = {name: runner(picture) for name, picture in pictures.items()}
    page = visit().ready().bring(path)
    for name, picture in pictures.items():
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
        page.open(tmp_path / f"{name}.png")
        shown = np.asarray(Image.open(page.saved("#save-mask")).convert("RGB"))
        assert shown.shape == (2 * picture.shape[0], 2 * picture.shape[1], 3)
        assert np.abs(shown.astype(int) - expected[name]).max() <= 2, name
