"""Losses, which networks learn from: over logits, with an ignore label, and the weights that balance classes.

All of them take targets of class indices (N, H×W or N×H×W; any integer or float dtype holding whole numbers) and logits
with one more axis, the classes, at the end; or instead of targets what `loss.prepare` made of them, which `zoo.train`
asks for. They compute in float32 whatever the network's precision is, give one scalar for the batch, and give exactly 0
(and zero gradient) for a batch in which every target is the ignore label.
"""

from __future__ import annotations

from zoo.losses.base import DenseLoss, WeightedSum, prepared
from zoo.losses.border import BorderWeightedCrossEntropy
from zoo.losses.boundary import BoundaryLoss
from zoo.losses.class_weights import class_weights_from
from zoo.losses.cross_entropy import FocalLoss, HardPixelCrossEntropy, SegmentationCrossEntropy
from zoo.losses.distillation import Distillation
from zoo.losses.region import DiceLoss, LovaszSoftmax

__all__ = [
    "BorderWeightedCrossEntropy",
    "BoundaryLoss",
    "DenseLoss",
    "DiceLoss",
    "Distillation",
    "FocalLoss",
    "HardPixelCrossEntropy",
    "LovaszSoftmax",
    "SegmentationCrossEntropy",
    "WeightedSum",
    "class_weights_from",
    "prepared",
]
