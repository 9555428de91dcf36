"""The lectures' claims, each as an experiment that leaves a picture and a table.

One file an experiment; its docstring says what is claimed, by whom, and what to look for. Its `run(out, *, say, …)` writes
`NAME.png` and `NAME.csv` into the folder `out` and returns the table's rows; its other arguments are the experiment's scale.
All of them run on any Keras backend: see `zoo.experiments.gradients` for how.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from zoo.errors import unknown

EXPERIMENTS = {
    "degradation": "does a deeper network fit its training data better: plain, residual and highway nets",
    "shattered": "how the gradient of a deep plain net turns into white noise, and a residual net's does not",
    "paths": "a ResNet as an ensemble of paths: lengths, gradients by length, and single blocks cut out",
    "field": "the receptive field of any model: what a position could see, and what it does see",
    "upsampling": "checkerboards: the grid that each way up leaves in a picture, untrained and trained",
}


def experiment(name: str) -> ModuleType:
    """The module of an experiment.

    Raises:
        InputError: for a name that is not in `EXPERIMENTS`.
    """
    if name not in EXPERIMENTS:
        raise unknown("experiment", name, EXPERIMENTS)
    return importlib.import_module(f"zoo.experiments.{name}")
