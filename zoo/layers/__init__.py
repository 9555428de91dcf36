"""The zoo's own layers: registered, serialisable, and few. Keras is imported when the first of them is asked for."""

from __future__ import annotations

import importlib

_PUBLIC = {  # name → the module it lives in
    "ModelOutput": "zoo.layers.output",
    "model_output": "zoo.layers.output",
    "output_layers": "zoo.layers.output",
    "output_spec": "zoo.layers.output",
    "assumed_spec": "zoo.layers.output",
    "trained_spec": "zoo.layers.output",
    "AuxiliaryHeads": "zoo.layers.supervision",
    "BedOfNails2D": "zoo.layers.unpooling",
    "BilinearInitializer": "zoo.layers.bilinear",
    "CropLike": "zoo.layers.resize",
    "DeformableConv2D": "zoo.layers.deformable",
    "DenseCRF": "zoo.layers.crf",
    "AdaptiveAveragePooling2D": "zoo.layers.adaptive_pooling",
    "LocalResponseNormalization": "zoo.layers.lrn",
    "MaxPoolIndices": "zoo.layers.unpooling",
    "MaxUnpooling2D": "zoo.layers.unpooling",
    "MirrorPadding2D": "zoo.layers.resize",
    "NearestUnpooling2D": "zoo.layers.unpooling",
    "PadToMultiple": "zoo.layers.resize",
    "ResizeLike": "zoo.layers.resize",
    "Downscale": "zoo.layers.resize",
    "auxiliary_heads": "zoo.layers.supervision",
    "inference": "zoo.layers.supervision",
    "supervised": "zoo.layers.supervision",
}

__all__ = [*_PUBLIC, "load_all"]


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'zoo.layers' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def load_all() -> list[type]:
    """Imports every layer class of the zoo, which registers it with Keras, and returns them.

    Saved models need it before `keras.models.load_model`; `zoo.load` does both.
    """
    import keras

    found = (getattr(importlib.import_module(module), name) for name, module in _PUBLIC.items())
    return [item for item in found if isinstance(item, type) and issubclass(item, keras.layers.Layer)]
