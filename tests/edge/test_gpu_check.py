"""The GPU gate against graphs whose fate is known, and its tolerances against networks broken on purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from edge_graphs import describe
from probe_graphs import EQUAL, GRAPHS, SIDE, build, conv, convert, deep

import edge
from edge.errors import AcceleratorError, InputError
from edge.gpu import vulkan
from edge.gpu.check import gpu_check
from edge.gpu.patterns import half_overflow, scan
from edge.gpu.remote import Remote
from edge.graph import read_graph
from edge.images import structured
from zoo import outputs
from zoo.outputs import Comparison, OutputSpec
from zoo.outputs.tolerances import OF_GPU

needs_vulkan = pytest.mark.skipif(vulkan.driver() is None, reason="no Vulkan driver for LiteRT's GPU accelerator")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory):
    """name → the file of that graph, converted once."""
    folder = tmp_path_factory.mktemp("graphs")

    def once(name: str) -> Path:
        path = folder / f"{name}.tflite"
        return path if path.exists() else build(name, path)

    return once


@needs_vulkan
@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("name", GRAPHS)
def test_verdict(built, name: str) -> None:
    verdict = gpu_check(built(name), input_range=(0, 255))
    assert verdict.reason == GRAPHS[name].truth, verdict.report()
    assert verdict.ok == (GRAPHS[name].truth == EQUAL)
    assert "seeded" in verdict.samples


@needs_vulkan
@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("recipe", ["float16", "dynamic", "int8"])
def test_recipes_pass(tmp_path: Path, recipe: str) -> None:
    verdict = gpu_check(convert(deep, tmp_path / "deep.tflite", recipe=recipe), input_range=(0, 255))
    assert verdict.ok, verdict.report()
    assert set(verdict.comparisons) == {"float32", "reduced"}
    entries = [entry for rows in verdict.comparisons.values() for entry in rows]
    assert all(entry.classes > 1 and "iou" in entry.measures for entry in entries)


@needs_vulkan
def test_integer_input_and_output_pass(tmp_path: Path) -> None:
    path = convert(deep, tmp_path / "deep.tflite", recipe="int8", io="int8")
    verdict = gpu_check(path, samples=structured(40, 50, 3, seed=9))
    assert verdict.ok, verdict.report()
    assert verdict.samples == "3 given"


@needs_vulkan
def test_names_the_op_its_layer_and_what_to_write(built) -> None:
    verdict = gpu_check(built("argmax_int64"))
    (refused,) = verdict.unsupported
    assert (refused.op, refused.count) == ("ARG_MAX", 1)
    assert "INT64" in refused.why and "int32" in refused.advice and refused.layers
    assert "ARG_MAX" in verdict.report()


@needs_vulkan
def test_a_dynamic_size_is_refused_with_its_remedy(tmp_path: Path) -> None:
    twice = convert(
        lambda x: tf.image.resize(conv(x), 2 * tf.shape(x)[1:3]),
        tmp_path / "dynamic.tflite",
        shape=(1, None, None, 3),
    )
    verdict = gpu_check(twice)
    assert (verdict.reason, verdict.whole) == ("not whole", False)
    assert "static size" in verdict.detail


@needs_vulkan
def test_a_crash_stays_in_its_process_and_names_its_cause(built) -> None:
    verdict = gpu_check(built("same_matrix_twice"))
    assert verdict.reason == "crashed"
    assert "BATCH_MATMUL" in verdict.detail and verdict.suspect.startswith("BATCH_MATMUL of layer ")
    with pytest.raises(AcceleratorError) as caught:
        edge.Runner(built("same_matrix_twice"), accelerator="gpu")
    assert caught.value.reason == "crashed"


@needs_vulkan
def test_a_worker_that_takes_too_long_is_stopped(built) -> None:
    with pytest.raises(AcceleratorError, match=r"took over 0\.01 s") as caught:
        Remote(built("conv"), "gpu", timeout=0.01)
    assert caught.value.reason == "timed out"


def test_without_a_driver_it_says_what_to_install(built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DENSEZOO_VULKAN", "none")
    verdict = gpu_check(built("conv"))
    assert (verdict.reason, verdict.whole, verdict.ok) == ("no driver", None, False)
    assert "install" in verdict.detail
    with pytest.raises(AcceleratorError, match="no Vulkan driver"):
        edge.Runner(built("conv"), accelerator="gpu")


def test_a_driver_that_is_no_driver_is_told(built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    monkeypatch.setenv("DENSEZOO_VULKAN", str(broken))
    verdict = gpu_check(built("conv"))
    assert (verdict.reason, verdict.whole) == ("no driver", None)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("argmax_int32", ["wrong"]),
        ("one_hot", ["wrong", "wrong"]),  # of classes that may not exist
        ("transposed_by_8", ["wrong"]),
        ("split_reversed", ["wrong"]),
        ("plus_pooled_vector_int8", ["wrong"]),
        ("point_by_2_int8", ["wrong"]),
        ("same_matrix_twice", ["crash"]),
    ],
)
def test_known_bad_patterns_are_found_without_a_gpu(built, name: str, kinds: list[str]) -> None:
    cautions = scan(read_graph(built(name)))
    assert [caution.kind for caution in cautions] == kinds and all(caution.tensors for caution in cautions)


@pytest.mark.parametrize(
    "name",
    [
        "transposed_by_2",
        "transposed_by_8_of_16",
        "concat",
        "attention",
        "split_gate",
        "plus_pooled_map_int8",
        "point_by_2",
        "picked_point_int8",
    ],
)
def test_good_graphs_raise_no_pattern(built, name: str) -> None:
    assert scan(read_graph(built(name))) == ()


def test_float16_overflow_is_foreseen(tmp_path: Path) -> None:
    path = convert(lambda x: tf.reduce_mean(tf.nn.relu(conv(x * 3e5)), [1, 2]), tmp_path / "large.tflite")
    picture = np.full((1, SIDE, SIDE, 3), 200, np.float32)
    with Remote(path, "cpu", keep_all=True) as cpu:
        loud, quiet = cpu.ranges([picture]), cpu.ranges([picture / 3e5])
    assert {caution.kind for caution in half_overflow(read_graph(path), loud)} == {"overflow"}
    assert any("sums" in caution.what for caution in half_overflow(read_graph(path), loud))
    assert half_overflow(read_graph(path), quiet) == ()


@needs_vulkan
def test_one_precision_alone(built) -> None:
    verdict = gpu_check(built("conv"), input_range=(0, 255), precisions=("reduced",))
    assert verdict.ok and set(verdict.comparisons) == {"reduced"} and verdict.half is None
    for unknown in ((), ("float16",), "reduced"):
        with pytest.raises(InputError, match=r"precisions=.*expected one or more of float32, reduced"):
            gpu_check(built("conv"), precisions=unknown)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "samples is empty"),
        ([np.zeros((4, 4, 4), np.uint8)], "drop the alpha"),
        ([np.zeros((7, 7, 3), np.float32)], "expected a uint8 picture, or float32 16×16×3"),
    ],
)
def test_samples_that_do_not_fit(built, samples: list[np.ndarray], message: str) -> None:
    with pytest.raises(InputError, match=message):
        gpu_check(built("conv"), samples=samples, input_range=(0, 255))


# ----------------------------------------------------------------------------------------------- the tolerances

SCORES, CLASSES = OutputSpec("class_scores", channels=5), OutputSpec("class_map", channels=5, activation="argmax")


def compare(
    expected: list[np.ndarray], got: list[np.ndarray], precision: str, quantized: bool, spec: OutputSpec = SCORES
) -> Comparison:
    sides = np.concatenate(expected), np.concatenate(got)
    return outputs.kind(spec).compare(*sides, spec, OF_GPU[precision, quantized])


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory):
    """Answers of `deep` on real-looking pictures: as it is, quantised, and broken in four ways."""
    folder = tmp_path_factory.mktemp("runs")
    right = edge.Runner(convert(deep, folder / "right.tflite"))
    padded = edge.Runner(convert(lambda x: deep(x, symmetric=True), folder / "padded.tflite"))
    quantised = edge.Runner(convert(deep, folder / "int8.tflite", recipe="int8"))
    pictures = [picture[None].astype(np.float32) for picture in structured(SIDE, SIDE, 6, seed=5)]
    return {
        "right": [right.run(x) for x in pictures],
        "int8": [quantised.run(x) for x in pictures],
        "wrong padding": [padded.run(x) for x in pictures],
        "swapped channels": [right.run(x[..., ::-1]) for x in pictures],
        "wrong range": [right.run(x / 255) for x in pictures],
        "shifted by a pixel": [np.roll(right.run(x), 1, axis=2) for x in pictures],
        "one class lost": [right.run(x) * np.float32([1, 1, 0, 1, 1]) for x in pictures],
        "not finite": [np.where(x > x.max() * 0.9, np.inf, x) for x in [right.run(x) for x in pictures]],
        "background only": [right.run(x) * 0 + np.float32([9, 0, 0, 0, 0]) for x in pictures],
    }


BROKEN = (
    "wrong padding",
    "swapped channels",
    "wrong range",
    "shifted by a pixel",
    "one class lost",
    "not finite",
    "background only",
)


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize("precision", ["float32", "reduced"])
@pytest.mark.parametrize("broken", BROKEN)
def test_tolerances_catch(runs, broken: str, precision: str, quantized: bool) -> None:
    assert compare(runs["right"], runs[broken], precision, quantized).passed is False


def test_tolerances_let_pass_what_is_right(runs) -> None:
    assert compare(runs["right"], runs["right"], "float32", False).passed
    assert compare(runs["right"], runs["int8"], "float32", True).passed
    rounded = [x.astype(np.float16).astype(np.float32) for x in runs["right"]]
    assert compare(runs["right"], rounded, "reduced", False).passed
    # int8 is no float32: the tight tolerance must see the difference that the loose one forgives.
    assert compare(runs["right"], runs["int8"], "float32", False).passed is False


def test_a_background_model_does_not_pass_by_agreement() -> None:
    background = [np.zeros((1, 8, 8), np.int32)]
    assert compare(background, background, "float32", False, CLASSES).passed is None
    objects = [np.pad(np.ones((1, 3, 3), np.int32), ((0, 0), (0, 5), (0, 5)))]
    missed = compare(objects, background, "float32", False, CLASSES)
    assert missed.passed is False and missed.measures["iou"] < 0.5
    assert float(np.mean(objects[0] == background[0])) > 0.85  # what plain pixel agreement would have said


def test_given_card_is_used(tmp_path: Path) -> None:
    source = convert(deep, tmp_path / "plain.tflite")
    path = describe(source, tmp_path / "told.tflite")
    assert gpu_check(path).samples.endswith("own kind of input")
    assert gpu_check(source).samples.endswith("range 0–1 assumed")
