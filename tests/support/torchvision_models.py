"""torchvision's networks with random weights, where it is installed: what `weights="torchvision:FILE"` is held to."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

MISSING_OPERATORS = ("nms", "qnms")  # whose shapes torchvision describes when it is imported


def torchvision_models() -> ModuleType:
    """`torchvision.models`; the test is skipped where PyTorch or torchvision are not installed.

    Beside PyTorch's build for CPUs, torchvision's wheel of PyPI finds no libraries for its operators and fails at import.
    The classifiers and segmenters need none of them, so their names alone are enough.
    """
    torch = pytest.importorskip("torch")
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    try:
        import torchvision.models
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in MISSING_OPERATORS:
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision.models

        torchvision.operators_without_kernels = library  # goes with its last reference
    return sys.modules["torchvision.models"]


def randomized(network: Any, seed: int = 0) -> Any:
    """The network in inference with random weights and statistics of every kind, which neither vanish nor explode."""
    import torch
    from torch import nn

    generator = torch.Generator().manual_seed(seed)

    def uniform(tensor: Any, low: float, high: float) -> None:
        tensor.copy_(torch.empty_like(tensor).uniform_(low, high, generator=generator))

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                spread = (2 / module.weight[0].numel()) ** 0.5
                module.weight.normal_(0, spread, generator=generator)
                if module.bias is not None:
                    uniform(module.bias, -0.1, 0.1)
            elif isinstance(module, nn.BatchNorm2d):
                uniform(module.weight, 0.5, 1.0)
                uniform(module.bias, -0.1, 0.1)
                uniform(module.running_mean, -0.1, 0.1)
                uniform(module.running_var, 0.2, 1.5)  # small ones, where another epsilon would show
    return network.eval()


def their_answer(network: Any, images: np.ndarray, statistics: tuple[Any, Any]) -> np.ndarray:
    """The network's answer to N×H×W×3 of 0–255, channels last, after its own normalisation."""
    import torch

    mean, spread = statistics
    seen = torch.from_numpy(((images - mean) / spread).astype("float32").transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        answer = network(seen)
    answer = answer["out"] if isinstance(answer, dict) else answer
    answer = answer.numpy()
    return answer.transpose(0, 2, 3, 1) if answer.ndim == 4 else answer
