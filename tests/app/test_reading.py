"""The demo app judges a sentence: the shares are the runner's, in sight, by keyboard and read out."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from app_visit import AXE, GPU, NEEDS, Open, check_accessible

import converters
import edge
import zoo
from zoo.outputs.vocabulary import SENTENCES

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

CLASSES, WORDS = ("first", "second", "third"), (*SENTENCES, "star", "disk", "left", "of", "the")
ROUNDED = 6e-3  # of a share, as it is written


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of an untrained network that says something."""
    keras.utils.set_random_seed(1)
    network = zoo.build("text_classifier", CLASSES, (1, 7, 1), vocabulary=WORDS, units=8, embedding=6)
    for name, factor in (("embedding", 30), ("scores", 6)):
        layer = network.get_layer(name)
        layer.set_weights([factor * weight for weight in layer.get_weights()])
    return converters.to_tflite(network, tmp_path_factory.mktemp("app") / "judge.tflite").path


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_it_says_what_the_runner_says(visit: Open, model: Path, accelerator: str) -> None:
    opened = visit(*(GPU if accelerator == "webgpu" else ())).ready()
    assert not opened.page.is_visible("#reading")
    page = opened.bring(model).page
    assert page.is_visible("#reading") and not page.is_visible("#stage") and not page.is_visible("#writing")
    said = set()
    with edge.Runner(model) as runner:
        for text in ("the star left of the disk", "the disk left of the star", "star"):
            expected, before = runner(text), page.text_content("#spoken")
            page.fill("#read-text", text)
            page.press("#read-text", "Enter")
            page.wait_for_function("before => document.querySelector('#spoken').textContent !== before", arg=before)
            labels, shares = (page.locator(f"#legend .{part}").all_inner_texts() for part in ("label", "share"))
            found = dict(zip(labels, (float(share.rstrip("%")) / 100 for share in shares), strict=True))
            assert found == pytest.approx(dict(zip(CLASSES, expected.tolist(), strict=True)), abs=ROUNDED)
            assert labels[0] == CLASSES[int(np.argmax(expected))]
            said.add(page.text_content("#spoken"))
    assert len(said) == 3
    if AXE.is_file():
        check_accessible(opened)


def test_what_cannot_be_read_gets_a_sentence(visit: Open, model: Path) -> None:
    page = visit().ready().bring(model).page
    for text, sentence in (
        ("the stair", "does not know “stair”. .*star"),
        ("the " * 7, "has 7 words; there is room for 6"),
        ("", "There is no sentence yet"),
    ):
        page.fill("#read-text", text)
        page.click("#read")
        page.wait_for_function("text => RegExp(text).test(document.querySelector('#notice-text').textContent)", arg=sentence)
        assert page.get_attribute("#read-text", "aria-invalid") == "true"
        assert page.evaluate("document.activeElement.id") == "read-text"
    page.click("#language")
    assert page.inner_text("#read") == "Beurteilen" and "5 Wörter" in page.inner_text("#readable-title")
