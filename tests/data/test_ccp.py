"""Clothing Co-Parsing: the published classes and the merged ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo.data.datasets.ccp import BACKGROUND, CLOTHING, CLOTHING_PALETTE
from zoo.errors import InputError

NAMES = [BACKGROUND, "skin", "jeans", "hat", "boots"]


@pytest.fixture
def ccp(tmp_path: Path) -> Path:
    """A photograph in CCP's layout that shows each of NAMES in a band of rows, for each split."""
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "classes.txt").write_text("\n".join(NAMES))
    for split in ("train", "val", "test"):
        (tmp_path / f"{split}.txt").write_text(f"{split}1\n")
        Image.new("RGB", (6, 10), (90, 120, 30)).save(tmp_path / "images" / f"{split}1.jpg")
        Image.fromarray(np.repeat(np.arange(5, dtype=np.uint8), 2)[:, None].repeat(6, axis=1)).save(
            tmp_path / "masks" / f"{split}1.png"
        )
    return tmp_path


def classes_by_band(data: zoo.data.Dataset) -> list[str]:
    return [data.classes[value] for value in data[0].target.values[::2, 0]]


def test_the_published_classes_are_read_as_they_are(ccp: Path) -> None:
    data = zoo.data.open(f"ccp:{ccp}", "val")
    assert data.classes == tuple(NAMES) and classes_by_band(data) == NAMES


def test_whatever_is_worn_is_part_of_the_person(ccp: Path) -> None:
    data = zoo.data.open(f"ccp_person:{ccp}", "train")
    assert data.classes == ("background", "person")
    assert classes_by_band(data) == ["background"] + 4 * ["person"]


def test_garments_are_merged_by_name(ccp: Path) -> None:
    data = zoo.data.open(f"ccp_clothing:{ccp}", "test")
    assert classes_by_band(data) == ["background", "skin", "trousers", "headwear", "shoes"]
    assert len(data.palette) == len(data.classes) == len(CLOTHING) == len(set(CLOTHING_PALETTE))


def test_a_class_that_ccp_has_not_is_an_error_that_names_it(ccp: Path) -> None:
    (ccp / "classes.txt").write_text("\n".join([BACKGROUND, "skin", "jeans", "hat", "armour"]))
    with pytest.raises(InputError, match="armour"):
        zoo.data.open(f"ccp_clothing:{ccp}")


def test_another_dataset_is_not_taken_for_ccp(ccp: Path) -> None:
    (ccp / "classes.txt").write_text("\n".join(["sky", "road", "car", "tree", "pole"]))
    with pytest.raises(InputError, match="the first of CCP's classes is 'null'"):
        zoo.data.open(f"ccp_person:{ccp}")


def test_each_published_class_is_in_exactly_one_group(shared: Path) -> None:
    published = (shared / "data" / "ccp" / "classes.txt").read_text().split("\n")
    grouped = [name for group in CLOTHING.values() for name in group]
    assert sorted(grouped) == sorted(filter(None, published))


def test_real_people_keep_their_outline(shared: Path) -> None:
    where = shared / "data" / "ccp"
    whole, person = (zoo.data.open(f"{kind}:{where}", "test") for kind in ("ccp", "ccp_person"))
    np.testing.assert_array_equal(whole[3].target.values > 0, person[3].target.values == 1)
