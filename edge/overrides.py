"""Overrides: what a caller says of a file's input and output, in place of what the file says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.errors import InputError
from edge.graph import Graph, Tensor
from edge.guess import meant, picture_of
from edge.tflite_file import Card
from zoo import outputs as kinds
from zoo.errors import unknown
from zoo.outputs import InputSpec, OutputSpec
from zoo.outputs.class_scores import OUTPUTS
from zoo.outputs.spec import Bound

_LEVELS = 255.0  # between the first and the last byte of a picture


@dataclass(frozen=True)
class Overrides:
    """What a caller says of a file.

    Attributes:
        input_range: the values that stand for a picture's 0 and 255. An input of uint8 without a scale takes the picture's
            bytes whatever is said here, for there is nothing else that it could take.
        input_size: (height, width) for a file that takes any.
        output: what the first output is, a key of `zoo.outputs.class_scores.OUTPUTS`: "logits", "probabilities", "class_map".
        labels: names of its classes; of a single channel both, or the foreground's alone.
    """

    input_range: tuple[Bound, Bound] | None = None
    input_size: tuple[int, int] | None = None
    output: str | None = None
    labels: Sequence[str] | None = None

    def over(self, card: Card, graph: Graph) -> Card:
        """The card with these in place of its own.

        Raises:
            InputError: for a size that the file does not take, an output that its shape is none of, and names of another
                number than classes.
        """
        inputs = tuple(
            self._input(spec, graph.inputs[place], card) for spec, place in zip(card.inputs, card.fed, strict=True)
        )
        card = replace(card, inputs=inputs)
        spec = self._output(card, graph)
        return card if spec is card.spec else replace(card, outputs=(spec, *card.outputs[1:]))

    def _input(self, spec: InputSpec, tensor: Tensor, card: Card) -> InputSpec:
        if not spec.layout:  # neither a range nor a size is of anything but a picture
            return spec
        if self.input_size is not None:
            spec = replace(spec, size=_size(self.input_size, spec, card))
        if self.input_range is None or not tensor.numeric or (tensor.dtype == "uint8" and not tensor.scale):
            return spec
        width = np.abs(np.subtract(self.input_range[1], self.input_range[0]))
        if np.dtype(tensor.dtype).kind in "iu" and not tensor.scale and np.any(width < _LEVELS):
            raise InputError(
                f"{card.path.name}: {spec.name!r} takes whole numbers ({tensor.dtype}), in which input_range="
                f"{self.input_range} would leave nothing of a picture; expected (0, 255), or leave it out"
            )
        return replace(spec, range=self.input_range)

    def _output(self, card: Card, graph: Graph) -> OutputSpec:
        spec, tensor = card.spec, graph.outputs[card.read[0]]
        if self.output is None and self.labels is None:
            return spec
        if self.output is not None:
            spec = self._meant(card, graph, self.output)
        elif not kinds.kind(spec).known:
            # Names for the channels of a map say that they are classes, whose best one needs no activation.
            spec = self._meant(card, graph, next(iter(OUTPUTS)))
            if not spec.dense or spec.channels == 1:
                raise InputError(f"{card.path.name}: labels= alone do not say what {tensor.label!r} is; give output= as well")
        return spec if self.labels is None else named(spec, self.labels, card.path.name)

    def _meant(self, card: Card, graph: Graph, output: str) -> OutputSpec:
        if output not in OUTPUTS:
            raise unknown("output", output, OUTPUTS)
        tensor, place = graph.outputs[card.read[0]], picture_of(card.inputs)
        image = card.inputs[place]
        batch = graph.inputs[card.fed[place]].shape[0] if image.layout.startswith("N") else 1
        spec = meant(tensor, image, batch, output, graph, None if self.labels is None else len(self.labels))
        if spec is None:
            shape = "×".join(map(str, tensor.signature)).replace("-1", "any") or "one number"
            raise InputError(f"{card.path.name}: {tensor.label!r} is {shape}, which can be no {output} of its input")
        return spec


def named(spec: OutputSpec, labels: Sequence[str], file: str) -> OutputSpec:
    """The spec with other names for its classes.

    Raises:
        InputError: for another number of names than classes.
    """
    labels = tuple(map(str, labels))
    if spec.channels == 1 and len(labels) == 1:
        labels = ("background", *labels)
    fixed = spec.activation != "argmax"  # a map of indices may have any number of classes
    if fixed and len(labels) != spec.classes:
        raise InputError(f"{len(labels)} labels for the {spec.classes} classes of {file}; give one each, in their order")
    return replace(spec, labels=labels, palette=spec.palette if len(labels) == len(spec.palette) else ())


def _size(size: tuple[int, int], spec: InputSpec, card: Card) -> tuple[int, int]:
    sides = tuple(int(side) for side in size)
    if len(sides) != 2 or min(sides) < 1:
        raise InputError(f"input_size is {size!r}; expected (height, width) in pixels, as in (256, 256)")
    if spec.size not in (None, sides):
        raise InputError(f"{card.path.name} takes {spec.size[0]}×{spec.size[1]} and no other size; leave out input_size")
    return sides
