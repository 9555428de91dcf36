"""Sparsity as the schema says it: which numbers of a tensor its buffer holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.writer.graph import Sparsity

_VECTORS = {"uint8": "Uint8Vector", "uint16": "Uint16Vector", "int32": "Int32Vector"}


def table(shape: Sequence[int], sparsity: Sparsity) -> schema.SparsityParametersT:
    """The table of a tensor that is dense along all axes but the last."""
    result, row = schema.SparsityParametersT(), schema.DimensionMetadataT()
    row.format, row.denseSize = schema.DimensionType.SPARSE_CSR, 0
    row.arraySegmentsType, row.arraySegments = _vector(sparsity.segments)
    row.arrayIndicesType, row.arrayIndices = _vector(sparsity.indices)
    result.traversalOrder = list(range(len(shape)))
    result.dimMetadata = [*map(_dense, shape[:-1]), row]
    return result


def _dense(side: int) -> schema.DimensionMetadataT:
    result = schema.DimensionMetadataT()
    result.format, result.denseSize = schema.DimensionType.DENSE, side
    return result


def _vector(numbers: np.ndarray) -> tuple[int, object]:
    name = _VECTORS[numbers.dtype.name]
    return getattr(schema.SparseIndexVector, name), getattr(schema, f"{name}T")(numbers)
