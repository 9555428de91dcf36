"""Other people's programs on our files: MediaPipe, OpenCV, LiteRT's compiled model, and Keras after `import zoo`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from command import says
from converter_models import LABELS, SIZE, pictures, segmenter

import converters
import edge
from converters.clients import CLIENTS, client, ending_for
from converters.specs import output_specs
from converters.tflite.file import read
from zoo.errors import InputError
from zoo.layers import BoxRows, ModelOutput
from zoo.lazy import when_imported
from zoo.outputs.box_codings import candidates
from zoo.outputs.box_selection import select
from zoo.outputs.boxes import box_output
from zoo.outputs.class_scores import class_output
from zoo.outputs.instances import instance_output

L = keras.layers
PICTURE = pictures(1, seed=4)[0]
LEGACY = Path(__file__).parents[1] / "legacy" / "lraspp_logits.keras"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A segmenter and a classifier, each as MediaPipe is to have it."""
    folder, made = tmp_path_factory.mktemp("clients"), {}
    for name, model in {"segmenter": segmenter(size=SIZE), "classifier": classifier()}.items():
        for_mediapipe = ending_for(model, client("mediapipe"))
        made[name] = converters.to_tflite(for_mediapipe, folder / f"{name}.tflite").path
    return made


def classifier(output: str = "logits") -> keras.Model:
    keras.utils.set_random_seed(2)
    image = keras.Input((*SIZE, 3), name="image")
    x = L.GlobalAveragePooling2D()(L.Conv2D(8, 3, activation="relu")(L.Rescaling(1 / 255)(image)))
    spec = class_output(("cat", "dog", "bird"), output=output, scale=None)
    return keras.Model(image, ModelOutput("classification", spec, name="answer")(L.Dense(3, name="score")(x)))


# ------------------------------------------------------------------------------------------------ which end who reads


@pytest.mark.parametrize(
    ("model", "reader", "activation"),
    [
        (lambda: segmenter("class_map", SIZE), "mediapipe", "linear"),
        (lambda: segmenter("class_map", SIZE), "opencv", "linear"),
        (lambda: segmenter("probabilities", SIZE), "mediapipe", "softmax"),
        (classifier, "mediapipe", "softmax"),
        (lambda: classifier("class_map"), "mediapipe", "softmax"),
        (classifier, "web", "linear"),
        (lambda: segmenter("class_map", SIZE), "web", "argmax"),
    ],
)
def test_the_end_is_the_readers(model, reader: str, activation: str) -> None:
    original = model()
    ended = ending_for(original, client(reader))
    before, after = (output_specs(each)[0] for each in (original, ended))
    assert after.activation == activation and after.labels == before.labels
    if before.activation != activation:
        raw = np.asarray(ended(PICTURE[None].astype("float32")))
        assert activation != "softmax" or np.allclose(raw.sum(-1), 1, atol=1e-5)
        assert ended.get_layer("score").kernel is original.get_layer("score").kernel


def test_models_of_others_are_ended_too() -> None:
    image = keras.Input((*SIZE, 3))
    pooled = L.GlobalAveragePooling2D()(L.Conv2D(3, 1)(image))
    assert output_specs(ending_for(keras.Model(image, pooled), client("mediapipe")))[0].activation == "softmax"
    indices = keras.Model(image, keras.ops.argmax(L.Conv2D(3, 1)(image), -1))
    with pytest.raises(InputError, match="MediaPipe reads scores"):
        ending_for(indices, client("mediapipe"))
    with pytest.raises(InputError, match="unknown client 'mediapip'; did you mean mediapipe"):
        client("mediapip")
    assert set(CLIENTS) == {"mediapipe", "opencv", "litert", "web"}


ANCHORS = {"coding": "anchors", "scores": "softmax", "anchors": [[[0.3, 0.4], [0.5, 0.2]]], "variances": [0.1, 0.1, 0.2, 0.2]}
CODINGS: dict[str, tuple[int, dict]] = {  # numbers of a row, and what they mean
    "points": (6, {}),
    "anchors": (7, ANCHORS),
    "corners": (6, {"coding": "corners", "scores": "shares"}),
}


def finder(coding: str, size: tuple[int | None, int | None] = SIZE) -> keras.Model:
    """A detector of cats and dogs whose numbers are anything."""
    keras.utils.set_random_seed(1)
    numbers, options = CODINGS[coding]
    image = keras.Input((*size, 3), name="image")
    x = L.Conv2D(numbers * (2 if coding == "anchors" else 1), 5, 8, "same")(L.Rescaling(1 / 255)(image))
    rows = x if coding == "points" else BoxRows(numbers, options)(L.Activation("sigmoid")(x) if coding == "corners" else x)
    return keras.Model(image, ModelOutput("detection", box_output(("cat", "dog")), name="answer")(rows), name="finder")


@pytest.mark.parametrize("coding", CODINGS)
def test_a_detector_gives_mediapipe_boxes_and_shares(coding: str) -> None:
    """Which are those that the kind decodes, within the picture."""
    model = finder(coding)
    ended = ending_for(model, client("mediapipe"))
    assert [layer.name for layer in ended.layers if isinstance(layer, ModelOutput)] == ["location", "score"]
    batch = keras.ops.convert_to_tensor(PICTURE[None].astype("float32"))
    (places, shares), raw = (np.asarray(x[0]) for x in ended(batch).values()), np.asarray(model(batch)[0])
    boxes, scores = candidates(raw, output_specs(model)[0].options)
    centre, half = places[:, 1::-1], places[:, :1:-1] / 2
    np.testing.assert_allclose(np.concatenate([centre - half, centre + half], 1), boxes.clip(0, 1), atol=1e-6)
    np.testing.assert_allclose(shares, scores, atol=1e-6)


def test_a_detector_of_any_size_is_written_at_one(tmp_path: Path) -> None:
    model = finder("points", (None, None))
    with pytest.raises(InputError, match="choose it with --size"):
        ending_for(model, client("mediapipe"))
    made = converters.to_tflite(ending_for(model, client("mediapipe"), SIZE), tmp_path / "finder.tflite")
    assert [output["name"] for output in read(made.path)["outputs"]] == ["location", "score"]
    assert b"DETECTOR_METADATA" in made.path.read_bytes()
    with zipfile.ZipFile(made.path) as archive:
        assert archive.read("labels.txt") == b"cat\ndog\n"


def test_what_mediapipe_has_no_task_for_is_refused() -> None:
    image = keras.Input((*SIZE, 3))
    objects = ModelOutput("instance_segmentation", instance_output(("cat", "dog")), name="answer")(L.Conv2D(4, 3)(image))
    model = keras.Model(image, objects, name="objects")
    with pytest.raises(InputError, match=r"'objects' ends in a row of numbers for each place.*--for litert"):
        ending_for(model, client("mediapipe"))
    assert all(ending_for(model, client(name)) is model for name in ("opencv", "litert", "web"))
    cells = BoxRows(7, {"coding": "cells", "boxes": 1})(L.Conv2D(7, 3, 8, "same")(image))
    cells = ModelOutput("detection", box_output(("cat", "dog")), name="answer")(cells)
    with pytest.raises(InputError, match="tells boxes as 'cells'"):
        ending_for(keras.Model(image, cells), client("mediapipe"))


def test_the_command_line_refuses_what_a_client_does_not_read(tmp_path: Path, monkeypatch, capsys) -> None:
    segmenter().save(tmp_path / "any.keras")
    for options, message in (
        (("--for", "opencv"), "OpenCV one; choose it with --size"),
        (("--for", "web", "--io", "int8"), "LiteRT.js takes float32"),
        (("--for", "mediapipe", "--format", "onnx"), "MediaPipe reads .tflite"),
    ):
        status, _, error = says(monkeypatch, capsys, "convert", tmp_path / "any.keras", *options)
        assert status == 2 and message in error
    path = tmp_path / "any.tflite"
    status, text, _ = says(
        monkeypatch, capsys, "convert", tmp_path / "any.keras", "--for", "mediapipe", "--size", "32x48", "--out", path
    )
    assert status == 0 and "was not checked" in text and path.is_file()


# ------------------------------------------------------------------------------------------------ the clients themselves


def test_mediapipe_segments_as_the_runner(files: dict[str, Path]) -> None:
    mediapipe = pytest.importorskip("mediapipe", reason="MediaPipe's tests need mediapipe")
    vision, base = mediapipe.tasks.vision, mediapipe.tasks.BaseOptions(model_asset_path=str(files["segmenter"]))
    options = vision.ImageSegmenterOptions(base, output_confidence_masks=True, output_category_mask=True)
    with vision.ImageSegmenter.create_from_options(options) as theirs:
        result = theirs.segment(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=PICTURE))
        confidences = np.stack([mask.numpy_view().squeeze() for mask in result.confidence_masks], -1)
        mask = result.category_mask.numpy_view().squeeze().copy()
        assert list(theirs.labels) == list(LABELS)
    runner = edge.Runner(files["segmenter"])
    raw = runner.run(PICTURE[None].astype("float32"))[0]
    powers = np.exp(raw - raw.max(-1, keepdims=True))
    np.testing.assert_allclose(confidences, powers / powers.sum(-1, keepdims=True), atol=1e-5)  # the file's are logits
    assert (mask == runner(PICTURE)).mean() >= 0.99 and len(np.unique(mask)) > 1


def test_mediapipe_classifies_in_probabilities(files: dict[str, Path]) -> None:
    mediapipe = pytest.importorskip("mediapipe", reason="MediaPipe's tests need mediapipe")
    vision, base = mediapipe.tasks.vision, mediapipe.tasks.BaseOptions(model_asset_path=str(files["classifier"]))
    with vision.ImageClassifier.create_from_options(vision.ImageClassifierOptions(base)) as theirs:
        result = theirs.classify(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=PICTURE))
    scores = {category.category_name: category.score for category in result.classifications[0].categories}
    runner = edge.Runner(files["classifier"])
    np.testing.assert_allclose([scores[label] for label in runner.card.labels], runner(PICTURE), atol=1e-5)


def test_mediapipe_finds_what_the_kind_chooses(tmp_path: Path) -> None:
    """By its own rule: of boxes that overlap by 0.3 the better one, whatever their classes. Edges are cut to whole pixels."""
    mediapipe = pytest.importorskip("mediapipe", reason="MediaPipe's tests need mediapipe")
    model = finder("points")
    path = converters.to_tflite(ending_for(model, client("mediapipe")), tmp_path / "finder.tflite").path
    raw = np.asarray(model(keras.ops.convert_to_tensor(PICTURE[None].astype("float32")))[0])
    boxes, scores = candidates(raw, output_specs(model)[0].options)
    best = scores.max(axis=1, keepdims=True)
    chosen = select(boxes.clip(0, 1), best, {"overlap": 0.3, "threshold": 0.3})
    vision, base = mediapipe.tasks.vision, mediapipe.tasks.BaseOptions(model_asset_path=str(path))
    options = vision.ObjectDetectorOptions(base, score_threshold=0.3, max_results=300)
    with vision.ObjectDetector.create_from_options(options) as theirs:
        result = theirs.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=PICTURE))
    assert len(result.detections) == len(chosen) > 1
    edges = np.floor(chosen.boxes * [*SIZE[::-1], *SIZE[::-1]])
    for detection, box, score, row in zip(result.detections, edges, chosen.scores, chosen.rows, strict=True):
        own, category = detection.bounding_box, detection.categories[0]
        np.testing.assert_allclose([own.origin_x, own.origin_y], box[:2], atol=1)
        np.testing.assert_allclose([own.width, own.height], box[2:] - box[:2], atol=1)
        assert category.score == pytest.approx(score, abs=1e-4)
        assert category.category_name == ("cat", "dog")[scores[row].argmax()]


def test_opencv_and_onnxruntime_run_the_onnx_file(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV's test needs opencv-python-headless")
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    model, batch = segmenter(size=SIZE), PICTURE[None].astype("float32")
    path = str(converters.to_onnx(ending_for(model, client("opencv")), tmp_path / "a.onnx", SIZE).path)
    expected = np.asarray(model(batch))
    network = cv2.dnn.readNetFromONNX(path)
    network.setInput(batch)
    np.testing.assert_allclose(network.forward(), expected, atol=1e-3)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"image": batch})[0], expected, atol=1e-3)


def test_litert_compiles_the_file(files: dict[str, Path]) -> None:
    from ai_edge_litert.compiled_model import CompiledModel

    model = CompiledModel.from_file(str(files["segmenter"]))
    ins, outs, batch = model.create_input_buffers(0), model.create_output_buffers(0), PICTURE[None].astype("float32")
    ins[0].write(batch)
    model.run_by_index(0, ins, outs)
    expected = edge.Runner(files["segmenter"]).run(batch)
    np.testing.assert_allclose(outs[0].read(expected.size, np.float32).reshape(expected.shape), expected, atol=1e-5)


@pytest.mark.parametrize("recipe", converters.RECIPES)
def test_the_schemas_verifier_and_tensorflows_importer_read_every_form(recipe: str, tmp_path: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter
    from tensorflow.lite.python.convert import wrap_converter

    options = {"calibration": pictures(8)} if converters.RECIPES[recipe].calibrated else {}
    made = converters.to_tflite(segmenter(size=SIZE), tmp_path / "a.tflite", recipe, **options)
    content = bytearray(made.path.read_bytes())
    Interpreter(model_content=bytes(content)).allocate_tensors()  # LiteRT verifies it against the schema first
    tables = schema.Model.GetRootAs(content, 0)._tab
    length = tables.Vector(tables.Offset(8)) - 4  # of the list of graphs
    content[length : length + 4] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(ValueError, match="not a valid Flatbuffer"):
        Interpreter(model_content=bytes(content))
    text = str(wrap_converter.wrapped_flat_buffer_file_to_mlir(str(made.path), True))
    for code in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        assert len(re.findall(rf"\btfl\.{code.lower()}\b", text)) == made.operators.get(code, 0), code


def test_keras_opens_our_files_after_import_zoo() -> None:
    """In its safe mode; on the backend that starts fastest, for the layers are registered on each alike."""
    code = f"""
import sys, zoo
assert "keras" not in sys.modules
import keras
model = keras.models.load_model({str(LEGACY)!r}, safe_mode=True)
print(type(model.layers[-1]).__module__, keras.__spec__.loader is keras.__loader__)"""
    environment = {**os.environ, "KERAS_BACKEND": "numpy"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0 and done.stdout.split() == ["zoo.layers.output", "True"], done.stderr


def test_what_waits_for_a_module_that_is_there_waits_no_longer() -> None:
    calls: list[str] = []
    when_imported("keras", lambda: calls.append("now"))
    assert calls == ["now"]
