"""What TFLite's operators compute, in NumPy and float64: the truth that runtimes are held to.

Written from the operators' definitions and sharing nothing with a runtime. A function is entered by `@computes("CODE")`; it is
given the operator's options, by the schema's names, and its inputs, real numbers as float64, indices as int32, and returns its
output, or a list of them.
"""

from converters.gpu_graphs.truth import elements, images, indices, products, reductions, shapes
from converters.gpu_graphs.truth.registry import compute

__all__ = ["compute", "elements", "images", "indices", "products", "reductions", "shapes"]
