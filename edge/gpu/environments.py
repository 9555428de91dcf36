"""Other versions of LiteRT, and other runtimes: an environment for each, and a folder for each version of @litertjs/core."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from edge.errors import InputError

# Versions before 2.2 import ml_dtypes and do not ask for it.
_PACKAGES = ("ai-edge-litert=={version}", "ml_dtypes", "numpy")


def python_with(version: str, folder: Path) -> str:
    """The Python of a new environment in `folder` that has this version of ai-edge-litert; 160 MB from PyPI.

    Raises InputError where it cannot be installed, in pip's words.
    """
    return environment([package.format(version=version) for package in _PACKAGES], folder)


def environment(packages: Sequence[str], folder: Path) -> str:
    """The Python of a new environment in `folder` that has these packages, the first of which is what it is for.

    Raises InputError where they cannot be installed, in pip's words.
    """
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _install([*pip, *packages], packages[0].replace("==", " "))
    return str(python)


def litertjs(version: str, folder: Path) -> Path:
    """The folder of node modules that has this version of @litertjs/core, made by npm.

    Raises InputError where npm is not there or does not find it.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise InputError("npm is not installed, which fetches @litertjs/core; install Node.js, or leave the browser out")
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(folder)]
    _install([npm, "install", *options, f"@litertjs/core@{version}"], f"@litertjs/core {version}")
    return folder / "node_modules"


def _install(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if "error" in line.lower()][-2:]
        raise InputError(f"{what} could not be installed: {' '.join(last) or done.stderr[-300:]}")
