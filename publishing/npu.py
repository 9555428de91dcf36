"""Tables of neural processors: what Vela takes of int8 files, by benchmarks/npu.py."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from publishing.markers import table
from publishing.results import rows_of

_NUMBERS = re.compile(r"[\d.]+")


def files() -> str:
    """Each file: how many of its operators each processor takes, and Vela's estimates."""
    rows = rows_of("npu.csv")
    processors = list(dict.fromkeys(row["processor"] for row in rows))
    cells = {(row["file"], row["processor"]): row for row in rows}
    lines = []
    for first in (row for row in rows if row["processor"] == processors[0]):
        each = [cells[first["file"], name] for name in processors]
        taken = [row["taken"] or f"none: {row['why']}" for row in each]
        estimates = [*(row["milliseconds"] for row in each), each[0]["sram_kib"]]
        if first["weights"] != "trained":  # a tiny network's say nothing
            estimates = [""] * len(estimates)
        lines.append([f"`{first['file']}`", _size(first["size"]), first["operators"], *taken, *estimates])
    headings = [*(f">{_title(name)}" for name in processors), *(f">{_title(name)}, ms" for name in processors)]
    return table(("file", "inputs", ">operators", *headings, f">{_title(processors[0])}, KiB"), lines)


def left() -> str:
    """The operators that stay on the CPU: how many in how many files, and Vela's words for one of them."""
    rows = rows_of("npu_left.csv")
    processors = list(dict.fromkeys(row["processor"] for row in rows))
    counts = Counter((row["operator"], _words(row["why"]), row["processor"]) for row in rows)
    names, examples = defaultdict(set), {}
    for row in rows:
        key = row["operator"], _words(row["why"])
        names[key].add(row["file"])
        examples.setdefault(key, row["why"])
    lines = [
        [f"`{key[0]}`", len(names[key]), *(counts[*key, name] or "" for name in processors), examples[key]]
        for key in sorted(examples, key=lambda key: (-len(names[key]), key))
    ]
    return table(("operator", ">files", *(f">{_title(name)}" for name in processors), "Vela's words, of one of them"), lines)


def _title(processor: str) -> str:
    return processor.removeprefix("ethos-").upper()


def _size(inputs: str) -> str:
    """Of many inputs the first two, which hold what a person would call the input."""
    shapes = inputs.split(" ")
    return ", ".join(shapes[:2]) + (", …" if shapes[2:] else "")


def _words(why: str) -> str:
    """A reason without the numbers and the tensor that it names."""
    return _NUMBERS.sub("", why.partition("(")[0])
