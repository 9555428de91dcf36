"""Each kind of network becomes files that say the same: on the CPU, and mobile ones whole on the GPU accelerator too.

Kinds are told apart by their graphs (`tiny_models.KINDS`): of variants that differ in widths and depths only, one stands for
all. Batch normalisation has measured the pictures, so that the answers are no noise; still, int8 is chaotic in an
untrained network, whose signal a step of one quantum changes: its numbers are proved on trained networks in test_parity.py.
Here stands that an int8 file is integer throughout, and that the GPU's answer goes with the CPU's, which a graph that it
gets wrong does not.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_models import ARCHITECTURES, KINDS, answer_at_near_ties, pictures

import converters
import edge
from converters.specs import model_outputs
from edge.gpu.remote import PRECISIONS
from edge.gpu.vulkan import driver
from zoo import registry, tasks
from zoo.layers import ModelOutput
from zoo.training.batchnorm import recalibrate_batchnorm

# float16 is the graph of float32 with weights rounded: once an architecture is enough.
FILES = [
    (name, recipe)
    for name in KINDS
    for recipe in ("float32", "int8", "float16")
    if recipe != "float16" or (registry.get(name).mobile and name in ARCHITECTURES)
]
TOGETHER = 0.6  # cosine of int8 answers on GPU and CPU; untrained kinds had 0.74 and more, wrong graphs about 0


@functools.lru_cache(maxsize=1)  # files of one network follow each other
def weights_before_and_after(model: keras.Model) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A network's weights as they are, and with batch normalisation that has measured its pictures."""
    before = model.get_weights()
    recalibrate_batchnorm(model, [pictures(model, 4)])
    after = model.get_weights()
    model.set_weights(before)
    return before, after


@pytest.fixture
def model(untrained: keras.Model) -> Iterator[keras.Model]:
    """The network that is converted; afterwards the shared one is what it was."""
    before, after = weights_before_and_after(untrained)
    untrained.set_weights(after)
    yield untrained
    untrained.set_weights(before)


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize(("name", "recipe"), FILES)
def test_a_file_says_what_the_network_says(
    name: str, recipe: str, model: keras.Model, tmp_path: Path, precisions: tuple[str, ...]
) -> None:
    path = tmp_path / f"{recipe}.tflite"
    images, reference = pictures(model), in_half(model) if recipe == "float16" else model
    converters.to_tflite(model, path, recipe=recipe, calibration=pictures(model, 8) if recipe == "int8" else None)
    with edge.Runner(path) as runner:
        said, expected = runner.run(images), answer_at_near_ties(reference, images, runner.positions(images))
        assert runner.card.task == registry.get(name).task
    if recipe == "float32":
        np.testing.assert_allclose(said, expected, atol=5e-4 * expected.std())
    elif recipe == "float16":
        assert np.corrcoef(said.ravel(), expected.ravel())[0, 1] > 0.9999
    else:
        assert np.isfinite(said).all()
    if registry.get(name).mobile:
        assert not (recipe == "int8" and converters.float_islands(path))
        check_without_a_gpu(path)
        if recipe == "float32":
            for end in other_ends(name, model):
                check_without_a_gpu(converters.to_tflite(end, tmp_path / "end.tflite").path)
        # Every graph in all of them; its other files as a phone runs them.
        check_on_the_gpu(path, images, precisions if recipe == "float32" else PRECISIONS[1:])


def other_ends(name: str, model: keras.Model) -> Iterator[keras.Model]:
    """The network with each other output that it can be built with: its body is the same."""
    task, layer = tasks.get(registry.get(name).task), model_outputs(model)[0]
    for output in task.outputs[1:]:
        spec = task.output_spec(layer.trained_on.labels, output=output)
        meant = replace(layer.trained_on, kind=spec.kind, activation=spec.activation)
        yield keras.Model(model.inputs, ModelOutput(layer.task, meant, layer.inputs)(layer.input))


def check_without_a_gpu(path: Path) -> None:
    """Nothing in it that the accelerator is known to get wrong or to refuse, whatever the pictures show of it."""
    known = edge.gpu_lint(path)
    assert known.at("overflow") == (), known.report()


def in_half(model: keras.Model) -> keras.Model:
    """The folded network with its weights rounded as a float16 file has them: an untrained one may answer quite otherwise."""
    folded = converters.fold(model)
    folded.set_weights([weight.astype("float16").astype("float32") for weight in folded.get_weights()])
    return folded


def check_on_the_gpu(path: Path, images: np.ndarray, precisions: tuple[str, ...]) -> None:
    """Whole, and equal to the CPU; in int8, as near to it as its noise lets it be."""
    if driver() is None:
        pytest.skip("no Vulkan driver for the GPU accelerator; the CPU's part has passed")
    verdict = edge.gpu_check(path, list(images), precisions=precisions)
    assert verdict.whole, verdict.report()
    if path.stem == "int8":
        rows = [row for comparisons in verdict.comparisons.values() for row in comparisons]
        assert all(row.measures["cosine"] > TOGETHER for row in rows), verdict.report()
    else:
        assert verdict.ok, verdict.report()
