"""A run begun before targets had types, stopped after its first epoch, goes on: its batches are what they would have been."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import zoo
import zoo.data

LEGACY = Path(__file__).parents[1] / "legacy"
SETTINGS = {
    "epochs": 2,
    "batch_size": 4,
    "sizes": {0: (32, 32)},
    "learning_rate": 1e-3,
    "rates": {"*": 0.5},
    "weight_decay": 0.01,
    "warmup": 0.05,
    "settle": 4,
    "seed": 0,
}


def test_an_old_run_goes_on(tmp_path: Path) -> None:
    run = shutil.copytree(LEGACY / "run", tmp_path / "run")
    train, val = (zoo.data.open("scenes:count=16,size=32", split) for split in ("train", "val"))
    augment = zoo.data.Augment(rotate=5)
    result = zoo.train(zoo.load(run / "model.keras"), train, val, folder=run, augment=augment, verbose=0, **SETTINGS)
    expected = json.loads((LEGACY / "run_expected.json").read_text())["rows"]
    assert len(result.rows) == len(expected)
    for row, old in zip(result.rows, expected, strict=True):
        assert row["loss"] == pytest.approx(old["loss"], rel=1e-4)  # processors round otherwise
        assert row["val_miou"] == pytest.approx(old["val_miou"], abs=5e-3)
