"""Training with everything on the device: the data as bytes, what happens to them, whole epochs as one compiled program.

`zoo.train` makes its batches on the processor, a little ahead of the step; a fast accelerator waits for them. Here a data set
of masks lies in the device's memory as uint8, each step draws, cuts and recolours its own batch there, and an epoch is one
`jax.lax.scan` over Keras's own step, so that loss, optimiser, moving average and mixed precision are the ones that `zoo.train`
compiles. What is drawn comes from JAX and not from NumPy: a run here is no run of `zoo.train`, and its checkpoints are its own.
"""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.data.targets import Mask
from zoo.data.transforms.geometric import GREY
from zoo.errors import InputError
from zoo.layers import inference
from zoo.training.checkpoints import write_whole
from zoo.training.config import TrainingConfig
from zoo.training.trainer import in_training

if TYPE_CHECKING:
    import keras

    from zoo.data import Augment, Dataset

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
ROOM = 1.5  # times the size of the batches that pictures of several sizes are brought to
TAPS = 4  # pixels to either side that a blur reaches


@dataclass(frozen=True)
class DeviceData:
    """A data set in the device's memory: uint8 images N×H×W×3 and masks N×H×W, and the value that does not count."""

    images: jax.Array
    masks: jax.Array
    ignore: int


def on_device(data: Dataset, config: TrainingConfig) -> DeviceData:
    """Reads a data set of masks whole; pictures of several sizes are brought to one where their own pixels are not wanted.

    Raises:
        InputError: for other targets or pictures than RGB with masks, and for pictures of several sizes that no size was said
            for or whose own pixels are wanted.
    """
    samples = [data[index] for index in range(len(data))]
    if not all(isinstance(sample.target, Mask) and sample.image.shape[-1] == 3 for sample in samples):
        raise InputError(f"{data.name}: only RGB pictures with masks are trained on the device")
    if len({sample.image.shape[:2] for sample in samples}) > 1:
        if config.size is None or getattr(config.augment, "native", False):
            raise InputError(f"{data.name} has pictures of several sizes; crops of their own pixels need one")
        room = tuple(int(ROOM * side) for side in config.size)
        samples = [sample.resize(room) for sample in samples]
    ignore = 255 if data.ignore is None else data.ignore
    images, masks = (np.stack(values) for values in zip(*((s.image, s.target.values) for s in samples), strict=True))
    return DeviceData(jnp.asarray(images.astype(np.uint8)), jnp.asarray(masks.astype(np.uint8)), ignore)


def augmented(
    key: jax.Array, image: jax.Array, mask: jax.Array, size: tuple[int, int], augment: Augment | None, ignore: int
) -> tuple[jax.Array, jax.Array]:
    """One sample of a batch: float32 h×w×3 of 0–255 and int32 h×w, as `zoo.data.Augment` makes it but for turns."""
    shape = image.shape[:2]
    if augment is None:
        scales = jnp.asarray([want / have for want, have in zip(size, shape, strict=True)])
        return _placed(image, mask, size, scales, jnp.zeros(2), ignore)
    keys = jax.random.split(key, 5)
    draws = jax.random.uniform(keys[0], (6,))
    low, high = (math.log(bound) for bound in augment.scale)
    zoom, aspect = jnp.exp(low + (high - low) * draws[0]), jnp.exp((2 * draws[1] - 1) * math.log(augment.stretch) / 2)
    whole = size if augment.native else shape
    region = jnp.stack([whole[0] / zoom / aspect, whole[1] / zoom * aspect])
    corner = draws[2:4] * (jnp.asarray(shape) - region)
    scales = jnp.asarray(size) / region
    picture, labels = _placed(image, mask, size, scales, -corner * scales, ignore)
    for axis, (chance, draw) in enumerate(((augment.flip_vertical, draws[4]), (augment.flip, draws[5]))):
        picture, labels = (jnp.where(draw < chance, jnp.flip(values, axis), values) for values in (picture, labels))
    return _recoloured(keys[1:], picture, augment), labels


def _placed(
    image: jax.Array, mask: jax.Array, size: tuple[int, int], scales: jax.Array, offsets: jax.Array, ignore: int
) -> tuple[jax.Array, jax.Array]:
    """The part of a sample that fills the output: antialiased, grey beyond its edges; the mask by its nearest pixel."""
    grey = jnp.asarray(GREY, jnp.float32)
    picture = jax.image.scale_and_translate(
        image.astype(jnp.float32) - grey, (*size, 3), (0, 1), scales, offsets, method="linear", antialias=True
    )
    places = [jnp.floor((jnp.arange(side) + 0.5 - offsets[axis]) / scales[axis]).astype(int) for axis, side in enumerate(size)]
    inside = [(place >= 0) & (place < side) for place, side in zip(places, mask.shape, strict=True)]
    rows, columns = (jnp.clip(place, 0, side - 1) for place, side in zip(places, mask.shape, strict=True))
    labels = mask[rows][:, columns].astype(jnp.int32)
    return picture + grey, jnp.where(inside[0][:, None] & inside[1][None], labels, ignore)


def _recoloured(keys: jax.Array, image: jax.Array, augment: Augment) -> jax.Array:
    """Brightness, contrast, saturation and hue as one matrix, then blur and noise, as `transforms.photometric` says."""
    draws = jax.random.uniform(keys[0], (6,), minval=-1.0)
    bright, contrast, saturation = (
        1 + draws[index] * most for index, most in enumerate((augment.brightness, augment.contrast, augment.saturation))
    )
    angle = draws[3] * math.radians(augment.hue)
    cos, sin = jnp.cos(angle), jnp.sin(angle) / math.sqrt(3)
    across = jnp.asarray([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
    turn = cos * jnp.eye(3) + (1 - cos) / 3 + sin * across
    matrix = bright * contrast * (saturation * turn + (1 - saturation) * jnp.outer(jnp.ones(3), LUMA))
    middle = jnp.mean(image @ LUMA) * bright
    image = jnp.clip(image @ matrix.T + (1 - contrast) * middle, 0, 255)
    if augment.blur:
        radius = 0.9 + 0.6 * draws[4]
        image = jnp.where(jax.random.uniform(keys[1]) < augment.blur, _blurred(image, radius), image)
    if augment.noise:
        deviation = jax.random.uniform(keys[2]) * augment.noise
        image = jnp.clip(image + deviation * jax.random.normal(keys[3], image.shape), 0, 255)
    return image


def _blurred(image: jax.Array, radius: jax.Array) -> jax.Array:
    steps = jnp.arange(-TAPS, TAPS + 1)
    weights = jnp.exp(-0.5 * (steps / radius) ** 2)
    weights = weights / weights.sum()
    for axis in (0, 1):
        padded = jnp.pad(image, [(TAPS, TAPS) if side == axis else (0, 0) for side in range(3)], mode="edge")
        moved = [jax.lax.slice_in_dim(padded, step, step + image.shape[axis], axis=axis) for step in range(2 * TAPS + 1)]
        image = sum(weight * part for weight, part in zip(weights, moved, strict=True))
    return image


State = tuple[list[jax.Array], ...]


def compiled_epoch(
    network: keras.Model, data: DeviceData, config: TrainingConfig, repeats: int
) -> Callable[[State, jax.Array], tuple[State, jax.Array]]:
    """An epoch as one program: (state, key) → (state, mean loss). The state's memory is used again.

    Args:
        network: compiled, as `zoo.training.trainer.in_training` gives it.
        data: what it learns from.
        config: of the run.
        repeats: how often the targets are wanted: once for the output, and once for each auxiliary head.
    """
    count, batch = len(data.images), min(config.batch_size, len(data.images))
    size = config.size or data.images.shape[1:3]

    def epoch(state: State, key: jax.Array, images: jax.Array, masks: jax.Array) -> tuple[State, jax.Array]:
        order, drawing = jax.random.split(key)
        chosen = jax.random.permutation(order, count)[: count // batch * batch].reshape(-1, batch)

        def step(state: State, drawn: tuple[jax.Array, jax.Array]) -> tuple[State, jax.Array]:
            index, key = drawn
            keys = jax.random.split(key, batch)
            make = jax.vmap(lambda key, image, mask: augmented(key, image, mask, size, config.augment, data.ignore))
            pictures, labels = make(keys, images[index], masks[index])
            metrics = [jnp.zeros_like(value) for value in state[3]]  # the loss of this step alone
            logs, state = network.train_step((*state[:3], metrics), (pictures, (labels,) * repeats))
            return tuple(list(values) for values in state), logs["loss"]

        state, losses = jax.lax.scan(step, state, (chosen, jax.random.split(drawing, len(chosen))))
        return state, losses.mean()

    program = jax.jit(epoch, donate_argnums=0)
    return lambda state, key: program(state, key, data.images, data.masks)


def state_of(network: keras.Model) -> State:
    """What a step changes: weights, statistics and seeds, the optimiser's, the metrics'. Copies, which may be given away."""
    weights = network.trainable_variables, network.non_trainable_variables
    groups = (*weights, network.optimizer.variables, network.metrics_variables)
    return tuple([jnp.array(variable.value) for variable in group] for group in groups)


def put_state(network: keras.Model, state: State) -> None:
    """Writes a state back into the network and its optimiser."""
    groups = (network.trainable_variables, network.non_trainable_variables, network.optimizer.variables)
    for group, values in zip(groups, state, strict=False):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)


def train_stage(
    model: keras.Model, data: Dataset, settings: dict[str, Any], folder: Path, ends: float, save_every: float = 30.0
) -> bool:
    """Trains a stage, or goes on with it, until it is done or the clock says `ends`; whether it is done.

    In its folder: state.npz while it runs, log.csv, and at its end best.weights.h5 and model.keras, the moving average where
    there is one. Nothing is chosen by validation: the last weights are taken.

    Args:
        model: to be trained in place.
        data: whose targets are masks.
        settings: of `zoo.train`.
        folder: of the stage.
        ends: on `time.monotonic`.
        save_every: seconds between two savings.

    Raises:
        InputError: for data or settings that are not for here, and a folder of other settings.
    """
    if (folder / "model.keras").is_file():
        return True
    config = TrainingConfig(**settings)
    _check(config)
    folder.mkdir(parents=True, exist_ok=True)
    held = on_device(data, config)
    shape = (config.batch_size, *(config.size or held.images.shape[1:3]))
    with in_training(model, data, config) as (network, source, _):
        if np.shape(source.prepare(np.zeros(shape, np.int32))) != shape:
            raise InputError("the loss wants targets that are made on the processor")
        batch = jnp.zeros((*shape, 3)), (jnp.zeros(shape, jnp.int32),)
        network._symbolic_build(data_batch=(batch[0], batch[1] * source.repeats))  # metrics get their variables
        epoch = compiled_epoch(network, held, config, source.repeats)
        state, first = _resumed(folder, config, state_of(network))
        saved, took = time.monotonic(), 0.0
        for number in range(first, config.epochs):
            began = time.monotonic()
            if began + took > ends:
                break
            state, loss = epoch(state, jax.random.fold_in(jax.random.key(config.seed), number))
            loss, took = float(loss), time.monotonic() - began
            _log(folder, {"epoch": number + 1, "loss": loss, "seconds": round(time.monotonic() - began, 3)})
            if not math.isfinite(loss):
                raise InputError(f"the loss is {loss} in epoch {number + 1}; lower the learning rate, or train in float32")
            first = number + 1
            if time.monotonic() - saved > save_every:
                saved = time.monotonic()
                _save(folder, config, state, first)
        _save(folder, config, state, first)
        if first < config.epochs:
            return False
        put_state(network, state)
        network.optimizer.finalize_variable_values(network.trainable_variables)  # the moving average, where there is one
    model.save_weights(folder / "best.weights.h5")
    inference(model).save(folder / "model.keras")
    return True


def _check(config: TrainingConfig) -> None:
    """Refuses settings that only `zoo.train` follows, which the kit then leaves to it."""
    for name in ("teacher", "progressive_size", "recalibrate_batchnorm"):
        if getattr(config, name) is not None:
            raise InputError(f"{name}={getattr(config, name)!r} is not followed on the device")
    if config.augment is not None and (config.augment.rotate or config.augment.elastic):
        raise InputError("pictures are not turned or deformed on the device")


def _save(folder: Path, config: TrainingConfig, state: State, epochs: int) -> None:
    arrays = {f"{group}/{index}": np.asarray(v) for group, values in enumerate(state) for index, v in enumerate(values)}
    arrays |= {"epochs": np.asarray(epochs), "config": np.asarray(_identity(config))}
    write_whole(folder / "state.npz", lambda file: np.savez(file, **arrays))


def _resumed(folder: Path, config: TrainingConfig, state: State) -> tuple[State, int]:
    """The state that was saved, and how many epochs it has seen; the one given and 0 where there is none."""
    path = folder / "state.npz"
    if not path.is_file():
        return state, 0
    with np.load(path, allow_pickle=False) as file:
        if str(file["config"]) != _identity(config):
            raise InputError(f"{folder} holds a run with other settings; give another folder, or delete it")
        values = tuple([jnp.asarray(file[f"{g}/{i}"]) for i in range(len(group))] for g, group in enumerate(state))
        return values, int(file["epochs"])


def _identity(config: TrainingConfig) -> str:
    return json.dumps(config.to_dict(), sort_keys=True, default=str)


def _log(folder: Path, row: dict[str, Any]) -> None:
    path = folder / "log.csv"
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
