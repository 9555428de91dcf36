"""The GPU kit at toy size: `KERAS_BACKEND=jax kit_rehearsal.py BENCHMARKS OUT`, all of it in one process.

In OUT it leaves what the kit would, the training done whole; in OUT/parts the same training, stopped after each epoch and gone
on with. The last line it prints says in JSON what a resumed run must have of a whole one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from writer_bytes import Absent

RECIPE = Path(__file__).with_name("kit_net_toy.py")
PARTS = ("ceilings", "predictions", "ours-unet", "train")
LIMITS = ("--size", "32", "--batch", "2", "--steps", "2", "--copied", "4096", "--tiny")


class Clock:
    """Time that goes on by a second whenever it is asked for."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1
        return self.now


def main(out: Path) -> None:
    import gpu_kit

    os.environ |= gpu_kit.environment(out, "train")  # before JAX reads it
    import device_training
    import keras
    import numpy as np

    from zoo.training import recipe_runner

    out.mkdir(parents=True)
    parser = gpu_kit._parser()
    plan = gpu_kit.Plan(**vars(parser.parse_args([str(RECIPE), "--out", str(out), *LIMITS])))
    for part in PARTS:
        gpu_kit._write(out / f"{part}.json", gpu_kit.work(plan, part, time.time() + 600))
    whole = keras.models.load_model(out / "run" / "model.keras", compile=False)

    recipe = sys.modules[f"recipe_{RECIPE.stem}"].RECIPE  # which training has read, and which registers its network once
    earlier = {"first": out / "run" / "first"}
    calls, done = 0, False
    while not done and calls < 9:
        ready = recipe_runner.prepared(recipe.stages[-1], recipe.data, earlier)
        device_training.time = Clock()
        done, calls = device_training.train_stage(ready.model, ready.data, ready.settings, out / "parts", ends=7.0), calls + 1
    parts = keras.models.load_model(out / "parts" / "model.keras", compile=False)
    pairs = zip(whole.get_weights(), parts.get_weights(), strict=True)
    differences = [float(np.abs(one - other).max()) for one, other in pairs]
    print(json.dumps({"calls": calls, "difference": max(differences)}))


if __name__ == "__main__":
    sys.meta_path.insert(0, Absent())
    sys.path.insert(0, sys.argv[1])
    main(Path(sys.argv[2]))
