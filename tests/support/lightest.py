"""The lightest network of each architecture: those that are counted anew and held against the committed table of all."""

from __future__ import annotations

import zoo
from zoo import registry
from zoo.analysis.model_card import read_rows

ROWS = read_rows()
_HEAVIEST_FIRST = sorted(ROWS.keys() & set(zoo.list_models()), key=lambda name: (-int(ROWS[name]["trainable"]), name))
LIGHTEST = sorted({registry.get(name).body or registry.get(name).builder: name for name in _HEAVIEST_FIRST}.values())


def in_table(row: dict[str, str]) -> bool:
    """Whether a row of tests/reference.csv is of the network that the table's row is of."""
    ours = ROWS[row["name"]]
    return not row["options"] and (ours["classes"], ours["input"]) == (row["classes"], f"{row['input']}x{row['input']}")
