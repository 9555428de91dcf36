"""RunCallback: validates, remembers the best weights, writes checkpoints and logs, and stops on NaN."""

from __future__ import annotations

import math
import os
import sys
import time
import zlib
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.errors import InputError
from zoo.metrics import Score
from zoo.training import distribution
from zoo.training.checkpoints import Checkpoints, State, assign_values, values_of
from zoo.training.config import TrainingConfig, differences, upgraded
from zoo.training.history import write_csv
from zoo.training.tensorboard import Events

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from zoo.evaluation.evaluate import Evaluation
    from zoo.training.batch_source import BatchSource

BEST = "best.weights.h5"


class LossNotFinite(ArithmeticError):
    """The loss became NaN or infinite. Carries where: epoch and batch count from 0."""

    def __init__(self, epoch: int, batch: int, loss: float) -> None:
        super().__init__(f"the loss became {loss} in epoch {epoch + 1}, batch {batch + 1}")
        self.epoch, self.batch = epoch, batch


class RunCallback(keras.callbacks.Callback):
    """Everything that happens around the epochs of `fit`.

    Args:
        whole: the model with its answer; its weights are what is kept.
        network: the same up to the logits, compiled with its optimiser built; it is what `fit` trains.
        source: the batches.
        config: of the run.
        validate: gives the evaluation of the weights as they are, or None where there is no validation data.
        facts: what else a checkpoint must agree with.
    """

    # Keras may look at losses in another thread (on JAX it does), so that no step waits for the one before it to be read.
    async_safe = True

    def __init__(
        self,
        whole: keras.Model,
        network: keras.Model,
        source: BatchSource,
        config: TrainingConfig,
        validate: Callable[[], Evaluation] | None,
        facts: dict[str, Any],
    ) -> None:
        super().__init__()
        self._whole, self._network, self._source = whole, network, source
        self._config, self._validate = config, validate
        self.folder = None if config.folder is None else Path(config.folder)
        self._checkpoints = Checkpoints(self.folder)
        self._identity = {**config.to_dict(), **facts}
        self._best_values: dict[str, np.ndarray] = {}  # where there is no folder
        self._events: Events | None = None
        self._began = time.monotonic()
        self._epoch_began = self._began
        self.rows: list[dict[str, float]] = []
        self.best: dict[str, Any] | None = None
        self.epoch = 0  # finished ones
        self.epoch_seconds: list[tuple[int, float]] = []  # of each epoch of this call: its number, the seconds of its steps
        self.stopped: str | None = None
        self._spoilt = sys.maxsize  # the first batch whose loss was not finite: of threads, that of a later one may be ahead

    def begin(self) -> None:
        """Goes on from the newest checkpoint if there is one, or else makes the first.

        Raises:
            InputError: the checkpoint is of other settings or of another network, or none can be read.
        """
        if not self._config.resume:
            self._checkpoints.clear()
        state = self._checkpoints.load()
        if state is None:
            self._seed()
            self._save()
        else:
            differs = differences(upgraded(state.settings, self._config), self._identity)
            if differs:
                raise InputError(
                    f"{self.folder} holds a run with other settings: {'; '.join(differs)}. Give the same ones to go on "
                    "with it, or another folder, or resume=False to start afresh"
                )
            self._restore(state)
            if self._config.verbose and self.folder is not None:
                print(f"going on in {self.folder}, where {self.epoch} of {self._config.epochs} epochs are finished")
        if self.folder is not None and self._config.tensorboard:
            self._events = Events(self.folder / "tensorboard" / "events.out.tfevents.0.densezoo", self.rows)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._source.epoch = epoch
        distribution.seed_epoch(self._config.seed, epoch)
        self._epoch_began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):  # the mean so far: the first batch that spoils it is the one
            self._spoilt = min(batch, self._spoilt)
            raise LossNotFinite(self._source.epoch, self._spoilt, loss)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch_seconds.append((epoch, time.monotonic() - self._epoch_began))
        logs = {} if logs is None else logs  # shared with the progress bar, which shows what is added
        row = {"epoch": epoch + 1, "loss": float(logs["loss"])}
        optimizer = self._network.optimizer
        row["learning_rate"] = float(getattr(optimizer, "inner_optimizer", optimizer).learning_rate)
        last = epoch + 1 == self._config.epochs
        with self._averaged():
            if self._validate is not None and (last or (epoch + 1) % self._config.validate_every == 0):
                evaluation = self._validate()
                row |= {f"val_{name}": score for name, score in evaluation.scores.items()}
                self._consider(epoch, replace(evaluation.headline, name=f"val_{evaluation.headline.name}"))
            elif self._validate is None:
                self._consider(epoch, Score("loss", row["loss"], "", higher_is_better=False))
        shown = ("learning_rate", *([self.best["metric"]] if self.best else []))
        logs.update({name: row[name] for name in shown if name in row})
        row["seconds"] = round(time.monotonic() - self._epoch_began, 3)
        self.rows.append(row)
        self.epoch = epoch + 1
        self._write()
        self._watch_the_clock(row["seconds"], last)

    def take_best(self) -> None:
        """Puts the best weights into the model, or where no epoch was finished those of the start."""
        if self.best is None:
            self.rewind()
        elif self.folder is not None:
            self._whole.load_weights(self.folder / BEST)
        else:
            assign_values(self._whole.variables, self._best_values, "model/")

    def rewind(self) -> None:
        """Puts the newest checkpoint's values back: after an epoch that was not finished."""
        state = self._checkpoints.load()
        if state is not None:
            assign_values(self._whole.variables, state.arrays, "model/")

    def _seed(self) -> None:
        """Dropout and its like draw from generators whose state is a variable of the model; `seed` sets them."""
        states = [v for v in self._whole.variables if v.path.endswith("seed_generator_state")]
        for i, state in enumerate(states):
            state.assign(np.array([zlib.crc32(f"{self._config.seed}/{i}".encode()), 0], np.uint32))

    def _restore(self, state: State) -> None:
        assign_values(self._whole.variables, state.arrays, "model/")
        assign_values(self._network.optimizer.variables, state.arrays, "optimizer/")
        self.epoch, self.rows, self.best = state.epoch, state.rows, state.best
        if self.best is not None and self.folder is not None and not (self.folder / BEST).is_file():
            raise InputError(f"{self.folder / BEST} is missing; put it back, or start afresh with resume=False")

    def _save(self) -> None:
        arrays = values_of(self._whole.variables, "model/") | values_of(self._network.optimizer.variables, "optimizer/")
        self._checkpoints.save(State(self.epoch, arrays, list(self.rows), self.best, self._identity))

    def _write(self) -> None:
        """The checkpoint last: until it is there, whatever was written before it is written again after a kill."""
        if self.folder is not None:
            write_csv(self.folder / "log.csv", self.rows)
        if self._events is not None:
            self._events.add(self.rows[-1])
        self._save()

    def _averaged(self) -> AbstractContextManager[object]:
        """The moving average of the weights in their place, where one is kept."""
        return nullcontext() if self._config.ema is None else _Averaged(self._network)

    def _consider(self, epoch: int, score: Score) -> None:
        """Keeps the weights if they are the best so far; of equals the first."""
        if not score.better_than(self.best and self.best["score"]):
            return
        self.best = {"epoch": epoch + 1, "metric": score.name, "score": score.value}
        if self.folder is None:
            self._best_values = values_of(self._whole.variables, "model/")
            return
        unfinished = self.folder / f".part.{BEST}"
        self._whole.save_weights(unfinished)
        os.replace(unfinished, self.folder / BEST)

    def _watch_the_clock(self, seconds: float, last: bool) -> None:
        limit = self._config.max_seconds
        if limit is not None and not last and time.monotonic() - self._began + seconds > limit:
            done = f"{self.epoch} of {self._config.epochs} epochs"
            self.stopped = f"stopped after {done}: the next would end after max_seconds={limit:g}"
            self.model.stop_training = True


class _Averaged:
    """A context in which the network's weights are the optimiser's moving average of them."""

    def __init__(self, network: keras.Model) -> None:
        self._swap = keras.callbacks.SwapEMAWeights()
        self._swap.set_model(network)

    def __enter__(self) -> None:
        self._swap.on_test_begin()

    def __exit__(self, *_: object) -> None:
        self._swap.on_test_end()
