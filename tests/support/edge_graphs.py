"""Descriptions to put into small TFLite files."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from probe_graphs import SIDE


def description(**changes: object) -> dict:
    """A densezoo.json for `deep` in format 1, with changes."""
    return {
        "format": 1,
        "name": "deep",
        "task": "segmentation",
        "head": "logits",
        "labels": ["background", "cat", "dog", "bird", "fish"],
        "palette": [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]],
        "input": {"name": "image", "size": [SIDE, SIDE], "channels": 3, "range": [0, 255]},
        "recipe": "float32",
        "io": "float32",
        "provenance": {"densezoo": "0.1.0", "calibration": None},
        "scores": {"miou": 0.5},
        **changes,
    }


def description_2(**changes: object) -> dict:
    """A densezoo.json for `deep` in format 2, with changes; those of its output's spec by the output's keys."""
    output = {
        "name": "answer",
        "kind": "class_scores",
        "channels": 5,
        "labels": ["background", "cat", "dog", "bird", "fish"],
        "palette": [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]],
        "activation": "linear",
        "unit": "",
        "range": None,
        "scale": 1,
    }
    return {
        "format": 2,
        "name": "deep",
        "task": "segmentation",
        "inputs": [{"name": "image", "size": [SIDE, SIDE], "channels": 3, "range": [0, 255], "frames": 1}],
        "outputs": [{key: changes.pop(key, value) for key, value in output.items() if key != "name"} | {"name": "answer"}],
        "recipe": "float32",
        "io": "float32",
        "license": "free",
        "description": "tells animals apart",
        "provenance": {"densezoo": "0.2.0", "calibration": None},
        "scores": {"animals/test": {"images": 3, "scores": [{"name": "miou", "value": 0.5, "unit": "share"}]}},
        **changes,
    }


def describe(source: Path, path: Path, text: str | None = None, **changes: object) -> Path:
    """A copy of `source` with densezoo.json appended as a zip, as the converters do."""
    path.write_bytes(source.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("densezoo.json", json.dumps(description(**changes)) if text is None else text)
    return path
