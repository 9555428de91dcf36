"""The table of conversions: no empty cell, a reason for every 'no', and rows that are there are not made again."""

from __future__ import annotations

import csv

import keras
import numpy as np
import pytest
from converter_models import SIZE, pictures, segmenter
from typer.testing import CliRunner

import converters
import edge
from edge.vulkan import driver
from zoo.cli import app
from zoo.cli.conversions import COLUMNS, FORMS

L = keras.layers


def test_rows_are_whole_and_made_once(tmp_path):
    path = tmp_path / "table.csv"
    kept = [form for form in FORMS if form not in ("float32", "int16x8")]
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(["lenet5", form, *["kept"] * 7] for form in kept)
    result = CliRunner().invoke(app, ["conversions", str(path), "--models", "lenet5"])
    assert result.exit_code == 0, result.output
    rows = {row["form"]: row for row in csv.DictReader(path.open(newline=""))}
    assert set(rows) == set(FORMS) and all(rows[form]["bytes"] == "kept" for form in kept)
    for form in ("float32", "int16x8"):
        row = rows[form]
        assert all(row[column] for column in COLUMNS if column != "reason") and int(row["bytes"]) > 1000
        assert row["converts"] == "yes" and (row["reason"] or "no" not in row.values())
    assert rows["float32"]["cpu_parity"] == "yes"


def test_a_table_with_other_columns_is_refused(tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n")
    result = CliRunner().invoke(app, ["conversions", str(tmp_path / "table.csv")])
    assert result.exit_code != 0 and "other columns" in str(result.exception)


@pytest.mark.skipif(driver() is None, reason="no Vulkan driver for the GPU accelerator")
def test_parity_finds_an_operation_that_the_gpu_computes_wrongly(tmp_path):
    """A transposed convolution of stride 8 on sides of 4: whole on the accelerator, and wrong."""
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="image")
    x = L.Conv2D(8, 3, 4, "same", activation="relu")(image)
    model = keras.Model(image, L.Conv2DTranspose(4, 16, 8, "same", name="up")(x))
    samples = pictures(3, (16, 16))
    made = converters.to_tflite(model, tmp_path / "a.tflite")
    assert converters.parity(model, made, samples).outputs[0].relative < 1e-5
    with edge.Runner(made.path, "gpu") as runner:
        found = converters.parity(model, runner.run, samples, accelerator="gpu")
    assert not found.passed and "of its spread" in found.reason, str(found)


def test_quantize_aware_on_the_command_line(tmp_path):
    model = segmenter(size=SIZE)
    model.save(tmp_path / "model.keras")
    data = f"scenes:count=8,size={SIZE[0]}x{SIZE[1]}"
    command = ["convert", str(tmp_path / "model.keras"), "--recipe", "int8", "--calibration", data]
    result = CliRunner().invoke(app, [*command, "--quantize-aware", "1"])
    assert result.exit_code == 0, result.output
    assert converters.float_islands(tmp_path / "model_int8.tflite") == ()
    result = CliRunner().invoke(app, [*command[:2], "--recipe", "dynamic", "--calibration", data, "--quantize-aware", "1"])
    assert result.exit_code != 0 and "--recipe int8" in str(result.exception)
    assert np.isfinite(converters.parity(model, tmp_path / "model_int8.tflite", pictures(2)).outputs[0].relative)
