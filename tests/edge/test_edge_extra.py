"""The edge extra in a fresh environment: light, and enough to run, check, time and serve a file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.gpu import vulkan
from edge.hosting.site import DIST
from edge.images import structured

ROOT = Path(__file__).parents[2]
PRETRAINED = ROOT / "zoo" / "pretrained"
FILE = PRETRAINED / "unet_lite.ccp" / "int8.tflite"
MOST_MEGABYTES = 300  # TensorFlow alone is three times that


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(environment with densezoo[edge] and nothing else, what benchmarks/edge_extra.py said of its size)."""
    index = [sys.executable, "-m", "pip", "index", "versions", "ai-edge-litert"]
    if subprocess.run(index, capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("no package index is reached (pip index versions ai-edge-litert fails): nothing to install from")
    environment = tmp_path_factory.mktemp("edge_extra") / "environment"
    command = [sys.executable, ROOT / "benchmarks" / "edge_extra.py", "--keep", environment]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return environment, done.stdout


@pytest.fixture
def zoo(installed: tuple[Path, str], tmp_path: Path):
    """`zoo …` of that environment, in an empty folder: nothing of the checkout is on its path."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [installed[0] / "bin" / "zoo", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)

    return run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(structured(90, 120, 1, seed=4)[0]).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def python(environment: Path, code: str, folder: Path) -> str:
    command = [environment / "bin" / "python", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_light(installed: tuple[Path, str], tmp_path: Path) -> None:
    code = """
import importlib.util
for name in ("ai_edge_litert", "edge", "keras", "tensorflow", "tf_keras", "jax", "torch", "matplotlib", "scipy"):
    print(name, importlib.util.find_spec(name) is not None)"""
    found = dict(line.split() for line in python(installed[0], code, tmp_path).splitlines())
    assert {name for name, there in found.items() if there == "True"} == {"ai_edge_litert", "edge"}
    total = re.search(r"([\d.]+) MB  densezoo\[edge\] in all", installed[1])
    assert total and 100 < float(total[1]) < MOST_MEGABYTES, installed[1]


def test_python_runs_and_times_a_file(installed: tuple[Path, str], tmp_path: Path) -> None:
    picture = structured(90, 120, 1, seed=4)[0]
    np.save(tmp_path / "picture.npy", picture)
    code = f"""
import sys, numpy, edge
mask = edge.Runner({str(FILE)!r})(numpy.load("picture.npy"))
numpy.save("mask.npy", mask)
(row,) = edge.benchmark([{str(FILE)!r}], threads=(1,), repeats=3, warmup=1)
assert row.median_ms > 0 and row.load_ms > 0 and row.peak_bytes > 10**7 and not row.error, row
print(*sorted({{"keras", "tensorflow", "converters"}} & set(sys.modules)))"""
    assert python(installed[0], code, tmp_path).split() == []
    import edge

    mask = np.load(tmp_path / "mask.npy")
    assert mask.shape == (90, 120) and np.array_equal(mask, edge.Runner(FILE)(picture))


def test_the_command_line_runs_and_times_a_file(zoo, photo: Path) -> None:
    done = zoo("predict", "unet_lite.ccp:int8", photo)
    assert done.returncode == 0 and "background" in done.stdout, done.stderr
    mask = np.asarray(Image.open(photo.parent / "predictions" / "photo_mask.png"))
    assert mask.shape == (90, 120)
    done = zoo("benchmark", FILE, "--threads", 1, "--out", "rows.csv")
    assert done.returncode == 0 and (photo.parent / "rows.csv").read_text().count(FILE.name) == 1, done.stderr
    done = zoo("list", "--weights")
    assert done.returncode == 0 and "unet_lite.ccp" in done.stdout


def test_the_command_line_checks_for_the_gpu(zoo, photo: Path) -> None:
    # Not the one of people: on a picture without any, an int8 file's own rounding may be a fifth of its answer's spread.
    done = zoo("gpu-check", ROOT / "store" / "unet.nuclei" / "int8.tflite", photo)
    expected = (0, "whole and equal") if vulkan.driver() is not None else (1, "no driver")
    assert done.returncode == expected[0] and expected[1] in done.stdout, done.stdout + done.stderr


@pytest.mark.skipif(not (DIST / "index.html").is_file(), reason="the demo app is not built: run `make app`")
def test_the_command_line_writes_the_app(zoo, tmp_path: Path) -> None:
    done = zoo("demo", "--export", "site")
    assert done.returncode == 0, done.stderr
    inside = {path.name for path in (tmp_path / "site").rglob("*")}
    assert {"index.html", "service-worker.js", FILE.name} <= inside


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["predict", "unet_lite.ccp", "photo.png"], "train"),
        (["evaluate", FILE, "--data", "scenes:count=2"], "train"),
        (["convert", "unet_lite.ccp", "--quantize", "float16"], "convert"),
        (["predict", "grabcut", "photo.png"], "classical"),
        (["demo", FILE, "--lan", "--no-browser"], "app"),
    ],
)
def test_what_it_does_not_carry_names_the_extra_that_does(zoo, photo: Path, arguments: list, extra: str) -> None:
    done = zoo(*arguments)
    assert done.returncode == 2
    assert f"densezoo[{extra}]" in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
