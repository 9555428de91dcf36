"""The demo app writes on from a prompt: what it writes is what the runner writes, and it stops when it is told to."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest
from app_visit import GPU, NEEDS, PATIENCE_MS, Open

import converters
import edge
import zoo
import zoo.layers
from zoo.outputs.decoding import GREEDY

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

LABELS = ("\n", " ", *"abcdefgh")
PROMPT = "bad cab\n"


def step_file(name: str, path: Path) -> Path:
    """A file of one step of an untrained network that says something."""
    keras.utils.set_random_seed(1)
    network = zoo.build(name, classes=LABELS, units=16, embedding=8)
    for layer, factor in (("embedding", 20), ("scores", 6)):
        weights = network.get_layer(layer).get_weights()
        network.get_layer(layer).set_weights([factor * weight for weight in weights])
    return converters.to_tflite(zoo.layers.step_network(network), path).path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return step_file("char_lstm", tmp_path_factory.mktemp("app") / "writer.tflite")


@pytest.mark.parametrize(("name", "accelerator"), [("char_rnn", "wasm"), ("char_lstm", "webgpu")])
def test_it_writes_what_the_runner_writes(visit: Open, name: str, accelerator: str, tmp_path: Path) -> None:
    model = step_file(name, tmp_path / "writer.tflite")
    opened = visit(*(GPU if accelerator == "webgpu" else ())).ready().bring(model)
    page = opened.page
    assert page.is_visible("#writing") and not page.is_visible("#stage")
    page.fill("#prompt", PROMPT)
    page.fill("#temperature", "0")
    page.click("#write")
    assert page.inner_text("#write") == "Stop"
    long_enough = "least => document.querySelector('#written').textContent.length > least"
    page.wait_for_function(long_enough, arg=len(PROMPT) + 60, timeout=PATIENCE_MS)
    page.click("#write")
    written = page.text_content("#written")
    assert page.inner_text("#write") == "Write on"
    with edge.Runner(model) as runner:
        expected = PROMPT + edge.write_on(runner, PROMPT, len(written), GREEDY)
    assert written.startswith(PROMPT) and written == expected[: len(written)]
    page.wait_for_timeout(300)
    assert page.text_content("#written") == written  # stopped is stopped


def test_tokens_are_drawn_and_a_strange_prompt_is_said_to_be_one(visit: Open, model: Path) -> None:
    opened = visit().ready().bring(model)
    page = opened.page
    texts = []
    for _ in range(2):
        page.fill("#prompt", PROMPT)
        page.fill("#temperature", "1.5")
        page.click("#write")
        page.wait_for_function("() => document.querySelector('#written').textContent.length > 70", timeout=PATIENCE_MS)
        page.click("#write")
        texts.append(page.text_content("#written")[:60])
    assert texts[0] != texts[1] and set("".join(texts)) <= set(LABELS)
    page.fill("#prompt", "bad xylophone")
    page.click("#write")
    page.wait_for_selector("#notice:not([hidden])")
    assert "“x”" in page.inner_text("#notice-text") and page.inner_text("#write") == "Write on"
    page.click("#language")
    assert page.inner_text("#write") == "Weiterschreiben"
