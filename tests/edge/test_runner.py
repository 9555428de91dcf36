"""Pictures in, answers out: sizes, heads, quantised inputs and outputs, and the GPU's answer beside the CPU's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from command import says
from edge_graphs import describe, description_2
from PIL import Image
from probe_graphs import SIDE, classes, conv, convert, deep

import edge
from edge.errors import InputError
from edge.gpu import vulkan
from edge.images import prepare, structured
from zoo.outputs.resize import resize_rows

needs_vulkan = pytest.mark.skipif(vulkan.driver() is None, reason="no Vulkan driver for LiteRT's GPU accelerator")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runner")


@pytest.fixture(scope="session")
def files(folder: Path) -> dict[str, Path]:
    """The same network in every form, described as our own."""
    forms = {
        "float32": (deep, "float32", "float32", "logits"),
        "float16": (deep, "float16", "float32", "logits"),
        "dynamic": (deep, "dynamic", "float32", "logits"),
        "int8": (deep, "int8", "float32", "logits"),
        "int8 io": (deep, "int8", "int8", "logits"),
        "uint8 io": (deep, "int8", "uint8", "logits"),
        "probabilities": (lambda x: tf.nn.softmax(deep(x)), "float32", "float32", "probabilities"),
        "classes": (classes, "float32", "float32", "classes"),
    }
    made = {}
    for name, (network, recipe, io, head) in forms.items():
        plain = convert(network, folder / f"{name}.plain.tflite", recipe=recipe, io=io)
        made[name] = describe(plain, folder / f"{name}.tflite", head=head, recipe=recipe, io=io)
    return made


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    return structured(45, 70, 1, seed=3)[0]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    kinds = np.unique(b)
    assert len(kinds) > 1, "a picture of one class proves nothing"
    return float(np.mean([((a == k) & (b == k)).sum() / ((a == k) | (b == k)).sum() for k in kinds]))


def test_answer_has_the_pictures_own_size_and_is_tensorflows(files: dict[str, Path], picture: np.ndarray) -> None:
    runner = edge.Runner(files["float32"])
    answer = runner(picture)
    assert (answer.shape, answer.dtype) == ((45, 70), np.uint8)
    logits = deep(tf.constant(prepare(picture, runner.card)) / 255.0)
    expected = tf.argmax(tf.image.resize(logits, (45, 70)), -1)[0].numpy()
    assert (answer == expected).mean() > 0.999 and len(np.unique(answer)) > 1
    np.testing.assert_allclose(runner.run(prepare(picture, runner.card)), logits, atol=1e-5)


@pytest.mark.parametrize(
    ("form", "least"),
    [
        ("float16", 0.98),
        ("dynamic", 0.95),
        ("int8", 0.9),
        ("int8 io", 0.9),
        ("uint8 io", 0.9),
        ("probabilities", 0.97),
        ("classes", 0.98),
    ],
)
def test_every_form_says_the_same(files: dict[str, Path], picture: np.ndarray, form: str, least: float) -> None:
    if form == "classes":  # enlarged by nearest neighbour, a map has stairs where the logits had slopes: no enlarging
        picture = structured(SIDE, SIDE, 1, seed=3)[0]
    expected = edge.Runner(files["float32"])(picture)
    assert iou(edge.Runner(files[form])(picture), expected) >= least
    # And the bar would catch a swapped channel.
    assert iou(edge.Runner(files[form])(picture[..., ::-1]), expected) < least


@pytest.mark.parametrize("form", ["int8 io", "uint8 io"])
def test_integer_outputs_come_as_real_values(files: dict[str, Path], picture: np.ndarray, form: str) -> None:
    runner, floating = edge.Runner(files[form]), edge.Runner(files["float32"])
    batch = prepare(picture, runner.card)
    assert runner.run(batch).dtype == np.float32
    step = runner.graph.outputs[0].scale
    assert np.abs(runner.run(batch) - floating.run(batch)).max() < 8 * step


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (15, 17), (3, 200), (130, 129)])
def test_any_size(files: dict[str, Path], size: tuple[int, int]) -> None:
    assert edge.Runner(files["float32"])(structured(*size, 1)[0]).shape == size


@pytest.mark.parametrize("size", [(31, 7), (16, 16), (9, 40), (200, 130)])
def test_resizing_is_half_pixel_bilinear(size: tuple[int, int]) -> None:
    values = np.random.default_rng(0).normal(size=(16, 20, 3)).astype(np.float32)
    expected = tf.image.resize(values, size).numpy()
    np.testing.assert_allclose(resize_rows(values, size, 0, size[0]), expected, atol=1e-5)
    np.testing.assert_allclose(resize_rows(values, size, 2, 5), expected[2:5], atol=1e-5)


def test_one_channel_is_the_foregrounds_probability(folder: Path, picture: np.ndarray) -> None:
    path = convert(lambda x: tf.sigmoid(8 * conv(x - 0.5, 1)), folder / "person.tflite")
    runner = edge.Runner(path, input_range=(0, 255))
    assert runner.card.spec.activation == "sigmoid" and runner.card.labels == ("background", "foreground")
    answer, scores = runner(picture), runner.run(prepare(picture, runner.card))
    assert set(np.unique(answer)) == {0, 1}
    small = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    assert np.array_equal(runner(small), scores[0, ..., 0] > 0.5)


def test_grey_models_take_colour_and_grey_pictures(folder: Path, picture: np.ndarray) -> None:
    path = convert(lambda x: conv(x, 4), folder / "grey.tflite", shape=(1, SIDE, SIDE, 1))
    runner = edge.Runner(path, input_range=(0, 255))
    grey = np.asarray(Image.fromarray(picture).convert("L"))
    assert runner.card.channels == 1
    assert np.array_equal(runner(picture), runner(grey)) and np.array_equal(runner(grey), runner(grey[..., None]))


@pytest.mark.parametrize("head", ["logits", "probabilities"])
def test_classification_gives_probabilities(folder: Path, picture: np.ndarray, head: str) -> None:
    ends = {"logits": tf.identity, "probabilities": tf.nn.softmax}
    path = convert(lambda x: ends[head](conv(x, 10, stride=16)[:, 0, 0] * 4), folder / f"class_{head}.tflite")
    runner = edge.Runner(path, input_range=(0, 255))
    answer = runner(picture)
    assert (runner.card.spec.dense, answer.shape, answer.dtype) == (False, (10,), np.float32)
    assert answer.sum() == pytest.approx(1, abs=1e-5) and answer.max() > 0.15


def test_range_is_the_files_or_the_callers(folder: Path, picture: np.ndarray) -> None:
    path = convert(lambda x: deep(x * 255), folder / "unit.tflite")  # a network of an image in 0–1
    with pytest.raises(InputError, match="input_range"):
        edge.Runner(path)(picture)
    whole = edge.Runner(convert(deep, folder / "whole.tflite"), input_range=(0, 255))
    assert np.array_equal(edge.Runner(path, input_range=(0, 1))(picture), whole(picture))


def test_batches_run_in_pieces(files: dict[str, Path]) -> None:
    runner = edge.Runner(files["float32"])
    batch = np.stack(structured(SIDE, SIDE, 3)).astype(np.float32)
    together = runner.run(batch)
    assert together.shape == (3, SIDE, SIDE, 5)
    np.testing.assert_array_equal(together[1:2], runner.run(batch[1:2]))


def test_dynamic_sizes_run_on_the_cpu(folder: Path) -> None:
    path = convert(conv, folder / "any.tflite", shape=(1, None, None, 3))
    batch = structured(20, 33, 1)[0][None].astype(np.float32)
    np.testing.assert_allclose(edge.Runner(path).run(batch), conv(tf.constant(batch) / 255.0), atol=1e-5)


def test_threads_do_not_change_the_answer(files: dict[str, Path], picture: np.ndarray) -> None:
    one, two = (edge.Runner(files["float32"], threads=count)(picture) for count in (1, 2))
    assert np.array_equal(one, two)


@needs_vulkan
@pytest.mark.parametrize("form", ["float32", "float16", "dynamic", "int8", "int8 io", "classes"])
def test_gpu_says_what_the_cpu_says(files: dict[str, Path], picture: np.ndarray, form: str) -> None:
    with edge.Runner(files[form], accelerator="gpu") as gpu:
        cpu = edge.Runner(files[form])
        assert iou(gpu(picture), cpu(picture)) >= (0.95 if "int8" in form else 0.999)
        batch = prepare(picture, cpu.card)
        if form in ("float32", "float16", "dynamic"):
            np.testing.assert_allclose(gpu.run(batch), cpu.run(batch), atol=2e-5)


@needs_vulkan
def test_a_closed_runner_says_so(files: dict[str, Path], picture: np.ndarray) -> None:
    gpu = edge.Runner(files["float32"], accelerator="gpu")
    gpu.close()
    with pytest.raises(InputError, match="is closed"):
        gpu(picture)


# -------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("cat.png", "is a str; expected a numpy array"),
        (np.zeros((8, 8, 3), np.float32), "expected uint8 in 0–255"),
        (np.zeros((8, 8, 4), np.uint8), "drop the alpha"),
        (np.zeros((1, 8, 8, 3), np.uint8), "not a batch"),
        (np.zeros((8,), np.uint8), r"shape \(8,\)"),
        (np.zeros((0, 8, 3), np.uint8), "0×8"),
        (np.zeros((1, 20_000, 3), np.uint8), "1×20000"),
    ],
)
def test_what_is_no_picture(files: dict[str, Path], image: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        edge.Runner(files["float32"])(image)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (np.zeros((1, 8, 8, 3), np.float32), "takes N×16×16×3"),
        (np.zeros((16, 16, 3), np.float32), "takes N×16×16×3"),
        (np.zeros((0, 16, 16, 3), np.float32), "0 items"),
        (np.full((1, 16, 16, 3), np.nan, np.float32), "finite"),
        (np.zeros((1, 16, 16, 3), np.complex64), "finite numbers"),
    ],
)
def test_what_is_no_batch(files: dict[str, Path], batch: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        edge.Runner(files["float32"]).run(batch)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"accelerator": "npu"}, "'npu' is not known; expected 'cpu' or 'gpu'"),
        ({"threads": 0}, "threads is 0"),
        ({"threads": 1.5}, "threads is 1.5"),
        ({"accelerator": "gpu", "precision": "half"}, "precision 'half'"),
    ],
)
def test_options_that_are_none(files: dict[str, Path], options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        edge.Runner(files["float32"], **options)


def test_an_unknown_kind_still_runs_raw(files: dict[str, Path], folder: Path, picture: np.ndarray) -> None:
    text = json.dumps(description_2(kind="smells", task="of the picture"))
    runner = edge.Runner(describe(files["float32"].with_name("float32.plain.tflite"), folder / "smells.tflite", text))
    with pytest.raises(InputError, match=r"kind of output 'smells'; known: .*class_map, class_scores"):
        runner(picture)
    assert runner.run(prepare(picture, runner.card)).shape == (1, SIDE, SIDE, 5)


# ------------------------------------------------------------------------------------------- inputs and outputs by name


def test_two_frames_are_two_pictures_or_one_of_six_channels(folder: Path, picture: np.ndarray, monkeypatch, capsys) -> None:
    """A network that answers with the first frame less the second."""
    plain = convert(lambda x: (x[..., :2] - x[..., 3:5]) * 255, folder / "frames.plain.tflite", shape=(1, SIDE, SIDE, 6))
    inputs = [{"name": "image", "size": [SIDE, SIDE], "channels": 6, "range": [0, 255], "frames": 2}]
    spec = {"kind": "vector_field", "labels": [], "palette": [], "channels": 2, "unit": "px"}
    runner = edge.Runner(describe(plain, folder / "frames.tflite", json.dumps(description_2(inputs=inputs, **spec))))
    first, second = structured(SIDE, SIDE, 2, seed=8)
    answer = runner([first, second])
    np.testing.assert_allclose(answer, first[..., :2].astype(float) - second[..., :2], atol=1e-3)
    assert np.array_equal(runner(np.concatenate([first, second], -1)), answer)
    assert runner([picture, picture]).shape == (45, 70, 2) and not runner([picture, picture]).any()
    for image, message in ((first, "takes 2 pictures"), ([first], "1 given"), ([first, picture], "of one size")):
        with pytest.raises(InputError, match=message):
            runner(image)
    paths = [folder / f"frame_{index}.png" for index in range(4)]
    for path, frame in zip(paths, (first, second, first, first), strict=True):
        Image.fromarray(frame).save(path)
    status, text, _ = says(monkeypatch, capsys, "predict", runner.path, *paths, "--out", folder / "out")
    assert status == 0 and "frame_0.png: mean movement" in text and "frame_2.png: mean movement 0.00 px" in text
    assert {path.name for path in (folder / "out").glob("*.flo")} == {"frame_0.flo", "frame_2.flo"}
    status, _, error = says(monkeypatch, capsys, "predict", runner.path, *paths[:3])
    assert status == 2 and "3 pictures" in error and "2 at a time" in error
    if vulkan.driver() is not None:
        assert edge.gpu_check(runner.path).ok and edge.gpu_check(runner.path, [[first, second]]).samples == "1 given"


def test_several_inputs_and_outputs_go_by_name(folder: Path) -> None:
    """The file's own order is by the alphabet; the card's is the model's."""
    left, right = (tf.TensorSpec((1, 4, 4, 1), tf.float32, name=name) for name in ("left", "before"))

    @tf.function(input_signature=[left, right])
    def network(left: tf.Tensor, before: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"left_less": left - before, "both": left + 2 * before}

    module = tf.Module()
    module.serve = network
    tf.saved_model.save(module, str(folder / "saved"), signatures=network)
    path = folder / "several.plain.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved")).convert())
    inputs = [{"name": name, "size": [4, 4], "channels": 1, "range": [0, 255]} for name in ("left", "before")]
    outputs = [{"name": name, "kind": "numbers", "scale": None} for name in ("left_less", "both")]
    text = json.dumps(description_2(inputs=inputs) | {"outputs": outputs})
    runner = edge.Runner(describe(path, folder / "several.tflite", text))
    one, two = (np.random.default_rng(seed).uniform(size=(3, 4, 4, 1)).astype(np.float32) for seed in (0, 1))
    result = runner.outputs({"before": two, "left": one})
    assert list(result) == ["left_less", "both"]
    np.testing.assert_allclose(result["left_less"], one - two, atol=1e-6)
    np.testing.assert_allclose(result["both"], one + 2 * two, atol=1e-6)
    assert np.array_equal(runner.run((one, two)), result["left_less"])
    for batch, message in (
        (one, "has 2 inputs .left, before"),
        ({"left": one}, "takes left, before"),
        ((one,), "1 arrays given"),
        ((one, two[:1]), "1 and 3 items"),
    ):
        with pytest.raises(InputError, match=message):
            runner.run(batch)
    other = json.dumps(description_2(inputs=inputs) | {"outputs": [{**outputs[0], "name": "lost"}, outputs[1]]})
    with pytest.raises(InputError, match="describes 'lost', the file has"):
        edge.Runner(describe(path, folder / "lost.tflite", other))
    if vulkan.driver() is not None:
        verdict = edge.gpu_check(runner.path)
        assert verdict.ok and [entry.output for entry in verdict.comparisons["float32"]] == ["left_less", "both"]


# -------------------------------------------------------------------------------------------- peers, and weight


def test_peers_find_what_is_in_the_picture(shared: Path) -> None:
    """Two people's networks, float32 and uint8, must agree on a photograph: the same person, in the same place."""
    photographs = sorted((shared / "data" / "ccp" / "images").glob("*.jpg"))
    if not photographs:
        pytest.skip("no photographs in the shared data")
    photograph = np.asarray(Image.open(photographs[0]).convert("RGB"))
    person = edge.Runner(shared / "peers" / "deeplabv3.tflite")(photograph) == 15
    coral = edge.Runner(shared / "peers" / "deeplabv3_mnv2_pascal_quant.tflite")(photograph) == 15
    selfie = next((shared / "peers").glob("selfie*.tflite"))
    foreground = edge.Runner(selfie, input_range=(0, 1))(photograph) == 1
    assert person.shape == photograph.shape[:2] and person.mean() > 0.05
    for other in (coral, foreground):
        assert (person & other).sum() / (person | other).sum() > 0.6


def test_edge_is_light(files: dict[str, Path]) -> None:
    program = (
        "import sys, numpy, edge; assert 'ai_edge_litert' not in sys.modules;"
        "edge.Runner(sys.argv[1])(numpy.zeros((9, 9, 3), 'uint8'));"
        "print(sorted({name if name.startswith('zoo.') else name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(files["float32"])], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.strip().strip("[]").replace("'", "").split(", "))
    assert "edge" in loaded
    assert not loaded & {"tensorflow", "keras", "tf_keras", "converters", "matplotlib", "typer"}
    package = {"zoo.build", "zoo.errors", "zoo.lazy"}  # what `import zoo` itself takes, which is next to nothing
    assert all(name in package or name.startswith("zoo.outputs") for name in loaded if name.startswith("zoo."))


def test_public_names_and_no_others() -> None:
    assert callable(edge.gpu_check) and callable(edge.benchmark) and callable(edge.Runner)
    assert {"serve", "export_app"} <= set(dir(edge))
    with pytest.raises(AttributeError, match="nothing"):
        edge.nothing  # noqa: B018
