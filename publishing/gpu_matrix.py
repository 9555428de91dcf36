"""Tables of the GPU's operators: of `zoo gpu-probe`, by operator, and what is wrong, refused or beyond half precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from edge.gpu.probe import EQUAL as RIGHT
from edge.gpu.probe import NOT_WHOLE as REFUSED
from edge.gpu.probe import WRONG
from publishing.markers import table
from publishing.results import rows_of

Row = Mapping[str, str]
FORMS = ("float32", "int8")
_HALF = 0.02  # the largest error in half precision that rounding explains


def operators() -> str:
    """How many graphs of each operator are right, wrong and refused, form by form."""
    rows = rows_of("gpu_operators.csv")
    names = sorted({row["operator"] for row in rows})
    counts = {form: Counter((row["operator"], row["outcome"]) for row in rows if row["form"] == form) for form in FORMS}
    lines = [
        [f"`{name}`", *(counts[form][name, outcome] or "" for form in FORMS for outcome in (RIGHT, WRONG, REFUSED))]
        for name in names
    ]
    lines.append(["all", *(_total(counts[form], outcome) for form in FORMS for outcome in (RIGHT, WRONG, REFUSED))])
    words = ("right", "**wrong**", "refused")
    return table(("operator", *(f">{word}" for word in words), *(f">int8 {word}" for word in words)), lines)


def wrong() -> str:
    """The graphs that are taken whole and computed wrongly, without a word."""
    rows = [row for row in rows_of("gpu_operators.csv") if row["outcome"] == WRONG]
    return table(
        ("operator", "graph", "form", "inputs", "outputs", ">error", "reported"),
        [[f"`{row['operator']}`", row["graph"], row["form"], row["inputs"], row["outputs"], row["gpu_error"], _source(row)]
         for row in _ordered(rows)],
    )  # fmt: skip


def refused() -> str:
    """The graphs that the accelerator does not take, in its own words."""
    rows = [row for row in rows_of("gpu_operators.csv") if row["outcome"] not in (RIGHT, WRONG)]
    return table(
        ("operator", "graph", "form", "inputs", "its words", "reported"),
        [[f"`{row['operator']}`", row["graph"], row["form"], row["inputs"], row["why"] or "none", _source(row)]
         for row in _ordered(rows)],
    )  # fmt: skip


def half() -> str:
    """The graphs that are right in float32 and wrong in half precision on the CPU."""
    rows = [row for row in rows_of("gpu_operators.csv") if row["half_error"] and float(row["half_error"]) > _HALF]
    return table(
        ("operator", "graph", "inputs", ">error in half precision"),
        [[f"`{row['operator']}`", row["graph"], row["inputs"], _size(row["half_error"])] for row in _ordered(rows)],
    )


def runtimes() -> str:
    """What each runtime makes of the graphs, and where they differ."""
    rows = rows_of("gpu_runtimes.csv")
    titles = list(dict.fromkeys(map(_runtime, rows)))
    counts = Counter((_runtime(row), row["outcome"]) for row in rows)
    lines = [[title, *(counts[title, outcome] for outcome in (RIGHT, WRONG, REFUSED))] for title in titles]
    return table(("runtime", ">right", ">**wrong**", ">refused"), lines)


def differences() -> str:
    """The graphs that two runtimes make different things of, those apart that only a CPU takes."""
    rows = [row for row in rows_of("gpu_runtimes.csv") if row["accelerator"] != "WebAssembly"]
    titles = list(dict.fromkeys(map(_runtime, rows)))
    graphs: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        graphs.setdefault((row["graph"], row["form"]), {})[_runtime(row)] = row
    lines = [
        [name, form, *(_outcome(each.get(title)) for title in titles)]
        for (name, form), each in graphs.items()
        if len({row["outcome"] for row in each.values()}) > 1
    ]
    return table(("graph", "form", *titles), lines)


def web_forms() -> str:
    """What weights in 16 bits cost on WebAssembly."""
    return table(
        ("what", "kernel", "bias", ">ms, WebAssembly", ">of float32", ">ms, Python"),
        [[row["what"], row["kernel"], row["bias"], row["wasm_ms"], row["of_float32"], row["python_ms"]]
         for row in rows_of("web_forms.csv")],
    )  # fmt: skip


def _outcome(row: Row | None) -> str:
    return {None: "", RIGHT: "right", WRONG: "**wrong**", REFUSED: "refused"}.get(row and row["outcome"], row["outcome"])


def _runtime(row: Row) -> str:
    return f"{row['runtime']} {row['version']}, {row['accelerator']}"


def _total(counts: Counter[tuple[str, str]], outcome: str) -> int:
    return sum(count for (_, each), count in counts.items() if each == outcome)


def _size(error: str) -> str:
    return "infinite" if float(error) > 1e38 else error


def _source(row: Row) -> str:
    return row["source"].replace("densezoo", "")


def _ordered(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["operator"], row["graph"], row["form"]))
