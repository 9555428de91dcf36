"""Weights into networks, under the module's name of 0.1: read whole, by layer names, or an encoder's alone.

What it names lies in `zoo.build` and `zoo.pretrained.weights_io`. It stays at the root because programs import it by this name.
"""

from __future__ import annotations

from zoo.build import load_encoder
from zoo.pretrained.weights_io import copy_by_name, load, load_weights

__all__ = ["copy_by_name", "load", "load_encoder", "load_weights"]
