"""Files of others in the demo app: Python's mask where the tensors say what it is, else words that say why there is none."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from app_visit import NEEDS, Open
from foreign_files import HEIGHT, WIDTH, build, networks
from foreign_in_app import in_app
from PIL import Image

from converters.gpu_graphs.draft import Draft, Value
from edge.graph import _FUSING
from edge.hosting.site import DIST
from edge.images import structured

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS


def test_what_the_tensors_do_not_say_is_said(visit: Open, tmp_path: Path) -> None:
    opened, nothing = visit().ready(), "does not know what to do with this model"
    for name, words in (("picture_out", nothing), ("keypoints", nothing), ("any_size", "leaves the size")):
        opened.page.evaluate("document.documentElement.dataset.state = 'waiting'")  # not the last one's
        opened.page.set_input_files("#model-file", build(networks()[name], tmp_path / f"{name}.tflite"))
        opened.page.wait_for_selector("html[data-state=failed]")
        assert words in opened.page.inner_text("#notice"), name


READ = (
    "channels_first", "sigmoid_reshaped", "flat", "float16_sigmoid", "litert_torch_sigmoid", "onnx2tf_softmax_integer_quant",
)  # fmt: skip


def test_operators_say_what_the_shapes_do_not(visit: Open, tmp_path: Path) -> None:
    """Layouts, sigmoids and softmaxes are found as `edge.Runner` finds them; more: docs/results/foreign_files_app.csv."""
    opened, picture = visit().ready(), tmp_path / "picture.png"
    Image.fromarray(structured(HEIGHT, WIDTH, 1, seed=3)[0]).save(picture)
    for name in READ:
        foreign = networks()[name]
        assert in_app(opened, foreign, build(foreign, tmp_path / f"{name}.tflite"), picture) == "equal", name


def test_files_that_fail_leave_room_for_others(visit: Open, models: dict[str, Path], picture: Path, tmp_path: Path) -> None:
    """LiteRT.js 2.5.3 keeps the threads of a file whose types it refuses; the fourth one it never answered."""
    opened, path = visit().ready(), build(networks()["indices_int64"], tmp_path / "indices.tflite")
    for _ in range(4):
        opened.page.evaluate("document.documentElement.dataset.state = 'waiting'")
        opened.page.set_input_files("#model-file", path)
        opened.page.wait_for_selector("html[data-state=failed]")
    opened.bring(models["float32"]).show(picture)


def test_the_apps_schema_is_litert_s() -> None:
    """Names and numbers of operators, types and activations, and where options keep the fused one."""
    own = json.loads((DIST.parent / "src" / "model" / "schema.json").read_text(encoding="utf-8"))
    for name, numbers in (("operators", schema.BuiltinOperator), ("activations", schema.ActivationFunctionType)):
        assert own[name] == [key for key, value in vars(numbers).items() if isinstance(value, int)]
    assert own["types"] == [key.lower() for key, value in vars(schema.TensorType).items() if isinstance(value, int)]
    assert own["fused"].keys() == _FUSING.keys()
    for name, slot in own["fused"].items():
        assert f"Offset({slot})" in inspect.getsource(_FUSING[name].FusedActivationFunction), name


def _halves(path: Path, kernel: str, bias: str) -> Path:
    """A segmenter of one layer that keeps its kernel and its bias in these types."""
    draft = Draft(samples=1)
    image = draft.input((1, 32, 32, 3))

    def stored(numbers: np.ndarray, dtype: str) -> Value:
        constant = draft.constant(numbers.astype(dtype), dtype)
        return constant if dtype == "float32" else draft.op("DEQUANTIZE", constant, dtype="float32")

    weights = stored(draft.weights(5, 3, 3, 3).samples[0], kernel), stored(np.linspace(-1, 1, 5), bias)
    sides = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    draft.result(draft.op("CONV_2D", image, *weights, **sides))
    path.write_bytes(draft.bytes())
    return path


def test_a_file_that_webassembly_computes_slowly_is_told(visit: Open, tmp_path: Path) -> None:
    """A kernel in 16 bits beside a bias in 32 is; both in 16 bits, as zoo convert writes them, are not."""
    opened = visit().ready()
    for kernel, bias in (("float16", "float32"), ("float32", "float16"), ("float16", "float16"), ("float32", "float32")):
        opened.bring(_halves(tmp_path / f"{kernel}_{bias}.tflite", kernel, bias))
        assert ("many times slower" in opened.page.inner_text("#notice")) == (kernel != bias), (kernel, bias)
