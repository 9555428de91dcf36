"""The shipped networks that answer with pictures, in the page: enlarged, without noise, where one looks, what moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from app_visit import NEEDS, Open
from PIL import Image

import edge
from edge.images import structured
from zoo.pretrained import catalog

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS


def test_they_answer_as_the_runner_does(visit: Open, tmp_path: Path) -> None:
    pixels = structured(300, 333, 1)[0].astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    opened = visit().ready()

    path = catalog.find("saliency_lite.osie:int8")
    opened.bring(path).open(tmp_path / "picture.png")
    with edge.Runner(path) as runner:
        expected = runner(pixels)
    shown = opened.field("heat", np.float32)
    assert np.corrcoef(shown, expected.ravel())[0, 1] > 0.99

    path = catalog.find("rednet_lite.denoise:int8")
    opened.bring(path).open(tmp_path / "picture.png")
    assert "Compare" in opened.page.locator("input[name=view] + span:visible").all_inner_texts(), "under the slider"
    with edge.Runner(path) as runner:
        clean = runner(pixels).astype(int)
    assert np.abs(np.asarray(Image.open(opened.saved("#save-mask")).convert("RGB")) - clean).max() <= 3

    path = catalog.find("flownet_lite.warp:int8")
    opened.bring(path).page.click("#camera")
    opened.frames(beyond=opened.frames() + 2)
    opened.page.click("#freeze")
    opened.settled()
    with edge.Runner(path) as runner:
        expected = runner(opened.pictures())
    vectors = opened.field("vectors", np.float32).reshape(expected.shape)
    off = np.hypot(*np.moveaxis(vectors - expected, -1, 0)).mean()
    assert off < 0.5 + 0.05 * np.hypot(*np.moveaxis(expected, -1, 0)).mean()
    colours = np.asarray(Image.open(opened.saved("#save-view")).convert("RGB"))
    assert colours.std() > 0 and "movement" in opened.page.inner_text("#spoken").lower()
    opened.page.click("#camera")


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
