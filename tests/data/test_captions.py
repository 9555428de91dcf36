"""Captions in COCO's JSON: words, references and splits, of real ones too; and a sentence for what cannot be."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo.errors import InputError

SAID = {"train": [(7, "A cat\n sits."), (7, "A cat runs!"), (3, "a dog sits .")], "val": [(9, "A fox sits.")]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for split, said in SAID.items():
        images = [{"id": number, "file_name": f"{number}.png"} for number in sorted({picture for picture, _ in said})]
        rows = [{"id": at, "image_id": picture, "caption": text} for at, (picture, text) in enumerate(said)]
        (tmp_path / f"captions_{split}.json").write_text(json.dumps({"images": images, "annotations": rows}))
        for each in images:
            Image.new("RGB", (20, 16)).save(tmp_path / "images" / each["file_name"])
    return tmp_path


def test_sentences_and_what_else_is_right(folder: Path) -> None:
    train, val = (zoo.data.open(f"captions:{folder},length=4,least=2", split) for split in ("train", "val"))
    assert train.classes == val.classes == ("<padding>", "<start>", "<end>", "<unknown>", ".", "a", "cat", "sits")
    assert [sample.name for sample in train] == ["3", "7", "7"] and [sample.name for sample in val] == ["9"]
    learnt = [sample.target.values.tolist() for sample in train]
    assert learnt == [[5, 3, 7, 2], [5, 6, 7, 2], [5, 6, 3, 2]]  # cut before its full stop, and a word said once is unknown
    np.testing.assert_array_equal(train[1].target.references, train[2].target.references)
    assert train[2].target.references.tolist() == [[5, 6, 7, 4, 2], [5, 6, 3, 3, 2]]
    assert val[0].target.references.tolist() == [[5, 3, 7, 4, 2]] and train[0].image.shape == (16, 20, 3)


def test_cocos(tmp_path: Path) -> None:
    shared = os.environ.get("DENSEZOO_SHARED")
    if not shared:
        pytest.skip("DENSEZOO_SHARED is not set: COCO's photographs")
    train, val = (zoo.data.open(f"captions:{shared}/data/coco", split) for split in ("train", "val"))
    assert (len(train), len(val)) == (785, 28)  # five a photo, as its README counts them
    assert {len(sample.target.references) for sample in val} == {5} and val[0].target.shape == (20,)


def test_what_cannot_be_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"captions_test\.json: no such file"):
        zoo.data.open(f"captions:{folder}", "test")
    (folder / "images" / "9.png").unlink()
    with pytest.raises(InputError, match=r"lists 9.png, and there is no such file"):
        zoo.data.open(f"captions:{folder}", "val")
    (folder / "captions_val.json").write_text('{"images": []}')
    with pytest.raises(InputError, match="no JSON of captions"):
        zoo.data.open(f"captions:{folder}", "val")
    (folder / "captions_val.json").write_text('{"images": [], "annotations": [{"id": 1, "image_id": 5, "caption": "a"}]}')
    with pytest.raises(InputError, match="is of picture 5, which is not listed"):
        zoo.data.open(f"captions:{folder}", "val")
