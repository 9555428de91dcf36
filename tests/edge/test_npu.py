"""The tables of the neural processors: Vela's words as they are read, and its words against the file that it wrote."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from publishing.results import rows_of

WORDS = """Warning: something else
Warning (supported operators) operator: RESIZE_BILINEAR, ofm: 'a/b;c'
Reason: Scaling matches and operation has unsupported scale-factor=3.2
IF not (IFM H == IFM W == 1):
  - and more

Warning (supported operators) operator: DEQUANTIZE, ofm: 'answer'
Reason: Unsupported opType
"""


def test_the_words_of_vela(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import npu

    sys.modules.pop("npu")
    assert npu.left_operators(WORDS) == [
        ("RESIZE_BILINEAR", "a/b;c", "Scaling matches and operation has unsupported scale-factor=3.2"),
        ("DEQUANTIZE", "answer", "Unsupported opType"),
    ]


def test_what_is_not_taken_is_named() -> None:
    """An operator that Vela's file still has is one that it gave a reason for."""
    left = Counter((row["file"], row["processor"]) for row in rows_of("npu_left.csv"))
    rows = rows_of("npu.csv")
    assert {(row["file"], row["processor"]): int(row["operators"]) - int(row["taken"]) for row in rows} == {
        (row["file"], row["processor"]): left[row["file"], row["processor"]] for row in rows
    }
