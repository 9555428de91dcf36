"""The command line as its users meet it: light, helpful, one line for bad input."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.cli import main

ZOO = [sys.executable, "-c", "from zoo.cli import main; main()"]


def run(*arguments: object, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ZOO, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False)


def test_importing_zoo_loads_no_framework() -> None:
    code = """
import sys, zoo, zoo.cli
zoo.list_models()
sys.exit(" ".join({"keras", "tensorflow"} & set(sys.modules)) or 0)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_list_answers_at_once() -> None:
    """Under a second of the processor's time, which other work on the machine does not lengthen."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = run("list", "--names")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0 and "fcn8s" in done.stdout.split()
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 1


def test_no_backend_chatters() -> None:
    """Where Keras is imported before it is started quietly, TensorFlow tells of its devices here."""
    done = run("predict", "pocket_seg.camvid", "missing.png")
    assert (done.returncode, done.stderr) == (2, "zoo: missing.png: no such file\n")


def test_version() -> None:
    import zoo

    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"densezoo {zoo.__version__}\n")


def test_without_a_command_it_helps() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, "") and "Usage: zoo" in done.stdout and "doctor" in done.stdout


def test_the_shell_completes_commands() -> None:
    """What Typer's completion for bash asks while somebody types `zoo gpu`."""
    asked = {**os.environ, "_ZOO_COMPLETE": "complete_bash", "COMP_WORDS": "zoo gpu", "COMP_CWORD": "1"}
    done = subprocess.run(ZOO, capture_output=True, text=True, timeout=240, check=False, env=asked)
    assert done.stdout.split() == ["gpu-check", "gpu-probe"], done.stderr


def test_list_filters() -> None:
    assert run("list", "vgg*", "--names").stdout.split() == ["vgg16", "vgg19"]
    assert "fcn8s" not in run("list", "--names", "--encoders").stdout.split()
    assert "unet" in run("list", "--names", "--task", "segmentation").stdout.split()


@pytest.mark.parametrize("command", ["", "train", "convert", "predict", "quickstart"])
def test_help_teaches(command: str) -> None:
    done = run(*filter(None, [command]), "--help")
    assert done.returncode == 0
    assert ("Example" in done.stdout) or command in ("", "quickstart")


def test_card_as_json() -> None:
    import json

    card = json.loads(run("card", "mobilenet_v2", "--json").stdout)
    assert (card["trainable"], card["input_size"]) == (3504872, [224, 224])


@pytest.fixture(scope="session")
def bad_files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "text.tflite").write_text("no model")
    (folder / "text.keras").write_text("no model")
    (folder / "text.png").write_text("no picture")
    (folder / "empty").mkdir()
    return folder


BAD_INPUT = {
    "unknown command": (["fly"], "fly"),
    "unknown model": (["card", "fcn9s"], "fcn8s"),
    "no model matches": (["list", "zzz*"], "zzz"),
    "unknown task": (["list", "--task", "juggling"], "segmentation"),
    "unknown data": (["train", "unet", "--data", "imagenot", "--out", "x"], "camvid:PATH"),
    "missing folder": (["train", "unet", "--data", "camvid:nowhere", "--out", "x"], "nowhere"),
    "empty folder": (["train", "unet", "--data", "folder:{bad}/empty", "--out", "x"], "empty"),
    "bad size": (["train", "unet", "--data", "scenes", "--size", "big", "--out", "x"], "360x480"),
    "no size at all": (["train", "unet", "--data", "scenes", "--size", "0x12", "--out", "x"], "0x12"),
    "no out": (["train", "unet", "--data", "scenes"], "--out"),
    "no epochs": (["train", "unet", "--data", "scenes", "--epochs", "0", "--out", "x"], "epochs"),
    "a bad option of scenes": (["train", "unet", "--data", "scenes:colour=red", "--out", "x"], "colour"),
    "unknown encoder": (["train", "unet", "--encoder", "vgg17", "--data", "scenes", "--out", "x"], "vgg16"),
    "a segmenter as encoder": (["train", "unet", "--encoder", "fcn8s", "--data", "scenes", "--out", "x"], "no encoder"),
    "unknown optimizer": (
        ["train", "unet", "--encoder", "mobilenet_v2_035", "--optimizer", "magic", "--data", "scenes", "--out", "{bad}/x"],
        "adamw",
    ),
    "a classifier on masks": (["train", "vgg16", "--data", "scenes", "--out", "x"], "zoo list --task segmentation"),
    "missing model": (["evaluate", "nowhere.keras", "--data", "scenes"], "nowhere.keras"),
    "broken keras file": (["evaluate", "{bad}/text.keras", "--data", "scenes"], "text.keras"),
    "broken tflite file": (["evaluate", "{bad}/text.tflite", "--data", "scenes"], "text.tflite"),
    "folder without a model": (["convert", "{bad}/empty"], "model.keras"),
    "unknown split": (["evaluate", "nowhere.keras", "--data", "scenes", "--split", "tomorrow"], "tomorrow"),
    "scales that are none": (["evaluate", "unet.keras", "--data", "scenes", "--scales", "1,two"], "0.75,1,1.25"),
    "an overlap of nothing": (["predict", "unet.keras", "x.png", "--overlap", "9"], "--tiles"),
    "a method at scales": (["evaluate", "grabcut", "--data", "scenes", "--scales", "2"], "asked about the picture as it is"),
    "an unknown stride": (["train", "unet", "--auxiliary", "64", "--data", "scenes", "--out", "{bad}/x"], "stride 64"),
    "missing picture": (["predict", "{bad}/text.tflite", "nowhere.jpg"], ""),
    "nothing to predict": (["predict", "model.tflite"], "IMAGES"),
    "gpu-check of nothing": (["gpu-check", "nowhere.tflite"], "nowhere.tflite"),
    "benchmark of nothing": (["benchmark", "nowhere.tflite"], "nowhere.tflite"),
    "demo of nothing": (["demo", "nowhere.tflite", "--no-browser"], "nowhere.tflite"),
    "an impossible port": (["demo", "--port", "99999999"], "port"),
}


@pytest.mark.parametrize("arguments, expected", BAD_INPUT.values(), ids=BAD_INPUT.keys())
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str], expected: str, bad_files: Path, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["zoo", *(argument.replace("{bad}", str(bad_files)) for argument in arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    complaint = [line for line in capsys.readouterr().err.splitlines() if line.startswith("zoo: ")]
    assert stop.value.code == 2
    assert len(complaint) == 1 and expected.lower() in complaint[0].lower(), complaint
    assert not list(tmp_path.iterdir()), "bad input leaves nothing behind"


def test_the_status_reaches_the_shell() -> None:
    done = run("card", "fcn9s")
    assert done.returncode == 2
    assert done.stderr.startswith("zoo: unknown model 'fcn9s'; did you mean fcn8s")
    assert "Traceback" not in done.stderr
