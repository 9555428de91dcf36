"""Benchmarks: rows, ratios, what a file that does not run leaves behind."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from probe_graphs import conv, convert, deep, upsample, weights
from rich.console import Console

import edge
from edge.arithmetic import macs
from edge.errors import InputError
from edge.gpu import vulkan
from edge.graph import read_graph
from edge.timing import Row, table, write_csv

needs_vulkan = pytest.mark.skipif(vulkan.driver() is None, reason="no Vulkan driver for LiteRT's GPU accelerator")


def heavy(x):
    for seed in range(4):
        x = conv(x, 32, 5, seed=seed)
    return x


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("latency")
    shape = (1, 64, 64, 3)
    return convert(conv, folder / "light.tflite", shape), convert(heavy, folder / "heavy.tflite", shape)


def printed(rows: list[Row]) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(table(rows))
    return console.file.getvalue()


def test_rows_in_order_and_ratios_that_mean_something(pair: tuple[Path, Path]) -> None:
    rows = edge.benchmark(pair, threads=(1, 2), repeats=8, warmup=2)
    assert [(row.file, row.threads) for row in rows] == [
        ("light.tflite", 1),
        ("light.tflite", 2),
        ("heavy.tflite", 1),
        ("heavy.tflite", 2),
    ]
    assert [row.ratio for row in rows[:2]] == [1, 1]
    # Four 5×5 convolutions of 32 filters against one 3×3 of 8: some 360 times the arithmetic.
    assert all(row.ratio > 5 for row in rows[2:])
    for row in rows:
        assert 0 < row.median_ms <= row.p95_ms and row.load_ms > 0 and row.repeats == 8
        assert row.size == "64×64×3" and row.bytes == (pair[0].parent / row.file).stat().st_size
        assert row.peak_bytes > 10 * 2**20 and not row.error


def test_arithmetic_is_counted_from_the_file(pair: tuple[Path, Path], tmp_path: Path) -> None:
    light, heavy_row = (edge.benchmark(path, threads=(1,), repeats=2, warmup=0)[0] for path in pair)
    assert light.gmacs * 1e9 == 64 * 64 * 8 * 27
    assert heavy_row.gmacs * 1e9 == 64 * 64 * 32 * 25 * (3 + 3 * 32)
    assert heavy_row.gmacs_per_s == pytest.approx(1000 * heavy_row.gmacs / heavy_row.median_ms)
    assert 1 < heavy_row.peak_gmacs_per_s < 1e5
    assert "matrix product" in printed([light])


def test_every_kind_of_product_is_counted(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    shape = (1, 8, 8, 4)

    def counted(network) -> float:
        return macs(read_graph(convert(network, tmp_path / "one.tflite", shape)))

    assert counted(lambda x: tf.nn.depthwise_conv2d(x, weights(3, 3, 4, 2), [1, 1, 1, 1], "SAME")) == 64 * 8 * 9
    assert counted(lambda x: upsample(x, 4, 2, filters=5)) == 64 * 4 * 16 * 5
    assert counted(lambda x: tf.reshape(x, (1, 256)) @ weights(256, 10)) == 2560
    assert counted(lambda x: tf.matmul(tf.reshape(x, (1, 16, 16)), tf.reshape(x, (1, 16, 16)) + 1)) == 16**3


@needs_vulkan
def test_gpu_times_include_the_read_back(pair: tuple[Path, Path]) -> None:
    light, heavy_row = edge.benchmark(pair, accelerators=("gpu",), repeats=3, warmup=1)
    assert light.adapter and light.threads == 0
    # Without the read-back a GPU run only queues work, and both would take the same.
    assert heavy_row.ratio > 5


@needs_vulkan
def test_a_file_that_does_not_run_is_a_row_with_a_reason(pair: tuple[Path, Path], tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    refused = convert(lambda x: tf.argmax(deep(x), -1), tmp_path / "refused.tflite")
    bad, good = edge.benchmark([refused, pair[0]], accelerators=("gpu",), repeats=2, warmup=0)
    assert "ARG_MAX" in bad.error and math.isnan(bad.median_ms)
    assert good.median_ms > 0 and not good.error
    assert "ARG_MAX" in printed([bad, good])


def test_csv_and_table(pair: tuple[Path, Path], tmp_path: Path) -> None:
    rows = edge.benchmark(pair[0], threads=(1,), repeats=2, warmup=0)
    write_csv(rows, tmp_path / "rows.csv")
    (read,) = csv.DictReader((tmp_path / "rows.csv").open(encoding="utf-8"))
    assert read["file"] == "light.tflite" and float(read["median_ms"]) == rows[0].median_ms
    assert "light.tflite" in printed(rows) and "1 thread" in printed(rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"paths": []}, "no files"),
        ({"paths": ["nowhere.tflite"]}, "does not exist"),
        ({"accelerators": ("npu",)}, "expected some of cpu, gpu"),
        ({"accelerators": ()}, "expected some of cpu, gpu"),
        ({"threads": (0,)}, "whole numbers from 1"),
        ({"threads": ()}, "whole numbers from 1"),
        ({"repeats": 0}, "repeats is 0"),
        ({"warmup": -1}, "warmup -1"),
    ],
)
def test_bad_arguments(pair: tuple[Path, Path], arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        edge.benchmark(**{"paths": [pair[0]], **arguments})


def test_peers_are_timed(shared: Path) -> None:
    rows = edge.benchmark(sorted((shared / "peers").glob("*.tflite")), threads=(2,), repeats=2, warmup=1)
    assert len(rows) == 5 and all(np.isfinite(row.median_ms) and not row.error for row in rows)


def test_memory_is_the_workers_own(pair: tuple[Path, Path]) -> None:
    held = np.ones(2**26)  # 512 MiB in this process, which the worker that it starts has nothing to do with
    (row,) = edge.benchmark(pair[0], threads=(1,), repeats=1, warmup=0)
    assert 10 * 2**20 < row.peak_bytes < 300 * 2**20 < held.nbytes
