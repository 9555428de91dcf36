"""PyTorch's files without PyTorch: the same numbers, and nothing but numbers."""

from __future__ import annotations

import collections
import json
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from zoo.errors import InputError
from zoo.pretrained.torch_files import read_state


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_what_torch_saves_is_read(zipped: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = collections.OrderedDict(
        whole=base,
        view=base.t()[1:, ::2],
        half=base.half(),
        brain=base.bfloat16(),
        count=torch.tensor(7),
        empty=torch.zeros(0, 3),
        parameter=torch.nn.Parameter(base + 1),
    )
    torch.save(state, tmp_path / "state.pth", _use_new_zipfile_serialization=zipped)
    tensors = read_state(tmp_path / "state.pth")
    assert tensors.keys() == state.keys()
    for name, tensor in state.items():
        np.testing.assert_array_equal(tensors[name], tensor.detach().float().numpy(), err_msg=name)
        assert tensors[name].shape == tuple(tensor.shape)


def test_safetensors_are_read(tmp_path: Path) -> None:
    """Written by hand from the format's page: length, header, bytes."""
    half, brain = np.array([[1.5, -2.0]], "<f2"), np.array([1.0, -3.0], "<f4")
    parts = [half.tobytes(), (brain.view("<u4") >> 16).astype("<u2").tobytes()]
    header = json.dumps({
        "__metadata__": {"format": "pt"},
        "a.weight": {"dtype": "F16", "shape": [1, 2], "data_offsets": [0, 4]},
        "b": {"dtype": "BF16", "shape": [2], "data_offsets": [4, 8]},
    }).encode()  # fmt: skip
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"".join(parts))
    tensors = read_state(path)
    np.testing.assert_array_equal(tensors["a.weight"], half)
    np.testing.assert_array_equal(tensors["b"], brain)


class Calls:
    """Pickled, it asks its reader to call a function."""

    def __reduce__(self) -> tuple:
        return (print, ("called",))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_pickle_that_calls_anything_is_refused(zipped: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "state.pth"
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("state/data.pkl", pickle.dumps({"weight": Calls()}, protocol=2))
    else:
        parts = (0x1950A86A20F9469CFC6C, 1001, {}, {"weight": Calls()}, [])
        path.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in parts))
    with pytest.raises(InputError, match=r"asks for (__builtin__|builtins)\.print.*state_dict"):
        read_state(path)
    assert "called" not in capsys.readouterr().out


def test_a_tensor_beyond_its_storage_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"weight": torch.arange(4.0)}, tmp_path / "whole.pth")
    path = tmp_path / "short.pth"
    with zipfile.ZipFile(tmp_path / "whole.pth") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[:8] if name.endswith("data/0") else content)
    with pytest.raises(InputError, match="beyond its storage"):
        read_state(path)


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        read_state(tmp_path / "nowhere.pth")
    (tmp_path / "text.pth").write_text("weights")
    with pytest.raises(InputError, match=r"cannot be read as PyTorch weights.*\.safetensors"):
        read_state(tmp_path / "text.pth")
    with zipfile.ZipFile(tmp_path / "empty.pth", "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps({"epoch": 3}, protocol=2))
    with pytest.raises(InputError, match=r"no tensors.*torch\.save"):
        read_state(tmp_path / "empty.pth")
