"""densezoo: a Keras 3 model zoo for dense prediction.

>>> import zoo
>>> model = zoo.build("fcn8s", encoder="mobilenet_v2", classes=11)
>>> zoo.list_models("vgg*")
['vgg16', 'vgg19']

Importing this package imports neither Keras nor a backend; the first `build` does.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING

# At once, because a module of this name exists too: whoever imports that later must find the function still here.
from zoo.build import build, list_models
from zoo.lazy import when_imported

__version__ = "0.1.0"

if TYPE_CHECKING:
    from zoo.analysis.macs import macs
    from zoo.analysis.model_card import card
    from zoo.evaluation.evaluate import evaluate
    from zoo.layers import output_spec
    from zoo.postprocessing.dense_crf import with_crf
    from zoo.pretrained.weights_io import load
    from zoo.training import train

_PUBLIC = {  # name → the module it lives in, imported when it is asked for
    "card": "zoo.analysis.model_card",
    "load": "zoo.pretrained.weights_io",
    "macs": "zoo.analysis.macs",
    "output_spec": "zoo.layers",
    "train": "zoo.training",
    "evaluate": "zoo.evaluation.evaluate",
    "with_crf": "zoo.postprocessing.dense_crf",
}

__all__ = ["build", "card", "evaluate", "list_models", "load", "macs", "output_spec", "train", "with_crf"]


_OLD = {  # names of 0.1, until 0.3: what they were → where it is now, and what to write instead
    "answer": ("zoo.layers", "model_output", "zoo.output_spec(model)"),
}


def _register_layers() -> None:
    importlib.import_module("zoo.layers").load_all()


def _choose_backend() -> None:
    importlib.import_module("zoo.analysis.installation").choose_backend()


# So that `keras.models.load_model` knows the layers of our files, and Keras starts where TensorFlow is not installed.
when_imported("keras", _register_layers, before=_choose_backend)


def __getattr__(name: str) -> object:
    if name in _OLD:
        module, attribute, instead = _OLD[name]
        warnings.warn(f"zoo.{name} goes with 0.3; write {instead}", DeprecationWarning, stacklevel=2)
        return getattr(importlib.import_module(module), attribute)
    if name == "distribute":  # the module's name of 0.1, which stays
        return importlib.import_module("zoo.training.distribution")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
