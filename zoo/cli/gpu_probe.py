"""`zoo gpu-probe`."""

from __future__ import annotations

import datetime
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.errors import unknown

if TYPE_CHECKING:
    from rich.progress import Progress

    from edge.gpu.probe import Probe
    from edge.gpu.probing import Asked


def gpu_probe(
    names: Annotated[list[str] | None, typer.Argument(help="Some graphs only; default all.")] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option("--out", "-o", help="Leave the rows there, .json or .csv, once for each; rows of other graphs stay."),
    ] = None,
    diff: Annotated[
        list[str] | None,
        typer.Option("--diff", help="A version of ai-edge-litert to ask too, in an environment of its own; once for each."),
    ] = None,
    web: Annotated[
        list[str] | None,
        typer.Option("--web", help="A version of @litertjs/core to ask too, in Chromium, on WebGPU and on WebAssembly."),
    ] = None,
) -> None:
    """What does this machine's GPU driver make of each operator? Exit status 1 after a wrong verdict of zoo gpu-check.

    Small graphs run on the accelerator and are held to answers computed in float64. The densezoo package holds such a
    measurement, and what differs from it here is shown; the cautions of zoo gpu-check and zoo lint rest on it. All graphs take
    about a quarter of an hour. With --diff or --web no verdicts are asked for, and a table says where the runtimes differ.

    Example: zoo gpu-probe conv_k3 one_hot_of_1x5x7 --diff 2.2.0
    """
    from converters.gpu_graphs.case import all_cases
    from edge.gpu import probe, probe_diff

    cases = all_cases()
    stray = next((name for name in names or () if name not in cases), None)
    if stray is not None:
        raise unknown("graph", stray, cases)
    chosen = names or list(cases)
    if diff or web:
        _differences(chosen, diff or [], web or [], out or [])
        return
    result = measure(chosen)
    if probe.FILE.is_file():
        for line in probe_diff.changes(result, probe.read()):
            print(line)
    print(result.report())
    earlier = next((path for path in out or () if path.suffix == ".json" and path.is_file()), None)
    if earlier is not None:
        result = probe.joined(result, probe.read(earlier), list(cases))
    for path in out or ():
        probe.write(result, path)
    raise typer.Exit(0 if all(graph.right for graph in result.graphs) else 1)


def measure(names: list[str], gate: bool = True, python: str = sys.executable, version: str = "") -> Probe:
    """Has the GPU accelerator run those graphs, in this environment or by another one's Python and its version of LiteRT."""
    from edge.gpu import probe
    from edge.gpu.probing import ask
    from edge.gpu.process import reused

    version, rows, adapters = version or probe.litert(), [], {}
    with tempfile.TemporaryDirectory() as folder, reused():
        for asked in _tracked(_files(names, Path(folder)), len(names), f"LiteRT {version}"):
            row, adapter = ask(asked, gate, python)
            rows.append(row)
            adapters |= {adapter: None} if adapter else {}
    return probe.Probe(version, ", ".join(adapters), probe.REFERENCE, tuple(rows), date=_today())


def measure_web(names: list[str], modules: Path, version: str, accelerator: str) -> Probe:
    """Has LiteRT.js in Chromium run those graphs, on "webgpu" or "wasm"."""
    from edge.gpu import web
    from edge.gpu.probe import REFERENCE, Probe

    with tempfile.TemporaryDirectory() as folder:
        asked = list(_files(names, Path(folder)))
        with _bar() as bar:
            task = bar.add_task(f"LiteRT.js {version}, {web.TITLES[accelerator]}", total=len(asked))
            rows, adapter = web.ask_all(asked, modules, accelerator, lambda count: bar.update(task, completed=count))
    return Probe(version, adapter, REFERENCE, tuple(rows), "@litertjs/core", web.TITLES[accelerator], _today())


def _files(names: list[str], folder: Path) -> Iterator[Asked]:
    from converters.gpu_graphs.case import all_cases
    from converters.gpu_graphs.files import forms
    from edge.gpu.probing import Asked

    for name in names:
        for form in forms(all_cases()[name], folder):
            case = form.case
            yield Asked(form.path, name, form.recipe, case.operator, case.source, form.feeds, form.answers)


def _tracked(asked: Iterator[Asked], names: int, what: str) -> Iterator[Asked]:
    """Shows how far the names have come; each has one file or two."""
    with _bar() as bar:
        task, started = bar.add_task(what, total=names), set()
        for one in asked:
            started.add(one.name)
            bar.update(task, completed=len(started))
            yield one


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import Progress

    return Progress(console=Console(stderr=True))


def _today() -> str:
    return datetime.date.today().isoformat()


def _differences(names: list[str], versions: list[str], web: list[str], out: list[Path]) -> None:
    """Asks every runtime, this environment's first, and shows where they differ; those that a file has are not asked again."""
    from edge.gpu import probe_diff

    probes: list[Probe] = []
    kept = sorted((path for path in out if path.is_file()), key=lambda path: path.suffix != ".json")
    done = probe_diff.read_all(kept[0]) if kept else []
    with tempfile.TemporaryDirectory(prefix="densezoo_") as folder:
        for one in _each_runtime(names, versions, web, Path(folder), done):
            probes.append(one)
            print(one.report())
            for path in out:  # after each: all of them take an hour
                probe_diff.write_all(probe_diff.completed(probes, done), path)
    print(probe_diff.table(probes))


def _each_runtime(
    names: list[str], versions: list[str], web: list[str], folder: Path, done: list[Probe]
) -> Iterator[Probe]:
    """A probe of each runtime; only those graphs are asked now that it has not been asked already."""
    from edge.gpu import environments, probe, probe_diff
    from edge.gpu.web import TITLES

    for version in [probe.litert(), *versions]:
        before, rest = probe_diff.asked_before(done, names, version, "GPU")
        result = before
        if rest:
            python = sys.executable if version == probe.litert() else environments.python_with(version, folder / version)
            result = measure(rest, gate=False, python=python, version=version)
        yield _together(result, before)
    for version in web:
        modules = None
        for accelerator, title in TITLES.items():
            before, rest = probe_diff.asked_before(done, names, version, title)
            result = before
            if rest:
                modules = modules or environments.litertjs(version, folder / f"web-{version}")
                result = measure_web(rest, modules, version, accelerator)
            yield _together(result, before)


def _together(result: Probe, before: Probe | None) -> Probe:
    from converters.gpu_graphs.case import all_cases
    from edge.gpu.probe import joined

    return result if before is None or before is result else joined(result, before, list(all_cases()))
