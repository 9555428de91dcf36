"""The demo app says a sentence anew: what it says is what the runner says, and what it cannot read is said to be that."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from app_visit import NEEDS, PATIENCE_MS, Open

import converters
import edge
import zoo
from zoo.outputs.vocabulary import SENTENCES

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

LABELS = (*SENTENCES, *"abcdefgh")
SENTENCE = "c a f"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The two files of an untrained network that says something, and does not end at once."""
    keras.utils.set_random_seed(2)
    model = zoo.build(
        "seq2seq", classes=LABELS, input_shape=(1, 7, 1), units=8, embedding=6, attention=5, length=5
    )
    model.set_weights([4 * weight for weight in model.get_weights()])
    model.get_layer("decoder").scores.bias.assign(np.array([-9, -9, -3, *[0] * 8], np.float32))
    written = converters.device_files(model, tmp_path_factory.mktemp("app") / "said.tflite")
    return [each.path for each in written]


def test_it_says_what_the_runner_says(visit: Open, files: list[Path]) -> None:
    opened = visit().ready()
    page = opened.page
    page.evaluate("document.documentElement.dataset.state = 'waiting'")
    page.set_input_files("#model-file", files)
    opened.ready()
    assert page.is_visible("#writing") and not page.is_visible("#stage")
    page.fill("#prompt", SENTENCE)
    page.fill("#temperature", "0")
    page.click("#write")
    page.wait_for_function("() => document.querySelector('#writing').dataset.running === 'false'", timeout=PATIENCE_MS)
    with edge.Runner(files[0]) as runner:
        expected = edge.say(runner, SENTENCE).text
    assert expected and page.text_content("#written") == f"{SENTENCE}\n{expected}"
    page.fill("#prompt", "c x")
    page.click("#write")
    page.wait_for_selector("#notice:not([hidden])")
    assert "“x”" in page.inner_text("#notice-text")
