"""Products of matrices."""

from __future__ import annotations

import numpy as np

from converters.gpu_graphs.truth.registry import Options, computes


@computes("FULLY_CONNECTED")
def fully_connected(options: Options, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Rows times a kernel O×I."""
    result = x.reshape(-1, kernel.shape[1]) @ kernel.T
    if options.get("keepNumDims"):
        result = result.reshape(*x.shape[:-1], -1)
    return result if bias is None else result + bias


@computes("BATCH_MATMUL")
def batch_matmul(options: Options, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Matrices of the last two axes, either of them transposed first."""
    left = np.swapaxes(x, -1, -2) if options.get("adjX") else x
    return left @ (np.swapaxes(y, -1, -2) if options.get("adjY") else y)
