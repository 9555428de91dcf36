"""`zoo card --memory`: the table of what each layer of a network holds."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cli.quiet import start_keras
from zoo.errors import InputError

if TYPE_CHECKING:
    import keras

    from zoo.analysis.memory import MemoryTable

BATCHES = (1, 8, 32)  # of which training is told


def show_memory(name: str, size: tuple[int, int] | None, as_json: bool) -> None:
    """Prints the table of a name of `zoo list`, of shipped weights, or of a `.keras` file.

    Args:
        name: of the network.
        size: (H, W) in pixels; by default the paper's, or the file's own.
        as_json: as JSON instead.

    Raises:
        InputError: for a name that is none, and where the network takes any size and none is known.
    """
    model, size = _opened(name, size)
    from zoo.analysis.memory import OPTIMIZER_SLOTS, memory_table

    table = memory_table(model, size)
    if as_json:
        needs = {
            optimizer: {str(batch): table.train(batch, optimizer) for batch in BATCHES} for optimizer in OPTIMIZER_SLOTS
        }
        sums = {"data": table.data, "parameters": table.parameters, "train": needs, "test": table.test()}
        layers = [asdict(layer) for layer in table.layers]
        print(json.dumps({"name": name, "size": size, "layers": layers, **sums}, indent=1, ensure_ascii=False))
        return
    _show(name, table)


def _opened(name: str, size: tuple[int, int] | None) -> tuple[keras.Model, tuple[int, int] | None]:
    if Path(name).exists():
        start_keras()
        from zoo.cli.arguments import open_model

        return open_model(Path(name)), size
    from zoo import classical
    from zoo.build import build, variant

    if name in classical.names():
        raise InputError(f"{name} is a classical method: it has no layers, and nothing in it is learnt")
    entry = variant(name.partition(".")[0])
    start_keras()
    model = build(name)
    if "." in name and size is None:
        from zoo.pretrained import catalog

        size = catalog.get(name).input_size
    return model, size or entry.input_size


def _show(name: str, table: MemoryTable) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from zoo.analysis.memory import OPTIMIZER_SLOTS

    title = escape(f"{name}, float32, one image")
    shown = Table(box=None, header_style="bold", pad_edge=False, title=title, title_justify="left")
    for heading in ("layer", "gives", "data, kB", "parameters, kB"):
        shown.add_column(heading, justify="left" if heading == "layer" else "right")
    for layer in table.layers:
        size = "×".join(map(str, layer.shape))
        shown.add_row(escape(layer.name), size, f"{layer.data / 1e3:,.1f}", f"{layer.parameters / 1e3:,.1f}")
    shown.add_row("[bold]all", "", f"{table.data / 1e3:,.1f}", f"{table.parameters / 1e3:,.1f}")
    needs = Table(box=None, show_header=False, pad_edge=False)
    for optimizer, slots in OPTIMIZER_SLOTS.items():
        texts = ", ".join(f"{table.train(batch, optimizer) / 1e6:,.1f} MB with {batch}" for batch in BATCHES)
        numbers = "a number" if slots == 1 else f"{slots} numbers"
        needs.add_row(f"[dim]train, {optimizer}[/]", f"{texts} images a step ({numbers} a weight beside value and gradient)")
    needs.add_row("[dim]test[/]", f"{table.test() / 1e6:,.1f} MB: parameters, and activations at their peak")
    Console().print(shown, "", needs, sep="\n")
