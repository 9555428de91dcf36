"""A tiny network whose answer is known and has several classes: it names the nearest of five colours. And pictures for it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

LABELS = ("background", "brick", "person", "water", "straw")
COLOURS = np.array([[40, 44, 42], [190, 70, 50], [60, 150, 80], [60, 110, 190], [225, 190, 90]], np.float32)
SIZE = (96, 128)  # height, width of the input; the scores come at half of it


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 height×width×3: soft-edged discs and bars of all five colours, lit unevenly, with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / min(height, width)
    picture = np.broadcast_to(COLOURS[0], (height, width, 3)).copy()
    for _ in range(3):
        for colour in COLOURS[1:]:
            cy, cx, radius = rng.uniform(0, y.max()), rng.uniform(0, x.max()), rng.uniform(0.1, 0.28)
            slope = rng.uniform(-1, 1)
            inside = np.hypot(y - cy, x - cx) < radius if rng.random() < 0.5 else abs(y - cy + slope * (x - cx)) < radius / 3
            picture[inside] = colour
    light = 0.85 + 0.3 * (x / x.max())[..., None]
    return np.clip(picture * light + rng.normal(0, 9, picture.shape), 0, 255).astype(np.uint8)


def write_model(
    path: Path,
    recipe: str = "float32",
    *,
    described: bool = True,
    head: str = "logits",
    name: str | None = None,
    size: tuple[int, int] = SIZE,
    awkward: bool = False,
) -> Path:
    """The network as a .tflite; `described` appends densezoo.json, as densezoo's converters do.

    `awkward` ends it in an operator that LiteRT's GPU accelerator does not know.
    """
    import tensorflow as tf

    height, width = size
    mean = np.repeat(np.eye(3, dtype=np.float32)[None] / 9, 9, 0).reshape(3, 3, 3, 3)
    # |x - c|² is least where 2 c·x - |c|² is greatest.
    weights, bias = (2 * COLOURS.T / 255**2)[None, None], -(COLOURS**2).sum(1) / 255**2

    def colours(image: tf.Tensor) -> tf.Tensor:
        scores = tf.nn.conv2d(tf.nn.conv2d(image, mean, 2, "SAME"), weights, 1, "SAME") + bias
        scores = tf.math.l2_normalize(scores, -1) if awkward else scores
        return tf.argmax(scores, -1, output_type=tf.int32) if head == "classes" else scores

    call = tf.function(colours, input_signature=[tf.TensorSpec((1, height, width, 3), tf.float32, name="image")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([call.get_concrete_function()])
    if recipe == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        samples = [scene(height, width, seed)[None].astype(np.float32) for seed in range(8)]
        converter.representative_dataset = lambda: ([sample] for sample in samples)
    path.write_bytes(converter.convert())
    if described:
        name = name or f"colours as {recipe if head == 'logits' else head}"
        append(path, description(recipe, head, name, size))
    return path


def append(path: Path, told: dict[str, object]) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", "\n".join(LABELS))
        archive.writestr("densezoo.json", json.dumps(told))


def description(recipe: str, head: str, name: str, size: tuple[int, int]) -> dict[str, object]:
    return {
        "format": 1,
        "name": name,
        "task": "segmentation",
        "head": head,
        "labels": LABELS,
        "palette": [[int(part) for part in colour] for colour in COLOURS],
        "input": {"name": "image", "size": size, "channels": 3, "range": [0, 255]},
        "recipe": recipe,
        "io": "float32",
        "provenance": {"densezoo": "0.1.0", "weights_sha256": "0" * 64, "calibration": None},
        "scores": {"scenes mIoU": 0.9},
    }


def write_camera(path: Path, frames: list[np.ndarray]) -> Path:
    """A .y4m film for Chromium's fake camera, from uint8 pictures of one even size."""
    from PIL import Image

    height, width = frames[0].shape[:2]
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            luma, blue, red = Image.fromarray(frame).convert("YCbCr").split()
            half = (width // 2, height // 2)
            film.write(b"FRAME\n" + luma.tobytes() + blue.resize(half).tobytes() + red.resize(half).tobytes())
    return path


def iou(answer: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Intersection over union of two class maps, for each class that either has."""
    shares = {}
    for index, label in enumerate(LABELS):
        union = np.count_nonzero((answer == index) | (truth == index))
        if union:
            shares[label] = np.count_nonzero((answer == index) & (truth == index)) / union
    return shares
