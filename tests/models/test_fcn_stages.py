"""FCN in stages: 32s, then 16s out of it, then 8s out of that, on every kind of encoder and from the command line."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
import zoo.data
from zoo import registry
from zoo.errors import InputError

STAGES = {"fcn32s": 32, "fcn16s": 16, "fcn8s": 8}


@pytest.mark.parametrize("encoder", ["vgg16", "alexnet", "googlenet", "resnet18", "mobilenet_v2"])
def test_a_stage_begins_with_what_the_one_before_knew(encoder: str, tmp_path: Path) -> None:
    options = {"classes": 4, "encoder": encoder, "encoder_options": dict(registry.get(encoder).tiny)}
    picture = np.random.default_rng(0).uniform(0, 255, (1, 120, 151, 3)).astype("float32")
    before = None
    for name, stride in STAGES.items():
        keras.utils.set_random_seed(stride)
        model = zoo.build(name, init=None if before is None else tmp_path, **options)
        answer = np.asarray(model(picture))
        assert answer.shape == (1, 120, 151, 4)
        if before is not None:
            here, there = ({layer.name: layer.get_weights() for layer in m.layers if layer.weights} for m in (model, before))
            shared = here.keys() & there.keys()
            assert there.keys() - shared == {f"upscore_x{2 * stride}"}
            assert all(np.array_equal(a, b) for layer in shared for a, b in zip(here[layer], there[layer], strict=True))
            assert here.keys() - shared == {f"score_s{stride}", f"upscore_s{stride}", f"upscore_x{stride}"}
            assert not np.any(here[f"score_s{stride}"][0])
            # Two bilinear steps are nearly one: inside, the same scores but for their smoothing.
            middle = (slice(None), slice(40, 80), slice(40, 110))
            known = np.asarray(before(picture))
            assert np.corrcoef(answer[middle].ravel(), known[middle].ravel())[0, 1] > 0.98
        before = model
        model.save(tmp_path / "model.keras")


def test_at_once_everything_starts_at_random() -> None:
    model = zoo.build("fcn8s", classes=4, encoder="mobilenet_v2", skip_scales=(0.01, 0.0001))
    assert all(np.any(model.get_layer(f"score_s{stride}").get_weights()[0]) for stride in (8, 16))
    assert [model.get_layer(f"scale_s{stride}").scale for stride in (16, 8)] == [0.01, 0.0001]


def test_layers_that_do_not_fit_are_told_and_stay_at_random(tmp_path: Path) -> None:
    tiny = {"encoder": "mobilenet_v2", "encoder_options": {"width": 0.1}}
    zoo.build("fcn32s", classes=4, **tiny).save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match="score"):
        zoo.build("fcn16s", classes=5, init=tmp_path / "model.keras", **tiny)
    with pytest.raises(InputError, match=r"no file .*model\.keras"):
        zoo.build("fcn16s", classes=4, init=tmp_path.parent, **tiny)


def test_the_command_starts_from_a_run(tmp_path: Path) -> None:
    from zoo.cli.train import _build

    data = zoo.data.open("scenes:count=2,size=64", "train")
    first = _build("fcn32s", data, None, 0, "mobilenet_v2", None, None, {})
    first.save(tmp_path / "model.keras")
    second = _build("fcn16s", data, None, 1, "mobilenet_v2", None, tmp_path, {"skip_scales": (0.1,)})
    assert second.get_layer("scale_s16").scale == 0.1
    scores = [model.get_layer("score").get_weights()[0] for model in (first, second)]
    np.testing.assert_array_equal(*scores)
    assert not np.any(second.get_layer("score_s16").get_weights()[0])
