"""The table of conversions: no empty cell, a reason for every 'no', and rows that are there are not made again."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from converter_models import SIZE, pictures, segmenter
from typer.testing import CliRunner

import converters
import edge
from converters import matrix
from converters.matrix import COLUMNS, FORMS
from converters.tflite import lowering
from edge.gpu.vulkan import driver
from zoo.analysis import tiny_models
from zoo.cli import app
from zoo.errors import InputError

pytestmark = pytest.mark.usefixtures("workers")

L = keras.layers
ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"[A-Z0-9_]{3,} (at|of layer) \w|No operator by itself")


def test_rows_are_whole_and_made_once(tmp_path):
    path = tmp_path / "table.csv"
    kept = [form for form in FORMS if form not in ("float32", "int16x8")]
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(["lenet5", form, *["kept"] * 8] for form in kept)
    result = CliRunner().invoke(app, ["conversions", str(path), "--models", "lenet5"])
    assert result.exit_code == 0, result.output
    rows = {row["form"]: row for row in csv.DictReader(path.open(newline=""))}
    assert set(rows) == set(FORMS) and all(rows[form]["bytes"] == "kept" for form in kept)
    for form in ("float32", "int16x8"):
        row = rows[form]
        assert all(row[column] for column in COLUMNS if column != "reason") and int(row["bytes"]) > 1000
        assert row["converts"] == "yes" and (row["reason"] or "no" not in row.values())
    assert rows["float32"]["cpu_parity"] == "yes" and list(rows) == list(FORMS)
    assert re.search(r"GPU: .*[A-Z0-9_]{3,} (at|of layer) \w", rows["int16x8"]["reason"]), "no operator is named"


def test_networks_of_one_graph_share_a_measurement(tmp_path, monkeypatch):
    """Their siblings are the same to the last option, and others' are not."""
    made = []

    def row(name, form, model, images, gpu_check):
        made.append((name, form))
        return {column: name if column in ("model", "measured_on") else form for column in COLUMNS}

    monkeypatch.setattr(matrix, "_prepare", lambda *_, **__: None)
    monkeypatch.setattr(matrix, "_row", row)
    path = tmp_path / "table.csv"
    for _ in range(2):  # the second time finds every row there
        result = CliRunner().invoke(app, ["conversions", str(path), "--models", "mobilenet_v2_0*"])
        assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(path.open(newline="")))
    assert made == [("mobilenet_v2_035", form) for form in FORMS]
    assert {row["model"] for row in rows} == {"mobilenet_v2_035", "mobilenet_v2_050", "mobilenet_v2_075"}
    assert {row["measured_on"] for row in rows} == {"mobilenet_v2_035"} and len(rows) == 3 * len(FORMS)
    marks = [tiny_models.fingerprint(tiny_models.tiny_model(name)) for name in ("fcn8s", "fcn16s")]
    assert marks[0] != marks[1]


def test_every_no_of_the_published_table_names_an_operator():
    """What the GPU does not take or gets wrong, and where a file loses most on the CPU; or that differences add up."""
    with (ROOT / "docs" / "results" / "conversions.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["form"] != "onnx" and row["converts"] == "yes"]
    nameless = []
    for row in rows:
        cpu, _, gpu = row["reason"].partition("GPU: ")
        sides = (("CPU", row["cpu_parity"], cpu), ("GPU", row["gpu_parity"], gpu))
        nameless += [(row["model"], row["form"], side) for side, word, why in sides if word == "no" and not NAMED.search(why)]
    assert nameless == [] and len(rows) > 700


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
    results = {}
    for engine in ("tensorflow", "direct"):  # our own writes it as a convolution and a shuffle of channels
        made = converters.to_tflite(model, tmp_path / f"{engine}.tflite", engine=engine)
        assert converters.parity(model, made, samples).outputs[0].measures["relative"] < 1e-5
        with edge.Runner(made.path, "gpu") as runner:
            results[engine] = converters.parity(model, runner.run, samples, accelerator="gpu")
    assert not results["tensorflow"].passed and "of its spread" in results["tensorflow"].reason, str(results["tensorflow"])
    assert results["direct"].passed, str(results["direct"])


@pytest.mark.skipif(driver() is None, reason="no Vulkan driver for the GPU accelerator")
def test_slopes_and_rows_are_written_as_the_gpu_takes_them(tmp_path):
    """One slope for all channels is refused there, and the largest of rows of six are a neighbour's values."""
    image = keras.Input((9, 7, 6), name="image")
    x = L.PReLU(keras.initializers.Constant(0.25), shared_axes=[1, 2, 3], name="leak")(image)
    model = keras.Model(image, [keras.ops.top_k(x, 3)[0], L.PReLU("normal", shared_axes=[2, 3], name="rows")(x)])
    path = converters.to_tflite(model, tmp_path / "a.tflite").path
    assert edge.gpu_lint(path).at("overflow") == ()
    samples = [np.random.default_rng(seed).normal(size=(9, 7, 6)).astype("float32") for seed in range(2)]
    verdict = edge.gpu_check(path, samples)
    assert verdict.ok, verdict.report()


@pytest.mark.skipif(driver() is None, reason="no Vulkan driver for the GPU accelerator")
def test_a_transposed_kernel_in_a_dynamic_file_is_taken_by_the_gpu(tmp_path):
    image = keras.Input((9, 7, 3), name="image")
    model = keras.Model(image, L.Conv2DTranspose(16, 3, padding="same", name="up")(L.Conv2D(16, 3, name="stem")(image)))
    made = converters.to_tflite(model, tmp_path / "a.tflite", "dynamic")
    assert dict(made.operators)["TRANSPOSE_CONV"] == 1 and dict(made.operators)["DEQUANTIZE"] == 1
    verdict = edge.gpu_check(made.path, pictures(2, (9, 7)))
    assert verdict.ok, verdict.report()


@pytest.mark.parametrize("joined", [False, True])
def test_zeros_before_a_maximum_stay_zeros(tmp_path, monkeypatch, joined):
    """onnxruntime and the GPU accelerator take a padding of zeros for the pool's own, which never wins: no such file."""
    keras.utils.set_random_seed(1)
    image = keras.Input((*SIZE, 3), name="image")
    x = L.Conv2D(8, 3, padding="same", name="stem")(L.Rescaling(1 / 127.5, -1)(image))
    x = L.MaxPooling2D(3, 2, name="pool")(L.ZeroPadding2D(1, name="pad")(x))
    model, samples = keras.Model(image, L.Conv2D(4, 1, name="score")(x)), pictures(4)
    if joined:
        monkeypatch.setattr(lowering, "_pads_to_keep", lambda graph: set())
        with pytest.raises(InputError, match="layer 'pool'"):
            converters.to_onnx(model, tmp_path / "a.onnx")
        return
    assert converters.parity(model, converters.to_onnx(model, tmp_path / "a.onnx").path, samples)
    if driver() is not None:
        with edge.Runner(converters.to_tflite(model, tmp_path / "a.tflite").path, "gpu") as runner:
            assert converters.parity(model, runner.run, samples, accelerator="gpu")


def test_quantize_aware_on_the_command_line(tmp_path):
    model = segmenter(size=SIZE)
    model.save(tmp_path / "model.keras")
    data = f"scenes:count=8,size={SIZE[0]}x{SIZE[1]}"
    command = ["convert", str(tmp_path / "model.keras"), "--quantize", "int8", "--calibration", data]
    result = CliRunner().invoke(app, [*command, "--quantize-aware", "1"])
    assert result.exit_code == 0, result.output
    assert converters.float_islands(tmp_path / "model_int8.tflite") == ()
    result = CliRunner().invoke(app, [*command[:2], "--quantize", "dynamic", "--calibration", data, "--quantize-aware", "1"])
    assert result.exit_code != 0 and "--quantize int8" in str(result.exception)
    assert np.isfinite(converters.parity(model, tmp_path / "model_int8.tflite", pictures(2)).outputs[0].measures["relative"])
