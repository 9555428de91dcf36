"""The derivations of `zoo experiments`: that what they call equal is equal, and their counts are those of pencil and paper."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from zoo.experiments import (  # noqa: E402
    autoencoders,
    convolution_gradient,
    detectors,
    normalization,
    regions,
    saturation,
    sparse_layer,
    symmetric_skips,
    through_time,
    transposed_convolution,
    two_heads,
    volume,
)

ANSWER = np.array([[[6, 7, -1], [6, 1, -2], [3, 0, 3]], [[2, -2, 5], [-4, 4, 2], [0, 4, 1]]])  # filter, row, column


def length(folder: Path, name: str) -> int:
    """Rows of an experiment's table, its picture beside it."""
    assert (folder / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    with (folder / f"{name}.csv").open() as file:
        return len(list(csv.DictReader(file)))


def silent(line: str) -> None:
    assert line


@pytest.fixture
def untraced() -> Iterator[None]:
    """TensorFlow runs step by step: of few steps, most of the time is tracing."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_the_volume_by_hand_is_what_scipy_and_keras_give(tmp_path: Path) -> None:
    signal = pytest.importorskip("scipy.signal")
    image, weights = volume.volume()[0], volume.kernel()
    for number, bias in enumerate(volume.BIASES):
        dense = signal.correlate(image, weights[..., number], mode="valid")[::2, ::2, 0] + bias
        assert np.array_equal(dense, ANSWER[number])
    assert np.array_equal(volume.by_hand().transpose(2, 0, 1), ANSWER)
    rows = volume.run(tmp_path, say=silent)
    assert all(row["answer"] == row["keras"] == ANSWER[row["filter"], row["row"], row["column"]] for row in rows)
    assert length(tmp_path, "volume") == 18


def test_the_volume_is_the_same_in_tflite_and_onnx(tmp_path: Path) -> None:
    converters, edge = pytest.importorskip("converters"), pytest.importorskip("edge")
    model = volume.network()
    for recipe in ("float32", "float16"):
        path = converters.to_tflite(model, tmp_path / f"{recipe}.tflite", recipe=recipe).path
        with edge.Runner(path) as runner:
            assert np.array_equal(runner.run(volume.volume())[0], volume.by_hand()), recipe
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    path = converters.to_onnx(model, tmp_path / "a.onnx").path
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {session.get_inputs()[0].name: volume.volume()})
    assert np.array_equal(answer[0], volume.by_hand())


def test_a_convolution_is_a_sparse_layer_of_784_rows_of_25(tmp_path: Path) -> None:
    rows = sparse_layer.run(tmp_path, say=silent)
    assert [row["weights"] for row in rows] == [784 * 1024, 784 * 25, 25]
    assert [row["products"] for row in rows] == [784 * 1024, 784 * 25, 784 * 25]
    assert all(row["difference"] < 1e-12 for row in rows)
    assert length(tmp_path, "sparse_layer") == 3


def test_a_convolutions_gradient_by_formula_autodiff_and_differences(tmp_path: Path) -> None:
    rows = convolution_gradient.run(tmp_path, say=silent, cases=((1, 0), (2, 1)))
    assert [row["by"] for row in rows] == ["volume", "filter", "bias"] * 2
    assert all(row["largest"] > 1 and row["autodiff"] < 1e-12 and row["numerical"] < 1e-7 for row in rows)
    assert length(tmp_path, "convolution_gradient") == 6


def test_a_transposed_convolution_is_the_backward_pass_and_overlaps_unless_its_stride_divides_it(
    tmp_path: Path,
) -> None:
    rows = transposed_convolution.run(tmp_path, say=silent, windows=(2, 3, 4), strides=(2, 3))
    assert all(row["conv2d_transpose"] < 1e-12 and row["backward_pass"] < 1e-12 for row in rows)
    found = {(row["stride"], row["window"]): (row["least"], row["most"]) for row in rows}
    assert found == {(2, 2): (1, 1), (2, 3): (1, 4), (2, 4): (4, 4), (3, 2): (0, 1), (3, 3): (1, 1), (3, 4): (1, 4)}
    assert length(tmp_path, "transposed_convolution") == 6


@pytest.mark.usefixtures("untraced")
def test_a_saturated_unit_learns_from_logits_alone(tmp_path: Path) -> None:
    rows = saturation.run(tmp_path, say=silent, points=13, most=2000)
    found = {(row["loss"], row["z"]): row for row in rows}
    for (loss, z), row in found.items():
        if loss == "cross-entropy of probabilities" and z > 16:
            assert row["gradient"] == 0 and row["steps"] == ""
        else:
            assert row["gradient"] == pytest.approx(row["formula"], abs=2e-7 * max(1, 4**z / 1e6))
    steps = {loss: found[loss, 4.0]["steps"] for loss in saturation.COLOURS}
    assert 0 < 5 * steps["cross-entropy from logits"] < steps["squared error"]
    assert found["squared error", 8.0]["steps"] == "" and found["cross-entropy from logits", 20.0]["steps"] < 200
    assert found["squared error", -4.0]["steps"] == 0
    assert length(tmp_path, "saturation") == 3 * 13


def test_the_jacobians_through_time_are_those_of_differences_and_the_cells_those_of_keras() -> None:
    generator = np.random.default_rng(0)
    matrices = np.stack([through_time.recurrent_matrix(5, 1.5, generator) for _ in range(4)])
    state, drive = generator.standard_normal(10) / 2, generator.standard_normal((4, 5))
    biases = np.array([0.1, 1.0, -0.2, 0.3])
    cells = {
        "LSTM": (state, lambda at: through_time.lstm_step(at, drive, matrices, biases)),
        "tanh": (state[:5], lambda at: through_time.vanilla_step(at, drive[0], matrices[0])),
        "linear": (state[:5], lambda at: through_time.vanilla_step(at, drive[0], matrices[0], saturates=False)),
    }
    for name, (at, step) in cells.items():
        shifts = 1e-6 * np.eye(len(at))
        columns = [(step(at + shift)[0] - step(at - shift)[0]) / 2e-6 for shift in shifts]
        np.testing.assert_allclose(step(at)[1], np.stack(columns, 1), atol=1e-8, err_msg=name)
    cell = keras.layers.LSTMCell(5)
    cell.build((1, 20))  # its input is the drive of all four gates, passed on as it is
    cell.set_weights([np.eye(20), np.concatenate([matrix.T for matrix in matrices], 1), np.repeat(biases, 5)])
    _, states = cell(
        drive.reshape(1, 20).astype(np.float32), [half[None].astype(np.float32) for half in np.split(state, 2)]
    )
    found = np.concatenate([keras.ops.convert_to_numpy(one)[0] for one in states])
    np.testing.assert_allclose(found, through_time.lstm_step(state, drive, matrices, biases)[0], atol=1e-6)


def test_gradients_through_time_follow_the_spectral_radius_and_clipping_holds_them(tmp_path: Path) -> None:
    rows = through_time.run(tmp_path, say=silent, radii=(0.25, 1.0, 2.0), units=6, length=40, draws=1)
    last = {(row["cell"], row["radius"]): row["largest"] for row in rows if row["back"] == 40}
    for radius in (0.25, 1.0, 2.0):
        assert last["linear", radius] ** (1 / 40) == pytest.approx(radius, rel=0.1)
        assert last["tanh", radius] < last["linear", radius]
    assert last["tanh", 0.25] < 1e-20 and last["LSTM, forget bias 3", 0.25] > 1e-2
    assert length(tmp_path, "through_time") == len(rows) == 4 * 3 * 40
    loss, by_weight, by_bias = (float(value) for value in through_time.cliff(np.array(4.6), np.array(-2.2)))
    for gradient, shift in ((by_weight, (1e-6, 0)), (by_bias, (0, 1e-6))):
        up, down = (
            through_time.cliff(np.array(4.6 + way * shift[0]), np.array(-2.2 + way * shift[1]))[0] for way in (1, -1)
        )
        assert gradient == pytest.approx(float(up - down) / 2e-6, rel=1e-4)
    free, held = (
        through_time.descend(through_time.START, 60, through_time.RATE, clip) for clip in (None, through_time.CLIP)
    )
    longest = [np.hypot(*np.diff(path[:, :2], axis=0).T).max() for path in (free, held)]
    assert longest[0] > 10 and longest[1] <= 1.0001 * through_time.RATE * through_time.CLIP
    assert held[-1, 2] < 0.01 < loss + free[-1, 2]


@pytest.mark.usefixtures("untraced")
def test_a_plain_net_fades_with_the_scale_of_its_start_and_a_normalised_one_does_not(tmp_path: Path) -> None:
    rows = normalization.run(
        tmp_path, say=silent, depth=5, units=64, size=8, count=64, epochs=1, scales=(0.5, 1.0), rates=(0.01,)
    )
    found = {(row["family"], row["scale"], row["measure"], row["at"]): row["value"] for row in rows}
    for layer in range(1, 6):
        ratio = found["plain", 0.5, "activation", layer] / found["plain", 1.0, "activation", layer]
        assert ratio == pytest.approx(0.5**layer, rel=1e-4)
    assert found["plain", 0.5, "gradient", 5] < 0.3 * found["plain", 1.0, "gradient", 5]
    same = [found["normalised", scale, "activation", 5] for scale in (0.5, 1.0)]
    assert (
        same[0] == pytest.approx(same[1], rel=0.02) and 0.4 < same[0] < 0.8
    )  # of half a normal, √(1/2 − 1/(2π)) = 0.58
    assert 0 < found["constant", "", "loss", ""] <= np.log(5)
    assert length(tmp_path, "normalization") == len(rows) == 1 + 2 * 2 * (2 * 5 + 1)


@pytest.mark.usefixtures("untraced")
def test_deep_autoencoders_are_measured_with_and_without_skips(tmp_path: Path) -> None:
    rows = symmetric_skips.run(tmp_path, say=silent, depths=(8,), width=4, size=32, count=8, steps=1)
    by_layer = {net: symmetric_skips.series(rows, net, 8, "gradient") for net in symmetric_skips.SKIPS}
    assert all(len(norms) == 8 and min(norms) > 0 for norms in by_layer.values())
    assert rows[0]["value"] == pytest.approx(20 * np.log10(255 / 30), abs=0.1)
    assert length(tmp_path, "symmetric_skips") == len(rows) == 1 + 2 * (8 + 1 + 1)


def test_principal_angles_are_those_of_a_rotation() -> None:
    basis = np.eye(6)[:, :2]
    for degrees in (1e-5, 30.0, 90.0):
        angle = np.radians(degrees)
        turned = basis @ [[2.0, 1.0], [0.0, 3.0]]  # another basis of the same plane
        assert autoencoders.principal_angles(turned, basis) == pytest.approx([0, 0], abs=1e-6)
        turned[4] += np.tan(angle) * turned[1] if degrees < 90 else 0
        if degrees == 90.0:
            turned[[1, 4]] = turned[[4, 1]]
        assert autoencoders.principal_angles(turned, basis) == pytest.approx([0, degrees], rel=1e-6, abs=1e-6)


def test_a_linear_autoencoder_is_pca_and_a_nonlinear_one_is_below_it(tmp_path: Path) -> None:
    rows = autoencoders.run(tmp_path, say=silent, codes=(1,), count=64, dimensions=5, epochs=4, steps=100)
    errors = {row["family"]: row["error"] for row in rows if row["error"] != ""}
    angles = [row["angle"] for row in rows if row["family"] == "linear"]
    assert errors["PCA"] - 1e-6 < errors["linear"] < 1.001 * errors["PCA"]
    assert errors["nonlinear"] < 0.1 * errors["PCA"]
    assert angles[-1] < 0.5
    assert length(tmp_path, "autoencoders") == len(rows) == 1 + 2 * 4


def test_region_networks_cost_what_their_papers_layers_do(tmp_path: Path) -> None:
    rows = regions.run(tmp_path, say=silent, size=(224, 224), regions=(1, 300, 2000), crops=0)
    found = {(row["method"], row["regions"]): row for row in rows}
    assert (
        found["R-CNN", 1]["convolutions_macs"] == 15_346_630_656
    )  # VGG-16's without its 123,633,664 of three dense layers
    assert found["Fast R-CNN", 1]["regions_macs"] == 25088 * 4096 + 4096 * 4096 + 4096 * 105
    assert found["R-CNN", 1]["macs"] == found["Fast R-CNN", 1]["macs"]  # of one region as large as the picture
    assert found["R-CNN", 2000]["macs"] == 2000 * found["R-CNN", 1]["macs"]
    assert found["Faster R-CNN", 300]["proposals_macs"] == 14 * 14 * 512 * (9 * 512 + 54)
    assert length(tmp_path, "regions") == 9


def test_region_networks_and_single_ones_are_timed_part_by_part(tmp_path: Path) -> None:
    """Hardly any arithmetic is left of such small networks; that R-CNN pays for each crop is seen all the same."""
    small = {"size": (96, 128), "width": 0.0625, "units": 16, "crops": 2, "rounds": 1}
    rows = detectors.run(tmp_path, say=silent, **small)
    parts = {method: [row["part"] for row in rows if row["method"] == method] for method in ("R-CNN", "Fast R-CNN", "SSD")}
    assert parts["R-CNN"] == parts["Fast R-CNN"] == list(detectors.PARTS) and parts["SSD"] == list(detectors.PARTS)[1:]
    shares = {(row["method"], row["part"]): row["share"] for row in rows}
    assert shares["R-CNN", "features"] > 0.8 and shares["Fast R-CNN", "proposals"] > shares["Fast R-CNN", "features"]
    assert length(tmp_path, "detectors") == len(rows) == 4 + 4 + 4 + 3 + 3
    timed = {row["method"]: row["cpu_seconds"] for row in regions.run(tmp_path, say=silent, **small) if row["seconds"]}
    assert timed["R-CNN"] > 5 * timed["Fast R-CNN"] > 0 and timed["Faster R-CNN"] > 0


def test_seconds_are_the_least_of_the_rounds_times_what_they_stand_for(monkeypatch) -> None:
    clock, work = [0.0], iter([5.0, 3.0, 1.0, 2.0])  # the first round is not timed
    here = SimpleNamespace(perf_counter=lambda: clock[0], process_time=lambda: clock[0] / 2)
    monkeypatch.setattr(detectors, "time", here)
    step = detectors.Step("method", "heads", lambda: clock.__setitem__(0, clock[0] + next(work)), 10.0)
    assert detectors.timed([step], rounds=3) == {("method", "heads"): (10.0, 5.0)}


@pytest.mark.usefixtures("untraced")
def test_two_heads_split_where_the_one_names_what_the_other_does_not_frame(tmp_path: Path) -> None:
    boxes = np.array([[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 0.9, 0.9], [0.0, 0.6, 0.2, 0.8]])
    shown = two_heads.Objects(np.array([1, 2, 1]), boxes, np.array([80, 40, 10]))
    assert shown.rivalry == 0.5
    assert two_heads.overlaps(boxes[0], boxes[:2]).tolist() == [1, 0]
    assert two_heads.overlaps(np.array([0.25, 0, 0.75, 0.5]), boxes[:1]) == pytest.approx(1 / 3)
    nowhere = np.array([0.9, 0.0, 1.0, 0.1])
    cases = {
        "both right": (1, boxes[0]),
        "both of another": (2, boxes[1]),
        "split": (2, boxes[0]),
        "box on none": (1, nowhere),
        "class not in the scene": (4, boxes[0]),
    }
    assert set(cases) == set(two_heads.OUTCOMES)
    assert all(two_heads.outcome(label, box, shown) == name for name, (label, box) in cases.items())
    assert two_heads.outcome(1, boxes[1], shown) == "split"
    assert two_heads.outcome(1, boxes[2], shown) == "both of another"
    rows = two_heads.run(tmp_path, say=silent, count=32, tests=12, size=32, width=2, epochs=1)
    assert length(tmp_path, "two_heads") == len(rows) == 12
