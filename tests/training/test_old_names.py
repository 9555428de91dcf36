"""What 0.1 called by other names: a run folder of it goes on, and its settings and flags work with a warning."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from command import says
from training_toys import RUN, Blocks, network

import zoo
import zoo.data
from zoo.errors import InputError
from zoo.training import checkpoints, trainer
from zoo.training.batchnorm import recalibrate_batchnorm, settle

LEGACY = Path(__file__).parents[1] / "legacy"
NEW = {"lr_scale": {"*": 0.5}, "progressive_size": {0: (32, 32)}, "recalibrate_batchnorm": 4}
OLD = {"rates": {"*": 0.5}, "sizes": {0: (32, 32)}, "settle": 4}


def resumed(folder: Path, names: dict[str, object], rotate: float = 5) -> trainer.Result:
    """The run of tests/legacy, which had finished the first of two epochs, gone on with."""
    keras.utils.set_random_seed(1)
    data, val = (zoo.data.open("scenes:count=16,size=32", split) for split in ("train", "val"))
    model = zoo.build("unet", classes=data.classes, input_shape=(None, None, 3), width=0.03125)
    settings = {"epochs": 2, "batch_size": 4, "augment": zoo.data.Augment(rotate=rotate), "workers": 1, **names}
    return zoo.train(model, data, val, folder=folder, tensorboard=False, verbose=0, **settings)


@pytest.fixture
def run(tmp_path) -> Path:
    return shutil.copytree(LEGACY / "run", tmp_path / "run")


@pytest.mark.parametrize("names", [NEW, OLD], ids=["new names", "old names"])
def test_a_run_of_0_1_ends_as_0_1_would_have_ended_it(run: Path, names: dict[str, object], recwarn) -> None:
    result, expected = resumed(run, names), json.loads((LEGACY / "run_expected.json").read_text())
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in result.rows]
    assert rows == expected["rows"]
    best = expected["best"]
    assert result.best == {
        **{name: best[name] for name in ("epoch", "metric", "score")},
        "recalibrated": best["settled"],
        "recalibration_kept": best["kept"],
    }
    warned = {str(warning.message).partition("=")[0] for warning in recwarn if warning.category is DeprecationWarning}
    assert warned & OLD.keys() == (OLD.keys() if names is OLD else set())
    assert checkpoints.Checkpoints(run).load().settings["version"] == 2


@pytest.mark.parametrize(
    ("names", "rotate", "message"),
    [
        ({**NEW, "lr_scale": {"*": 0.25}}, 5, r"lr_scale was \{'\*': 0\.5\}, is \{'\*': 0\.25\}"),
        (NEW, 6, r"augment was 'Augment\(.*rotate=5"),
    ],
)
def test_a_run_of_0_1_with_other_settings_is_refused(run: Path, names, rotate: float, message: str) -> None:
    with pytest.raises(InputError, match=f"other settings: {message}"):
        resumed(run, names, rotate)


@pytest.mark.parametrize("old", OLD)
def test_both_names_of_a_setting_are_refused(old: str) -> None:
    new = {"rates": "lr_scale", "sizes": "progressive_size", "settle": "recalibrate_batchnorm"}[old]
    with pytest.raises(InputError, match=f"both {new}= and {old}= were given"):
        zoo.train(network(), Blocks(), **RUN, **{old: OLD[old], new: NEW[new]})


def test_settle_is_recalibration_on_one_batch() -> None:
    images = np.random.default_rng(0).uniform(0, 255, (4, 16, 16, 3)).astype("float32")
    old, new = network(dropout=0), network(dropout=0)
    with pytest.warns(DeprecationWarning, match="recalibrate_batchnorm"):
        settle(old, images)
    recalibrate_batchnorm(new, [images])
    for one, other in zip(old.get_weights(), new.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("old", "setting", "value"),
    [
        (["--batch", "3"], "batch_size", 3),
        (["--rate=0.5"], "learning_rate", 0.5),
        (["--layer-rate", "stem*=0.1"], "lr_scale", {"stem*": 0.1}),
        (["--grow", "0=32"], "progressive_size", {0: (32, 32)}),
        (["--settle", "4"], "recalibrate_batchnorm", 4),
    ],
)
def test_flags_of_0_1_say_their_new_names(old: list[str], setting: str, value, monkeypatch, capsys, tmp_path) -> None:
    config: dict[str, object] = {}
    result = trainer.Result([], None, None, tmp_path, 0)
    monkeypatch.setattr(zoo, "train", lambda *_, **settings: config.update(settings) or result)
    start = ["train", "pocket_seg_small", "--data", "scenes:count=8,size=32", "--option", "width=0.125", "--out", tmp_path]
    status, _, error = says(monkeypatch, capsys, *start, *old)
    assert status == 0 and config[setting] == value
    assert f"zoo: {old[0].partition('=')[0]} is now --" in error and "goes with 0.3" in error


def test_zoo_lab_is_zoo_experiments(monkeypatch, capsys) -> None:
    status, listed, error = says(monkeypatch, capsys, "lab")
    assert status == 0 and "zoo: lab is now experiments" in error
    assert listed == says(monkeypatch, capsys, "experiments")[1]
    assert "lab " not in says(monkeypatch, capsys, "--help")[1]
