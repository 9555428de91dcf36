"""What `pip install densezoo[edge]` brings and how large it is: installed into a fresh environment, and weighed.

    python benchmarks/edge_extra.py                    # says the sizes and removes it again
    python benchmarks/edge_extra.py --keep FOLDER      # leaves the environment there
    python benchmarks/edge_extra.py --extra convert --here

Needs the package index. The versions are those of constraints.txt. With --here nothing is installed: what an extra asks for is
weighed where it lies in this environment, which has it all, densezoo itself left out.
"""

from __future__ import annotations

import configparser
import importlib.metadata
import json
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Annotated

import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("zoo", "converters", "edge")
BESIDE = ("setup.cfg", "pyproject.toml", "constraints.txt", "README.md", "LICENSE")


def main(
    keep: Annotated[Path | None, typer.Option(help="Leave the environment in this new folder.")] = None,
    extra: Annotated[str, typer.Option(help="Another extra of setup.cfg.")] = "edge",
    here: Annotated[bool, typer.Option("--here", help="Weigh it in this environment.")] = False,
) -> None:
    """Install an extra alone, and say what came with it."""
    if here:
        weights = weigh_here(extra)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            environment = keep or Path(temporary) / "environment"
            install(environment, extra, Path(temporary) / "source")
            weights = weigh(environment)
    for name, size in sorted(weights.items(), key=lambda item: -item[1])[:8]:
        print(f"{size / 1e6:7.1f} MB  {name}")
    print(f"{sum(weights.values()) / 1e6:7.1f} MB  densezoo[{extra}] in all, {len(weights)} packages")


def install(environment: Path, extra: str, source: Path) -> None:
    """Makes `environment` with densezoo[extra] in it, from a copy of this checkout: a build leaves files in its source."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    for name in BESIDE:
        shutil.copy(ROOT / name, source / name)
    venv.create(environment, with_pip=False, symlinks=True)
    pip(environment, "install", "--quiet", "-c", str(source / "constraints.txt"), f"{source}[{extra}]")


def pip(environment: Path, *arguments: str) -> str:
    """What this Python's pip says of another environment. It needs none of its own, which would be weighed too."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(environment / "bin" / "python")]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"pip {arguments[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


def weigh(environment: Path) -> dict[str, int]:
    """Bytes on the disk by installed package, compiled Python files included."""
    listed = json.loads(pip(environment, "inspect"))["installed"]
    weights = {}
    for entry in listed:
        place = Path(entry["metadata_location"])
        record = (place / "RECORD").read_text(encoding="utf-8").splitlines()
        files = [place.parent / line.split(",")[0] for line in record]
        weights[entry["metadata"]["name"]] = sum(file.stat().st_size for file in files if file.is_file())
    return weights


def weigh_here(extra: str) -> dict[str, int]:
    """The same of what an extra asks for, and of what that asks for, in the environment of this process."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    extras, weights = settings["options.extras_require"], {}
    asked = [*settings["options"]["install_requires"].split("\n"), *extras[extra].split("\n")]
    while asked:
        line = asked.pop().partition("#")[0].strip()
        if not line:
            continue
        requirement = Requirement(line)
        if requirement.name == "densezoo":
            asked += [each for name in requirement.extras for each in extras[name].split("\n")]
            continue
        name = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": each}) for each in ("", *requirement.extras)
        )
        if name in weights or not wanted:
            continue
        distribution = importlib.metadata.distribution(name)
        files = [Path(str(file.locate())) for file in distribution.files or ()]
        weights[name] = sum(file.stat().st_size for file in files if file.is_file())
        asked += [each for each in distribution.requires or () if "extra ==" not in each]
    return weights


if __name__ == "__main__":
    typer.run(main)
