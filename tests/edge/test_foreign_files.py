"""Files of others: the runner says what LiteRT's own interpreter says of the same bytes, or one clear sentence.

`tests/support/foreign_files.py` has more and measures the GPU gate and the benchmark too: docs/results/foreign_files.csv.
"""

from __future__ import annotations

import csv
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from command import says
from foreign_files import HEIGHT, KEPT, SHAPE, WIDTH, build, networks, own_outputs, stored_inputs
from PIL import Image

import edge
from edge.arithmetic import macs
from edge.errors import AcceleratorError, InputError
from edge.gpu import vulkan
from edge.graph import Graph, Operator, Tensor
from edge.images import structured
from edge.tflite_file import read_card

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "foreign_files.csv"
PICTURE = structured(HEIGHT, WIDTH, 1, seed=3)[0]
ANSWERED = (
    "sigmoid_resized", "hard_sigmoid", "ensemble", "channels_first", "flat_channels_first", "no_batch", "indices_float",
    "indices_no_batch", "threshold", "uint8_in", "float16_sigmoid", "uint8_io", "any_size_and_batch", "any_batch",
    "classifier_1x1", "two_maps", *(path.stem for path in sorted(KEPT.glob("*.tflite"))),
)  # fmt: skip
SENTENCES = {
    "embedding": "output=", "bytes_of_probability": "output=", "keypoints": "output=", "boxes": "output=",
    "picture_and_factor": "takes no picture alone, but", "audio": "takes no picture",
}  # fmt: skip
needs_vulkan = pytest.mark.skipif(vulkan.driver() is None, reason="no Vulkan driver for LiteRT's GPU accelerator")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory):
    """name → the file, built once."""
    folder, known = tmp_path_factory.mktemp("foreign"), networks()

    def once(name: str) -> Path:
        path = folder / f"{name}.tflite"
        return path if path.exists() else build(known[name], path)

    return once


@pytest.mark.parametrize("name", ANSWERED)
def test_answers_are_those_of_litert(made, name: str) -> None:
    foreign, path = networks()[name], made(name)
    with edge.Runner(path, input_range=foreign.range) as runner:
        own = own_outputs(path, stored_inputs(path, PICTURE))
        assert runner.card.head == foreign.head
        answer, expected = runner(PICTURE), foreign.answer(own)
        np.testing.assert_allclose(answer, expected, atol=1e-6)
        assert len(np.unique(expected)) > 1, "one class proves nothing"


@pytest.mark.parametrize("name", SENTENCES)
def test_what_is_no_answer_is_said(made, name: str) -> None:
    path = made(name)
    with edge.Runner(path, input_range=(0, 1)) as runner:
        arrays = stored_inputs(path, PICTURE)
        reals = {spec.name: arrays[at] for spec, at in zip(runner.card.inputs, runner.card.fed, strict=True)}
        for one, other in zip(runner.outputs(reals).values(), own_outputs(path, arrays), strict=True):
            np.testing.assert_array_equal(one, other)
        assert SENTENCES[name] != "output=" or runner.card.head == "unknown"
        with pytest.raises(InputError, match=SENTENCES[name]):
            runner(PICTURE)


def test_the_caller_may_say_what_it_is(made, monkeypatch, capsys, tmp_path: Path) -> None:
    path = made("bytes_of_probability")  # 255 times a probability: cut at 0 it would be a mask without a hole
    with edge.Runner(path, input_range=(0, 1), output="logits", labels=["person"]) as runner:
        assert runner.card.labels == ("background", "person") and runner(PICTURE).all()
    for options, message in (
        ({"output": "scores"}, "unknown output 'scores'"),
        ({"output": "logits", "labels": list("abc")}, "3 labels for the 2 classes"),
        ({"labels": ["a"]}, "give output= as well"),
        ({"input_size": (9, 9)}, "takes 32×48 and no other size"),
    ):
        with pytest.raises(InputError, match=message):
            edge.Runner(path, **options)
    with pytest.raises(InputError, match="can be no class_map"):
        edge.Runner(made("boxes"), output="class_map")
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    command = ("predict", path, tmp_path / "a.png", "--out", tmp_path / "out", "--input-range", "0,1")
    status, _, error = says(monkeypatch, capsys, *command)
    assert status == 2 and "--output" in error
    status, text, _ = says(monkeypatch, capsys, *command, "--output", "logits", "--labels", "nothing,person")
    assert status == 0 and "person 100.0 %" in text


def test_any_size_runs_at_the_pictures_own(made, monkeypatch, capsys, tmp_path: Path) -> None:
    path, picture = made("any_size_and_batch"), structured(20, 33, 1, seed=5)[0]
    with edge.Runner(path, input_range=(0, 1)) as runner:
        assert runner.card.size is None and runner.card.takes_picture
        expected = own_outputs(path, [picture[None] / np.float32(255)])[0][0].argmax(-1)
        assert np.array_equal(runner(picture), expected) and np.array_equal(runner(PICTURE).shape, (HEIGHT, WIDTH))
    with edge.Runner(path, input_range=(0, 1), input_size=(16, 16)) as runner:
        assert runner.card.size == (16, 16) and runner(picture).shape == (20, 33)
    verdict = edge.gpu_check(path, [picture], input_range=(0, 1))
    assert (verdict.reason, verdict.whole) == ("not whole", False) and "any size" in verdict.detail
    with pytest.raises(AcceleratorError, match="takes any size"):
        edge.Runner(path, "gpu")
    (row,) = edge.benchmark([path], threads=(1,), repeats=1, warmup=0)
    assert row.size == "any×any×3" and "input_size" in row.error and np.isnan(row.gmacs)
    (row,) = edge.benchmark([path], threads=(1,), repeats=1, warmup=0, input_size=(24, 40))
    assert row.size == "24×40×3" and not row.error


def test_whole_numbers_take_the_pictures_bytes(made) -> None:
    path = made("uint8_in")
    expected = own_outputs(path, [PICTURE[None]])[0][0].argmax(-1)
    for bounds in (None, (0, 1), (0, 255)):  # uint8 without a scale can mean nothing but bytes
        with edge.Runner(path, input_range=bounds) as runner:
            assert np.array_equal(runner(PICTURE), expected)
    with pytest.raises(InputError, match="whole numbers"):
        edge.Runner(made("int32_in"), input_range=(0, 1))


def test_a_single_number_goes_in(made) -> None:
    path = made("picture_and_factor")
    picture = np.repeat(PICTURE[None] / np.float32(255), 2, axis=0)
    with edge.Runner(path) as runner:
        names = [spec.name for spec in runner.card.inputs]
        image, factor = sorted(names, key=lambda name: -len(runner.graph.inputs[names.index(name)].shape))
        once, twice = (runner.run({image: picture, factor: np.float32(value)}) for value in (1, 2))
    assert once.shape == (2, *SHAPE[1:3], 4)
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-6)


def test_text_is_named(made) -> None:
    path = made("label_as_text")
    for run in (edge.Runner, edge.gpu_check):
        with pytest.raises(InputError, match="is string, no numbers"):
            run(path)
    assert read_card(path).head == "unknown"


def test_one_bad_file_leaves_the_table(made, tmp_path: Path) -> None:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(made("flat").read_bytes(), 0))
    code = model.operatorCodes[-1]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "NobodyHasThis"
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(bytes(builder.Output()))
    rows = edge.benchmark([bad, made("label_as_text"), made("flat")], threads=(1,), repeats=1, warmup=0)
    assert [bool(row.error) for row in rows] == [True, True, False], rows
    assert "NobodyHasThis" in rows[0].error and "string" in rows[1].error


def test_a_worker_that_dies_leaves_this_process(made) -> None:
    with edge.Runner(made("flat"), input_range=(0, 1)) as runner:
        runner._engine._process._process.kill()  # as LiteRT does with some public files
        with pytest.raises(AcceleratorError, match="crashed while running"):
            runner(PICTURE)


@needs_vulkan
def test_an_operator_that_only_writes_is_named(tmp_path: Path) -> None:
    """A gate that blamed the driver: variables have operators without an output."""
    tf = pytest.importorskip("tensorflow")

    class Counter(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.total = tf.Variable(tf.zeros((1, 4)))

        @tf.function(input_signature=[tf.TensorSpec([1, 4])])
        def __call__(self, x: tf.Tensor) -> tf.Tensor:
            self.total.assign_add(x)
            return 2 * self.total

    counter = Counter()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([counter.__call__.get_concrete_function()], counter)
    converter.experimental_enable_resource_variables = True
    (tmp_path / "counter.tflite").write_bytes(converter.convert())
    verdict = edge.gpu_check(tmp_path / "counter.tflite")
    assert verdict.reason == "not whole" and "ASSIGN_VARIABLE" in verdict.report()


def test_recurrent_cells_are_counted() -> None:
    def graph(name: str, *shapes: tuple[int, ...]) -> Graph:
        tensors = tuple(Tensor(at, str(at), shape, "float32", constant=0 < at < len(shapes)) for at, shape in enumerate(shapes))
        operator = Operator(name, tuple(range(len(shapes))), (0,))
        return Graph(tensors, (operator,), tensors[:1], tensors[:1], None)

    # Four gates, each with a matrix for the input and one for the state, at each of 7 steps.
    gates = [(5, 3)] * 4 + [(5, 5)] * 4 + [(5,)] * 4
    assert macs(graph("UNIDIRECTIONAL_SEQUENCE_LSTM", (1, 7, 3), *gates)) == 7 * 4 * (15 + 25)
    assert macs(graph("SVDF", (1, 8), (6, 8), (6, 10))) == 6 * 8 + 6 * 10
    assert macs(graph("CONV_3D", (1, 4, 4, 4, 2), (3, 3, 3, 2, 5))) == 4**3 * 2 * 27 * 2
    assert np.isnan(macs(graph("WHILE", (1, 7, 3))))


def test_the_table_is_of_today() -> None:
    rows = {row["file"]: row for row in csv.DictReader(RESULTS.open(encoding="utf-8"))}
    assert list(rows) == list(networks()) and len(rows) >= 40, "run tests/support/foreign_files.py --out docs/results/…"
    for name, foreign in networks().items():
        row = rows[name]
        assert row["head"] == foreign.head and (row["runner"] == "equal" or "string" in row["runner"])
        assert (row["answer"] == "equal") == (foreign.answer is not None), row
