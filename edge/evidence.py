"""Evidence: what the operators before an output say of its numbers: their bounds, whether they are classes, how they lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edge.graph import Graph, Operator
from zoo.outputs.bounds import FREE, Bounds, united
from zoo.outputs.layout import CHANNELS_FIRST, CHANNELS_LAST

# One table for Python and for the demo app, which reads the operators of a file as this module does.
_RULES_FILE = json.loads((Path(__file__).parent / "evidence.json").read_text(encoding="utf-8"))
# What hands values on as they are, in other types, shapes and places.
_RETYPES, _RESHAPES, _RESIZES = (frozenset(_RULES_FILE[name]) for name in ("retypes", "reshapes", "resizes"))
_MOVES = _RETYPES | _RESHAPES | _RESIZES | frozenset(_RULES_FILE["moves"])
# What takes some of them, or one for several: bounds stay, sums over channels do not.
_SELECTS = frozenset(_RULES_FILE["selects"])
_FIXED = {name: Bounds(**ends) for name, ends in _RULES_FILE["bounds"].items()}
_FUSED = {name: Bounds(**ends) for name, ends in _RULES_FILE["fused"].items()}
_COMPARES = frozenset(_RULES_FILE["compares"])
# What leaves an index an index.
_INDEXED = _RETYPES | _RESHAPES | frozenset(_RULES_FILE["indexed"])
# What may stand between a picture and the operator that turns its axes.
ELEMENTWISE = frozenset(_RULES_FILE["elementwise"])
# What leaves the order of the axes as it is.
_TURNED = _RETYPES | _RESIZES | frozenset(_RULES_FILE["turned"])
_DEEPEST = 64  # operators that are looked back over


class Evidence:
    """A graph, asked about its outputs."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[int, Bounds | None] = {}

    def bounds(self, tensor: int) -> Bounds | None:
        """The bounds of a tensor's values; None where they can't be told."""
        if tensor not in self._known:
            self._known[tensor] = None  # of a graph that goes round in circles nothing is known
            self._known[tensor] = self._bounds(tensor)
        return self._known[tensor]

    def classes(self, tensor: int) -> int | None:
        """How many classes a tensor of class indices tells apart; None for what is none."""
        for _ in range(_DEEPEST):
            maker = self._graph.producer(tensor)
            if maker is None:
                return None
            if maker.name == "ARG_MAX":
                scored, axis = self._graph.tensors[maker.inputs[0]], self._constant(maker.inputs[1])
                return scored.shape[int(axis[0])] if axis and scored.shape else None
            if maker.name == "TOPK_V2" and tensor == maker.outputs[1]:
                return self._graph.tensors[maker.inputs[0]].shape[-1]
            if maker.name in _COMPARES or self._is_choice(maker) or self._is_rounded(maker):
                return 2
            if maker.name == "GATHER" and self._constant(maker.inputs[0]):  # a table of other numbers for the classes
                return int(max(self._constant(maker.inputs[0]))) + 1
            if maker.name not in _INDEXED:
                return None
            tensor = maker.inputs[0]
        return None

    def turned(self, tensor: int) -> str:
        """The order of axes that the last TRANSPOSE before an output gave it; empty where there is none."""
        for _ in range(_DEEPEST):
            maker = self._graph.producer(tensor)
            if maker is None or maker.name in _RESHAPES:
                return ""
            if maker.name == "TRANSPOSE":
                order = self._constant(maker.inputs[1])
                return {(0, 3, 1, 2): CHANNELS_FIRST, (0, 2, 3, 1): CHANNELS_LAST}.get(tuple(map(int, order)), "")
            if maker.name not in _TURNED:
                return ""
            tensor = maker.inputs[0]
        return ""

    # ------------------------------------------------------------------------------------------------ bounds

    def _bounds(self, tensor: int) -> Bounds | None:
        maker = self._graph.producer(tensor)
        if maker is None:
            values = self._graph.tensors[tensor].values  # an input says as little as a large constant
            return Bounds(min(values), max(values)) if values else None
        result = self._of(maker)
        if result is None or maker.fused not in (*_FUSED, "NONE"):
            return None
        limits = _FUSED.get(maker.fused)
        return result if limits is None else result.cut(limits.low, limits.high)

    def _of(self, maker: Operator) -> Bounds | None:
        if maker.name in _FIXED:
            return _FIXED[maker.name]
        if maker.name in _MOVES:
            return self.bounds(maker.inputs[0])
        if maker.name in _SELECTS:
            source = self.bounds(maker.inputs[-1] if maker.name == "SPLIT" else maker.inputs[0])
            return None if source is None else source.mixed()
        rule = _RULES.get(maker.name)
        return None if rule is None else rule(self, maker)

    def _all(self, maker: Operator) -> list[Bounds] | None:
        several = [self.bounds(index) for index in maker.inputs]
        return None if None in several else several

    def _joined(self, maker: Operator) -> Bounds | None:
        several = self._all(maker)
        return united(several) if several else None

    def _added(self, maker: Operator) -> Bounds | None:
        if self._is_free_with_constant(maker):
            return FREE
        several = self._all(maker)
        if not several:
            return None
        total = several[0]
        for place, each in enumerate(several[1:], start=1):
            offset = self._scalar(maker.inputs[place])
            total = total.plus(each) if offset is None else total.scaled(1.0, offset)
        return total

    def _subtracted(self, maker: Operator) -> Bounds | None:
        if self._is_free_with_constant(maker):
            return FREE
        several = self._all(maker)
        return several[0].plus(several[1].scaled(-1.0)) if several else None

    def _multiplied(self, maker: Operator) -> Bounds | None:
        if self._is_free_with_constant(maker):
            return FREE
        several = self._all(maker)
        if not several:
            return None
        factor = self._scalar(maker.inputs[1])
        return several[0].times(several[1]) if factor is None else several[0].scaled(factor)

    def _summed(self, maker: Operator) -> Bounds | None:
        source = self.bounds(maker.inputs[0])
        return FREE if source is not None and source.free else None

    def _is_free_with_constant(self, maker: Operator) -> bool:
        """Whether all inputs but constants are unbounded: whatever the constants are, so is the result."""
        computed = [index for index in maker.inputs if not self._is_constant(index)]
        return bool(computed) and all((bounds := self.bounds(index)) is not None and bounds.free for index in computed)

    def _is_constant(self, tensor: int) -> bool:
        maker = self._graph.producer(tensor)
        if maker is not None and maker.name in _RETYPES:
            return self._is_constant(maker.inputs[0])
        return self._graph.tensors[tensor].constant

    def _divided(self, maker: Operator) -> Bounds | None:
        source, divisor = self.bounds(maker.inputs[0]), self._scalar(maker.inputs[1])
        return source.scaled(1 / divisor) if source is not None and divisor else None

    def _smoothed(self, maker: Operator) -> Bounds | None:
        """A fixed filter over probabilities, as one that enlarges them, gives no logits; over anything else it does."""
        source = self.bounds(maker.inputs[2] if maker.name == "TRANSPOSE_CONV" else maker.inputs[0])
        return None if source is not None and source.unit else FREE

    def _limited(self, maker: Operator) -> Bounds | None:
        several = self._all(maker)
        if not several:
            return None
        choose = max if maker.name == "MAXIMUM" else min
        return Bounds(choose(each.low for each in several), choose(each.high for each in several))

    # ------------------------------------------------------------------------------------------------ constants

    def _constant(self, tensor: int) -> tuple[float, ...]:
        """A constant's values, read through a DEQUANTIZE, as half-precision files have them."""
        values, maker = self._graph.tensors[tensor].values, self._graph.producer(tensor)
        return self._constant(maker.inputs[0]) if maker is not None and maker.name in _RETYPES else values

    def _scalar(self, tensor: int) -> float | None:
        """A constant's only value, of several equal ones too."""
        values = set(self._constant(tensor))
        return values.pop() if len(values) == 1 else None

    def _is_choice(self, maker: Operator) -> bool:
        """Whether it is 1 here and 0 there."""
        return maker.name in ("SELECT", "SELECT_V2") and {self._scalar(index) for index in maker.inputs[1:]} == {0.0, 1.0}

    def _is_rounded(self, maker: Operator) -> bool:
        source = self.bounds(maker.inputs[0]) if maker.name == "ROUND" else None
        return source is not None and replace(source, total=None).activation(1) == "sigmoid"


_RULES: dict[str, Callable[[Evidence, Operator], Bounds | None]] = {
    "ADD": Evidence._added,
    "ADD_N": Evidence._added,
    "CONCATENATION": Evidence._joined,
    "DEPTHWISE_CONV_2D": Evidence._smoothed,
    "DIV": Evidence._divided,
    "MAXIMUM": Evidence._limited,
    "MINIMUM": Evidence._limited,
    "MUL": Evidence._multiplied,
    "PACK": Evidence._joined,
    "SUB": Evidence._subtracted,
    "SUM": Evidence._summed,
    "TRANSPOSE_CONV": Evidence._smoothed,
}
