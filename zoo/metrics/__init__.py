"""Scores over a whole data set."""

from zoo.metrics.base import Metric, Score
from zoo.metrics.confusion_matrix import BoundaryScores, ConfusionMatrix

__all__ = ["BoundaryScores", "ConfusionMatrix", "Metric", "Score"]
