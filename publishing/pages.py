"""Writes what is generated of README.md and docs/, or says with --check what is out of date.

    python -m publishing.pages [--check]
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from publishing import api, commands, gpu_matrix, guides, networks, npu, recipes, results, runtimes
from publishing.markers import filled
from zoo.data.registry import listing

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MAKERS: dict[str, Callable[[], str]] = {  # of the places between markers, by their names
    "networks": networks.overview,
    "every network": networks.every_network,
    "weights": networks.shipped_weights,
    "commands": commands.reference,
    "data": lambda: f"```text\n{listing()}\n```",
    "recipes": recipes.every_recipe,
    "calibration": results.calibration,
    "captions": results.captions,
    "compression": results.compression,
    "compression_gates": results.compression_gates,
    "conversion_cost": results.conversion_cost,
    "conversions": results.conversions,
    "cells": results.cells,
    "denoising": results.denoising,
    "foreign_files": results.foreign_files,
    "gpu_differences": gpu_matrix.differences,
    "gpu_half": gpu_matrix.half,
    "gpu_operators": gpu_matrix.operators,
    "gpu_refused": gpu_matrix.refused,
    "gpu_runtimes": gpu_matrix.runtimes,
    "gpu_wrong": gpu_matrix.wrong,
    "web_forms": gpu_matrix.web_forms,
    "instances": results.instances,
    "layer_conversions": results.layer_conversions,
    "membranes": results.membranes,
    "optical_flow": results.optical_flow,
    "person": results.person,
    "proposals": results.proposals,
    "npu": npu.files,
    "npu_left": npu.left,
    "registry_cost": results.registry_cost,
    "runtimes": runtimes.networks,
    "runtimes_wrong": runtimes.wrong_networks,
    "runtime_operators": runtimes.operators,
    "runtime_operators_wrong": runtimes.wrong_operators,
    "saliency": results.saliency,
    "scaling": results.scaling,
    "shipping": results.shipping,
    "segmenters": results.segmenters,
    "sparse": results.sparse,
    "super_resolution": results.super_resolution,
    "throughput": results.throughput,
    "throughput_unet": results.throughput_unet,
    "writer_sweep": results.writer_sweep,
}


def generated(notebooks: bool) -> dict[Path, str]:
    """Every file that is generated, wholly or between markers → its text of today."""
    by_hand = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    makers = {name: functools.cache(maker) for name, maker in MAKERS.items()}
    files = {path: filled(path.read_text(encoding="utf-8"), makers) for path in by_hand}
    files |= {DOCS / "guides" / f"{name}.md": guides.page(name) for name in guides.names()}
    files |= {DOCS / "api" / f"{package}.md": api.page(package) for package in api.PACKAGES}
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    files[DOCS / "changelog.md"] = f"<!-- CHANGELOG.md, copied by make readme -->\n\n{changes}"
    if notebooks:
        files |= {DOCS / "notebooks" / f"{name}.ipynb": guides.notebook(name) for name in guides.names()}
    return files


def out_of_date(notebooks: bool) -> list[Path]:
    """The files whose text is not the one of today, and those that nothing makes any more."""
    files = generated(notebooks)
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    return sorted([*stale, *_strays()])


def _strays() -> list[Path]:
    """Pages and notebooks of examples and packages that are gone."""
    guide_names, packages = set(guides.names()), set(api.PACKAGES)
    pages = [path for path in (DOCS / "guides").glob("*.md") if path.stem not in guide_names | {"index"}]
    books = [path for path in (DOCS / "notebooks").glob("*.ipynb") if path.stem not in guide_names]
    return [*pages, *books, *(path for path in (DOCS / "api").glob("*.md") if path.stem not in packages | {"index"})]


def main(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit status 1 if something is stale.")] = False,
) -> None:
    """Write README's tables and the generated pages anew."""
    notebooks = importlib.util.find_spec("jupytext") is not None
    if not notebooks:
        print("no jupytext here: notebooks stay as they are; pip install '.[docs]' brings it", file=sys.stderr)
    stale = out_of_date(notebooks)
    if check:
        if stale:
            sys.exit("out of date, run `make readme`: " + ", ".join(str(path.relative_to(ROOT)) for path in stale))
        return
    texts = generated(notebooks)
    for path in stale:
        if path not in texts:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path], encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    typer.run(main)
