"""Classification: the whole image gets one class."""

from __future__ import annotations

from zoo.tasks.base import Task


class Classification(Task):
    """N×classes logits against N integers."""

    name = "classification"

    def default_labels(self) -> tuple[str, ...]:
        """ImageNet's 1,000 classes by number; a file of names comes with trained weights."""
        return tuple(f"class {i}" for i in range(1000))
