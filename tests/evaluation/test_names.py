"""Users' names are shown as they are: in tables, bars, pages, pictures and files, whatever they look like."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import zoo
import zoo.data
from edge.timing import Row, table
from zoo.evaluation.report import page
from zoo.outputs.class_scores import ClassScores, class_output

NAMES = (
    "[void]",
    "cell [nucleus]",
    "path [/footway]",
    "[bold red]road[/]",
    ":car:",
    "ends in \\",
    "C:\\[x]",
    "<b>bank</b> & \"shore\"",
    "costs 5$ or 6$",
    "{row} %s $title",
    "[link=https://example.org]sea",
)


class Named(zoo.data.Dataset):
    """One picture that shows every class."""

    name, classes = "lab [v2] :smile: [/x]", NAMES

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> zoo.data.Sample:
        mask = (np.arange(144).reshape(12, 12) % len(NAMES)).astype(np.uint8)
        return zoo.data.Sample(np.repeat(mask[..., None] * 20, 3, -1), mask, NAMES[index])


@pytest.fixture(scope="module")
def evaluation() -> Any:
    def answer(image: np.ndarray) -> np.ndarray:
        return image[..., 0] // 20

    answer.name = "mine [int8]"
    return zoo.evaluate(answer, Named(), progress=False)


def printed(what: Any, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(what)
    return console.file.getvalue()


def test_the_table_of_an_evaluation(evaluation: Any):
    text = printed(evaluation.table())
    for name in (*NAMES, "mine [int8] on lab [v2] :smile: [/x]: 2 images"):
        assert name in text


def test_the_bar(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    from zoo.evaluation import evaluate

    bars = []

    class Kept(evaluate.Progress):
        def __init__(self, *columns: Any, **options: Any) -> None:
            super().__init__(*columns, **{**options, "console": Console(file=io.StringIO(), force_terminal=True, width=120)})
            bars.append(self)

    monkeypatch.setattr(evaluate, "Progress", Kept)
    zoo.evaluate(lambda image: image[..., 0] // 20, Named())
    assert "evaluating on lab [v2] :smile: [/x]" in printed(bars[0].make_tasks_table(bars[0].tasks), 120)


def test_the_table_of_a_benchmark():
    known: dict[str, Any] = {"str": "[a]", "int": 1, "float": 1.0, "bool": True}
    facts = {field.name: known[str(field.type)] for field in fields(Row)}
    rows = [Row(**{**facts, "file": f"{name}.tflite", "error": error}) for name in NAMES for error in ("", "bad [/op] :x:")]
    text = printed(table(rows), 300)
    for name in NAMES:
        assert text.count(f"{name}.tflite") == 2
    assert "bad [/op] :x:" in text


def test_the_page_of_a_report(evaluation: Any):
    class Nobody:
        best = worst = ()

    text = page("runs/<script>", evaluation, [(0, 0, 0)] * len(NAMES), [], {"data": "<i>"}, Nobody())
    assert "<b>bank" not in text and "&lt;b&gt;bank&lt;/b&gt; &amp; &quot;shore&quot;" in text
    assert "<script>" not in text.partition("<body")[2] and "<i>" not in text.partition("Settings of the run")[2]


def test_the_picture_of_the_matrix_and_of_a_run(evaluation: Any, tmp_path: Path):
    from zoo.training.history import draw_curves

    assert evaluation.metrics[0].matrix.picture(tmp_path / "matrix.png").stat().st_size > 1000
    draw_curves(tmp_path / "curves.png", [{"epoch": 1, "loss": 1.0}], "miou", "costs 5$ _{ or 6$")
    assert (tmp_path / "curves.png").is_file()


def test_a_file_of_classes_is_read_back(tmp_path: Path):
    spec = class_output(NAMES, scale=None)
    path = ClassScores().write(np.full(len(NAMES), 0.25, np.float32), spec, tmp_path / "one")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert [name for name, _ in rows] == list(NAMES) and {float(share) for _, share in rows} == {0.25}


def test_the_card_of_weights(capsys: pytest.CaptureFixture):
    from zoo.cli.card import _print_rows, _table

    _print_rows({"classes": ", ".join(NAMES[:5]), "[/data]": "[x]"}, _table("[weights]"))
    text = capsys.readouterr().out
    for name in (*NAMES[:5], "[/data]", "[weights]"):
        assert name in " ".join(text.split())
