"""The zoo's own layers: registered, serialisable, and few. Keras is imported when the first of them is asked for.

A file here that registers a class with Keras is found by itself, and its public names are names of this package. A layer says
what it is, so that nothing outside keeps a table of them:

- `macs(input_shapes, output_shape)`: multiply-accumulates of one picture, by the convention of `zoo.analysis.macs`;
- `receptive_field(fields, input_shapes, output_shape)`: what a position sees, in the words of `zoo.layers.field`;
- `quantization`: "passthrough" where it hands on values that it was given, or interpolates between them, so that int8 needs no
  rounding of its own; "rounds" where it gives others; "integers" where it gives no numbers to be rounded;
  "floating" where what it computes with does not go into eight bits, as pixels of a picture: int8 files leave it in float32;
- `carries`: of how many of its first inputs a positive factor on a channel comes out again on that channel; 0 for none;
- `lower(inputs, primitives)`, only where a file says it in other operations than `call`: see `zoo.layers.primitives`.
"""

from __future__ import annotations

import ast
import functools
import importlib
from pathlib import Path

__all__ = ["load_all"]


@functools.cache
def _public() -> dict[str, str]:
    """Every public name → its module, read from the sources, so that asking for one layer does not import all."""
    names = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        defined = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if hasattr(node, "decorator_list")]
        if any("register_keras_serializable" in ast.unparse(line) for node in defined for line in node.decorator_list):
            names |= {node.name: f"{__name__}.{path.stem}" for node in defined if not node.name.startswith("_")}
    return names


def __getattr__(name: str) -> object:
    if name.startswith("_") or name not in _public():
        raise AttributeError(f"module 'zoo.layers' has no attribute {name!r}")
    return getattr(importlib.import_module(_public()[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_public()])


def load_all() -> list[type]:
    """Imports every layer class of the zoo, which registers it with Keras, and returns them.

    Saved models need it before `keras.models.load_model`; `import zoo` sees to that as soon as Keras is imported.
    """
    import keras

    items = (getattr(importlib.import_module(module), name) for name, module in _public().items())
    return [item for item in items if isinstance(item, type) and issubclass(item, keras.layers.Layer)]
