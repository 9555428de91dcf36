"""Training and evaluation of any network on any data set, under any Keras backend.

>>> import zoo
>>> result = zoo.train(model, zoo.data.open("scenes"), zoo.data.open("scenes", "val"), epochs=10, folder="runs/first")
>>> zoo.evaluate(model, zoo.data.open("scenes", "test")).scores["miou"]
"""

from __future__ import annotations

from zoo.training.evaluation import Evaluation, evaluate
from zoo.training.run import Result, train

__all__ = ["Evaluation", "Result", "evaluate", "train"]
