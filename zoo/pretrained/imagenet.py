"""ImageNet's classes by name, for the weights that were trained on its 1,000."""

from __future__ import annotations

from pathlib import Path

_FILE = Path(__file__).with_name("imagenet_classes.txt")  # a line a class, as torchvision's weights name them


def class_names() -> tuple[str, ...]:
    """The names of the 1,000 classes, in the order of every published classifier."""
    return tuple(_FILE.read_text(encoding="utf-8").splitlines())
