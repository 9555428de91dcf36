"""Pictures' boxes and answers about them, for metrics that are held to other programs' numbers."""

from __future__ import annotations

import numpy as np

from zoo.data import Boxes

SIZE = (240, 320)


def pictures(count: int = 40, classes: int = 3) -> list[tuple[Boxes, np.ndarray]]:
    """Things of all sizes, some of them crowds; answers about them and astray, with scores that tie."""
    random, samples = np.random.default_rng(0), []
    for _ in range(count):
        things = int(random.integers(0, 9))
        sides = np.exp(random.uniform(np.log(8), np.log(180), (things, 2)))
        low = random.uniform(0, 1, (things, 2)) * (np.array(SIZE[::-1]) - np.minimum(sides, 230))
        truth = np.concatenate([low, np.minimum(low + sides, SIZE[::-1])], axis=1).round(1)
        labels, crowd = random.integers(0, classes, things), random.random(things) < 0.15
        again = random.integers(0, things, 2 * things) if things else np.zeros(0, int)
        near = truth[again] + random.normal(0, 0.12, (len(again), 4)) * np.tile((truth[:, 2:] - truth[:, :2])[again], 2)
        stray = random.uniform(0, 150, (5, 2))
        boxes = np.concatenate([near, np.concatenate([stray, stray + random.uniform(5, 80, (5, 2))], axis=1)])
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        said = np.where(random.random(len(again)) < 0.9, labels[again] if things else 0, 0)
        said = np.concatenate([said, random.integers(0, classes, 5)])
        scores = np.concatenate([random.beta(4, 2, len(again)), random.beta(2, 5, 5)]).round(2)
        samples.append((Boxes(truth, labels, SIZE, crowd), np.column_stack([boxes.round(1), said, scores])))
    return samples
