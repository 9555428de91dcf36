"""Cards: what they count, against published values, by hand and by gradient; and the committed table of all of them."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl
from lightest import LIGHTEST, ROWS, in_table

import zoo
from zoo import registry
from zoo.analysis.memory import peak_activations
from zoo.analysis.model_card import cards, facts, table, write
from zoo.analysis.receptive_field import receptive_field
from zoo.cli.card import card as show_card
from zoo.cli.list import list_models, parse_count

NAMES = zoo.list_models()
REGENERATE = "run: zoo card --all --out zoo/analysis/model_cards.csv"


class TestTable:
    def test_holds_every_network_as_it_is_registered(self) -> None:
        assert list(ROWS) == NAMES, REGENERATE
        for name, row in ROWS.items():
            registered = facts(registry.get(name))
            assert {column: row[column] for column in registered} == registered, f"{name}; {REGENERATE}"

    @pytest.mark.parametrize("name", LIGHTEST)
    def test_is_what_is_counted(self, name: str) -> None:
        written = io.StringIO()
        write(cards([name]), written)
        (row,) = csv.DictReader(io.StringIO(written.getvalue()))
        assert row == ROWS[name], REGENERATE

    def test_agrees_with_the_published_counts(self) -> None:
        with open(Path(__file__).parents[1] / "reference.csv", newline="", encoding="utf-8") as file:
            published = [row for row in csv.DictReader(file) if in_table(row)]
        for row in published:
            ours = ROWS[row["name"]]
            assert ours["trainable"] == row["trainable"], row["name"]
            if row["gmacs"]:
                assert float(ours["gmacs"]) == pytest.approx(float(row["gmacs"]), rel=0.01), row["name"]
        assert len(published) > 50

    def test_a_weightless_card_is_the_card(self) -> None:
        keras.utils.set_random_seed(0)
        (weightless,) = cards(["googlenet"])
        assert weightless == zoo.card("googlenet")
        assert "AuxiliaryHeads" not in weightless.ops and "LocalResponseNormalization" in weightless.ops


def test_the_card_of_our_own_network_credits_no_one(capsys) -> None:
    row = facts(registry.get("unet_lite"))
    assert row["paper"] == row["year"] == "" and row["inspired_by"] == "Ronneberger 2015; Lin 2017; Howard 2017"
    show_card("unet_lite")
    shown = capsys.readouterr().out
    assert "this zoo's own" in shown and "inspired by" in shown and "Feature Pyramid Networks" in shown


class TestReceptiveField:
    # Araujo, Norris and Sim 2019 (table of "Computing Receptive Fields of Convolutional Neural Networks").
    @pytest.mark.parametrize(
        "name, pixels",
        [("alexnet", 195), ("vgg16", 212), ("resnet50_keras", 483), ("resnet101_keras", 1027), ("mobilenet_v2", 491)],
    )
    def test_published_values(self, name: str, pixels: int) -> None:
        assert table()[name].receptive_field == pixels

    def test_a_stride_that_comes_later_in_its_block_sees_less(self) -> None:
        """11 pixels at s4; then 3×3 windows of 8, 16 and 32 pixels' step, their first one still on the finer grid."""
        expected = 11 + 3 * 8 + (8 + 3 * 16) + (16 + 5 * 32) + (32 + 2 * 64)
        assert table()["resnet50"].receptive_field == expected

    def test_a_layer_can_be_asked_for(self) -> None:
        model = zoo.build("vgg16", input_shape=(64, 96, 3), width=0.0625, fc=((1, 8), (1, 8)))
        assert [receptive_field(model, layer=f"pool{n}")[0] for n in range(1, 6)] == [6, 16, 44, 100, 212]
        with pytest.raises(ValueError, match="pool6"):
            receptive_field(model, layer="pool6")

    @pytest.mark.parametrize("net", ["strided", "branched", "transposed", "bilinear", "nearest", "oblong"])
    def test_is_what_the_gradient_reaches(self, net: str) -> None:
        model = NETS[net]()
        assert receptive_field(model) == measured(model)

    def test_of_a_network_of_the_zoo_is_what_the_gradient_reaches(self) -> None:
        whole = zoo.build("allcnn_c", input_shape=(97, 97, 3), **registry.get("allcnn_c").tiny)
        last = [layer for layer in whole.layers if isinstance(layer, kl.Conv2D)][-1]
        model = keras.Model(whole.inputs, last.output)
        assert receptive_field(whole) == receptive_field(model) == measured(model)

    def test_a_gate_does_not_widen_what_it_gates(self) -> None:
        image = keras.Input((32, 32, 2))
        x = kl.Conv2D(2, 5)(image)
        gate = kl.Dense(2)(kl.GlobalAveragePooling2D(keepdims=True)(x))
        assert receptive_field(keras.Model(image, kl.Conv2D(2, 3)(kl.Multiply()([x, gate])))) == (7, 7)

    def test_an_unknown_layer_is_an_error_that_names_it(self) -> None:
        class Mystery(kl.Layer):
            def call(self, x):
                return x

        image = keras.Input((8, 8, 2))
        with pytest.raises(ValueError, match="Mystery"):
            receptive_field(keras.Model(image, Mystery()(image)))


@pytest.mark.parametrize("count", [receptive_field, peak_activations])
def test_a_nested_model_is_opened_up(count) -> None:
    image, inner_image = keras.Input((8, 8, 2)), keras.Input((8, 8, 2))
    inner = keras.Model(inner_image, kl.Conv2D(2, 3, padding="same")(inner_image))
    flat = kl.ReLU()(kl.Conv2D(2, 3, padding="same")(kl.Conv2D(2, 3, padding="same")(image)))
    assert count(keras.Model(image, kl.ReLU()(inner(inner(image))))) == count(keras.Model(image, flat))


def strided() -> keras.Model:
    image = keras.Input((64, 64, 1))
    x = kl.Conv2D(1, 5, strides=2, padding="same")(image)
    x = kl.AveragePooling2D(3, 2)(kl.ZeroPadding2D(1)(x))
    x = kl.DepthwiseConv2D(3, dilation_rate=2, padding="same")(x)
    return keras.Model(image, kl.SeparableConv2D(1, 2, padding="same")(x))


def branched() -> keras.Model:
    """Two windows with different centres, united."""
    image = keras.Input((48, 48, 1))
    x = kl.Conv2D(1, 3, strides=2, padding="same")(image)
    left = kl.ZeroPadding2D(((4, 0), (4, 0)))(kl.Conv2D(1, 5)(x))
    right = kl.ZeroPadding2D(((0, 2), (0, 2)))(kl.Conv2D(1, 3)(x))
    return keras.Model(image, kl.Concatenate()([left, right, kl.BatchNormalization()(x)]))


def transposed() -> keras.Model:
    image = keras.Input((64, 64, 1))
    x = kl.Conv2D(1, 3, strides=2, padding="same")(image)
    x = kl.Conv2DTranspose(1, 5, strides=2, padding="same")(kl.Conv2D(1, 3, padding="same")(x))
    return keras.Model(image, kl.Add()([x, kl.Conv2D(1, 3, padding="same")(image)]))


def resized(interpolation: str) -> keras.Model:
    image = keras.Input((64, 64, 1))
    x = kl.Conv2D(1, 3, padding="same")(kl.AveragePooling2D(2)(image))
    x = kl.UpSampling2D(2, interpolation=interpolation)(x)
    return keras.Model(image, zoo.layers.CropLike("centre")([x, kl.Cropping2D(3)(image)]))


def oblong() -> keras.Model:
    image = keras.Input((40, 48, 1))
    return keras.Model(image, kl.Conv2D(1, (1, 7), strides=(2, 1))(kl.Conv2D(1, (3, 2), padding="same")(image)))


NETS = {
    "strided": strided,
    "branched": branched,
    "transposed": transposed,
    "bilinear": lambda: resized("bilinear"),
    "nearest": lambda: resized("nearest"),
    "oblong": oblong,
}


def measured(model: keras.Model) -> tuple[int, int]:
    """Rows and columns of the image with a gradient of a middle position, the most over the phases of upsampling."""
    import tensorflow as tf

    for layer in model.layers:
        layer.set_weights([np.abs(w) + 0.01 for w in layer.get_weights()])  # so that nothing cancels and no ReLU is shut
    image = tf.Variable(np.full((1, *model.inputs[0].shape[1:]), 200.0, "float32"))
    with tf.GradientTape(persistent=True) as tape:
        output = model(image, training=False)
        row, column = (size // 2 for size in output.shape[1:3])
        positions = [tf.reduce_sum(output[0, row + n, column + n]) for n in range(2)]
    touched = [np.argwhere(np.any(tape.gradient(position, image)[0], axis=-1)) for position in positions]
    return tuple(max(np.ptp(places[:, axis]) + 1 for places in touched) for axis in (0, 1))


class TestPeakMemory:
    def test_by_hand(self) -> None:
        image = keras.Input((8, 8, 1))  # 64 numbers
        a = kl.Conv2D(2, 3, padding="same")(image)  # 128, alive until its second reader is done
        b = kl.Conv2D(4, 3, padding="same")(a)  # 256
        c = kl.Conv2D(3, 1)(a)  # 192: a, b, c are alive
        d = kl.Concatenate()([b, c])  # 448: b, c, d are alive
        assert peak_activations(keras.Model(image, kl.GlobalAveragePooling2D()(d))) == 4 * (256 + 192 + 448)
        wide = kl.Conv2D(9, 1)(a)  # 576: image and b are dead
        assert peak_activations(keras.Model(image, wide)) == 4 * (128 + 576)

    def test_a_long_shortcut_is_held(self) -> None:
        image = keras.Input((8, 8, 1))
        x = kl.ReLU()(kl.ReLU()(kl.ReLU()(image)))
        assert peak_activations(keras.Model(image, x)) == 4 * 2 * 64
        assert peak_activations(keras.Model(image, kl.Add()([image, x]))) == 4 * 3 * 64

    def test_grows_with_the_size(self) -> None:
        model = zoo.build("unet", width=0.0625)
        assert peak_activations(model, (128, 128)) == 4 * peak_activations(model, (64, 64))


class TestList:
    def shown(self, capsys, **filters) -> list[str]:
        list_models(names=True, **filters)
        return capsys.readouterr().out.split()

    def test_filters_by_size(self, capsys) -> None:
        small = self.shown(capsys, pattern="*net*", max_params="5M", task="classification", mobile=True)
        assert "mobilenet_v2" in small and "mobilenet_v2_140" not in small and "resnet20" not in small
        assert self.shown(capsys, pattern="vgg*", max_gmacs=16) == ["vgg16"]
        with pytest.raises(ValueError, match="loosen"):
            list_models("vgg*", max_params="1k")

    @pytest.mark.parametrize("text, count", [("5M", 5e6), ("800k", 8e5), ("1.5e6", 1.5e6), ("2 B", 2e9), (None, None)])
    def test_counts(self, text: str | None, count: float | None) -> None:
        assert parse_count(text) == count

    def test_a_count_that_is_none_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="5M"):
            parse_count("many")

    def test_fits_into_80_columns(self, capsys, monkeypatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        list_models()
        lines = capsys.readouterr().out.splitlines()
        assert len(lines[: lines.index("")]) == len(NAMES) + 1  # then the classical methods
        assert not [line for line in lines if "…" in line or len(line) > 80]
        assert any(line.split()[:3] == ["vgg16", "138.4M", "15.47"] for line in lines)

    def test_waits_for_no_framework(self) -> None:
        code = """
import sys
from zoo.cli.card import card as show_card
from zoo.cli.list import list_models
list_models(max_params="5M")
sys.exit(" ".join({"keras", "tensorflow"} & set(sys.modules)) or 0)"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
