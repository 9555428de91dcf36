"""Masked attention in integers: near to Keras in whatever form its mask comes, where −1e9 among the scores would drown them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from writer_run import answers, expected, written

from converters.quantization.integers import quantization
from converters.quantization.integers.quantization import Widths, quantize
from converters.tflite.writer.flatbuffer import Writer

L, ops = keras.layers, keras.ops
PLACES, WIDTH, BATCHES, BLIND = 12, 8, 16, 3  # a row of the last batch sees nothing
NEAR, FAR = {8: 0.08, 16: 0.02}, 0.5  # root mean square, as a share of the answer's spread
Make = Callable[..., Any]


def _shared(x: Any, mask: Any) -> Any:
    """One mask for two layers, in a shape that each makes for itself."""
    hidden = (1 - mask) * -1e9
    for _ in range(2):
        x = x + ops.matmul(ops.softmax(L.Dense(PLACES)(x) + ops.reshape(hidden, (-1, PLACES, PLACES))), x)
    return x


def _kept_or_not(x: Any, mask: Any) -> Any:
    return ops.softmax(ops.where(mask > 0.5, L.Dense(PLACES)(x), -1e4))


FORMS: dict[str, tuple[str, Make]] = {  # → the mask's type, where it is an input; of depths it holds what is added
    "causal heads": ("", lambda x: L.MultiHeadAttention(2, 8)(x, x, use_causal_mask=True)),
    "causal attention": ("", lambda x: L.Attention()([L.Dense(WIDTH)(x), x], use_causal_mask=True)),
    "heads": ("bool", lambda x, mask: L.MultiHeadAttention(2, 8)(x, x, attention_mask=mask)),
    "softmax": ("float32", lambda x, mask: L.Softmax()(L.Dense(PLACES)(x), mask=mask)),
    "added": ("float32", lambda x, mask: L.Softmax()(L.Dense(PLACES)(x) + (1 - mask) * -1e9)),
    "taken off": ("bool", lambda x, mask: L.Softmax()(L.Dense(PLACES)(x) - (1 - ops.cast(mask, "float32")) * 1e9)),
    "chosen": ("float32", _kept_or_not),
    "shared": ("float32", _shared),
    "given": ("depths", lambda x, mask: L.Softmax()(L.Dense(PLACES)(x) + mask)),
}
Batches = list[list[np.ndarray]]


def net(kind: str, make: Make) -> tuple[keras.Model, Batches]:
    """A network of peaked scores, and what it is asked."""
    random = np.random.default_rng(0)
    x = keras.Input((PLACES, WIDTH))
    depths = kind == "depths"
    inputs = [x, keras.Input((PLACES, PLACES), dtype="float32" if depths else kind)] if kind else [x]
    model = keras.Model(inputs if kind else x, make(*inputs))
    for weight in model.weights:
        weight.assign(random.normal(size=weight.shape) * (1.2 if "query" in weight.path or "key" in weight.path else 0.8))
    arrays = [random.normal(size=(BATCHES, PLACES, WIDTH)).astype("float32")]
    if kind:
        seen = random.random((BATCHES, PLACES, PLACES)) < 0.6
        seen[-1, BLIND] = False
        arrays.append(np.where(seen, 0, -1e9).astype("float32") if depths else seen.astype(kind))
    return model, [[array[at : at + 1] for array in arrays] for at in range(BATCHES)]


def integers(model: keras.Model, batches: Batches, bits: int) -> bytes:
    graph = written(model)
    quantize(graph, batches, Widths(bits), bytes_in=set())
    return Writer(graph).bytes()


def error(content: bytes, model: keras.Model, batches: Batches) -> float:
    truth = np.concatenate([expected(model, batch)[0] for batch in batches])
    ours = np.concatenate([answers(content, batch)[0] for batch in batches])
    return float(np.sqrt(np.mean(np.square(ours - truth))) / truth.std())


@pytest.mark.parametrize("form", FORMS)
def test_masked_scores_keep_their_steps(form, monkeypatch):
    model, batches = net(*FORMS[form])
    found = {bits: error(integers(model, batches, bits), model, batches) for bits in NEAR}
    monkeypatch.setattr(quantization, "limit_masks", lambda *_: None)
    before = error(integers(model, batches, 8), model, batches)
    assert all(found[bits] < near for bits, near in NEAR.items()) and before > FAR, (found, before)


@pytest.mark.parametrize("form", ["added", "taken off", "chosen", "given"])
def test_a_row_that_sees_nothing_is_uniform(form):
    model, batches = net(*FORMS[form])
    row = answers(integers(model, batches, 8), batches[-1])[0][0, BLIND]
    np.testing.assert_allclose(row, 1 / PLACES, atol=2 / 256)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: L.MultiHeadAttention(2, 8)(x, x),
        lambda x: L.Softmax()(L.Dense(PLACES)(x) + np.linspace(-9, 9, PLACES**2, dtype="float32").reshape(PLACES, PLACES)),
        lambda x: [L.Softmax()(L.Dense(PLACES)(x) - 1e4), L.Softmax()(L.Dense(PLACES)(x) * 200)],
    ],
    ids=["heads", "bias", "nothing to tell apart"],
)
def test_what_is_not_masked_stays_as_it_is(make, monkeypatch):
    model, batches = net("", make)
    content = integers(model, batches, 8)
    monkeypatch.setattr(quantization, "limit_masks", lambda *_: None)
    assert content == integers(model, batches, 8)
