"""Kinds: what the numbers of an output mean. A file a kind, found by itself; NumPy only, for `edge` imports it too.

>>> spec = OutputSpec("class_scores", channels=2, labels=("background", "person"))
>>> kind(spec).decode(np.zeros((4, 4, 2)), spec, (8, 8)).shape
(8, 8)
"""

from __future__ import annotations

from zoo.outputs.base import Kind
from zoo.outputs.catalog import Catalog
from zoo.outputs.comparison import Comparison, Tolerance
from zoo.outputs.spec import InputSpec, OutputSpec

__all__ = ["Comparison", "InputSpec", "Kind", "OutputSpec", "Tolerance", "get", "kind", "names", "register", "withdraw"]

_kinds: Catalog[Kind] = Catalog(Kind, __name__, __path__, "kind of output")
register, withdraw, names, get = _kinds.register, _kinds.withdraw, _kinds.names, _kinds.get


def kind(spec: OutputSpec) -> Kind:
    """The kind of an output.

    Raises:
        InputError: for an unknown one.
    """
    return get(spec.kind)
