"""The GPU probe: its graphs and their true answers, the measurement that is kept, the command, and other runtimes."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import says

from converters.gpu_graphs.case import all_cases
from converters.gpu_graphs.files import Form, forms
from converters.gpu_graphs.truth import compute
from edge.engines import Cpu
from edge.errors import AcceleratorError, InputError
from edge.gpu import patterns, probe, probe_diff, probing, process, vulkan, web
from edge.gpu.check import gpu_check
from edge.gpu.probe import EQUAL, NOT_WHOLE, WRONG, Probe, Probed
from edge.gpu.remote import Remote
from edge.gpu.rules import registry
from edge.graph import read_graph

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "edge" / "app" / "node_modules"
needs_vulkan = pytest.mark.skipif(vulkan.driver() is None, reason="no Vulkan driver for LiteRT's GPU accelerator")
needs_browser = pytest.mark.skipif(
    shutil.which("chromium") is None or not (MODULES / "@litertjs").is_dir(),
    reason="LiteRT.js needs Debian's chromium and `npm ci` in edge/app",
)


def asked(form: Form) -> probing.Asked:
    """What the command asks of a form."""
    case = form.case
    return probing.Asked(form.path, case.name, form.recipe, case.operator, case.source, form.feeds, form.answers)


@pytest.fixture
def drawn(tmp_path: Path):
    """name → the forms of that graph."""
    return lambda name: list(forms(all_cases()[name], tmp_path))


# ------------------------------------------------------------------------------------------------ graphs and answers


def every_form(folder: Path) -> Iterator[Form]:
    for case in all_cases().values():
        yield from forms(case, folder)


def test_the_true_answers_are_the_interpreters(tmp_path: Path) -> None:
    """Two that share nothing, NumPy's float64 and LiteRT on the CPU, agree on every graph: neither is wrong then."""
    errors = {}
    for form in every_form(tmp_path):
        cpu = Cpu(form.path, threads=1)
        errors[form.case.name, form.recipe] = probing.difference(asked(form), [cpu.run(feed) for feed in form.feeds])
        form.path.unlink()
    # float32 on sums of 70,000 numbers; int8 by a step or two; of weights of 8 bits alone, for which this runtime rounds the
    # activations too, a percent.
    bounds = {"float32": 1e-5, "int8": probing.LARGEST["int8"]}
    off = {key: error for key, error in errors.items() if error > (1e-2 if "dynamic" in key[0] else bounds[key[1]])}
    assert off == {} and len(errors) > 600


def test_the_samples_bring_faults_out() -> None:
    """Scores of both signs, and below 0 alone; odd sides; channels off 4; sizes and sums beyond 65,536."""
    drafts = {name: case.draft() for name, case in all_cases().items()}
    shapes = [tensor.shape for draft in drafts.values() for tensor in draft.graph.inputs]
    assert sum(shape[-1] % 4 > 0 for shape in shapes) > 200
    assert sum(len(shape) == 4 and shape[1] % 2 == 1 for shape in shapes) > 100
    assert max(map(np.prod, shapes)) > 65_536 and max(max(shape) for shape in shapes) > 65_536
    assert (np.concatenate(drafts["arg_max_of_5_negative_axis3"].feeds[0]) < 0).all()
    peaks = [np.abs(sample).max() for value in drafts["range_conv_of_large_sums"].values.values() for sample in value.samples]
    assert max(peaks) > 65_504


def test_a_graph_is_the_same_each_time(drawn) -> None:
    first = [(form.path.read_bytes(), form.feeds) for form in drawn("inverted_residual")]
    again = [(form.path.read_bytes(), form.feeds) for form in drawn("inverted_residual")]
    assert [file for file, _ in first] == [file for file, _ in again]
    assert all(np.array_equal(one[0], other[0]) for one, other in zip(first[0][1], again[0][1], strict=True))


def test_truth_by_hand() -> None:
    """Of operators whose rules are easily got wrong, by numbers worked out on paper."""
    row = np.arange(1.0, 5).reshape(1, 1, 4, 1)
    (pooled,) = compute(
        "AVERAGE_POOL_2D", {"filterHeight": 1, "filterWidth": 3, "strideH": 1, "strideW": 1, "padding": 0}, [row]
    )
    assert pooled.ravel().tolist() == [1.5, 2, 3, 3.5], "the border is not counted"
    (sums,) = compute("CUMSUM", {"exclusive": True, "reverse": True}, [np.array([1.0, 2, 3]), np.int32(0)])
    assert sums.tolist() == [5, 3, 0]
    (large,) = compute("RESIZE_BILINEAR", {"halfPixelCenters": True}, [row[:, :, :2], np.array([1, 4])])
    assert large.ravel().tolist() == [1, 1.25, 1.75, 2]
    options = {"strideH": 1, "strideW": 2, "padding": 0}
    (spread,) = compute("TRANSPOSE_CONV", options, [np.array([1, 1, 4, 1]), np.ones((1, 1, 3, 1)), row[:, :, :2]])
    assert spread.ravel().tolist() == [1, 1, 3, 2], "the odd pixel of the padding is behind"


# ------------------------------------------------------------------------------------------------ what is kept


def test_the_kept_probe_has_every_graph_and_no_wrong_verdict() -> None:
    rows = probe.read().graphs
    expected = {(name, recipe) for name, case in all_cases().items() for recipe in ("float32", "int8")[: 1 + case.integers]}
    assert {(row.name, row.recipe) for row in rows} == expected, "run zoo gpu-probe --out edge/gpu/probe.json"
    assert len({row.name for row in rows}) >= 200 and [row.name for row in rows if not row.right] == []


def test_what_was_measured_hangs_together() -> None:
    for row in probe.read().graphs:
        assert row.whole == (row.truth in (EQUAL, WRONG)), row
        assert row.equal == {EQUAL: True, WRONG: False}.get(row.truth), row
        assert (row.gpu is None) == (not row.whole), row
        assert bool(row.refused) <= (row.truth == NOT_WHOLE), row
        assert row.cpu is not None and row.cpu <= probing.LARGEST["int8"], row


def test_patterns_and_advice_stand_on_measurements() -> None:
    rows = probe.read().graphs
    met = {what for row in rows for what in row.patterns}
    # A graph that ends the process is in no table that everybody runs: tests/edge/test_gpu_check.py has one; the other is of
    # 16-bit activations, of which docs/results/conversions.csv has a row for each network.
    known = set(registry.known(registry.WRONG, registry.CRASH))
    assert known - met == {
        "16-bit integers are refused, and end the process in some graphs",
        "BATCH_MATMUL of a tensor with itself aborts the process",
    }
    # Scores that ABS made are never below zero, which is what a warning of ARG_MAX is about; nor are these samples of POW. A
    # file does not say so.
    warned = {row.name for row in rows if row.truth == EQUAL and set(row.patterns) & known}
    assert warned == {"arg_max_of_5_behind_abs", "arg_max_of_21_behind_abs", "pow_of_two"}, "a warning of what is right"
    assert [row.name for row in rows if row.truth == WRONG and not row.patterns] == [], "wrong, and no rule says so"
    refused = {op for row in rows for op in row.refused}
    assert refused <= set(patterns.INSTEAD), "an op that is refused has an advice of its own"


def test_the_published_table_is_the_kept_probe() -> None:
    published = (ROOT / "docs" / "results" / "gpu_operators.csv").read_text(encoding="utf-8")
    assert published == probe.as_csv(probe.read()), "write both by zoo gpu-probe --out … --out …"


# ------------------------------------------------------------------------------------------------ the command

SMALL = ("add_1x48x5_constant_48x5", "reverse_1x5x7x5_axis3", "squeeze")


@needs_vulkan
def test_the_command_measures_again_and_writes_the_same_bytes(monkeypatch, capsys, tmp_path: Path) -> None:
    files = tmp_path / "probe.json", tmp_path / "probe.csv"
    kept = probe.read().rows
    options = [part for path in files for part in ("--out", path)]
    status, said, _ = says(monkeypatch, capsys, "gpu-probe", *SMALL, *options)
    rows = probe.read(files[0]).graphs
    assert status == 0 and f"{len(rows)} graphs" in said and "wrong verdicts: 0" in said
    assert {(row.truth, row.refused) for row in rows} >= {(WRONG, ()), (NOT_WHOLE, ("SQUEEZE",))}
    with files[1].open(newline="", encoding="utf-8") as opened:
        twins = [(row["graph"], row["form"], row["outcome"]) for row in csv.DictReader(opened)]
    assert twins == [(row.name, row.recipe, row.truth) for row in rows]
    if probe.litert() == probe.read().litert and probe.read(files[0]).adapter == probe.read().adapter:
        assert all(replace(row, patterns=()) == replace(kept[row.key], patterns=()) for row in rows)
    first = [path.read_bytes() for path in files]
    says(monkeypatch, capsys, "gpu-probe", SMALL[1], *options)
    assert [path.read_bytes() for path in files] == first


@needs_vulkan
def test_a_refusal_that_names_no_operator_has_its_words_and_what_is_known(drawn) -> None:
    """And is not said to be of dynamic sizes, which another graph is."""
    verdict = gpu_check(drawn("dense_behind_dequantize_int8")[0].path)
    assert (verdict.reason, verdict.unsupported) == ("not whole", ())
    assert "Shape mismatch" in verdict.detail and "FULLY_CONNECTED of layer" in verdict.detail, verdict.detail
    (moving,) = drawn("reshape_at_runtime")
    assert "Dynamic sizes" in gpu_check(moving.path, [moving.feeds[0]]).detail


def test_an_unknown_graph_is_told(monkeypatch, capsys, tmp_path: Path) -> None:
    status, _, told = says(monkeypatch, capsys, "gpu-probe", "sqeeze")
    assert status == 2 and "did you mean squeeze" in told
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InputError, match="zoo gpu-probe --out"):
        probe.read(tmp_path / "bad.json")
    with pytest.raises(InputError, match=r"\.json or \.csv"):
        probe.write(probe.read(), tmp_path / "probe.txt")


def test_without_a_driver_it_says_so(drawn, monkeypatch) -> None:
    monkeypatch.setenv("DENSEZOO_VULKAN", "none")
    with pytest.raises(AcceleratorError, match="install"):
        probing.ask(asked(drawn("squeeze")[0]))


# ------------------------------------------------------------------------------------------------ workers used again


def test_a_worker_serves_one_file_after_another(drawn) -> None:
    one, other = drawn("conv_k3")
    with process.reused():
        ids = []
        for form in (one, other, one):
            with Remote(form.path, "cpu", threads=1) as cpu:
                ids.append(id(cpu._process))
                assert probing.difference(asked(form), [cpu.run(feed) for feed in form.feeds]) < 1e-2
        assert len(set(ids)) == 1
    with Remote(one.path, "cpu", threads=1) as cpu:
        assert id(cpu._process) not in ids or cpu.run(one.feeds[0])


def test_half_precision_overflows_where_float16_does(drawn) -> None:
    """XNNPACK's half precision is a rehearsal of a phone's: a sum beyond 65,504 is infinite, a layer beside it is near."""
    errors = {}
    with process.reused():
        for name in ("range_conv_of_large_sums", "conv_k3"):
            form = drawn(name)[0]
            with Remote(form.path, "cpu", precision="reduced") as cpu:
                errors[name] = probing.difference(asked(form), [cpu.run(feed) for feed in form.feeds])
    assert errors["range_conv_of_large_sums"] == probing.OVERFLOW and 1e-6 < errors["conv_k3"] < probing.LARGEST["half"]


# ------------------------------------------------------------------------------------------------ other runtimes


def row(name: str, truth: str, gpu: float | None) -> Probed:
    equal = {EQUAL: True, WRONG: False}.get(truth)
    return Probed(name, "float32", ("ADD",), truth, "", equal is not None, equal, gpu, 0.0, (), (), "ADD", "1×2", "1×2")


def test_runtimes_side_by_side(tmp_path: Path) -> None:
    old = Probe("2.2.0", "G", "R", (row("a", WRONG, 0.5), row("b", EQUAL, 0.0), row("c", EQUAL, 0.0)), date="2026-01-01")
    new = Probe("2.3.0", "G", "R", (row("a", EQUAL, 0.0), row("b", EQUAL, 1e-4)), date="2026-01-02")
    (difference,) = probe_diff.differences([old, new])
    assert difference.name == "a" and difference.words() == ("wrong numbers, 0.5", "whole and equal")
    lines = probe_diff.table([old, new]).splitlines()
    assert len(lines) == 2 and "ai-edge-litert 2.2.0, GPU" in lines[0] and lines[1].startswith("a ")
    for name in ("both.csv", "both.json"):
        probe_diff.write_all([old, new], tmp_path / name)
    assert probe_diff.read_all(tmp_path / "both.json") == [old, new]
    assert probe_diff.read_all(tmp_path / "both.csv") == [replace(each, reference=probe.REFERENCE) for each in (old, new)]
    assert probe_diff.completed([new], [old, new]) == [new, old], "runtimes that were not asked yet keep their rows"
    with (tmp_path / "both.csv").open(newline="", encoding="utf-8") as opened:
        assert [(entry["graph"], entry["version"]) for entry in csv.DictReader(opened)][2:4] == [("c", "2.2.0"), ("a", "2.3.0")]


@needs_browser
def test_litertjs_answers_graph_by_graph(drawn) -> None:
    """On WebAssembly, whose numbers are the CPU's, one graph of integers and one of two inputs included."""
    chosen = [asked(form) for name in ("add_1x5x7x6_with_1x1x1x6", "gather_from_a_table") for form in drawn(name)]
    rows, adapter = web.ask_all(chosen, MODULES, "wasm")
    assert [(one.name, one.recipe, one.truth) for one in rows] == [(one.name, one.recipe, EQUAL) for one in chosen]
    assert adapter == "" and all(read_graph(one.path).inputs for one in chosen)
