"""Provocations: what a graph gets wrong on some values alone, shown by giving it such values.

A class map is right on the GPU as long as one score of each pixel is above zero, and names a class that does not exist where
none is. Samples may never show it. So the operators that a rule suspects of it are cut out, and given values below zero.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge.errors import InputError
from edge.evidence import Evidence
from edge.gpu.rules.registry import Rule, matching
from edge.gpu.trial import WRONG_NUMBERS, Outcome, Trial, Workers
from edge.graph import Graph, Tensor, read_graph

_DEEPEST = 4  # operators before a suspect that go along with it
_ALONG = ("ABS", "ELU", "EXP", "GELU", "LOGISTIC", "PAD", "PADV2", "RESHAPE", "TANH")


@dataclass(frozen=True)
class Provocation:
    """A suspect that was wrong on values below zero.

    Attributes:
        places: of the operators that were cut out, among the graph's; the suspect's is the last.
        tensor: the name of what the suspect writes.
        rule: by which it was one.
        outcome: what became of it.
    """

    places: tuple[int, ...]
    tensor: str
    rule: Rule
    outcome: Outcome

    def __str__(self) -> str:
        return f"at {self.tensor} {self.rule.what}: {self.outcome.detail}"


class Suspect(NamedTuple):
    """An operator that may be wrong below zero: by which rule, and where it is fed when it is cut out."""

    rule: Rule
    places: list[int]
    source: int


def provoke(path: Path, timeout: float = 300.0) -> tuple[Provocation, ...]:
    """The suspects that are wrong on values below zero; nothing where there is no suspect."""
    graph = read_graph(path)
    evidence = Evidence(graph)
    suspects = [
        Suspect(rule, *_with_its_chain(graph, place))
        for place, operator in enumerate(graph.operators)
        for rule in matching(graph, operator)
        if rule.below_zero
    ]
    suspects = [suspect for suspect in suspects if _may_be_negative(evidence, suspect.source)]
    if not suspects:
        return ()
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder, Workers(timeout=timeout) as workers:
        trial = Trial(path, Path(folder), workers)
        results = [_provoked(trial, suspect) for suspect in suspects]
    return tuple(result for result in results if result is not None)


def _provoked(trial: Trial, suspect: Suspect) -> Provocation | None:
    rule, places, source = suspect
    outputs = trial.graph.operators[places[-1]].outputs
    try:
        outcome = trial.outcome(places, outputs, {source: _negative(trial.graph.tensors[source])})
    except InputError:  # what the CPU does not take by itself
        return None
    if outcome.reason != WRONG_NUMBERS:
        return None
    return Provocation(tuple(places), trial.graph.tensors[outputs[0]].label, rule, outcome)


def _with_its_chain(graph: Graph, place: int) -> tuple[list[int], int]:
    """The places of an operator and of those before it that change values one by one, and the tensor that they begin with."""
    places = [place]
    for _ in range(_DEEPEST):
        before = graph.place(graph.operators[places[-1]].inputs[0])
        if before is None or graph.operators[before].name not in _ALONG:
            break
        places.append(before)
    return places[::-1], graph.operators[places[-1]].inputs[0]


def _negative(tensor: Tensor) -> np.ndarray:
    """Values below zero, of the magnitude that the tensor has."""
    spread = 1.0
    if tensor.scale:
        spread = abs(float(tensor.real(np.array(np.iinfo(tensor.dtype).min, tensor.dtype)))) / 3
    values = -np.abs(np.random.default_rng(0).normal(size=tensor.shape)) - 0.1
    return tensor.store((spread * values).astype(np.float32))


def _may_be_negative(evidence: Evidence, source: int) -> bool:
    bounds = evidence.bounds(source)
    return bounds is None or bounds.low < 0
