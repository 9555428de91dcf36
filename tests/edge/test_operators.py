"""Time by operator: the parts of a file compute what the whole does, and their times are of the operators they name."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from command import says
from probe_graphs import conv, convert
from rich.console import Console

from edge.choices import beginning
from edge.engines import Cpu
from edge.errors import InputError
from edge.graph import read_graph
from edge.operators import _read_later, operator_times, table, write_csv

SHAPE = (1, 48, 48, 3)


def branched(x: tf.Tensor) -> tf.Tensor:
    """A map that is read again far behind, and one large convolution among small operators."""
    early = conv(x, 8, 1)
    late = conv(early, 64, 7, seed=1)
    return tf.concat([tf.nn.max_pool2d(late, 2, 2, "SAME"), tf.nn.avg_pool2d(early, 2, 2, "SAME")], axis=-1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("operators")
    return {recipe: convert(branched, folder / f"{recipe}.tflite", SHAPE, recipe=recipe) for recipe in ("float32", "float16")}


@pytest.mark.parametrize("recipe", ["float32", "float16"])
def test_every_part_computes_what_the_whole_does(files: dict[str, Path], tmp_path: Path, recipe: str) -> None:
    path, graph = files[recipe], read_graph(files[recipe])
    picture = np.random.default_rng(0).random(SHAPE, np.float32)
    whole = Cpu(path, 1, keep_all=True)
    whole.run([picture])
    for count in range(1, len(graph.operators) + 1):
        wanted = _read_later(graph, count)
        if not wanted:  # weights that are being unpacked, and nothing else yet
            continue
        part = Cpu(beginning(path, tmp_path / "part.tflite", count, wanted), 1)
        for tensor, values in zip(wanted, part.run([picture]), strict=True):
            np.testing.assert_allclose(values, whole.tensor(tensor), atol=1e-5)
    assert wanted == [tensor.index for tensor in graph.outputs]
    maps = {len(_read_later(graph, count)) for count in range(1, len(graph.operators) + 1)}
    assert max(maps) == 2, "the early map is read behind the late one"


def test_time_goes_where_the_arithmetic_is(files: dict[str, Path], tmp_path: Path) -> None:
    rows = operator_times([files["float32"], files["float16"]], repeats=3, passes=2)
    graph = read_graph(files["float32"])
    mine = [row for row in rows if row.file == "float32.tflite"]
    assert [row.operator for row in mine] == [operator.name for operator in graph.operators]
    slowest = max(mine, key=lambda row: row.ms)
    assert (slowest.operator, slowest.shape, slowest.macs) == ("CONV_2D", "1×48×48×64", 48 * 48 * 64 * 49 * 8)
    assert slowest.ms > 0.5 * sum(row.ms for row in mine)
    assert slowest.gmacs_per_s == pytest.approx(slowest.macs / slowest.ms / 1e6)
    console = Console(width=200, file=io.StringIO())
    console.print(table(rows))
    text = console.file.getvalue()
    assert "CONV_2D" in text and "float32.tflite" in text and "float16.tflite" in text and "1×48×48×64" in text
    write_csv(rows, tmp_path / "rows.csv")
    assert len(list(csv.DictReader((tmp_path / "rows.csv").open(encoding="utf-8")))) == len(rows)


def test_what_cannot_be_timed_is_refused(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="expected at least 1 of each"):
        operator_times(files["float32"], repeats=0)
    with pytest.raises(InputError, match="does not exist"):
        operator_times("nowhere.tflite")
    status, _, errors = says(monkeypatch, capsys, "benchmark", files["float32"], "--by-operator", "--accelerator", "gpu")
    assert status == 2 and "--by-operator times operators on the CPU" in errors
