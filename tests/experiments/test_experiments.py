"""The experiments of `zoo experiments`, tiny: not that they run, but that their numbers mean what their docstrings say."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

keras = pytest.importorskip("keras")

import zoo  # noqa: E402
from zoo import experiments as lab  # noqa: E402
from zoo.cli.experiments import experiments as command  # noqa: E402
from zoo.errors import InputError  # noqa: E402
from zoo.experiments import degradation, field, gradients, instances, paths, shattered, upsampling  # noqa: E402


def table(folder: Path, name: str) -> list[dict[str, str]]:
    assert (folder / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    with (folder / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def silent(line: str) -> None:
    assert line


def test_the_gradient_is_that_of_finite_differences():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(2)])
    before = model.get_weights()
    gradient = gradients.input_gradient(model, (4, 3), lambda answer: keras.ops.sum(answer**2))
    at = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    found, step = gradient(at), 1e-2
    for column in range(3):
        shift = np.eye(3, dtype=np.float32)[column] * step
        up, down = ((model.predict(at + way * shift, verbose=0) ** 2).sum(1) for way in (1, -1))
        np.testing.assert_allclose(found[:, column], (up - down) / (2 * step), rtol=2e-2, atol=2e-3)
    assert len(model.trainable_weights) == len(model.weights)  # left as it was
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_the_gradient_follows_weights_that_change():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    gradient = gradients.input_gradient(model, (2, 1), keras.ops.sum)
    for slope in (2.0, -3.0):
        model.layers[0].kernel.assign([[slope]])
        assert gradient(np.zeros((2, 1))).ravel().tolist() == [slope, slope]


def test_objects_are_pictures_of_every_class():
    images, labels = instances.objects(40, 32)
    assert images.shape == (40, 32, 32, 3) and images.max() > 200
    assert set(labels.tolist()) == set(range(len(instances.LABELS)))
    assert np.array_equal(instances.objects(3, 32)[0], images[:3])


def test_degradation_families_are_equal_but_for_their_shortcuts():
    plain, residual, bare, highway = (degradation.build(family, 14, 0.25, 32) for family in degradation.COLOURS)
    assert plain.count_params() == residual.count_params()
    convolutions = [
        [layer.filters for layer in net.layers if isinstance(layer, keras.layers.Conv2D) and "gate" not in layer.name]
        for net in (plain, residual, bare, highway)
    ]
    assert all(channels == convolutions[0] for channels in convolutions) and len(convolutions[0]) == 13


def test_degradation_leaves_every_epoch_of_every_net(tmp_path: Path):
    rows = degradation.run(
        tmp_path, say=silent, families=("residual", "highway"), depths=(8,), count=32, epochs=2, width=0.25
    )
    assert [(row["family"], row["epoch"]) for row in rows] == [(f, e) for f in ("residual", "highway") for e in (1, 2)]
    assert len(table(tmp_path, "degradation")) == len(rows)
    assert all(0 <= row["error"] <= 1 for row in rows)


def test_a_plain_nets_gradients_shatter_and_a_residual_nets_less(tmp_path: Path):
    rows = shattered.run(tmp_path, say=silent, depths=(1, 12), units=60, points=128, nets=4, lags=6)
    near = {(row["family"], row["depth"]): row["correlation"] for row in rows if row["lag"] == 3}
    assert near["plain", 1] > 0.7
    assert near["plain", 12] < 0.3
    assert near["plain", 12] + 0.1 < near["residual", 12] < near["residual, β = 0.1", 12]
    assert all(row["correlation"] == 1 for row in rows if row["lag"] == 0)
    assert len(table(tmp_path, "shattered")) == len(rows) == 2 * 3 * 7


def test_white_noise_has_no_autocorrelation_and_a_walk_has():
    steps = np.random.default_rng(0).normal(size=(20, 256))
    assert abs(shattered.autocorrelation(steps, 3)[1:]).max() < 0.05
    assert shattered.autocorrelation(steps.cumsum(1), 3)[1] > 0.9


@pytest.fixture(scope="module")
def crossed():
    keras.utils.set_random_seed(0)
    net = zoo.build("resnet20", instances.LABELS, (32, 32, 3), depth=14, width=0.25)
    images, labels = instances.objects(8, 32)
    return net, *paths.with_crossings(net), images, labels


def test_crossings_change_no_answer(crossed):
    net, twin, crossings, images, _ = crossed
    assert [crossing.name for crossing in crossings][:3] == [f"stage{n}_block{b}_add" for n, b in ((1, 1), (1, 2), (2, 1))]
    np.testing.assert_allclose(twin.predict(images, verbose=0), net.predict(images, verbose=0), atol=1e-5)
    crossings[0].ways.assign([0.0, 0.0])
    np.testing.assert_allclose(twin.predict(images, verbose=0), net.predict(images, verbose=0), atol=1e-5)
    crossings[0].ways.assign([1.0, 1.0])


def test_gradients_of_all_paths_add_up_to_the_whole(crossed):
    """Two blocks switched path by path, the others left whole: their four gradients sum to backpropagation's."""
    _, twin, crossings, images, _ = crossed
    tail = paths.after_stem(twin, crossings[0].name)
    inside = keras.Model(twin.input, twin.get_layer(crossings[0].name).input[0]).predict(images, verbose=0)
    gradient = gradients.input_gradient(tail, inside.shape, lambda logits: keras.ops.sum(logits[:, 0]))
    whole, parts = gradient(inside), []
    for first in ([1.0, 0.0], [0.0, 1.0]):
        for second in ([1.0, 0.0], [0.0, 1.0]):
            crossings[0].ways.assign(first)
            crossings[1].ways.assign(second)
            parts.append(gradient(inside))
    for crossing in crossings:
        crossing.ways.assign([1.0, 1.0])
    scale = abs(whole).max()
    np.testing.assert_allclose(sum(parts), whole, atol=1e-4 * scale)
    assert all(abs(part).max() > 1e-3 * scale for part in parts)


def test_paths_counts_are_binomial_and_shares_sum_to_one(tmp_path: Path):
    rows = paths.run(tmp_path, say=silent, depth=8, width=0.25, count=32, epochs=1, samples=2, probes=4)
    assert [row["paths"] for row in rows] == [math.comb(3, length) for length in range(4)]
    assert sum(row["contribution"] for row in rows) == pytest.approx(1)
    assert all(row["gradient"] > 0 and 0 <= row["error"] <= 1 for row in rows)
    assert [row["block"] for row in table(tmp_path, "paths")][1] == "stage1_block1"


def test_a_lesion_takes_a_blocks_convolutions_out(crossed):
    net, twin, crossings, images, labels = crossed
    errors = paths.lesions(twin, crossings, images, labels)
    assert len(errors) == 7 and float(crossings[3].on) == 1.0
    assert errors[0] == (net.predict(images, verbose=0).argmax(-1) != labels).mean()


def test_the_measured_field_fills_the_theoretical_one_and_fades_before_its_rim(tmp_path: Path):
    (row,) = field.run(tmp_path, say=silent, models=["resnet20"], pictures=2, depth=8, width=0.5)
    assert row["layer"] == "stage3_block1_relu"
    # 3×3 stem; blocks of two 3×3: 2·2 at stride 1; then 2 + 4 and 4 + 8, the first convolution of each at the stride before
    assert row["theoretical_rows"] == row["theoretical_columns"] == 1 + 2 + 4 + (2 + 4) + (4 + 8)
    assert row["touched_rows"] == row["touched_columns"] == row["theoretical_rows"]
    assert 5 < row["effective"] < row["theoretical_rows"] < row["height"]
    assert table(tmp_path, "field")[0]["model"] == "resnet20"


def test_the_effective_field_of_a_disk_is_its_diameter():
    rows, columns = np.mgrid[-40:41, -40:41]
    assert field.effective((rows**2 + columns**2 <= 30**2).astype(float)) == pytest.approx(60, abs=0.5)


def test_a_grid_is_found_whatever_lies_over_it():
    noise = np.random.default_rng(0).normal(size=(32, 64, 64, 3))
    weave = np.tile([[1.0, -1.0], [-1.0, 1.0]], (32, 32))[None, :, :, None]
    assert upsampling.strength(noise, 8, 1.0) < 0.05
    assert upsampling.strength(noise + 0.5 * weave, 8, 1.0) == pytest.approx(0.5, abs=0.02)
    assert upsampling.strength(noise + 0.5 * weave, 7, 1.0) < 0.05  # the control misses it


def test_transposed_convolutions_leave_a_grid_and_resizing_does_not(tmp_path: Path):
    few = ("transposed, kernel 3", "resize + convolution", "unpool + convolution")
    rows = upsampling.run(tmp_path, say=silent, ways=few, count=24, channels=8, steps=2, draws=2)
    untrained = {way: np.mean([row["grid"] for row in rows if row["way"] == way and not row["steps"]]) for way in few}
    assert untrained["transposed, kernel 3"] > 0.4 > 2 * untrained["resize + convolution"]
    assert untrained["resize + convolution"] < untrained["unpool + convolution"] < untrained["transposed, kernel 3"]
    assert len(table(tmp_path, "upsampling")) == len(rows) == 3 * (2 + 1)


def test_every_way_up_is_one_of_the_zoos():
    from zoo.models.blocks.upsampling import UPSAMPLERS

    assert {way.upsampler for way in upsampling.WAYS.values()} == set(UPSAMPLERS)
    for way in upsampling.WAYS.values():
        assert upsampling.build(way, 4, 32).output_shape == (None, 32, 32, 3)


def test_the_command_lists_runs_nothing_unknown_and_refuses_what_does_not_fit(tmp_path: Path):
    import typer

    app = typer.Typer()
    app.command()(command)
    listed = CliRunner().invoke(app, [])
    assert listed.exit_code == 0 and all(name in listed.output for name in lab.EXPERIMENTS)
    refused = {"shatered": "shattered", "paths --model unet": "field", "field --weights x": "--model"}
    for arguments, hint in refused.items():
        with pytest.raises(InputError, match=hint):
            CliRunner().invoke(app, arguments.split(), catch_exceptions=False)


def test_every_experiment_says_whose_claim_it_is_and_what_to_look_for():
    for name in lab.EXPERIMENTS:
        text = lab.experiment(name).__doc__
        assert "Look at:" in text and "20" in text and callable(lab.experiment(name).run)
