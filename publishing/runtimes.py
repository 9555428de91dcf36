"""Tables of other runtimes: what they answer to networks and to graphs of one operator, by benchmarks/other_runtimes.py."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from publishing.markers import table
from publishing.results import rows_of

Row = Mapping[str, str]
VERDICTS = ("right", "wrong", "no answer")
NAMES = {
    "litert": "LiteRT", "openvino": "OpenVINO", "tflite_micro": "TFLite Micro", "mnn": "MNN", "tract": "tract",
    "opencv": "OpenCV", "ncnn": "ncnn", "tosa": "TOSA",
}  # fmt: skip


def networks() -> str:
    """How many networks each runtime answers rightly, form by form."""
    return _counts(rows_of("runtimes.csv"))


def wrong_networks() -> str:
    """The networks that a runtime answers wrongly without a word."""
    names = defaultdict(list)
    for row in rows_of("runtimes.csv"):
        if row["verdict"] == "wrong":
            names[_title(row), row["form"]].append(f"`{row['case']}`")
    return table(("runtime", "form", "wrong"), [[*key, ", ".join(each)] for key, each in sorted(names.items())])


def operators() -> str:
    """How many graphs of one operator each runtime answers rightly, form by form."""
    return _counts(rows_of("runtime_operators.csv"))


def wrong_operators() -> str:
    """The operators of which a runtime gets graphs wrong without a word: how many of how many."""
    rows = rows_of("runtime_operators.csv")
    graphs = {(row["case"], row["form"]) for row in rows}
    operator = {(row["graph"], row["form"]): row["operator"] for row in rows_of("gpu_operators.csv")}
    counts = Counter((operator.get((row["case"], row["form"])), _title(row), row["verdict"]) for row in rows)
    titles = list(dict.fromkeys(_title(row) for row in rows))
    totals = Counter(operator.get(graph) for graph in graphs)
    lines = [
        [f"`{name}`", total, *(counts[name, title, "wrong"] or "" for title in titles)]
        for name, total in sorted(totals.items(), key=str)
        if any(counts[name, title, "wrong"] for title in titles)
    ]
    return table(("operator", ">graphs", *(f">{title}" for title in titles)), lines)


def _counts(rows: list[Row]) -> str:
    counts = Counter((_title(row), row["form"], row["verdict"]) for row in rows)
    lines = [
        [title, form, *(counts[title, form, verdict] or "" for verdict in VERDICTS)]
        for title, form in sorted({(title, form) for title, form, _ in counts})
    ]
    return table(("runtime", "form", ">right", ">**wrong**", ">no answer"), lines)


def _title(row: Row) -> str:
    return f"{NAMES[row['runtime']]} {row['version']}"
