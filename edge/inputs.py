"""Several inputs: what a caller gives for each of them, as the arrays that a file takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edge.errors import InputError
from edge.graph import Graph
from edge.images import prepare_input
from edge.tflite_file import Card


def by_name(values: Any, names: Sequence[str], file: str) -> Mapping[str, Any]:
    """What is given for each input, by the inputs' names.

    Args:
        values: a dict by name, a sequence in the names' order, or of one input its array.
        names: of the inputs.
        file: for messages.

    Raises:
        InputError: for other names, or another number of arrays.
    """
    if isinstance(values, Mapping):
        if set(values) != set(names):
            raise InputError(f"inputs {', '.join(map(str, values))} given; {file} takes {', '.join(names)}")
        return values
    arrays = [values] if len(names) == 1 and not isinstance(values, tuple) else values
    if len(names) > 1 and not isinstance(arrays, Sequence):
        raise InputError(f"{file} has {len(names)} inputs ({', '.join(names)}); give a dict by name, or a tuple of arrays")
    if len(arrays) != len(names):
        raise InputError(f"{len(arrays)} arrays given; {file} takes {', '.join(names)}")
    return dict(zip(names, arrays, strict=True))


def prepared(values: Any, card: Card, graph: Graph) -> dict[str, np.ndarray]:
    """One item for each input, as `Runner.run` takes it: pictures, uint8 H×W×3 of any size, in the input's size and range;
    numbers of the input's shape, with or without the axis of the batch, as they are.

    Args:
        values: by the inputs' names, or in the card's order.
        card: of the file.
        graph: of the file.

    Raises:
        InputError: for other names, another number of arrays, and what does not fit.
    """
    result = {}
    values = by_name(values, [spec.name for spec in card.inputs], card.path.name)
    for spec, place in zip(card.inputs, card.fed, strict=True):
        value, tensor = values[spec.name], graph.inputs[place]
        if spec.layout:
            result[spec.name] = prepare_input(value, spec, f"{card.name}, {spec.name!r},")
            continue
        array = np.asarray(value)
        array = array[None] if array.ndim == len(tensor.signature) - 1 else array
        sides = ["any" if side < 0 else str(side) for side in tensor.signature]
        if array.ndim != len(sides) or any(
            own not in (-1, side) for own, side in zip(tensor.signature, array.shape, strict=True)
        ):
            raise InputError(f"{spec.name!r} is given {np.shape(value)}; expected numbers {'×'.join(sides) or 'without axes'}")
        result[spec.name] = array
    return result
