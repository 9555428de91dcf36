"""A run on one device and over two, or one over two hosts: `spread_toy.py`, or `spread_toy.py INDEX PORT PORT`.

Prints for each how many devices there were, its losses and the size of its weights, as one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys

# Two devices on one processor, which each backend must be told before it starts.
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from training_toys import Blocks, network

import zoo
import zoo.training.distribution


class Uneven(Blocks):
    """Not as many pixels that count in one picture as in another, which a mean of the devices' means would not forgive."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for index, sample in enumerate(self._samples):
            sample.target.values[: 1 + index % 12] = self.ignore


def two_processors() -> None:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def run() -> dict[str, object]:
    normalised = keras.backend.backend() == "jax"  # TensorFlow's devices normalise each by themselves
    model = network(dropout=0.0)
    settings = {"epochs": 2, "batch_size": 4, "learning_rate": 0.02, "ema": 0.9, "lr_scale": {"encoder*": 0.5}, "verbose": 0}
    result = zoo.train(model, Uneven(), Uneven(4, seed=1), frozen_batchnorm=not normalised, **settings)
    weights = [float(np.abs(keras.ops.convert_to_numpy(v)).sum()) for v in model.trainable_variables]
    losses = [row["loss"] for row in result.rows]
    devices = zoo.training.distribution.replicas()
    return {"devices": devices, "losses": losses, "score": result.best["score"], "weights": weights}


def main() -> None:
    if len(sys.argv) > 1:
        index, *ports = map(int, sys.argv[1:])
        zoo.training.distribution.join([f"127.0.0.1:{port}" for port in ports], index)
        with zoo.training.distribution.across():
            print(json.dumps({"hosts": run()}), flush=True)
        return
    if keras.backend.backend() == "tensorflow":
        two_processors()
    with zoo.training.distribution.across(2):
        spread = run()
    print(json.dumps({"one": run(), "two": spread}), flush=True)


if __name__ == "__main__":
    main()
