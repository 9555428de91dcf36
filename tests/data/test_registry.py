"""Data sets enter themselves: a file of zoo/data/datasets is all that a new one needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo.data
from zoo.cli.arguments import DATA_HELP
from zoo.data import registry
from zoo.data.dataset import Dataset
from zoo.data.registry import SIZE, WHOLE, dataset
from zoo.data.sample import Sample
from zoo.errors import InputError

ROOT = Path(__file__).parents[2]
TOY = '''
"""A toy."""

from zoo.data.dataset import Dataset
from zoo.data.registry import WHOLE, dataset
from zoo.data.sample import Sample
from zoo.data.targets import Label


class Toy(Dataset):
    name, target = "toy", Label

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        import numpy as np

        return Sample(np.zeros((4, 4, 3), np.uint8), Label(index), str(index))


@dataset("toy", spec="toy[:count=N]", help="nothing much", options={"count": WHOLE})
def toy(split, *, count=3):
    return Toy(count)
'''


class Plain(Dataset):
    """Remembers how it was opened."""

    name = "plain"

    def __init__(self, *opened: object) -> None:
        self.opened = opened

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), "one")


@pytest.fixture
def plain() -> Iterator[None]:
    @dataset("plain", spec="plain:PATH[,count=N,size=N|HxW]", help="a test's", options={"count": WHOLE, "size": SIZE})
    def read(path: Path, split: str, **options: object) -> Plain:
        return Plain(path, split, options)

    yield
    registry.withdraw("plain")


def test_every_data_set_is_listed_wherever_they_are_listed() -> None:
    names = [entry.name for entry in registry.entries()]
    assert {"scenes", "scenes_flow", "camvid", "voc", "folder", "ccp_person", "nuclei"} <= set(names)
    assert names[0] == "scenes" and len(set(names)) == len(names) == len(zoo.data.SPECS)
    assert registry.listing() in (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
    for entry in registry.entries():
        assert entry.spec in DATA_HELP and entry.spec.startswith(entry.name) and entry.help


def test_what_is_entries_in_files_is_what_is_imported() -> None:
    """The list is read from the files' text; the readers are in the modules."""
    for name, entry in registry._entries_in_files().items():
        module = __import__(entry.module, fromlist=[name])
        assert registry._openers[name].entry == entry and registry._openers[name].reader is getattr(module, name)


def test_a_list_of_data_sets_imports_nothing() -> None:
    code = "import sys, zoo.data; zoo.data.SPECS; sys.exit(' '.join({'numpy', 'PIL', 'keras'} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_new_file_is_a_new_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy.py").write_text(TOY)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.py").write_text(TOY.replace("toy", "second").replace("Toy", "Second"))
    monkeypatch.setattr(registry, "_FOLDER", tmp_path)
    monkeypatch.setattr("zoo.data.datasets.__path__", [str(tmp_path)])
    registry._entries_in_files.cache_clear()
    try:
        assert {"toy", "second"} <= {entry.name for entry in registry.entries()}
        samples = zoo.data.open("toy:count=5")
        assert len(samples) == 5 and int(samples[2].target.values) == 2 and samples.classes == ()
        assert len(zoo.data.open("second")) == 3
    finally:
        registry._entries_in_files.cache_clear()
        registry.withdraw("toy")
        registry.withdraw("second")


def test_paths_and_options(plain: None, tmp_path: Path) -> None:
    cases = {
        "plain:a/b": (Path("a/b"), {}),
        "plain: a/b , size=3x4 ": (Path("a/b"), {"size": (3, 4)}),
        "plain:a,b,count=7,size=9": (Path("a,b"), {"count": 7, "size": (9, 9)}),
        "plain:a,width=7": (Path("a,width=7"), {}),
        "plain:~/x": (Path.home() / "x", {}),
    }
    for spec, (path, options) in cases.items():
        assert zoo.data.open(spec, "val", cache_bytes=0).opened == (path, "val", options), spec


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("plain", r"plain: a path is missing; write plain:PATH\[,count=N"),
        ("plain:", "a path is missing"),
        ("plain:a,count=many", r"plain:a,count=many: 'count=many' should be count=NUMBER"),
        ("plain:a,size=3x", "should be size=NUMBER or HxW"),
        ("plain:a,count=3,count=4", "count is given twice"),
        ("scenes_flow:colour=3", "option of scenes_flow 'colour'"),
        ("scenes_flows", "scenes_flow"),
    ],
)
def test_bad_specs(plain: None, spec: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        zoo.data.open(spec)


def test_old_names_go_on_for_one_release() -> None:
    with pytest.warns(DeprecationWarning, match="cache_bytes="):
        assert not hasattr(zoo.data.open("scenes:count=2,size=32", keep=0), "source")
    with pytest.warns(DeprecationWarning, match="cache_bytes="):
        assert zoo.data.open("scenes:count=2,size=32", keep=99).cache_bytes == 99
    with pytest.raises(InputError, match="both cache_bytes=1 and keep=2"):
        zoo.data.open("scenes", cache_bytes=1, keep=2)
    with pytest.warns(DeprecationWarning, match="instances"):

        class Cells(Plain):
            objects = 1

    assert Cells().instances == 1
    with pytest.warns(DeprecationWarning, match="instances"):
        assert Cells().objects == 1
    one = Plain()
    with pytest.warns(DeprecationWarning, match="instances"):
        one.objects = 2
    assert one.instances == 2 and zoo.data.CachedDataset(one).instances == 2


def test_every_picture_file_is_read_with_the_channels_that_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(tmp_path / "images/a.png")
    np.savez(tmp_path / "fixations.npz", a=np.full((3, 2), 4.0))
    (tmp_path / "train.txt").write_text("a\n")
    grey = zoo.data.open(f"osie:{tmp_path},channels=1,bits=16")
    assert grey.channels == 1 and grey[0].image.shape == (8, 8, 1)
    assert zoo.data.open(f"osie:{tmp_path}")[0].image.shape == (8, 8, 3)
    with pytest.raises(InputError, match="option of scenes 'channels'"):
        zoo.data.open("scenes:channels=1")
    with pytest.raises(InputError, match="these pictures come as they are"):
        zoo.data.Scenes(2, (32, 32)).read_as(channels=1)
