"""Several devices, or several hosts: the one door in `zoo` to a backend, whose own engine does the work.

Every device holds all weights and works on its part of each batch (data parallelism):

    with zoo.training.distribution.across(2):
        model = zoo.build("unet", classes=11)       # built inside, so that its weights lie on every device
        zoo.train(model, data, batch_size=16)       # 8 on each

Over hosts each runs the same program on the same data, with its place in the list of all, and with a folder of its own:

    zoo.training.distribution.join(["10.0.0.1:7000", "10.0.0.2:7000"], index=0)     # first of all, before anything is computed
    with zoo.training.distribution.across():
        …

JAX goes through `keras.distribution.DataParallel`, TensorFlow through `tf.distribute` (MirroredStrategy, or
MultiWorkerMirroredStrategy after `join`); Keras has no engine for PyTorch.

What a run comes to is what it comes to on one device, but for rounding: on JAX always; on TensorFlow unless something is
measured over the batch by each device for itself, which batch normalisation does (hold it still, or build it
`synchronized`), and losses over regions or the hardest pixels. Means over pixels are of the whole batch, and gradients are
clipped by their norm together, on both.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from zoo.errors import InputError
from zoo.lazy import keras

__all__ = ["across", "devices", "join", "on_cpu", "replicas"]

_TF_CONFIG = "TF_CONFIG"  # where TensorFlow looks for the hosts
_joined: list[Any] = []  # TensorFlow's strategy over them, once there is one


def devices() -> list[str]:
    """The devices to compute on, accelerators if there are any: ["gpu:0", "gpu:1"], or ["cpu:0"]; of all hosts on JAX."""
    backend = keras.backend.backend()
    if backend == "torch":  # for which Keras has no list
        import torch

        return [f"gpu:{index}" for index in range(torch.cuda.device_count())] or ["cpu:0"]
    if backend == "jax":  # which refuses to list what there is none of
        return keras.distribution.list_devices()
    return keras.distribution.list_devices("gpu") or keras.distribution.list_devices("cpu")


def on_cpu() -> bool:
    """Whether there is no accelerator to compute on."""
    return devices()[0].startswith("cpu")


def replicas() -> int:
    """The number of devices, on all hosts, that each batch is divided among right now; 1 outside of `across`."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return int(tf.distribute.get_strategy().num_replicas_in_sync)
    spread = keras.distribution.distribution()
    return 1 if spread is None else int(spread.device_mesh.devices.size)


def join(hosts: Sequence[str], index: int) -> None:
    """Makes this process one of several that train together. To be called in each before anything is computed.

    Args:
        hosts: addresses "HOST:PORT" of all, in one order everywhere; each port must be free on its host.
        index: this one's place in the list; the first leads.

    Raises:
        InputError: for addresses without a port, or a place that is not in the list.
    """
    _engine()
    if len(hosts) < 2 or not all(host.rpartition(":")[0] and host.rpartition(":")[2].isdecimal() for host in hosts):
        raise InputError(f"hosts={list(hosts)}: expected two addresses or more, each HOST:PORT as 10.0.0.1:7000")
    if not 0 <= index < len(hosts):
        raise InputError(f"index={index}: expected this host's place among the {len(hosts)}, from 0 to {len(hosts) - 1}")
    if keras.backend.backend() == "jax":
        keras.distribution.initialize(hosts[0], len(hosts), index)
    else:
        import tensorflow as tf

        cluster = {"cluster": {"worker": list(hosts)}, "task": {"type": "worker", "index": index}}
        os.environ[_TF_CONFIG] = json.dumps(cluster)
        _joined.append(tf.distribute.MultiWorkerMirroredStrategy())  # now: TensorFlow meets others only as it starts


@contextmanager
def across(count: int | None = None) -> Iterator[int]:
    """Spreads the networks that are built and trained inside over devices, and gives how many there are.

    Args:
        count: how many devices of this host; all by default, and after `join` always all.

    Raises:
        InputError: there are not so many, or the backend has no engine for it.
    """
    engine = _engine()
    names = devices()
    if count is not None and not 1 <= count <= len(names):
        raise InputError(f"count={count} devices; there {'is' if len(names) == 1 else 'are'} {len(names)}: {', '.join(names)}")
    with engine(names[: count or len(names)]):
        yield replicas()


def admit(network: keras.Model) -> None:
    """Lets `fit` train a built and compiled network over hosts on TensorFlow; changes nothing elsewhere.

    Keras (3.15) averages a first batch over the hosts to learn its shapes, which TensorFlow refuses and a built network has no
    need of; and takes the mean of each step's loss along an axis that a scalar has not. So the step is made here: Keras's
    own `train_step`, run by the strategy, and its logs averaged.
    """
    if not _joined:
        return
    import tensorflow as tf

    strategy = _joined[0]

    @tf.function
    def step(batches: Any) -> Any:
        logs = strategy.run(network.train_step, args=(next(batches),))
        return {name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None) for name, value in logs.items()}

    network._distribute_strategy = None  # asks TensorFlow which strategy there is, where it has none of its own
    network.train_function = step


def check_batch(batch_size: int) -> None:
    """Refuses a batch that cannot be divided evenly among the devices.

    Raises:
        InputError: saying both numbers.
    """
    count = replicas()
    if batch_size % count:
        raise InputError(f"batch_size={batch_size} cannot be divided among {count} devices; give a multiple of {count}")


def parts() -> int:
    """The number of devices that see a part of the batch each, for itself, where this is called: 1 on JAX or outside a step."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return 1 if tf.distribute.in_cross_replica_context() else replicas()


def sees_parts() -> bool:
    """Whether each device will see its part of a batch for itself in a step: on TensorFlow inside `across` several."""
    return keras.backend.backend() == "tensorflow" and replicas() > 1


def mean_over_parts(value: Any) -> Any:
    """A number of one device's part of the batch, averaged over the devices; without such parts as it is."""
    if parts() == 1:
        return value
    import tensorflow as tf

    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, value)


def sum_over_parts(values: Sequence[Any]) -> list[Any]:
    """Likewise tensors, added up over the devices; None stays."""
    if parts() == 1:
        return list(values)
    import tensorflow as tf

    tensors = [value for value in values if value is not None]
    summed = iter(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors))
    return [None if value is None else next(summed) for value in values]


def seed_epoch(seed: int, epoch: int) -> None:
    """Makes what an epoch draws depend on these two alone, so that a resumed run draws the same.

    Keras's dropout on PyTorch asks a generator of the whole process, where on other backends it asks a variable of the model,
    which is in every checkpoint.
    """
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(zlib.crc32(f"{seed}/{epoch}".encode()))


def _engine() -> Callable[[list[str]], AbstractContextManager[None]]:
    engines = {"jax": _on_jax, "tensorflow": _on_tensorflow}
    backend = keras.backend.backend()
    if backend not in engines:
        raise InputError(f"Keras spreads nothing over devices on {backend}; set KERAS_BACKEND to {' or '.join(engines)}")
    return engines[backend]


@contextmanager
def _on_jax(chosen: list[str]) -> Iterator[None]:
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=chosen, auto_shard_dataset=False))
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


@contextmanager
def _on_tensorflow(chosen: list[str]) -> Iterator[None]:
    import tensorflow as tf

    strategy = _joined[0] if _joined else tf.distribute.MirroredStrategy([f"/{name}" for name in chosen])
    with strategy.scope():
        yield
