"""Targets: the types of answers that a sample can hold.

>>> boxes = Boxes([[0, 0, 4, 2]], labels=[3], picture=(8, 10))
>>> boxes.flip(1).values.tolist()
[[6.0, 0.0, 10.0, 2.0]]
"""

from zoo.data.targets.base import Batch, Size, Target, mirror
from zoo.data.targets.boxes import NO_BOX, Boxes
from zoo.data.targets.fixations import Fixations
from zoo.data.targets.flow_field import FlowField
from zoo.data.targets.instances import UNKNOWN, InstanceMask
from zoo.data.targets.joints import Joints
from zoo.data.targets.label import Label, Tokens
from zoo.data.targets.pixels import NO_LABEL, HeatMap, Mask, TargetImage
from zoo.data.targets.sentence import Sentence

__all__ = [
    "NO_BOX",
    "NO_LABEL",
    "UNKNOWN",
    "Batch",
    "Boxes",
    "Fixations",
    "FlowField",
    "HeatMap",
    "InstanceMask",
    "Joints",
    "Label",
    "Mask",
    "Sentence",
    "Size",
    "Target",
    "TargetImage",
    "Tokens",
    "mirror",
]
