"""Before networks: methods that cut a picture into regions, or say what stands out in it, by its colours alone.

>>> from zoo import classical
>>> segmenter = classical.open("grabcut:margin=0.1")
>>> figure = segmenter(image)                # uint8 H×W: 0 ground, 1 figure
>>> regions = segmenter.regions(image)       # uint8 H×W: 0, 1, …, ground first
>>> classical.evaluate(segmenter, zoo.data.open("camvid:PATH", "test")).scores["miou"]

>>> heat = classical.open("itti")(image)      # float32 H×W×1, of what draws the eye

One file a method: paper, what it assumes, parameters. Regions have no class names; `zoo.classical.naming` says how they
come to some. The libraries, scikit-image and OpenCV, are the extra `classical` and are imported where they are used.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from zoo.classical.method import METHODS, Method, Segmenter
from zoo.classical.scoring import evaluate
from zoo.errors import InputError, unknown

__all__ = ["Method", "Segmenter", "evaluate", "get", "names", "open"]


@functools.cache
def _discover() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


def names() -> list[str]:
    """The names of all methods, sorted."""
    _discover()
    return sorted(METHODS)


def get(name: str) -> Method:
    """The method of that name.

    Raises:
        InputError: for an unknown name.
    """
    _discover()
    if name not in METHODS:
        raise unknown("classical method", name, METHODS)
    return METHODS[name]


def open(spec: str) -> Segmenter:
    """A method with its parameters: "kmeans", or "kmeans:regions=5,position=0.5".

    Raises:
        InputError: for an unknown method or parameter, or a value that is no number where one is expected.
    """
    name, _, rest = spec.strip().partition(":")
    method = get(name)
    texts: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key in texts:
            raise InputError(f"{spec}: {part!r} should be PARAMETER=VALUE, each once, as in kmeans:regions=5,seed=1")
        texts[key] = value
    return (method.runner or Segmenter)(method, **{key: method.read(key, value) for key, value in texts.items()})
