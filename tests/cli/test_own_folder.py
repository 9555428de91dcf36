"""A newcomer's own folder on the command line: whatever is wrong with it is one sentence, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import says
from PIL import Image

import zoo.data

Y, X = np.mgrid[:20, :24]
SHAPE = ((X - 10) ** 2 + (Y - 10) ** 2 < 40).astype(np.uint8)


def folder(root: Path, count: int = 10) -> Path:
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    for index in range(count):
        picture = np.stack([SHAPE * 200, X.astype(np.uint8) * 5, Y.astype(np.uint8) * 5], axis=-1)
        Image.fromarray(picture).save(root / f"images/{index}.png")
        Image.fromarray(SHAPE * 255).save(root / f"masks/{index}.png")
    return root


def truncate(path: Path, length: int = 20) -> None:
    path.write_bytes(path.read_bytes()[:length])


def all_of(root: Path, change: Callable[[Path], object]) -> None:
    for path in root.iterdir():
        change(path)


SPOILT: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "not named": (lambda root: None, "{root}", "a folder of images/ and masks/ is folder:{root}"),
    "nowhere": (lambda root: None, "folder:{root}x", "the data should be in {root}x, which does not exist"),
    "too deep": (lambda root: None, "folder:{root}/images", "images/images, which does not exist"),
    "a mask is missing": (lambda root: (root / "masks/3.png").unlink(), "folder:{root}", "3.png: this image has no mask"),
    "all masks are": (lambda root: all_of(root / "masks", Path.unlink), "folder:{root}", "this image has no mask"),
    "no masks folder": (lambda root: (root / "masks").rename(root / "m"), "folder:{root}", "masks should be in"),
    "no pictures": (
        lambda root: (all_of(root / "masks", Path.unlink), all_of(root / "images", Path.unlink)),
        "folder:{root}",
        "images holds 0, and each of train, val and test needs one",
    ),
    "two pictures": (
        lambda root: [(root / part / f"{index}.png").unlink() for part in ("images", "masks") for index in range(2, 10)],
        "folder:{root}",
        "images holds 2, and each of train, val and test needs one",
    ),
    "sizes differ": (
        lambda root: Image.fromarray(SHAPE[:10] * 255).save(root / "masks/9.png"),
        "folder:{root}",
        "9.png: the mask is 24×10 (W×H) and its image 9.png is 24×20",
    ),
    "no picture": (lambda root: all_of(root / "images", truncate), "folder:{root}", ".png: cannot be read as a picture"),
    "no mask": (lambda root: truncate(root / "masks/7.png"), "folder:{root}", "7.png: cannot be read as a picture"),
    "no val": (lambda root: (root / "train.txt").write_text("0\n1"), "folder:{root}", "where there is but train.txt"),
    "empty val": (
        lambda root: ((root / "train.txt").write_text("0\n1"), (root / "val.txt").write_text("\n")),
        "folder:{root}",
        "val.txt should list its images' stems",
    ),
    "too many names": (
        lambda root: (root / "classes.txt").write_text("a\nb\nc"),
        "folder:{root}",
        "is it the foreground?",
    ),
    "no fourth channel": (lambda root: None, "folder:{root},channels=4", "(mode RGB); channels=4 needs a fourth"),
    "two channels": (lambda root: None, "folder:{root},channels=2", "should be channels=1, 3 or 4"),
    "a slip": (lambda root: None, "folder:{root},chanels=1", "unknown option of folder 'chanels'; did you mean channels"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_folder_is_one_sentence_before_training(tmp_path: Path, monkeypatch, capsys, case: str):
    spoil, spec, expected = SPOILT[case]
    root = folder(tmp_path / "mine")
    spoil(root)
    arguments = ("train", "unet", "--data", spec.format(root=root), "--out", tmp_path / "run")
    status, out, error = says(monkeypatch, capsys, *arguments)
    assert status == 2 and out == "" and error.startswith("zoo: ") and error.count("\n") == 1, error
    assert expected.format(root=root) in error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("channels", [1, 4])
def test_the_network_has_the_pictures_channels(tmp_path: Path, channels: int):
    from zoo.cli.train import _build
    from zoo.evaluation.evaluate import evaluate

    root = folder(tmp_path / "mine")
    for path in (root / "images").iterdir():
        Image.open(path).convert("RGBA").save(path)
    spec = f"folder:{root},channels={channels}"
    data = zoo.data.open(spec, "train")
    assert data[0].image.shape == (20, 24, channels) and data.classes == ("background", "foreground")
    network = _build("unet", data, None, 0, None, None, None, {"width": 0.0625})
    assert network.input_shape == (None, None, None, channels)
    with pytest.raises(zoo.errors.InputError, match=f"or read the pictures as it takes them: PATH,channels={channels}"):
        evaluate(network, zoo.data.open(f"folder:{root}", "test"), progress=False)
