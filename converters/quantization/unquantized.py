"""A row of what was left as it was: a layer whose weights nobody rounds, prunes or clusters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UnquantizedLayer:
    """A layer whose weights are left as they are."""

    layer: str
    kind: str
    why: str

    def __str__(self) -> str:
        return f"{self.layer} ({self.kind}): {self.why}"
