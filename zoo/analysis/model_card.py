"""Cards: what is known of a network before anyone trains it, counted and not copied.

`model_cards.csv` beside this file holds a row for every network, so that `zoo list` need not count; `make cards` writes it
anew.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from zoo import registry
from zoo.build import build, shipped_network, variant
from zoo.paper import Paper
from zoo.registry import Variant

if TYPE_CHECKING:
    import keras

TABLE = Path(__file__).with_name("model_cards.csv")
MEGA, GIGA = 10**6, 10**9


@dataclass(frozen=True)
class Card:
    """One network's figures at its paper's input size.

    Attributes:
        name, task, paper, inspired_by: as registered.
        encoder: the encoder that is used when none is named, or None.
        strides: of the features it offers as an encoder; empty where it is none.
        input_size: (H, W) in pixels, and `channels`, of the figures below.
        classes: number of classes of the figures below.
        trainable: trainable parameters.
        macs: multiply-accumulates of one image, convolutions and dense layers only.
        peak_bytes: float32 activations alive at once with one image, as `zoo.analysis.memory` defines it.
        receptive_field: pixels along the longer side that the answer, or a classifier's last map, can depend on, as
            `zoo.analysis.receptive_field` defines it.
        ops: types of its layers.
        mobile: whole on the GPU accelerator in float32, float16 and int8.
        weights: names of published weights that `build(weights=…)` takes.
        trained: names of the weights that the zoo ships for it, as `build` takes them.
        options: what `build` can be told about this network beyond its standard arguments.
    """

    name: str
    task: str
    paper: Paper | None
    inspired_by: tuple[Paper, ...]
    encoder: str | None
    strides: tuple[int, ...]
    input_size: tuple[int, int]
    channels: int
    classes: int
    trainable: int
    macs: int
    peak_bytes: int
    receptive_field: int
    ops: tuple[str, ...]
    mobile: bool
    weights: tuple[str, ...]
    trained: tuple[str, ...]
    options: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    def as_row(self) -> dict[str, str]:
        """A row of the table; see `Row` for its columns."""
        return {
            "name": self.name,
            **facts(registry.get(self.name)),
            "classes": str(self.classes),
            "trainable": str(self.trainable),
            "gmacs": f"{self.macs / GIGA:.4g}",
            "peak_mb": f"{self.peak_bytes / MEGA:.4g}",
            "receptive_field": str(self.receptive_field),
        }


@dataclass(frozen=True)
class Row:
    """A network's figures as the table holds them; the units are those of `Card`, in 10⁹ and 10⁶."""

    trainable: int
    gmacs: float
    peak_mb: float
    receptive_field: int


def card(name: str) -> Card:
    """Builds the network once and counts; NETWORK.TAG with the classes and options of those trained weights.

    Raises:
        zoo.errors.InputError: for an unknown name, or a layer of a type that cannot be counted.
    """
    return _count(name, _built(name))


def cards(names: Iterable[str]) -> Iterator[Card]:
    """The cards of many networks, without memory for their weights: for programs that do nothing else with Keras.

    After each network Keras' session is cleared, and with it the caller's random seed and precision policy.

    Raises:
        zoo.errors.InputError: as `card`.
    """
    from zoo.analysis.weightless import weightless

    for name in names:
        with weightless():
            figures = _count(name, _built(name))
        yield figures


def write(figures: Iterable[Card], file: TextIO) -> None:
    """Writes the table of these cards as CSV."""
    writer = None
    for row in (each.as_row() for each in figures):
        if writer is None:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)


def read_rows() -> dict[str, dict[str, str]]:
    """The committed table: name → columns as written. Keras is not needed."""
    with open(TABLE, newline="", encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def table() -> dict[str, Row]:
    """The committed table's figures by name; a network that was registered since is not in it."""
    return {
        name: Row(int(row["trainable"]), float(row["gmacs"]), float(row["peak_mb"]), int(row["receptive_field"]))
        for name, row in read_rows().items()
    }


def facts(entry: Variant) -> dict[str, str]:
    """The columns of a row that the registry knows without building.

    `variant` is a short sum of the builder's options: it changes when a row of an architecture's table does.
    """
    options = repr(sorted(entry.options.items())).encode()
    return {
        "task": entry.task,
        "paper": entry.paper.title if entry.paper else "",
        "year": str(entry.paper.year) if entry.paper else "",
        "inspired_by": "; ".join(paper.short for paper in entry.inspired_by),
        "input": "x".join(map(str, entry.input_size)),
        "channels": str(entry.channels),
        "mobile": "yes" if entry.mobile else "no",
        "variant": hashlib.sha256(options).hexdigest()[:8],
    }


def _built(name: str) -> keras.Model:
    if "." in name:
        from zoo.pretrained.catalog import get

        weights = get(name)
        shape = (*weights.input_size, weights.channels)
        return shipped_network(name, weights.labels, weights.palette, weights.options, shape)
    entry = variant(name)
    return build(name, input_shape=(*entry.input_size, entry.channels))


def _published(name: str) -> tuple[str, ...]:
    """What `build(weights=…)` takes of others for a network."""
    from zoo.pretrained.download import PUBLISHED
    from zoo.pretrained.torchvision import ENCODERS, SEGMENTERS

    sources = {"imagenet": PUBLISHED, "torchvision:FILE": {**ENCODERS, **SEGMENTERS}}
    return tuple(weights for weights, names in sources.items() if name in names)


def _count(name: str, model: keras.Model) -> Card:
    from zoo.analysis.macs import macs, parameters
    from zoo.analysis.memory import peak_activations
    from zoo.analysis.receptive_field import receptive_field
    from zoo.pretrained.catalog import get, names

    entry = registry.get(name.partition(".")[0])
    chosen = get(name).options if "." in name else {}
    return Card(
        name=name,
        task=entry.task,
        paper=entry.paper,
        inspired_by=entry.inspired_by,
        encoder=chosen.get("encoder", entry.default_encoder),
        strides=entry.strides,
        input_size=tuple(model.input_shape[1:3]),
        channels=model.input_shape[-1],
        classes=len(model.layers[-1].labels),
        trainable=parameters(model),
        macs=macs(model),
        peak_bytes=peak_activations(model),
        receptive_field=max(receptive_field(model)),
        ops=tuple(sorted({type(layer).__name__ for layer in model.layers} - {"InputLayer"})),
        mobile=entry.mobile,
        weights=_published(name),
        trained=tuple(names(f"{name}.*")),
        options=tuple(entry.option_names),
    )
