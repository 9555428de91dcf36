"""Pruned kernels stored without their zeros: fewer bytes, the same kernels and the same answers."""

from __future__ import annotations

import itertools
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import converters
from converters.tflite import inspection
from converters.tflite.recipes import SPARSE
from zoo.errors import InputError

L = keras.layers
SIZE, SHARE = (32, 32), 0.8  # of weights that are zero
IMAGES = np.random.default_rng(0).integers(0, 256, (8, *SIZE, 3), np.uint8)
TYPES = {schema.TensorType.FLOAT32: "float32", schema.TensorType.FLOAT16: "float16", schema.TensorType.INT8: "int8"}


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    x = image = keras.Input((*SIZE, 3), name="image")
    x = L.Conv2D(32, 3, 2, padding="same", activation="relu6", name="stem")(L.Rescaling(1 / 127.5, -1)(x))
    x = L.Conv2D(300, 1, activation="relu6", name="wide")(x)  # rows of more weights than a byte counts
    x = L.Conv2D(32, 1, name="narrow")(L.DepthwiseConv2D(3, padding="same", activation="relu6", name="each")(x))
    x = L.Conv2DTranspose(16, 4, 2, "same", name="up")(L.Conv2D(32, 3, padding="same", activation="relu", name="whole")(x))
    x = L.Conv2DTranspose(16, 3, 1, "same", name="turned")(x)
    model = keras.Model(image, L.Dense(90, name="answer")(x))
    for layer in model.layers:
        if layer.weights and not isinstance(layer, L.DepthwiseConv2D):
            kernel, *rest = layer.get_weights()
            kernel[np.abs(kernel) < np.quantile(np.abs(kernel), SHARE)] = 0
            layer.set_weights([kernel, *rest])
    return model


def kernels(path: Path) -> dict[str, np.ndarray]:
    """The constants of a file by shape, whole again where zeros are left out, by a reader of the schema's own words."""
    found, file = {}, inspection.load(path)
    for tensor in file.subgraphs[0].tensors:
        data = file.buffers[tensor.buffer].data
        if data is None or len(tensor.shape) < 2 or tensor.type not in TYPES:
            continue
        numbers = np.frombuffer(bytes(data), TYPES[tensor.type])
        if tensor.sparsity is not None:
            *dense, row = tensor.sparsity.dimMetadata
            assert [each.denseSize for each in dense] == list(tensor.shape[:-1])
            assert [each.format for each in dense] == [schema.DimensionType.DENSE] * len(dense)
            segments, places = row.arraySegments.values, row.arrayIndices.values
            rows = np.zeros((int(np.prod(tensor.shape[:-1])), tensor.shape[-1]), numbers.dtype)
            for at, (start, end) in enumerate(itertools.pairwise(segments)):
                rows[at, places[start:end]] = numbers[start:end]
            numbers = rows
        found[str(tuple(tensor.shape))] = numbers.reshape(tensor.shape)
    return found


@pytest.mark.parametrize("recipe", SPARSE)
def test_zeros_are_left_out(model: keras.Model, recipe: str, tmp_path: Path) -> None:
    options = {"calibration": IMAGES} if converters.RECIPES[recipe].calibrated else {}
    dense, sparse = (
        converters.to_tflite(model, tmp_path / f"{name}.tflite", recipe, **options, sparse=name == "sparse")
        for name in ("dense", "sparse")
    )
    kernels_packed, share = (4, 0.9) if recipe == "int8" else (6, 0.55)  # dense layers and transposed ones keep theirs in int8
    assert sparse.operators["DENSIFY"] == kernels_packed and sparse.bytes < share * dense.bytes
    one, other = kernels(dense.path), kernels(sparse.path)
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
    for kernels_of in (OpResolverType.AUTO, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        run = [Interpreter(str(made.path), experimental_op_resolver_type=kernels_of) for made in (dense, sparse)]
        answers = [each.get_signature_runner()(image=IMAGES[:1].astype("float32"))["answer"] for each in run]
        np.testing.assert_allclose(answers[0], answers[1], atol=1e-5 * np.abs(answers[0]).max())
    assert converters.parity(model, sparse, IMAGES[:2]).passed


def test_bad_input(model: keras.Model, tmp_path: Path) -> None:
    full = keras.models.clone_model(model)
    for wish, network, message in (
        ({}, full, "has so many zeros"),
        ({"recipe": "dynamic"}, model, "'float32', 'float16', 'int8'"),
        ({"engine": "tensorflow"}, model, "engine 'direct'"),
    ):
        with pytest.raises(InputError, match=message):
            converters.to_tflite(network, tmp_path / "a.tflite", sparse=True, **wish)
    assert not list(tmp_path.iterdir())
