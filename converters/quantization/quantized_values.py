"""Between real numbers and what a tensor of a file stores of them."""

from __future__ import annotations

from typing import Any

import numpy as np


def stored(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    """Real numbers as the tensor that an interpreter's `detail` describes holds them."""
    scale, zero = detail["quantization"]
    if not scale:
        return values.astype(detail["dtype"])
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.round(values / scale + zero), limits.min, limits.max).astype(detail["dtype"])


def real(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    """The real values that a tensor's numbers stand for."""
    scale, zero = detail["quantization"]
    return (values.astype(np.float32) - zero) * scale if scale else values
