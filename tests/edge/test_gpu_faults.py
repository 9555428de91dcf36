"""Rules, lint, provocations and bisection of what the GPU accelerator gets wrong, on graphs written by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import planted_faults
import pytest
from command import says
from planted_faults import FAULTS, OPERATORS, Numbers, Plant, planted, written

from converters.tflite.writer.builder import VALID
from converters.tflite.writer.graph import Tensor
from edge.errors import InputError
from edge.excerpt import Excerpts
from edge.gpu import bisection, linting, probe, vulkan
from edge.gpu.agreed_choices import reference
from edge.gpu.bisection import gpu_bisect
from edge.gpu.check import gpu_check
from edge.gpu.linting import gpu_lint
from edge.gpu.patterns import UNCHECKED, Suspect, scan
from edge.gpu.remote import Remote
from edge.gpu.rules import registry
from edge.gpu.trial import Workers
from edge.graph import read_graph

needs_vulkan = pytest.mark.skipif(vulkan.driver() is None, reason="no Vulkan driver for LiteRT's GPU accelerator")

# ------------------------------------------------------------------------------------------------ bisection


@needs_vulkan
def test_a_planted_operator_is_found_among_fifty(tmp_path: Path) -> None:
    """Ten graphs, the fault each time in another place; and the small file shows it by itself. A rule names each beforehand:
    the file, the suspect, what it reads, and one or two small graphs are all that is compiled."""
    with Workers() as workers:
        for number, name in enumerate(FAULTS):
            _check_found(name, tmp_path, 3 + 4 * number, workers, compiled=6)


@needs_vulkan
@pytest.mark.parametrize("suspected", [(), (11, 12)])
def test_what_no_rule_knows_is_found_by_halving(suspected: tuple[int, ...], tmp_path: Path, monkeypatch) -> None:
    """Also where a rule suspects operators that are right."""
    rule = registry.rules_of("CUMSUM")[0]
    monkeypatch.setattr(bisection, "suspects", lambda *_: (Suspect(place, rule) for place in suspected))
    with Workers() as workers:
        _check_found("sums", tmp_path, 27, workers, compiled=12)


def _check_found(name: str, folder: Path, at: int, workers: Workers, compiled: int) -> None:
    operator = FAULTS[name][1]
    path = planted(name, folder / f"{name}.tflite", at)
    graph = read_graph(path)
    result = gpu_bisect(path, _pictures(1), target=folder / f"{name}_alone.tflite", workers=workers)
    culprit = result.culprit
    assert len(graph.operators) == OPERATORS, name
    assert (culprit.operator, culprit.layer) == (operator, "planted"), result.report()
    assert graph.operators[culprit.place].name == operator and result.compiled <= compiled, result.report()
    alone = read_graph(culprit.path)
    assert tuple(each.name for each in alone.operators) == culprit.around and len(culprit.around) <= 2, result.report()
    assert culprit.path.stat().st_size < 0.5 * path.stat().st_size
    expected = "not whole" if operator == "L2_NORMALIZATION" else "wrong numbers"
    assert culprit.outcome.reason == expected and culprit.advice in result.report()
    (finding,) = gpu_lint(path).at("refused")  # which knew it without a GPU
    assert (finding.place, finding.layer) == (culprit.place, "planted")


@needs_vulkan
def test_the_command_names_the_operator_and_leaves_its_file(tmp_path: Path, monkeypatch, capsys) -> None:
    path = planted("pieces", tmp_path / "pieces.tflite", at=20)
    monkeypatch.chdir(tmp_path)
    status, said, _ = says(monkeypatch, capsys, "gpu-check", path, "--bisect")
    assert status == 1 and "ADD of layer planted" in said and "Alone it shows in SPLIT → ADD" in said
    assert read_graph("pieces_alone.tflite").operators


@needs_vulkan
def test_a_right_graph_has_no_culprit(tmp_path: Path) -> None:
    path = planted("", tmp_path / "right.tflite", at=0)
    result = gpu_bisect(path, _pictures(1))
    assert result.culprit is None and "every operator is whole" in result.report()


def test_without_a_driver_bisection_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("DENSEZOO_VULKAN", "none")
    with pytest.raises(InputError, match="no Vulkan driver was found; install"):
        gpu_bisect(planted("", tmp_path / "right.tflite", at=0))


def test_an_excerpt_computes_what_the_whole_does(tmp_path: Path) -> None:
    path = planted("", tmp_path / "whole.tflite", at=0)
    source, picture = Excerpts(path), _pictures(1)[0][None]
    middle = source.graph.operators[20].outputs[0]
    first = source.write(tmp_path / "first.tflite", source.before([middle]), [middle])
    (answer,) = (tensor.index for tensor in source.graph.outputs)
    rest = source.write(tmp_path / "rest.tflite", source.before([answer], first.outputs), [answer])
    values = {source.graph.inputs[0].index: picture}
    for part in (first, rest):
        with Remote(part.path, "cpu") as cpu:
            values.update(zip(part.outputs, cpu.run([values[index] for index in part.feeds]), strict=True))
    with Remote(path, "cpu") as cpu:
        np.testing.assert_allclose(values[answer], cpu.run([picture])[0], rtol=1e-5, atol=1e-5)
    assert source.graph.place(middle) in first.places and source.graph.place(middle) not in rest.places


# ------------------------------------------------------------------------------------------------ provocations


def _classes(build: Numbers, x: Tensor, count: int = 5, before: str = "") -> Tensor:
    scores = build.add(build.conv(x, count), build.constant(np.full((1, 1, 1, count), 50.0)))
    scores = build.unary(before, scores) if before else scores
    return build.emit("ARG_MAX", [scores, build.constant([3], "int32")], scores.shape[:-1], "int32", outputType=2)


@needs_vulkan
def test_classes_that_samples_do_not_show_are_provoked(tmp_path: Path) -> None:
    """All scores of these samples lie above zero, where the accelerator is right."""
    path = written(_classes, tmp_path / "classes.tflite")
    verdict = gpu_check(path, _pictures(2))
    assert verdict.comparisons["float32"][0].passed and verdict.reason == "wrong numbers"
    assert "right on these samples" in verdict.detail and "index 5 where there are 5" in verdict.detail
    result = gpu_bisect(path, _pictures(1), target=tmp_path / "alone.tflite")
    assert result.culprit.operator == "ARG_MAX" and read_graph(result.culprit.path).operators[-1].name == "ARG_MAX"


@needs_vulkan
def test_what_cannot_be_provoked_is_right(tmp_path: Path) -> None:
    for name, plant in {
        "lanes filled": lambda build, x: _classes(build, x, 8),
        "never below zero": lambda build, x: _classes(build, x, 5, "RELU"),
    }.items():
        assert gpu_check(written(plant, tmp_path / "right.tflite"), _pictures(2)).ok, name


# ------------------------------------------------------------------------------------------------ rules and lint


def _padded_maximum(build: Numbers, x: Tensor) -> Tensor:
    wide = build.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    return build.emit(
        "MAX_POOL_2D", [wide], x.shape, padding=VALID, strideH=1, strideW=1, filterHeight=3, filterWidth=3
    )


def _transposed_by(stride: int, kernel: int) -> Plant:
    def plant(build: Numbers, x: Tensor) -> Tensor:
        shape = (1, x.shape[1] * stride, x.shape[2] * stride, 8)
        operands = [build.constant(shape, "int32"), build.normal(8, kernel, kernel, 8), x, build.zeros((8,))]
        return build.emit("TRANSPOSE_CONV", operands, shape, "float32", padding=0, strideH=stride, strideW=stride)

    return plant


def _summed(build: Numbers, x: Tensor) -> Tensor:
    return build.emit("CUMSUM", [x, build.constant(2, "int32")], x.shape, exclusive=False, reverse=False)


def _in_thirds(build: Numbers, x: Tensor) -> Tensor:
    thirds = [(*x.shape[:-1], 4)] * 3, ["float32"] * 3
    pieces = build.emit_many("SPLIT", [build.constant(3, "int32"), build.conv(x, 12)], *thirds, numSplits=3)
    return build.back(build.add(build.add(pieces[0], pieces[1]), pieces[2]))


def _gated(build: Numbers, x: Tensor) -> Tensor:
    halves = build.emit_many(
        "SPLIT", [build.constant(3, "int32"), x], [(*x.shape[:-1], 4)] * 2, ["float32"] * 2, numSplits=2
    )
    return build.multiply(build.unary("LOGISTIC", halves[0]), halves[1])


def _largest(build: Numbers, x: Tensor) -> Tensor:
    return build.emit_many("TOPK_V2", [build.conv(x, 5), build.constant(2, "int32")], [(*x.shape[:-1], 2)] * 2,
                           ["float32", "int32"])[0]  # fmt: skip


def _multiplied(build: Numbers, x: Tensor) -> Tensor:
    return build.emit("BATCH_MATMUL", [x, build.normal(8, 5)], (*x.shape[:-1], 5))


def _softplus(build: Numbers, x: Tensor) -> Tensor:
    return build.unary("LOG", build.add(build.unary("EXP", x), 1.0))


# What is next to a fault and right, and what is wrong beyond the planted ones; each was measured.
RIGHT: dict[str, Plant] = {
    "stride 2 with kernel 4": _transposed_by(2, 4),
    "groups of four": lambda build, x: build.conv(x, 8, 3, groups=2),
    "plain sums": _summed,
    "three pieces in order": _in_thirds,
    "a constant with an axis in front": lambda build, x: build.add(x, build.normal(1, 9, 11, 8)),
    "a matrix for all batches": _multiplied,
    "a maximum of zeros and what is positive": lambda build, x: _padded_maximum(build, build.unary("RELU", x)),
}
BAD: dict[str, tuple[Plant, str, str]] = {
    "stride 2 with kernel 3": (_transposed_by(2, 3), "wrong", "TRANSPOSE_CONV"),
    "stride 4 with kernel 8": (_transposed_by(4, 8), "wrong", "TRANSPOSE_CONV"),
    "a maximum of zeros": (_padded_maximum, "wrong", "MAX_POOL_2D"),
    "a gate of the first piece": (_gated, "wrong", "MUL"),
    "several rows off four": (_largest, "wrong", "TOPK_V2"),
    "classes off four": (_classes, "wrong", "ARG_MAX"),
    "itself": (lambda build, x: build.emit("MAXIMUM", [x, x], x.shape), "refused", "MAXIMUM"),
    "no dimensions": (lambda build, x: build.multiply(x, build.reduce("MEAN", x, None)), "refused", "MUL"),
    "softplus": (_softplus, "overflow", "LOG"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_raises_no_rule(name: str, tmp_path: Path) -> None:
    path = written(RIGHT[name], tmp_path / "right.tflite")
    assert scan(read_graph(path)) == () and gpu_lint(path).at("overflow") == ()


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_raises_its_rule(name: str, tmp_path: Path) -> None:
    plant, level, operator = BAD[name]
    (finding,) = gpu_lint(written(plant, tmp_path / "wrong.tflite")).at("overflow")
    assert (finding.level, finding.operator) == (level, operator) and finding.advice


def test_lint_needs_no_gpu_and_fails_by_level(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("DENSEZOO_VULKAN", "none")
    wrong = planted("groups", tmp_path / "wrong.tflite", at=9)
    right = written(_summed, tmp_path / "right.tflite")
    status, said, _ = says(monkeypatch, capsys, "lint", right, wrong)
    assert status == 1 and said.index("right.tflite: ") < said.index("wrong.tflite: wrong: CONV_2D at planted")
    assert says(monkeypatch, capsys, "lint", wrong, "--level", "crash")[0] == 0
    assert says(monkeypatch, capsys, "lint", right)[0] == 0
    status, said, _ = says(monkeypatch, capsys, "lint", "--json", wrong)
    (entry,) = json.loads(said)
    assert entry["findings"][0]["layer"] == "planted" and entry["litert"] == probe.read().litert
    status, _, told = says(monkeypatch, capsys, "lint", wrong, "--level", "bad")
    assert status == 2 and "expected one of crash, wrong" in told


def test_lint_reads_any_measurements(tmp_path: Path) -> None:
    """What no rule knows, the probe's graphs may; and an operator that none of them has is unmeasured."""
    path = written(_summed, tmp_path / "file.tflite")
    row = probe.Probed("sums", "float32", ("CUMSUM",), "not whole", "not whole", False, None, None, 0.0, ("CUMSUM",), ())
    refused = gpu_lint(path, probe.Probe("9.9", "a GPU", "NumPy", (row,)))
    assert [(each.level, each.measured) for each in refused.findings] == [("refused", ("sums",))]
    unknown = gpu_lint(path, probe.Probe("9.9", "a GPU", "NumPy", ()))
    assert [each.level for each in unknown.findings] == [linting.UNMEASURED] and unknown.at("refused") == ()
    assert "LiteRT 9.9 on a GPU" in unknown.report()


# ------------------------------------------------------------------------------------------------ float16, choices, company


def _loud(build: Numbers, x: Tensor) -> Tensor:
    build.layer = "loud"
    large = build.multiply(build.unary("TANH", x), build.constant(np.full((1, 1, 1, 1), 3e5)))
    return build.multiply(large, build.constant(np.full((1, 1, 1, 1), 1e-5)))


@needs_vulkan
def test_an_overflow_of_float16_is_told_from_wrong_numbers(tmp_path: Path) -> None:
    path = written(_loud, tmp_path / "loud.tflite")
    verdict = gpu_check(path, _pictures(1))
    assert verdict.comparisons["float32"][0].passed
    rehearsal = verdict.comparisons["float16 on the CPU"][0]
    assert rehearsal.passed is False and "loud/mul reaches 3e+05" in verdict.detail
    quiet = gpu_check(written(_gated, tmp_path / "quiet.tflite"), _pictures(1), rehearse=True)
    assert quiet.comparisons["float16 on the CPU"][0].passed


# Runs each file by turns with the other one loaded, and writes down the answers.
_TOGETHER = """
import sys
import numpy as np
from edge.engines import Gpu
picture, *paths = sys.argv[1:]
models = [Gpu(path) for path in paths]
answers = [model.run([np.load(picture)])[0] for _ in range(3) for model in models]
np.savez(picture + ".npz", *answers)
"""


@needs_vulkan
def test_two_files_alive_at_once_on_one_gpu(tmp_path: Path) -> None:
    """As the app holds them, in one process: each says what it says alone."""
    paths = [planted("", tmp_path / "one.tflite", at=0), written(_summed, tmp_path / "two.tflite")]
    picture, place = _pictures(1)[0][None], tmp_path / "picture.npy"
    np.save(place, picture)
    environment = {**vulkan.driver().environment(), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _TOGETHER, place, *paths]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    answers = list(np.load(f"{place}.npz").values())
    for number, path in enumerate(paths):
        with Remote(path, "cpu") as cpu:
            expected = cpu.run([picture])[0]
        for got in answers[number::2]:
            np.testing.assert_allclose(got, expected, atol=1e-3 * np.ptp(expected))


def test_positions_that_the_gpu_does_not_give_out_are_told(tmp_path: Path, monkeypatch) -> None:
    """Then its numbers are compared as they are, and the report says so."""

    def goes_on(build: Numbers, x: Tensor) -> Tensor:
        places = build.emit("ARG_MAX", [x, build.constant([3], "int32")], x.shape[:-1], "int32", outputType=2)
        return build.reshape(build.cast(places, "float32"), (*x.shape[:-1], 1))

    path = written(goes_on, tmp_path / "choice.tflite")
    monkeypatch.setenv("DENSEZOO_VULKAN", "none")  # refuses whatever is asked of it
    expected = [[np.zeros((1, 9, 11, 1), np.float32)]]
    result = reference(path, read_graph(path), [[_pictures(1)[0][None]]], expected, expected, "float32", 60)
    assert result.outputs == expected and result.caution.kind == UNCHECKED and "no driver" in result.caution.what
    assert result.caution.tensors


def _pictures(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(1).normal(size=(count, *planted_faults.SHAPE[1:])).astype(np.float32))
