"""Detectors in two stages: published counts, their parts, and that they learn to find things."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest

import converters
import edge
import zoo
from edge.gpu.vulkan import driver
from zoo import classical, outputs, tasks
from zoo.analysis.tiny_models import tiny_model, toy_batch
from zoo.data.targets import Boxes, InstanceMask
from zoo.errors import InputError
from zoo.layers import fed, supervised
from zoo.losses.box_targets import padded
from zoo.losses.instance_regions import MaskStagesLoss
from zoo.losses.two_stage import MASK, Regions, mask_targets
from zoo.models.blocks.two_stage import first_stage, region_heads, second_stage
from zoo.models.detection.fast_rcnn import with_proposals
from zoo.outputs.instances import instance_output

SIZE, LABELS = (96, 128), ("low", "middle", "high")
SMALL = {"proposals": 24, "candidates": 120, "width": 0.125, "units": 64, "scales": (24, 48)}


class First:
    """The first samples of a data set."""

    def __init__(self, data, count: int) -> None:
        self._data, self._count = data, count

    def __getattr__(self, name: str):
        return getattr(self._data, name)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int):
        return self._data[index]


def built(name: str = "faster_rcnn", size: tuple[int, int] = SIZE, **options) -> keras.Model:
    return started(zoo.build(name, classes=LABELS, input_shape=(*size, 3), **{**SMALL, **options}))


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    return built()


def started(model: keras.Model) -> keras.Model:
    """The network with convolutions that hand on what they see: the paper's begin with a trained VGG16's."""
    start = keras.initializers.HeNormal(seed=0)
    for layer in model.layers:
        if layer.name.startswith("conv"):
            layer.kernel.assign(start(layer.kernel.shape) / (50 if layer.name == "conv1_1" else 1))
    return model


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (1, *SIZE, 3)).astype("float32")


def test_layers_have_the_encoders_names(network) -> None:
    names = {layer.name for layer in network.layers}
    assert {"conv1_1", "conv5_3", "fc6", "fc7"} < names and "pool5" not in names


def test_the_parts_say_what_the_whole_says(network) -> None:
    image = picture()
    inner = keras.Model(network.input, {name: network.get_layer(name).output for name in ("proposals", "scores", "boxes")})
    whole, first = inner(image), first_stage(network)(image)
    assert first.keys() == {"features", "objectness", "offsets"}
    again = second_stage(network)([first["features"], whole["proposals"]])
    for name in ("scores", "boxes"):
        np.testing.assert_allclose(again[name], whole[name], atol=1e-6)
    regions = network.get_layer("regions")([first["features"], whole["proposals"]])
    np.testing.assert_allclose(region_heads(network)(regions)["scores"], whole["scores"][0], atol=1e-6)


def test_fast_rcnn_looks_through_windows_or_takes_proposals(network, tmp_path) -> None:
    fast = zoo.build("fast_rcnn", classes=LABELS, input_shape=(*SIZE, 3), width=0.125, units=64, scales=(64,))
    for layer in fast.layers:
        if layer.weights:
            layer.set_weights(network.get_layer(layer.name).get_weights())
    image, windows, both = picture(), fast.get_layer("proposals").windows, with_proposals(fast)

    def said(boxes: np.ndarray) -> np.ndarray:
        return np.asarray(both([keras.ops.convert_to_tensor(x) for x in (image, boxes)]))

    np.testing.assert_allclose(said(windows[None]), fast(image), atol=1e-6)
    found = classical.open("selective_search")(image[0].astype(np.uint8))[: len(windows), :4]
    boxes = np.zeros((1, *windows.shape), np.float32)
    boxes[0, : len(found)] = found
    path = converters.to_tflite(both, tmp_path / "both.tflite").path
    with edge.Runner(path) as runner:
        np.testing.assert_allclose(runner.run({"image": image, "proposals": boxes}), said(boxes), atol=1e-5)


def test_dense_parts_become_files_with_named_outputs(network, tmp_path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    for part in (first_stage(network), region_heads(network)):
        path = tmp_path / f"{part.name}.tflite"
        converters.to_tflite(part, path)
        runner = Interpreter(str(path)).get_signature_runner()
        (name,), shape = runner.get_input_details(), (1, *part.inputs[0].shape[1:])
        values = np.random.default_rng(0).uniform(0, 255, shape).astype("float32")
        said, expected = runner(**{name: values}), part(values)
        assert said.keys() == expected.keys()
        for output, value in expected.items():
            np.testing.assert_allclose(said[output], value, atol=1e-4 * max(float(np.std(value)), 1e-3))


def test_the_whole_becomes_one_file_that_is_whole_on_the_gpu(network, tmp_path) -> None:
    """Proposals, their suppression and their regions included: the same boxes and scores, row by row."""
    path, images = tmp_path / "detector.tflite", np.concatenate([picture(seed) for seed in range(2)])
    converters.to_tflite(network, path)
    with edge.Runner(path) as runner:
        np.testing.assert_allclose(runner.run(images), network(images), atol=1e-5)
    if driver() is None:
        pytest.skip("no Vulkan driver for the GPU accelerator; the CPU's part has passed")
    verdict = edge.gpu_check(path, list(images))
    assert verdict.whole and verdict.ok, verdict.report()


def test_in_int8_boxes_stay_in_float32(tmp_path) -> None:
    """Convolutions and fully connected layers in integers, and nothing else in float but what says of boxes in pixels."""
    keras.backend.clear_session()
    model, path = tiny_model("faster_rcnn"), tmp_path / "int8.tflite"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an untrained network's proposals are anywhere, and this is one picture
        converters.to_tflite(model, path, "int8", calibration=toy_batch(model, 1).images, correct_bias=False)
    islands = {operator.tensor.partition("/")[0] for operator in converters.float_islands(path)}
    said_of_boxes = {"proposals", "regions", "rows", "objectness", "offsets", "scores", "boxes", "features", "region_scores"}
    assert "proposals" in islands and not {name for name in islands if name.startswith(("conv", "fc", "rpn"))}, islands
    assert islands - said_of_boxes <= {"region_offsets", "answer"}, islands


def test_faster_rcnn_learns_to_find_things() -> None:
    """Bright blocks on noise, by all four losses at once; then the detector's answer names and frames most of them."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    size, task = (64, 96), tasks.get("detection")
    model = built(size=size, scales=(16, 32))
    spec = zoo.output_spec(model)
    assert spec.kind == "boxes" and spec.labels == LABELS
    toy = task.toy_batch((*size, 3), spec, 6, seed=0)
    training, weights = supervised(model)
    assert weights == [1.0] and training.output_shape == (None, 4)
    training.compile(keras.optimizers.Adam(1e-3, clipnorm=5.0), task.loss(spec), jit_compile=False)
    inputs = fed(training, toy.images, toy.targets)

    def share_found() -> float:
        found = total = 0
        for rows, target in zip(np.asarray(model(toy.images)), toy.targets, strict=True):
            answer = outputs.kind(spec).decode(rows, spec, size)
            answer = answer[answer[:, 5] >= 0.3]
            for box in target[target[:, 4] >= 0]:
                edges, total = box[:4] * np.array([*size[::-1], *size[::-1]]), total + 1
                found += any(row[4] == box[4] and overlap(row[:4], edges) >= 0.5 for row in answer)
        return found / total

    losses: list[float] = []
    for _ in range(10):  # anchors are drawn: how soon it finds them hangs on the processor's rounding, that it does not
        losses += [float(training.train_on_batch(inputs, toy.targets)) for _ in range(40)]
        if (found := share_found()) > 0.75:
            break
    assert np.isfinite(losses).all() and np.mean(losses[-10:]) < 0.5 * np.mean(losses[:3])
    assert found > 0.75


def test_an_empty_picture_trains_and_gives_numbers(network) -> None:
    training, _ = supervised(network)
    training.compile(keras.optimizers.SGD(1e-4), tasks.get("detection").loss(zoo.output_spec(network)), run_eagerly=True)
    nothing = padded(Boxes.stack([Boxes(np.zeros((0, 4)), [], SIZE)]))
    assert np.isfinite(float(training.train_on_batch((picture(), nothing), nothing)))


def test_the_loss_of_the_rows_themselves_is_refused(network) -> None:
    nothing = padded(Boxes.stack([Boxes(np.zeros((0, 4)), [], SIZE)]))
    with pytest.raises(InputError, match=r"zoo\.layers\.supervised"):
        tasks.get("detection").loss(zoo.output_spec(network))(nothing, network(picture()))


def test_mask_rcnn_says_its_five_losses_and_objects() -> None:
    keras.backend.clear_session()
    model = tiny_model("mask_rcnn", classes=LABELS)
    assert not [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable]
    spec = zoo.output_spec(model)
    assert spec.options["mask"] == [28, 28] and model.output_shape[-1] == 4 + 3 + 28 * 28
    toy = toy_batch(model, 2)
    training, _ = supervised(model)
    losses = np.asarray(training(fed(training, *map(keras.ops.convert_to_tensor, (toy.images, toy.targets)))))
    assert losses.shape == (2, 5) and np.isfinite(losses).all() and (losses > 0).all()
    np.testing.assert_array_equal(losses[0], losses[1])
    objects = outputs.kind(spec).decode(np.asarray(model(toy.images))[0], spec, (50, 80))
    assert objects.numbers.shape == (50, 80) and len(objects.scores) == len(objects)


def test_a_region_learns_the_part_of_the_mask_that_it_shows() -> None:
    """A region over the right half of a thing, another over its lower quarter and as much below, and one of nothing."""
    mask = np.zeros((MASK, MASK), np.float32)
    mask[:, MASK // 2 :] = 1
    things, masks = np.array([[[10.0, 20, 50, 60]]], np.float32), mask[None, None]
    boxes = np.array([[[30.0, 20, 50, 60], [10, 50, 50, 70], [0, 0, 9, 9]]], np.float32)
    empty = np.zeros((1, 3, 4), np.float32)
    regions = Regions(boxes, np.array([[1, 1, 0]]), empty, np.ones((1, 3), np.float32), np.array([[0, 0, -1]], np.int32))
    wanted = np.asarray(mask_targets(*map(keras.ops.convert_to_tensor, (things, masks)), regions, (4, 4)))[0]
    np.testing.assert_array_equal(wanted[0], np.ones((4, 4)))
    np.testing.assert_array_equal(wanted[1], [[0, 0, 1, 1]] * 2 + [[0] * 4] * 2)
    np.testing.assert_array_equal(wanted[2], np.zeros((4, 4)))


def test_rows_of_the_truth_are_its_objects() -> None:
    """A disk and a square: what is prepared to be learnt from, written as rows, comes back to the pixel but for its edge."""
    numbers = np.zeros((60, 80), np.int32)
    y, x = np.indices(numbers.shape)
    numbers[(y - 20) ** 2 + (x - 25) ** 2 < 200] = 1
    numbers[30:55, 45:75] = 2
    target = InstanceMask(numbers, [1, 0])
    (things,) = MaskStagesLoss().prepare(InstanceMask.stack([target]), 4)
    assert (things[:3, 4] == [1, 0, -1]).all()
    rows = np.zeros((2, 4 + 2 + 56 * 56), np.float32)
    rows[:, :4], rows[[0, 1], [5, 4]] = things[:2, :4], 0.9
    rows[:, 6:] = 20 * things[:2, 6:] - 10
    facts = {"coding": "regions", "scores": "shares", "mask": [56, 56], "picture": [60, 80]}
    answer = outputs.get("instances").decode(rows, instance_output(LABELS[:2], options=facts), (60, 80))
    for number, label in ((1, 1), (2, 0)):
        own = answer.numbers == 1 + answer.labels.tolist().index(label)
        truth = numbers == number
        assert (own & truth).sum() / (own | truth).sum() > 0.95


def test_zoo_train_shows_it_the_truth(tmp_path, monkeypatch) -> None:
    """From a data set, validated by what they find, and read again."""
    keras.backend.clear_session()
    monkeypatch.setattr(keras.Model, "run_eagerly", True)  # tracing would take longer than the few steps
    data, val = (zoo.data.open("scenes_boxes:count=4,size=64", split) for split in ("train", "val"))
    model = tiny_model("faster_rcnn", (64, 64), classes=data.classes)
    result = zoo.train(model, data, First(val, 2), epochs=1, batch_size=2, folder=tmp_path, verbose=0)
    assert result.stopped is None and np.isfinite(result.rows[0]["loss"]) and "val_ap50" in result.rows[0]
    again = zoo.load(tmp_path / "model.keras")
    images = np.stack([data[0].image]).astype("float32")
    np.testing.assert_array_equal(again(images), model(images))


def test_a_picture_of_unknown_sides_is_refused() -> None:
    for name in ("faster_rcnn", "fast_rcnn", "mask_rcnn"):
        with pytest.raises(InputError, match="fixed input size"):
            zoo.build(name, input_shape=(None, 128, 3))


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    width, height = (min(one[2 + axis], other[2 + axis]) - max(one[axis], other[axis]) for axis in (0, 1))
    shared = max(width, 0) * max(height, 0)
    return shared / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - shared)
