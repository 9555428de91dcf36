"""A file sees a picture of any size in tiles: where they overlap enough, what it says is the network's answer to the whole."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import converters
import edge
from edge.images import structured
from edge.tiles import by_tiles
from zoo import outputs
from zoo.analysis.tiny_models import tiny_model
from zoo.errors import InputError

TILE = (64, 96)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return tiny_model("pocket_sr", None)  # sees six pixels to either side


@pytest.fixture(scope="module")
def runner(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> edge.Runner:
    path = tmp_path_factory.mktemp("tiles") / "pocket_sr.tflite"
    return edge.Runner(converters.to_tflite(network, path, input_size=TILE).path, overlap=32)


@pytest.mark.parametrize("size", [TILE, (131, 150), (70, 333), (64, 97)])
def test_tiles_give_the_whole_pictures_answer(network: keras.Model, runner: edge.Runner, size: tuple[int, int]) -> None:
    (picture,) = structured(*size, 1)
    whole = np.asarray(network(picture[None].astype("float32"), training=False))[0]
    expected = outputs.kind(runner.card.spec).decode(whole, runner.card.spec, size)
    answer = runner(picture)
    assert answer.shape == (2 * size[0], 2 * size[1], 3)
    assert np.abs(answer.astype(int) - expected).max() <= 1  # they round


def test_a_picture_smaller_than_a_tile_is_mirrored_and_cut(network: keras.Model, runner: edge.Runner) -> None:
    (picture,) = structured(40, 50, 1)
    expected = np.asarray(network(picture[None].astype("float32"), training=False))[0]
    answer = runner(picture)
    assert answer.shape == (80, 100, 3)
    inner = slice(0, 60), slice(0, 80)  # beyond, it knows a mirrored picture where the network knows zeros
    assert np.abs(answer[inner].astype(float) - np.clip(expected[inner], 0, 255)).max() <= 1


def test_what_has_no_tiles_is_refused(runner: edge.Runner) -> None:
    picture = structured(80, 100, 1)[0]
    with pytest.raises(InputError, match=r"overlap=40.* 32 must be a tile's own"):
        by_tiles(runner.run, picture, runner.card, 40)
