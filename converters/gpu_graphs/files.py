"""Cases as files: each form of a graph, with its samples and true answers, for a runtime to be asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.integers import quantized


@dataclass(frozen=True)
class Form:
    """One file of a case: its recipe, "float32" or "int8", samples and answers in the file's order."""

    case: Case
    recipe: str
    path: Path
    feeds: Sequence[Sequence[np.ndarray]]
    answers: Sequence[Sequence[np.ndarray]]


def forms(case: Case, folder: Path) -> Iterator[Form]:
    """Writes the files of a case into a folder, one after another."""
    for recipe in ("float32", "int8")[: 1 + case.integers]:
        draft = case.draft()
        if recipe == "int8":
            draft = quantized(draft)
        path = folder / f"{case.name}.{recipe}.tflite"
        path.write_bytes(draft.bytes())
        yield Form(case, recipe, path, draft.feeds, draft.answers)
