"""The package's names: whatever was imported before, old ones for a release, and one default wherever a thing is asked for."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import types
from pathlib import Path

import pytest
from command import says
from converter_models import SIZE, pictures, segmenter

import converters
from converters.extras import needed_for
from zoo.errors import InputError


def test_no_module_takes_a_functions_place() -> None:
    """A module that is imported becomes an attribute of its package: none may have a public name."""
    modules = {module.name for module in pkgutil.iter_modules(converters.__path__)}
    assert modules and not modules & set(converters.__all__)
    for module in pkgutil.walk_packages(converters.__path__, "converters."):
        importlib.import_module(module.name)
    for name in converters.__all__:
        assert not isinstance(getattr(converters, name), types.ModuleType), name


@pytest.mark.parametrize(("old", "new"), [("twin_of", "tf_keras_counterpart"), ("untouched", "unquantized_layers")])
def test_old_names_say_what_to_write(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"converters\.{old} goes with 0\.3; write converters\.{new}"):
        assert getattr(converters, old) is getattr(converters, new)


def test_what_needs_tensorflow_says_which_extra_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "converters.quantization.pruning", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow_model_optimization", None)
    message = r"converters\.prune needs tensorflow_model_optimization, .*: pip install 'densezoo\[tensorflow\]'"
    with pytest.raises(InputError, match=message):
        _ = converters.prune
    with pytest.raises(ModuleNotFoundError, match="nobody"), needed_for("this"):
        raise ModuleNotFoundError("nobody", name="nobody")


def test_biases_are_corrected_wherever_ranges_are_measured(tmp_path: Path) -> None:
    model, images = segmenter(), pictures(16)
    files = {
        wish: converters.to_tflite(
            model, tmp_path / f"{wish}.tflite", "int8", SIZE, calibration=images, correct_bias=wish
        ).path.read_bytes()
        for wish in (None, True, False)
    }
    assert files[None] == files[True] != files[False]


def test_the_command_line_converts_as_the_function_does(tmp_path: Path, monkeypatch, capsys) -> None:
    import zoo.data

    segmenter(size=SIZE).save(tmp_path / "model.keras")
    data = f"scenes:count=8,size={SIZE[0]}x{SIZE[1]}"
    images = zoo.data.calibration_images(zoo.data.open(data, "train"), 8, SIZE)
    model = zoo.load(tmp_path / "model.keras")
    own = converters.to_tflite(model, tmp_path / "own.tflite", "int8", calibration=images).path
    command = ("convert", tmp_path / "model.keras", "--calibration", data, "--out")
    status, text, _ = says(monkeypatch, capsys, *command, tmp_path / "cli.tflite", "--quantize", "int8")
    assert status == 0 and "parity of int8" in text
    assert (tmp_path / "cli.tflite").read_bytes() == own.read_bytes()
    status, _, error = says(monkeypatch, capsys, *command, tmp_path / "old.tflite", "--recipe", "int8")
    assert status == 0 and "--recipe is called --quantize now" in error
    assert (tmp_path / "old.tflite").read_bytes() == own.read_bytes()
