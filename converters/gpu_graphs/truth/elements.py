"""Operators on each number by itself, and on pairs of numbers."""

from __future__ import annotations

import math

import numpy as np

from converters.gpu_graphs.truth.registry import Options, computes, enter_all

_ERF = np.vectorize(math.erf, otypes=[np.float64])

enter_all(
    {
        "RELU": lambda x: np.maximum(x, 0),
        "RELU6": lambda x: np.clip(x, 0, 6),
        "RELU_N1_TO_1": lambda x: np.clip(x, -1, 1),
        "RELU_0_TO_1": lambda x: np.clip(x, 0, 1),
        "ELU": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        "PRELU": lambda x, slope: np.where(x >= 0, x, x * slope),
        "HARD_SWISH": lambda x: x * np.clip(x + 3, 0, 6) / 6,
        "LOGISTIC": lambda x: 1 / (1 + np.exp(-x)),
        "TANH": np.tanh,
        "EXP": np.exp,
        "LOG": np.log,
        "SQRT": np.sqrt,
        "RSQRT": lambda x: 1 / np.sqrt(x),
        "SQUARE": np.square,
        "ABS": np.abs,
        "NEG": np.negative,
        "SIN": np.sin,
        "COS": np.cos,
        "FLOOR": np.floor,
        "CEIL": np.ceil,
        "ROUND": np.rint,
        "SIGN": np.sign,
        "LOGICAL_NOT": np.logical_not,
        "QUANTIZE": lambda x: x,  # real numbers stay what they are; who rounds them is the tensor
        "DEQUANTIZE": lambda x: x,
        "ADD": np.add,
        "SUB": np.subtract,
        "MUL": np.multiply,
        "DIV": np.divide,
        "MAXIMUM": np.maximum,
        "MINIMUM": np.minimum,
        "POW": np.power,
        "ATAN2": np.arctan2,
        "FLOOR_DIV": np.floor_divide,
        "FLOOR_MOD": np.mod,
        "SQUARED_DIFFERENCE": lambda x, y: np.square(x - y),
        "EQUAL": np.equal,
        "NOT_EQUAL": np.not_equal,
        "GREATER": np.greater,
        "GREATER_EQUAL": np.greater_equal,
        "LESS": np.less,
        "LESS_EQUAL": np.less_equal,
        "LOGICAL_AND": np.logical_and,
        "LOGICAL_OR": np.logical_or,
        "SELECT": np.where,
        "SELECT_V2": np.where,
    }
)


@computes("LEAKY_RELU")
def leaky(options: Options, x: np.ndarray) -> np.ndarray:
    """A slope below zero."""
    return np.where(x > 0, x, x * options["alpha"])


@computes("GELU")
def gelu(options: Options, x: np.ndarray) -> np.ndarray:
    """The number times the normal distribution up to it, or the approximation by tanh."""
    if options.get("approximate"):
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + _ERF(x / math.sqrt(2)))


@computes("CAST")
def cast(options: Options, x: np.ndarray) -> np.ndarray:
    """Another type; what follows the point is cut off."""
    return x.astype({"float32": np.float64}.get(options["to"], options["to"]))
