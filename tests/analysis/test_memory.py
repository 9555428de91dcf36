"""The memory table of a network: by hand, and on the command line."""

from __future__ import annotations

import json

import keras
import pytest
from command import says

from zoo.analysis.memory import memory_table, peak_activations
from zoo.errors import InputError


def small() -> keras.Model:
    image = keras.Input((8, 8, 3), name="picture")
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(image)  # 8×8×4; 3·3·3·4 + 4
    x = keras.layers.BatchNormalization(name="bn")(x)  # 8×8×4; 4·4, half of them trainable
    x = keras.layers.MaxPooling2D(2, name="pool")(x)  # 4×4×4
    shared = keras.layers.Dense(4, name="dense")  # 4·4 + 4, once
    return keras.Model(image, shared(shared(x)))


def test_the_table_is_counted_by_hand() -> None:
    model = small()
    table = memory_table(model)
    assert [(row.name, row.shape) for row in table.layers] == [
        ("image", (8, 8, 3)), ("conv", (8, 8, 4)), ("bn", (8, 8, 4)), ("pool", (4, 4, 4)),
        ("dense", (4, 4, 4)), ("dense", (4, 4, 4)),
    ]  # fmt: skip
    data, parameters, trainable = 192 + 256 + 256 + 64 * 3, 112 + 16 + 20, 112 + 8 + 20
    assert (table.data, table.parameters, table.trainable) == (4 * data, 4 * parameters, 4 * trainable)
    assert table.parameters == 4 * model.count_params() and table.layers[-1].parameters == 0
    assert table.peak == peak_activations(model) == 4 * (256 + 256)
    assert table.test() == 4 * (parameters + 512) and table.test(3) == 4 * (parameters + 3 * 512)
    assert table.train(8) == 4 * (2 * 8 * data + parameters + 3 * trainable)
    assert table.train(8, "sgd") == 4 * (2 * 8 * data + parameters + 2 * trainable)
    for settings in ({"optimizer": "magic"}, {"batch_size": 0}):
        with pytest.raises(InputError):
            table.train(**settings)


def test_the_command_line_shows_it(monkeypatch, capsys, tmp_path) -> None:
    status, text, _ = says(monkeypatch, capsys, "card", "lenet5", "--memory")
    assert status == 0 and "parameters, kB" in text and "train, adamw" in text and "activations at their peak" in text
    small().save(tmp_path / "mine.keras")
    status, text, _ = says(monkeypatch, capsys, "card", tmp_path / "mine.keras", "--memory", "--json")
    facts, table = json.loads(text), memory_table(small())
    assert status == 0 and (facts["data"], facts["parameters"]) == (table.data, table.parameters)
    assert facts["train"]["sgd"]["8"] == table.train(8, "sgd") and facts["layers"][1]["name"] == "conv"
    for arguments in (["--memory"], ["fcn8s", "--size", "64"], ["kmeans", "--memory"], ["fcn9s", "--memory"]):
        status, _, error = says(monkeypatch, capsys, "card", *arguments)
        assert status and error
