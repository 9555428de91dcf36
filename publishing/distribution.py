"""Distribution: wheel and source distribution, built apart from the checkout; with --check also installed and tried.

    python -m publishing.distribution --out dist            # make dist
    python -m publishing.distribution --out dist --check    # make dist-check: needs the package index, some minutes

The wheel is built from the source distribution, so that one shows that the other is whole.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parents[1]
# What a wheel is worth nothing without, and what no wheel should hold; as beginnings of its paths.
INSIDE = (
    "zoo/cli/quickstart.html",
    "zoo/evaluation/report.html",
    "zoo/analysis/model_cards.csv",
    "zoo/pretrained/unet_lite.ccp/card.json",
    "zoo/pretrained/unet_lite.ccp/weights.npz",
    "zoo/pretrained/unet_lite.ccp/int8.tflite",
    "edge/gpu/probe.json",
    "edge/gpu/web.html",
    "edge/app/dist/index.html",
    "edge/app/dist/service-worker.js",
    "edge/app/dist/wasm/",
    "edge/app/dist/icons/",
)
OUTSIDE = ("store/", "tests/", "publishing/", "examples/", "benchmarks/", "edge/app/src/", "edge/app/node_modules/")
LARGE = 100_000  # bytes
QUICK = ("--epochs", "1", "--scenes", "32", "--size", "64")  # of zoo quickstart


def main(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the two files.")] = Path("dist"),
    check: Annotated[bool, typer.Option("--check", help="Install the wheel in a clean environment and try it.")] = False,
) -> None:
    """Build wheel and source distribution; look inside; with --check try them as a user would."""
    out = out.resolve()
    wheel = build(out)
    if faults := [*contents(wheel)]:
        sys.exit("\n".join(faults))
    print(f"{wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB, is whole")
    if check:
        with tempfile.TemporaryDirectory() as folder:
            try_out(wheel, Path(folder))


def build(out: Path, light: bool = False) -> Path:
    """Builds both into `out`, from a copy of the tracked files and the built app, and gives the wheel.

    With `light` large files are empty in it, for who looks at names alone: weights take time to compress.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
        for name in filter(None, tracked.split("\0")):
            if (ROOT / name).is_file():
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, source / name)
        if not (ROOT / "edge/app/dist/index.html").is_file():
            sys.exit("the demo app is not built, and a wheel without it serves nothing: run `make app`")
        shutil.copytree(ROOT / "edge/app/dist", source / "edge/app/dist", dirs_exist_ok=True)
        if light:
            for path in source.rglob("*"):
                if path.is_file() and path.stat().st_size > LARGE:
                    path.write_bytes(b"")
        command = [sys.executable, "-m", "build", "--outdir", out, source]
        if _same_setuptools():
            command.insert(3, "--no-isolation")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"python -m build failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return max(out.glob("densezoo-*.whl"), key=lambda path: path.stat().st_mtime)


def contents(wheel: Path) -> list[str]:
    """What a wheel lacks or should not hold, a line each."""
    names = zipfile.ZipFile(wheel).namelist()
    lacking = [f"{wheel.name} lacks {path}" for path in INSIDE if not any(name.startswith(path) for name in names)]
    return lacking + [f"{wheel.name} holds {name}" for name in names if name.startswith(OUTSIDE)]


def source_names(sdist: Path) -> list[str]:
    """The files of a source distribution, without the folder that it unpacks to."""
    with tarfile.open(sdist) as archive:
        return [member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()]


def try_out(wheel: Path, folder: Path) -> None:
    """Installs a wheel where nothing else is, and does what the README's reader does first.

    The core alone must list; `edge` must run a shipped file, and write the app; `convert` must write a file without TensorFlow;
    `all` must walk the quickstart.
    """
    core = _environment(folder / "core", str(wheel))
    _say(core, folder, "--version")
    _say(core, folder, "list", "--weights")
    _say(core, folder, "doctor")
    edge = _environment(folder / "edge", f"{wheel}[edge]")
    _photograph(edge, folder)
    _say(edge, folder, "predict", "unet_lite.ccp:int8", "photo.png")
    _say(edge, folder, "demo", "--export", "app")
    convert = _environment(folder / "convert", f"{wheel}[convert]")
    _say(convert, folder, "convert", "unet_lite.ccp", "--size", "128", "--out", "float32.tflite")
    whole = _environment(folder / "all", f"{wheel}[all]")
    _say(whole, folder, "quickstart", *QUICK)


def _same_setuptools() -> bool:
    """Whether this environment can build by itself, which saves the index and some seconds."""
    try:
        import setuptools
    except ModuleNotFoundError:
        return False
    return int(setuptools.__version__.partition(".")[0]) >= 77


def _environment(place: Path, requirement: str) -> Path:
    """A fresh environment with one thing installed, by the exact versions that CI passes with."""
    venv.create(place, with_pip=True)
    command = [place / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-c", ROOT / "constraints.txt"]
    subprocess.run([*command, requirement], check=True)
    return place


def _photograph(environment: Path, folder: Path) -> None:
    code = "from PIL import Image; Image.radial_gradient('L').convert('RGB').save('photo.png')"
    subprocess.run([environment / "bin" / "python", "-c", code], check=True, cwd=folder)


def _say(environment: Path, folder: Path, *arguments: str) -> None:
    """`zoo …` of that environment, away from the checkout."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    print(f"$ zoo {' '.join(arguments)}", flush=True)
    subprocess.run([environment / "bin" / "zoo", *arguments], check=True, cwd=folder, env=variables)


if __name__ == "__main__":
    typer.run(main)
