"""A run that is interrupted, at whatever moment, ends as the run that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
import training_toys
from interruption import Killed, dies
from training_toys import RUN, Blocks, network

import zoo
import zoo.data
import zoo.losses
from zoo.errors import InputError
from zoo.training import callback, checkpoints, trainer


def values(model: keras.Model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(v) for v in model.variables]


def go(folder: Path | None, **changed) -> tuple[keras.Model, trainer.Result]:
    """The same run as `training_toys.main`, here; each time from a model built anew."""
    model = network()
    told = {**RUN, "ema": 0.9, "augment": zoo.data.Augment(), **changed}
    return model, zoo.train(model, Blocks(), Blocks(4, seed=1), folder=folder, **told)


def without_seconds(result: trainer.Result) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in result.rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[keras.Model, trainer.Result]:
    """The run that nothing interrupts."""
    return go(tmp_path_factory.mktemp("whole"))


@pytest.fixture(autouse=True)
def no_curves(monkeypatch) -> None:
    """Drawing takes a quarter of such a small run's time."""
    monkeypatch.setattr(trainer, "draw_curves", lambda *_: None)


def check_same_end(model: keras.Model, result: trainer.Result, whole: tuple[keras.Model, trainer.Result]) -> None:
    for got, expected in zip(values(model), values(whole[0]), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert without_seconds(result) == without_seconds(whole[1])
    assert result.best == whole[1].best
    assert result.stopped is None


def test_killed_again_and_again_it_ends_with_the_same_weights(tmp_path, whole):
    """A process of its own, sent SIGKILL at moments that come ever later, then left to finish."""
    program = [sys.executable, training_toys.__file__, str(tmp_path)]
    paths = [str(Path(zoo.__file__).parents[1]), str(Path(training_toys.__file__).parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "3"}
    delays, epochs = np.random.default_rng().uniform([0.3, 1.0, 1.6], [1.0, 1.6, 2.2]).tolist(), []
    for delay in [*delays, None]:
        with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline() == "ready\n"
            if delay is None:
                assert "finished" in child.stdout.read()
                break
            time.sleep(delay)
            child.send_signal(signal.SIGKILL)
        state = checkpoints.Checkpoints(tmp_path).load()
        epochs.append(0 if state is None else state.epoch)
    assert child.returncode == 0
    assert epochs == sorted(epochs), f"killed after {delays} s"
    with np.load(tmp_path / "end.npz") as end:
        for name, expected in zip(end.files, values(whole[0]), strict=True):
            np.testing.assert_array_equal(end[name], expected, err_msg=f"killed after {delays} s, at epochs {epochs}")


def half_a_file(path: Path, write) -> None:
    path.with_name(f".{path.name}.part").write_bytes(b"PK\x03\x04 half of it")


MOMENTS = {
    "in a batch": (callback.RunCallback, "on_train_batch_end", 8, None),
    "in the first epoch": (callback.RunCallback, "on_train_batch_end", 2, None),
    "while validating": (trainer, "score", 3, None),
    "writing the very first checkpoint": (checkpoints, "write_whole", 1, half_a_file),
    "writing a checkpoint": (checkpoints, "write_whole", 4, half_a_file),
    "with the checkpoint written, not yet in its place": (checkpoints.os, "replace", 6, None),
    "with the best weights written, not yet in their place": (callback.os, "replace", 5, None),
    "between the best weights and the log": (callback, "write_csv", 3, None),
    "between the log and the checkpoint": (callback.Checkpoints, "save", 4, None),
    "before old checkpoints are removed": (Path, "unlink", 1, None),
    "while the best model is written": (keras.Model, "save", 1, lambda model, path: Path(path).write_bytes(b"PK")),
    "while the curves are drawn": (trainer, "draw_curves", 1, None),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_ending_at_any_moment_leaves_a_run_that_can_go_on(moment, tmp_path, whole, monkeypatch):
    with monkeypatch.context() as patch:
        dies(patch, *MOMENTS[moment])
        with pytest.raises(Killed):
            go(tmp_path)
    check_same_end(*go(tmp_path), whole)
    assert (tmp_path / "model.keras").stat().st_size > 1000
    assert not list(tmp_path.glob(".*.part")), "half-written files are left"


def test_a_finished_run_is_only_read(tmp_path, whole, capsys):
    go(tmp_path)
    model, result = go(tmp_path, verbose=2)
    assert "6 of 6 epochs are finished" in capsys.readouterr().out
    check_same_end(model, result, whole)
    assert result.seconds < whole[1].seconds


def test_resuming_is_more_than_starting_again(tmp_path, whole, monkeypatch):
    """What these tests rest on: without the optimiser's state the end is another."""
    with monkeypatch.context() as patch:
        dies(patch, callback.RunCallback, "on_epoch_end", 4)
        with pytest.raises(Killed):
            go(tmp_path)
    original = callback.RunCallback._restore

    def forgetful(self, state):
        fresh = checkpoints.values_of(self._network.optimizer.variables, "optimizer/")
        original(self, checkpoints.State(state.epoch, state.arrays | fresh, state.rows, state.best, state.settings))

    monkeypatch.setattr(callback.RunCallback, "_restore", forgetful)
    model, _ = go(tmp_path)
    assert not all(np.array_equal(a, b) for a, b in zip(values(model), values(whole[0]), strict=True))


def test_ctrl_c_says_how_to_go_on(tmp_path, whole, monkeypatch, capsys):
    original = callback.RunCallback.on_train_batch_end

    def pressed(self, batch, logs=None):
        original(self, batch, logs)
        if self._source.epoch == 2 and batch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callback.RunCallback, "on_train_batch_end", pressed)
        model = network()
        with pytest.raises(KeyboardInterrupt):
            zoo.train(model, Blocks(), Blocks(4, seed=1), folder=tmp_path, ema=0.9, augment=zoo.data.Augment(), **RUN)
    said = capsys.readouterr().out
    assert "2 of 6 epochs are finished" in said
    assert "same arguments to go on" in said
    kept = checkpoints.Checkpoints(tmp_path).load().arrays
    for i, value in enumerate(values(model)):
        np.testing.assert_array_equal(value, kept[f"model/{i}"])
    check_same_end(*go(tmp_path), whole)


def test_stopped_by_the_clock_it_goes_on(tmp_path, whole):
    _, first = go(tmp_path, max_seconds=1e-3)
    assert first.stopped.startswith("stopped after 1 of 6 epochs")
    assert len(first.rows) == 1
    check_same_end(*go(tmp_path), whole)


def interrupted(folder: Path, monkeypatch, epochs: int = 4) -> list[Path]:
    """A run killed with `epochs` finished; its checkpoints, newest first."""
    with monkeypatch.context() as patch:
        dies(patch, callback.RunCallback, "on_epoch_end", epochs + 1)
        with pytest.raises(Killed):
            go(folder)
    return sorted(folder.glob("checkpoint-*.npz"), reverse=True)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3000])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, empty])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(damage, tmp_path, whole, monkeypatch):
    newest, before = interrupted(tmp_path, monkeypatch)
    damage(newest)
    with pytest.warns(UserWarning, match=rf"damaged: {newest.name} .*going on from {before.name}"):
        model, result = go(tmp_path)
    check_same_end(model, result, whole)


def test_with_every_checkpoint_damaged_it_says_so(tmp_path, monkeypatch):
    for path in interrupted(tmp_path, monkeypatch, 2):
        truncate(path)
    with pytest.raises(InputError, match=r"no checkpoint can be read.*resume=False"):
        go(tmp_path)


def test_lost_best_weights_are_named(tmp_path, monkeypatch):
    interrupted(tmp_path, monkeypatch, 2)
    (tmp_path / "best.weights.h5").unlink()
    with pytest.raises(InputError, match=r"best\.weights\.h5 is missing"):
        go(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"learning_rate": 0.01}, "learning_rate was 0.02, is 0.01"),
        ({"epochs": 7}, "epochs was 6, is 7"),
        ({"augment": None}, "augment was {'type': 'Augment'"),
        ({"class_weights": [1, 2, 3]}, r"class_weights was None, is \[1, 2, 3\]"),
        ({"loss": zoo.losses.DiceLoss()}, "loss was None, is .*DiceLoss"),
    ],
)
def test_other_settings_are_refused_by_name(changed, message, tmp_path, monkeypatch):
    interrupted(tmp_path, monkeypatch, 1)
    with pytest.raises(InputError, match=f"other settings: {message}.*resume=False"):
        go(tmp_path, **changed)


def test_other_data_are_refused(tmp_path, monkeypatch):
    interrupted(tmp_path, monkeypatch, 1)
    with pytest.raises(InputError, match=r"other settings: data was .*'samples': 12.*, is .*'samples': 16"):
        zoo.train(network(), Blocks(16), Blocks(4, seed=1), folder=tmp_path, ema=0.9, augment=zoo.data.Augment(), **RUN)


def test_another_network_is_refused(tmp_path, monkeypatch):
    interrupted(tmp_path, monkeypatch, 1)
    image = keras.Input((None, None, 3))
    other = keras.Model(image, keras.layers.Conv2D(3, 5, padding="same")(image))
    with pytest.raises(InputError, match=r"another network: its model has 8 arrays .* 2 of shapes \(5, 5, 3, 3\)"):
        zoo.train(other, Blocks(), Blocks(4, seed=1), folder=tmp_path, ema=0.9, augment=zoo.data.Augment(), **RUN)


def test_resume_false_starts_afresh(tmp_path, whole, monkeypatch):
    interrupted(tmp_path, monkeypatch, 2)
    check_same_end(*go(tmp_path, resume=False), whole)


def test_what_does_not_change_the_outcome_may_change(tmp_path, whole, monkeypatch):
    interrupted(tmp_path, monkeypatch, 2)
    check_same_end(*go(tmp_path, tensorboard=False, max_seconds=1000, workers=3), whole)


def test_however_many_threads_make_the_batches_they_are_the_same(tmp_path, whole, monkeypatch):
    made, threads = Counter(), set()

    def noting(self, epoch, index, *args):
        made[epoch, index] += 1
        threads.add(threading.current_thread())
        return batch(self, epoch, index, *args)

    batch = zoo.data.Batches.batch
    monkeypatch.setattr(zoo.data.Batches, "batch", noting)
    check_same_end(*go(tmp_path, workers=3), whole)
    assert len(threads) == 3 and threading.current_thread() not in threads
    assert set(made) == {(epoch, index) for epoch in range(RUN["epochs"]) for index in range(3)}
    assert {made[epoch, index] for epoch, index in made if epoch > 1} == {1}  # before, Keras looks at shapes and begins anew


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be made"):
        go(tmp_path / "file")
