"""Scores over a whole data set."""

from zoo.metrics.confusion_matrix import BoundaryScores, ConfusionMatrix

__all__ = ["BoundaryScores", "ConfusionMatrix"]
