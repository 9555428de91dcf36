"""The registry: what a row says, what its table shares, and what a name alone builds."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

import zoo
from zoo import registry, tasks
from zoo.errors import InputError
from zoo.models.segmentation.lraspp import lraspp
from zoo.models.segmentation.pocket_seg import DDRNET
from zoo.paper import Paper
from zoo.registry import Variant, register

TOY = Paper("A toy", "Nobody & Others", 2026, "https://example.org")
SHARED = {"task": "segmentation", "paper": TOY, "input_size": (64, 64), "mobile": True}
with open(Path(__file__).parents[1] / "reference.csv", newline="", encoding="utf-8") as file:
    PUBLISHED = {row["name"]: int(row["classes"]) for row in csv.DictReader(file) if row["classes"]}


@pytest.fixture
def rows() -> Iterator[dict[str, Variant]]:
    """A table that is not left behind."""
    table: dict[str, Variant] = {}
    yield table
    for name in table:
        registry._registry.pop(name, None)


def test_an_option_may_have_the_name_of_a_fact(rows: dict[str, Variant]) -> None:
    """LR-ASPP has an option `channels`: in a row it is the branch's width, and the picture keeps its three."""
    rows["toy_lraspp"] = Variant(
        options={"encoder": "mobilenet_v3_small", "channels": 24, "encoder_options": {"width": 0.1}}
    )
    register(rows, **SHARED)(lraspp)
    entry = registry.get("toy_lraspp")
    assert entry.channels == 3 and entry.options["channels"] == 24
    model = zoo.build("toy_lraspp", classes=2, input_shape=(64, 64, 3))
    assert model.get_layer("gate").filters == 24 and model.input_shape[-1] == 3


def test_a_row_overrides_its_table_also_with_a_default(rows: dict[str, Variant]) -> None:
    rows |= {"toy_a": Variant(), "toy_b": Variant(mobile=False, paper=None, inspired_by=(TOY,), channels=1)}
    register(rows, **SHARED)(lambda image, classes, *, encoder=None: image)
    first, second = registry.get("toy_a"), registry.get("toy_b")
    assert first.mobile and first.paper == TOY and first.channels == 3
    assert not second.mobile and second.paper is None and second.channels == 1
    assert first.input_size == second.input_size == (64, 64) and second.default_encoder is None


@pytest.mark.parametrize(
    "row, shared, expected",
    [
        (Variant(options={"widht": 2}), {}, "unknown option of toy_bad 'widht'; did you mean width"),
        (Variant(tiny={"depth": 2}), {}, "unknown option of toy_bad 'depth'"),
        (Variant(), {"input_size": (0, 0)}, "without input_size"),
    ],
)
def test_a_row_that_cannot_be_built_is_refused(rows: dict[str, Variant], row: Variant, shared: dict, expected: str) -> None:
    rows["toy_bad"] = row
    with pytest.raises(InputError, match=expected):
        register(rows, **{**SHARED, **shared})(lambda image, classes, *, width=1: image)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_name_alone_has_the_papers_classes(name: str) -> None:
    entry = registry.get(name)
    assert len(tasks.get(entry.task).labels_for(entry.classes)) == PUBLISHED[name]


def test_a_name_alone_builds_the_papers_network() -> None:
    model = zoo.build("lenet5")
    assert model.output_shape == (None, 10) and model.count_params() == 61_706
    assert zoo.build("unet", width=0.0625).output_shape == (None, None, None, 2)
    assert zoo.output_spec(zoo.build("segnet_basic", channels=4)).labels[3] == "road"


def test_networks_of_our_own_are_credited_to_no_one() -> None:
    own = [name for name in zoo.list_models() if registry.get(name).paper is None]
    assert {"pocket_seg", "pocket_seg_small", "unet_lite"} <= set(own)
    assert all(registry.get(name).inspired_by for name in own)
    assert registry.get("pocket_seg").inspired_by[0] == DDRNET and DDRNET.short == "Hong 2021"
