"""Files of others in the demo app: Python's mask where the tensors say what it is, else words that say why there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from app_visit import NEEDS, Open
from foreign_files import build, networks
from PIL import Image

import edge

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS


def test_what_the_tensors_do_not_say_is_said(visit: Open, tmp_path: Path) -> None:
    opened, nothing = visit().ready(), "does not know what to do with this model"
    # A single number is a probability or a logit: its tensors do not say which.
    for name, words in (("one_logit", nothing), ("keypoints", nothing), ("any_size", "pictures of any size")):
        opened.page.evaluate("document.documentElement.dataset.state = 'waiting'")  # not the last one's
        opened.page.set_input_files("#model-file", build(networks()[name], tmp_path / f"{name}.tflite"))
        opened.page.wait_for_selector("html[data-state=failed]")
        assert words in opened.page.inner_text("#notice"), name


def test_channels_first_is_read(visit: Open, picture: Path, tmp_path: Path) -> None:
    path = build(networks()["channels_first"], tmp_path / "planes.tflite")
    opened = visit().ready().bring(path)
    _, answer = opened.show(picture)
    with edge.Runner(path, input_range=(0, 255)) as runner:
        expected = runner(np.asarray(Image.open(picture)))
    assert len(np.unique(expected)) > 1
    assert (answer == expected).mean() > 0.99
