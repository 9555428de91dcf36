"""Other people's programs on our files: MediaPipe, OpenCV, LiteRT's compiled model, and Keras after `import zoo`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
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
from zoo.errors import InputError
from zoo.layers import ModelOutput
from zoo.lazy import when_imported
from zoo.outputs.boxes import box_output
from zoo.outputs.class_scores import class_output

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


def test_rows_of_places_are_not_for_who_wants_what_is_found() -> None:
    """MediaPipe would load such a file, and find nothing of what it looks for in it."""
    image = keras.Input((*SIZE, 3))
    spec = box_output(("cat", "dog"))
    rows = ModelOutput("detection", spec, name="answer")(L.Conv2D(6, 3, 8, "same")(image))
    model = keras.Model(image, rows, name="finder")
    with pytest.raises(InputError, match=r"'finder' ends in a row of numbers for each place.*--for litert"):
        ending_for(model, client("mediapipe"))
    assert all(ending_for(model, client(name)) is model for name in ("opencv", "litert", "web"))


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
