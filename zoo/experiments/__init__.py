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
    "volume": "a convolution by hand: each number of a 3×3×2 answer, from a 7×7×3 volume",
    "sparse_layer": "a convolution as a fully connected layer: which weights are zero, which are shared",
    "convolution_gradient": "the gradient of a convolution is a convolution: formula, autodiff and differences",
    "transposed_convolution": "a transposed convolution is a convolution's backward pass, and where its windows overlap",
    "saturation": "a saturated sigmoid learns from cross-entropy and not from squared error",
    "normalization": "a net of thirty layers with and without batch normalisation, by the scale of its start",
    "symmetric_skips": "what symmetric skips do to the training of a deep autoencoder",
    "autoencoders": "PCA against linear and nonlinear autoencoders: principal angles, and a curved manifold",
    "through_time": "gradients through time: vanilla recurrence explodes or vanishes, clipping, and LSTM's highway",
    "regions": "what R-CNN, Fast and Faster R-CNN cost, by arithmetic, beside measured and published times",
    "detectors": "R-CNN, Fast, Faster, SSD and YOLO on one encoder: seconds a picture, and where they go",
    "two_heads": "how often a class head and a box head speak of different objects",
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
