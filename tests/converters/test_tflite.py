"""Keras to `.tflite`: what is inside the file, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import flatbuffers
import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from converter_models import LABELS, SIZE, pictures, segmenter
from tensorflow.lite.python import lite

import converters
from converters.tflite import inspection
from zoo.errors import InputError

L = keras.layers
CASES = [
    ("float32", "float32"),
    ("float16", "float32"),
    ("dynamic", "float32"),
    ("int8", "float32"),
    ("int8", "int8"),
    ("int8", "uint8"),
]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return segmenter()


@pytest.fixture(scope="module")
def files(model, tmp_path_factory) -> dict[tuple[str, str], converters.Converted]:
    folder = tmp_path_factory.mktemp("tflite")
    images = pictures(16)
    return {
        (recipe, io): converters.to_tflite(
            model,
            folder / f"{recipe}_{io}.tflite",
            recipe=recipe,
            input_size=SIZE,
            calibration=images if recipe == "int8" else None,
            io=io,
            scores={"miou": 0.5},
        )
        for recipe, io in CASES
    }


def details(path) -> tuple[dict, dict]:
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    return interpreter.get_input_details()[0], interpreter.get_output_details()[0]


@pytest.mark.parametrize(("recipe", "io"), CASES)
def test_the_file_describes_itself(files, recipe, io):
    made = files[recipe, io]
    with zipfile.ZipFile(made.path) as archive:
        assert archive.namelist() == ["labels.txt", "densezoo.json"]
        assert archive.read("labels.txt").decode().split() == list(LABELS)
        card = json.loads(archive.read("densezoo.json"))
    assert (card["format"], card["name"], card["task"]) == (2, "tiny", "segmentation")
    (answer,) = card["outputs"]
    assert (answer["name"], answer["kind"], answer["activation"], answer["scale"]) == ("answer", "class_scores", "linear", 1)
    assert answer["labels"] == list(LABELS) and answer["palette"][0] == [0, 0, 0] and len(answer["palette"]) == 4
    assert card["inputs"] == [{"name": "image", "size": list(SIZE), "channels": 3, "range": [0, 255], "frames": 1}]
    assert card["description"] == f"segmentation by tiny, {recipe}, {SIZE[0]}×{SIZE[1]}; densezoo" and card["license"] == ""
    assert (card["recipe"], card["io"], card["scores"]) == (recipe, io, {"miou": 0.5})
    provenance = card["provenance"]
    assert provenance["keras"] == keras.version() and len(provenance["weights_sha256"]) == 64
    assert (provenance["calibration"] or {}).get("count") == (16 if recipe == "int8" else None)


@pytest.mark.parametrize(("recipe", "io"), CASES)
def test_one_static_size_and_only_builtin_operators(files, recipe, io):
    made = files[recipe, io]
    image, answer = details(made.path)
    assert (image["name"], answer["name"]) == ("image", "answer")
    assert tuple(image["shape"]) == (1, *SIZE, 3) and tuple(answer["shape"]) == (1, *SIZE, 4)
    assert image["dtype"] == answer["dtype"] == np.dtype(io)
    names = set(made.operators)
    assert not names & {"CUSTOM", "SHAPE", "PACK", "SPACE_TO_BATCH_ND", "WHILE"} and "RESIZE_BILINEAR" in names
    assert made.bytes == made.path.stat().st_size


def test_weights_shrink_with_the_recipe(tmp_path):
    keras.utils.set_random_seed(0)
    wide = keras.Sequential([keras.Input((16, 16, 3)), L.Conv2D(64, 3), L.Conv2D(64, 3), L.Conv2D(4, 1)], name="wide")
    sizes = {}
    for recipe in converters.RECIPES:
        images = pictures(8, (16, 16)) if "int" in recipe else None
        sizes[recipe] = converters.to_tflite(wide, tmp_path / f"{recipe}.tflite", recipe, calibration=images).bytes
    weights = wide.count_params() * 4
    assert sizes["float32"] > weights > sizes["float16"] > 0.45 * weights > sizes["dynamic"] > 0.24 * weights
    assert sizes["int8"] < 0.4 * weights


@pytest.mark.parametrize("io", ["int8", "uint8"])
def test_an_integer_input_is_the_pixel(files, io):
    scale, zero = details(files["int8", io].path)[0]["quantization"]
    assert scale == 1.0 and zero == (0 if io == "uint8" else -128)


def test_an_integer_file_has_no_float_inside(files):
    for io in ("float32", "int8", "uint8"):
        assert files["int8", io].float_islands == ()
    assert len(converters.float_islands(files["float32", "float32"].path)) == sum(
        files["float32", "float32"].operators.values()
    )


def test_an_island_is_found(files, tmp_path):
    """The first operator's output made float again: what a float island looks like."""
    model = inspection.load(files["int8", "int8"].path)
    model.subgraphs[0].tensors[model.subgraphs[0].operators[2].outputs[0]].type = schema.TensorType.FLOAT32
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    (tmp_path / "island.tflite").write_bytes(builder.Output())
    assert [operator.index for operator in converters.float_islands(tmp_path / "island.tflite")][:2] == [2, 3]


def test_weights_are_aligned(files):
    """A runtime uses them where they lie in the file."""
    for made in files.values():
        data = made.path.read_bytes()
        for buffer in inspection.load(made.path).buffers:
            if buffer.data is not None and len(buffer.data) >= 64:
                at = data.find(buffer.data.tobytes())
                assert at % 16 == 0, (made.recipe, at)


@pytest.mark.parametrize(("recipe", "io"), [("float32", "float32"), ("int8", "int8")])
def test_the_same_bytes_again(files, tmp_path, recipe, io):
    again = segmenter()  # another model object of the same weights, later in the process
    images = pictures(16) if recipe == "int8" else None
    converters.to_tflite(
        again, tmp_path / "again.tflite", recipe, input_size=SIZE, calibration=images, io=io, scores={"miou": 0.5}
    )
    assert (tmp_path / "again.tflite").read_bytes() == files[recipe, io].path.read_bytes()


def test_weights_are_stored_once_and_restored_once(tmp_path, monkeypatch):
    """Equal kernels share a buffer, one of the same size does not; and Python holds no second copy of the variables."""
    monkeypatch.setattr(lite, "_load", None)
    model = sequential(*(L.Conv2D(3, 5, padding="same", name=name) for name in ("a", "b", "c")))
    model.get_layer("b").set_weights(model.get_layer("a").get_weights())
    made = converters.to_tflite(model, tmp_path / "a.tflite")
    stored = [buffer.data for buffer in inspection.load(made.path).buffers]
    kernels = [data for data in stored if data is not None and len(data) == 4 * 3 * 5 * 5 * 3]
    assert len(kernels) == 2 and not np.array_equal(*kernels)
    image = pictures(1, (16, 16)).astype("float32")
    run = Interpreter(str(made.path)).get_signature_runner()
    np.testing.assert_allclose(run(image=image)["answer"], np.asarray(model(image)), rtol=1e-4, atol=1e-3)


def test_other_weights_are_another_file(files, tmp_path):
    converters.to_tflite(segmenter(seed=1), tmp_path / "other.tflite", input_size=SIZE)
    hashes = [
        json.loads(zipfile.ZipFile(path).read("densezoo.json"))["provenance"]["weights_sha256"]
        for path in (tmp_path / "other.tflite", files["float32", "float32"].path)
    ]
    assert hashes[0] != hashes[1]


@pytest.mark.parametrize(("recipe", "io"), [("float32", "float32"), ("int8", "uint8")])
def test_class_indices(tmp_path, recipe, io):
    model = segmenter("class_map")
    images = pictures(16) if recipe == "int8" else None
    made = converters.to_tflite(model, tmp_path / "classes.tflite", recipe, input_size=SIZE, calibration=images, io=io)
    _, answer = details(made.path)
    assert answer["dtype"] == np.int32 and tuple(answer["shape"]) == (1, *SIZE)
    assert "CAST" not in made.operators and made.operators["ARG_MAX"] == 1
    assert made.float_islands == ()
    assert converters.parity(model, made.path, pictures(4, seed=5)).passed


def test_a_model_of_others_gets_its_meaning_from_the_caller(tmp_path):
    model = keras.Sequential(
        [keras.Input((16, 16, 3)), L.Conv2D(4, 3), L.GlobalAveragePooling2D(), L.Dense(3), L.Softmax()], name="theirs"
    )
    converters.to_tflite(model, tmp_path / "a.tflite", labels=["cat", "dog", "cow"], name="pets")
    with zipfile.ZipFile(tmp_path / "a.tflite") as archive:
        card = json.loads(archive.read("densezoo.json"))
    (answer,) = card["outputs"]
    assert (card["name"], answer["kind"], answer["activation"], answer["scale"]) == ("pets", "class_scores", "softmax", None)
    assert answer["labels"] == ["cat", "dog", "cow"]


def test_the_standard_metadata_is_readable(files):
    """Read field by field with the flatbuffers runtime alone, by the schema's positions."""
    model = inspection.load(files["float32", "float32"].path)
    entry = next(entry for entry in model.metadata if entry.name == b"TFLITE_METADATA")
    data = bytearray(model.buffers[entry.buffer].data)
    assert data[4:8] == b"M001"

    def field(table, slot):
        offset = table.Offset(4 + 2 * slot)
        return offset and offset + table.Pos

    def child(table, slot, index=None):
        at = field(table, slot)
        if index is None:
            return flatbuffers.table.Table(data, table.Indirect(at))
        return flatbuffers.table.Table(data, table.Indirect(table.Vector(at - table.Pos) + 4 * index))

    root = flatbuffers.table.Table(data, int.from_bytes(data[:4], "little"))
    assert root.String(field(root, 0)) == b"tiny"
    image = child(child(root, 3, 0), 2, 0)
    assert image.String(field(image, 0)) == b"image"
    stats = child(image, 5)
    floats = flatbuffers.number_types.Float32Flags
    assert [stats.Get(floats, stats.Vector(field(stats, slot) - stats.Pos)) for slot in (0, 1)] == [255.0, 0.0]
    answer = child(child(root, 3, 0), 3, 0)
    attached = child(answer, 6, 0)
    assert attached.String(field(attached, 0)) == b"labels.txt"


def test_nothing_is_printed_and_a_failure_leaves_the_old_file(tmp_path, capfd):
    path = tmp_path / "a.tflite"
    path.write_bytes(b"old")
    strange = sequential(L.Conv2D(2, 1), Strange(name="odd"))
    with pytest.raises(InputError):
        converters.to_tflite(strange, path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    converters.to_tflite(sequential(L.Conv2D(2, 1)), path)
    assert inspection.operators(path)
    assert capfd.readouterr() == ("", "")


def test_importing_the_package_is_light():
    code = "import sys, converters; sys.exit(bool({'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ------------------------------------------------------------------------------------------------ bad input


class Strange(L.Layer):
    def call(self, x):
        return keras.ops.erfinv(keras.ops.tanh(x))


def sequential(*layers: L.Layer, shape=(16, 16, 3)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *layers], name="small")


def small() -> keras.Model:
    return sequential(L.Conv2D(2, 1))


def any_size() -> keras.Model:
    return sequential(L.Conv2D(2, 1), shape=(None, None, 3))


def nested_strange() -> keras.Model:
    return sequential(L.Conv2D(2, 1), keras.Sequential([keras.Input((16, 16, 2)), Strange(name="odd")], name="inner"))


GOOD = pictures(8, (16, 16))
BAD = {
    "unknown recipe": (small, {"recipe": "int4"}, "unknown recipe 'int4'"),
    "unknown io": (small, {"io": "float64"}, "unknown io"),
    "integer io of a float file": (small, {"io": "int8"}, "recipe='int8'"),
    "no calibration": (small, {"recipe": "int8"}, "pass calibration="),
    "empty calibration": (small, {"recipe": "int8", "calibration": []}, "no image"),
    "calibration of another size": (
        small,
        {"recipe": "int8", "calibration": pictures(8, (16, 24))},
        "16×24×3.*16×16×3",
    ),
    "calibration in 0-1": (small, {"recipe": "int8", "calibration": GOOD / 255.0}, "scaled to 0–1"),
    "calibration beyond 255": (small, {"recipe": "int8", "calibration": GOOD * 2.0}, "expected 0–255"),
    "calibration of NaN": (small, {"recipe": "int8", "calibration": GOOD * np.nan}, "nan"),
    "calibration of text": (small, {"recipe": "int8", "calibration": "camvid"}, "the images themselves"),
    "calibration of a number": (small, {"recipe": "int8", "calibration": 8}, "a int"),
    "no size": (any_size, {}, r"input_size=\(height, width\)"),
    "a size that is none": (any_size, {"input_size": 256}, "expected .height, width."),
    "another size than its own": (small, {"input_size": (32, 32)}, "built for 16×16"),
    "labels too few": (small, {"labels": ["a"]}, "1 labels for 2 classes"),
    "colours too few": (small, {"palette": [(0, 0, 0)]}, "1 colours for 2 labels"),
    "not an image": (lambda: sequential(L.Dense(2), shape=(8,)), {}, "N×H×W×C"),
    "an operation TFLite lacks": (lambda: sequential(Strange(name="odd")), {}, r"'odd' \(Strange\).*Erfinv"),
    "the same in a nested model": (nested_strange, {}, r"'odd' \(Strange\).*Erfinv"),
    "a subclassed model": (lambda: keras.Model(), {}, "functional"),
    "a name without ending": (small, {"path": "model.bin"}, r"\.tflite"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case, tmp_path):
    make, options, message = BAD[case]
    options = {"path": "bad.tflite", **options}
    path = tmp_path / options.pop("path")
    with pytest.raises(InputError, match=message):
        converters.to_tflite(make(), path, **options)
    assert not list(tmp_path.iterdir())


def test_few_calibration_images_are_warned_of(tmp_path):
    with pytest.warns(UserWarning, match="3 images"):
        converters.to_tflite(small(), tmp_path / "a.tflite", "int8", calibration=iter(GOOD[:3].astype("float32")))


def test_not_a_file(tmp_path):
    (tmp_path / "a.tflite").write_bytes(b"something else")
    for path, message in ((tmp_path / "none.tflite", "no such file"), (tmp_path / "a.tflite", "TFL3")):
        with pytest.raises(InputError, match=message):
            converters.operators(path)
