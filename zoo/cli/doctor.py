"""`zoo doctor`."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

# What a command needs beyond the core, as extras of setup.cfg; "or" between roads that each suffice.
NEEDS = {
    "list, recipes, weights": (),
    "card, train, crf, experiments": ("train",),
    "predict, evaluate, report (Keras models)": ("train",),
    "predict, evaluate (.tflite files)": ("edge",),
    "predict, evaluate (classical methods)": ("classical",),
    "convert": ("convert",),
    "convert (ONNX, --engine tensorflow)": ("tensorflow",),
    "conversions, quickstart": ("train", "convert"),
    "gpu-check, gpu-probe, lint, benchmark": ("edge",),
    "demo, write": ("edge",),
    "demo --lan": ("app",),
}


def doctor() -> None:
    """What is installed, which backends, GPU and driver there are, and what is missing for which command.

    Imports no framework, so it answers at once. Exit status 0, whatever is missing.

    Example: zoo doctor
    """
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    for title, lines in {"here": _here(), "to compute on": _hardware(), "commands": _commands()}.items():
        console.print(f"[bold]{title}[/]")
        for name, text in lines:
            console.print(f"  {name:42} {escape(text)}", soft_wrap=True)


def _here() -> Iterator[tuple[str, str]]:
    """Versions: of densezoo, Python, and what computes."""
    import zoo
    from zoo.analysis import installation

    yield "densezoo", zoo.__version__ + ("" if installation.requirements() else ", a checkout that is not installed")
    yield "Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    chosen = installation.backend()
    keras = installation.version("keras")
    yield "Keras", f"{keras}, which starts with {chosen}" if keras else "not installed"
    for name in installation.BACKENDS:
        yield f"  backend {name}", installation.version(name) or "not installed"
    yield "LiteRT", installation.version("ai-edge-litert") or "not installed"
    yield "the demo app", _app()


def _app() -> str:
    import edge  # of its modules none: they need LiteRT

    if (Path(edge.__file__).parent / "app" / "dist" / "index.html").is_file():
        return "built"
    npm = shutil.which("npm")
    return "not built; `make app` in a checkout builds it" + ("" if npm else ", and needs Node 20 and npm")


def _hardware() -> Iterator[tuple[str, str]]:
    """Processor, GPUs with their driver, and the Vulkan driver that the GPU check would use."""
    from edge.gpu import vulkan

    yield "CPU", f"{os.cpu_count()} cores"
    gpus = _nvidia()
    for gpu in gpus:
        yield "GPU", gpu
    if not gpus:
        yield "GPU", "none of NVIDIA's (no answer from nvidia-smi)"
    driver = vulkan.driver()
    if driver is None:
        yield "Vulkan, for gpu-check", f"no driver; {vulkan.HOW_TO}"
    else:
        where = driver.icd or "chosen by the environment"
        note = "; float16 is untested with it" if driver.kind == "software" else ""
        yield "Vulkan, for gpu-check", f"{driver.kind}, {where}{note}"


def _nvidia() -> list[str]:
    """Name, memory and driver of each of NVIDIA's GPUs."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    names = ("", "memory ", "driver ")
    lines = [line.split(", ") for line in answer.stdout.splitlines() if line.strip()]
    return [", ".join(f"{name}{part}" for name, part in zip(names, line, strict=False)) for line in lines]


def _commands() -> Iterator[tuple[str, str]]:
    """For each command whether it can run, or what brings what it lacks."""
    from zoo.analysis import installation

    demands = installation.requirements()
    for commands, extras in NEEDS.items():
        lacking = sorted({name for extra in extras for name in installation.missing(extra, demands)})
        advice = f"lacks {', '.join(lacking)}: pip install 'densezoo[{','.join(extras)}]'"
        yield commands, advice if lacking else "ready" if demands or not extras else "unknown: densezoo is not installed"
