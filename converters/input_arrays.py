"""Arrays for a model of several inputs: a dict by their names or a tuple in their order, held to what the model takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from converters.graph import as_functional
from converters.quantization.calibration import Calibration, check_samples, warn_of_few
from converters.specs import input_specs
from zoo.errors import InputError
from zoo.outputs import InputSpec

BYTES = (0.0, 255.0)  # the range of what is stored step by step, as pictures and tokens are


@dataclass(frozen=True)
class ModelInput:
    """One input: what it means, its sides without the batch (None where open) and its type."""

    spec: InputSpec
    sides: tuple[int | None, ...]
    dtype: str

    @property
    def expected(self) -> str:
        """The shape of arrays for it, in words."""
        return "×".join(["N", *("any" if side is None else str(side) for side in self.sides)])


def model_inputs(model: keras.Model, shapes: Sequence[Sequence[int | None]] | None = None) -> list[ModelInput]:
    """The inputs of a functional or Sequential model, in its order.

    Args:
        model: of Keras 3.
        shapes: of a file's inputs, batch first, where they say more than the model's own.
    """
    tensors, specs = as_functional(model).inputs, input_specs(model)
    shapes = [tensor.shape for tensor in tensors] if shapes is None else shapes
    return [
        ModelInput(spec, tuple(shape[1:]), keras.backend.standardize_dtype(tensor.dtype))
        for spec, shape, tensor in zip(specs, shapes, tensors, strict=True)
    ]


def as_called(model: keras.Model, arrays: Sequence[Any]) -> Any:
    """Arrays, one an input in the model's order, in the form in which the model is called."""
    if len(arrays) == 1:
        return arrays[0]
    return keras.tree.pack_sequence_as(as_functional(model)._inputs_struct, list(arrays))


def by_name(inputs: Sequence[ModelInput], arrays: Sequence[np.ndarray]) -> np.ndarray | dict[str, np.ndarray]:
    """Arrays as what runs a file takes them: the only one, or several by the inputs' names."""
    return arrays[0] if len(inputs) == 1 else {one.spec.name: array for one, array in zip(inputs, arrays, strict=True)}


def checked(given: Any, inputs: Sequence[ModelInput], what: str = "samples") -> list[np.ndarray]:
    """One array an input, N items in each, of the types that the model takes.

    Args:
        given: by the inputs' names, or one array an input in the model's order. Pictures are N×H×W×C in 0–255, or anything that
            gives such; other inputs arrays of the input's sides behind N.
        inputs: of the model; those that are pictures at the size that is meant.
        what: for messages.

    Raises:
        InputError: for other names or another number of them, other shapes, values that the input's type does not hold.
    """
    values = _in_order(given, [one.spec.name for one in inputs], what)
    arrays = [_checked(value, one, f"{what} for {one.spec.name!r}") for value, one in zip(values, inputs, strict=True)]
    counts = {len(array) for array in arrays}
    if len(counts) > 1 or not counts.pop():
        numbers = ", ".join(f"{len(array)} for {one.spec.name!r}" for array, one in zip(arrays, inputs, strict=True))
        raise InputError(f"{what}: {numbers}; give as many items for each input, one at least")
    return arrays


def calibration(given: Any, inputs: Sequence[ModelInput]) -> Calibration:
    """What a model of several inputs is measured on; arguments and errors as of `checked`."""
    first, *others = checked(given, inputs, "calibration")
    warn_of_few(len(first))
    return Calibration(first, inputs[0].dtype, tuple(others))


def _in_order(given: Any, names: Sequence[str], what: str) -> list[Any]:
    if isinstance(given, Mapping):
        if set(given) != set(names):
            raise InputError(f"{what} is given for {', '.join(map(str, given))}; the model's inputs are {', '.join(names)}")
        return [given[name] for name in names]
    if not isinstance(given, (tuple, list)) or len(given) != len(names):
        items = f"{type(given).__name__} of {len(given)}" if isinstance(given, (tuple, list)) else type(given).__name__
        raise InputError(
            f"{what} is a {items}; the model has {len(names)} inputs: give a dict of arrays by their names, "
            f"{', '.join(names)}, or a tuple of arrays in this order"
        )
    return list(given)


def _checked(value: Any, one: ModelInput, what: str) -> np.ndarray:
    if one.spec.layout:
        return check_samples(value, one.sides[:2], one.sides[2], what).astype(one.dtype)
    array = np.asarray(value)
    if array.dtype.kind not in "fiub" or array.ndim != 1 + len(one.sides) or any(
        own not in (None, side) for own, side in zip(one.sides, array.shape[1:], strict=True)
    ):
        raise InputError(f"{what} holds {array.dtype} of shape {array.shape}; expected numbers {one.expected}")
    return typed(array, one.dtype, what)


def typed(array: np.ndarray, dtype: str, what: str) -> np.ndarray:
    """The array in a type that holds its values.

    Raises:
        InputError: for values that are not finite, fractions for whole numbers, and values beyond the type's ends.
    """
    if not np.isfinite(array).all():
        raise InputError(f"{what} is not all finite numbers; take out what is NaN or infinite")
    result = array.astype(dtype)
    if result.dtype.kind != "f" and not np.array_equal(result, array):
        stray = array[result != array][0]
        raise InputError(f"{what} holds {stray:g}, which is no {dtype}; the input takes whole numbers of that type")
    return result
